"""Days that have a file are found by names alone, and they are the days that a scan finds."""

import random
from datetime import date, timedelta
from itertools import pairwise

import pytest

from voxlake.lake import Lake
from voxlake.lake.layout import last_of_month
from voxlake.lake.presence import DaySet, held_days
from voxlake.lake.scan import scan
from voxlake.model import DayKey

DAY = timedelta(days=1)


def put(path):
    """Make an empty file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def found(lake, accounts=None):
    """Return the days that are found by names."""
    return {(its.account_id, its.stream): list(its.days) for its in held_days(lake.layout, accounts)}


def test_days_are_those_of_a_scan(tmp_path):
    """Days in files of their own and of months, whole or not, side by side and beside what is no day."""
    lake = Lake(tmp_path)
    draw = random.Random(1)
    for account in (1, 2, 3):
        for stream in ("sms", "a2p"):
            for n in range(400):
                day = date(2025, 1, 1) + DAY * n
                key = DayKey(account, stream, day)
                kind = draw.choice(["day", "day", "day", "none", "empty"])
                if kind == "day":
                    put(lake.layout.day_file(key))
                elif kind == "empty":
                    lake.layout.day_file(key).parent.mkdir(parents=True)
                if day == last_of_month(day) and draw.random() < 0.7:
                    put(lake.layout.month_file(key, draw.choice([day.day, day.day, draw.randint(1, day.day)])))
    table = lake.layout.lake / "sms_history"
    for name in ("account_id=1/date=2025-13-01", "account_id=1/date=20250301", "account_id=1/other", "account_id=x"):
        put(table / name / "part.parquet")
    put(table / "account_id=1" / "date=2024-04-30" / "days-31.parquet")
    put(table / "account_id=1" / "date=2024-04-29" / "days-29.parquet")
    put(table / "account_id=1" / "date=2024-05-31")
    for accounts in (None, [2], [2, 9]):
        scanned = {(its.account_id, its.stream): list(its.stamps) for its in scan(lake.layout, accounts)}
        assert found(lake, accounts) == scanned
    assert len(found(lake)) == 6


@pytest.mark.parametrize("first", [date(2024, 1, 31), date(2024, 12, 1), date(1, 1, 1), date(9999, 12, 20)])
def test_spans(first):
    """A set of days has those that were put in, once and in order, and says which spans it covers."""
    number = first.toordinal()
    days = DaySet([(number + 5, number + 8), (number, number + 3), (number + 2, number + 4)])
    assert list(days) == [first + DAY * n for n in (0, 1, 2, 3, 5, 6, 7)]
    assert len(days) == 7
    assert all(one < other for one, other in pairwise(days))
    assert [first + DAY * n in days for n in range(9)] == [True] * 4 + [False] + [True] * 3 + [False]
    assert days.covers(number + 1, number + 4)
    assert not days.covers(number + 1, number + 5)
    assert days.covers(number + 4, number + 4)
    assert days.last == first + DAY * 7
    assert (list(DaySet()), DaySet().last, first in DaySet()) == ([], None, False)
    assert "2024-01-31" not in days
