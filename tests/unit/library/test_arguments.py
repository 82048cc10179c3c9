"""Days, streams and deadlines, as programs write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from voxlake.errors import SettingsError
from voxlake.library.arguments import day_range, finality, find_streams
from voxlake.library.inputs import utc_day
from voxlake.pipeline import DayRange

TODAY = date(2026, 3, 11)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("value", "first", "end"),
    [
        (date(2026, 3, 1), 1, 1),
        ("2026-03-01", 1, 1),
        ("20260301", 1, 1),
        ("2026-03-02T08:59:59+09:00", 1, 2),
        (datetime(2026, 3, 1, tzinfo=UTC), 1, 1),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), 1, 2),
        (datetime(2026, 3, 2, 9, tzinfo=TOKYO), 2, 2),
    ],
)
def test_days(value, first, end):
    """A date is itself, and a time is rounded out to a UTC day."""
    assert utc_day(value, "since") == date(2026, 3, first)
    assert utc_day(value, "until", end=True) == date(2026, 3, end)


@pytest.mark.parametrize(
    "value", ["", "yesterday", "2026-13-01", "2026-03-01T12:00", NOON.replace(tzinfo=None), 20260301]
)
def test_what_is_not_a_day(value):
    """Neither a word nor a number is a day, nor a time without a zone."""
    with pytest.raises(SettingsError, match=r"^since "):
        utc_day(value, "since")


def test_ranges():
    """The end is excluded and at most the limit; the sentence has the names of the arguments."""
    assert day_range("2026-03-01", None, today=TODAY, limit=TODAY) == DayRange(date(2026, 3, 1), TODAY)
    assert day_range(None, "2099-01-01", today=TODAY, limit=TODAY) == DayRange(None, TODAY)
    for since, until, message in [
        ("2026-03-02", "2026-03-02", "since 2026-03-02 is not before until 2026-03-02: the end is excluded."),
        ("2026-03-12", None, "since 2026-03-12 is in the future: the last UTC day is 2026-03-11."),
        ("1999-12-31", None, "since 1999-12-31 is older than any message: use a day from 2000 on."),
    ]:
        with pytest.raises(SettingsError) as error:
            day_range(since, until, today=TODAY, limit=TODAY)
        assert str(error.value) == message


def test_streams():
    """A name, several, each once, and all of them."""
    assert [stream.name for stream in find_streams("a2p")] == ["a2p"]
    assert [stream.name for stream in find_streams(("sms", "sms"))] == ["sms"]
    assert [stream.name for stream in find_streams("all")] == ["sms", "a2p"]
    for names, message in (("smss", "did you mean 'sms'?"), ([], "No stream"), (["calls"], "use sms, a2p")):
        with pytest.raises(SettingsError) as error:
            find_streams(names)
        assert message in str(error.value)


def test_deadlines():
    """Fractions are fine; what is negative or not a number is not."""
    assert finality(0.5, 1).time == timedelta(minutes=30)
    for settle_hours, give_up_days in ((-1, 1), (1, float("nan"))):
        with pytest.raises(SettingsError, match="give a number of at least 0"):
            finality(settle_hours, give_up_days)
