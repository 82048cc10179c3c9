"""Rows of sms as they are decoded from a reply, spread over days."""

from datetime import UTC, datetime, timedelta

from voxlake.transform import SMS


def message(number, at, **fields):
    """Return a row of a reply."""
    row = dict.fromkeys(SMS.wire.names) | {"message_id": number, "processed_at": at, "status_id": 1}
    return row | fields


def messages(day, count, *, first=1):
    """Return rows that are spread over the noon of a UTC day."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return [message(first + n, noon + timedelta(seconds=n)) for n in range(count)]
