"""Days as the tests speak of them."""

from datetime import UTC, date, datetime


def days_ago(number):
    """Give a UTC day before today."""
    return date.fromordinal(datetime.now(tz=UTC).date().toordinal() - number)
