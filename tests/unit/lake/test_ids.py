"""Days that may share messages are found by the ranges of their ids."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from voxlake.lake.ids import overlapping
from voxlake.model import DayKey

ids = st.integers(min_value=0, max_value=30)
ranges = st.lists(st.tuples(ids, ids).map(sorted).map(tuple), max_size=12)


@given(ranges, st.sets(st.integers(min_value=0, max_value=14)))
def test_overlapping(found, asked):
    """They are those whose range meets that of a suspect, and the suspect; what has no range is nothing."""
    keys = [DayKey(1, "sms", date(2026, 1, 1) + timedelta(days=n)) for n in range(15)]
    by_day = dict(zip(keys, found, strict=False))
    suspects = {keys[n] for n in asked}
    expected = {
        key
        for suspect in suspects & by_day.keys()
        for key, other in by_day.items()
        if key != suspect and other[0] <= by_day[suspect][1] and by_day[suspect][0] <= other[1]
        for key in (suspect, key)
    }
    assert overlapping(by_day, suspects) == sorted(expected)
