"""Windows tile time without gap or overlap, and every day is planned once."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.model import DayFile, DayKey, FinalityPolicy, Window, midnight
from voxlake.pipeline.plan import plan, span

instants = st.integers(946_684_800, 4_102_444_800).map(lambda at: datetime.fromtimestamp(at, UTC))
RULE = FinalityPolicy(timedelta(hours=72), timedelta(days=14))


@given(instants, st.integers(1, 10**8), st.integers(1, 50))
def test_pieces_tile(start, seconds, pieces):
    """Pieces are the window, none is empty, and a window of days is cut at midnights."""
    window = Window(start, start + timedelta(seconds=seconds))
    cut = window.split(pieces)
    assert (cut[0].start, cut[-1].end) == (window.start, window.end)
    assert all(one.end == other.start for one, other in itertools.pairwise(cut))
    assert all(piece.seconds > 0 for piece in cut)
    assert len(cut) == min(pieces, len(window.days) if len(window.days) > 1 else seconds)
    if len(window.days) > 1:
        assert all(piece.start == midnight(piece.start.date()) for piece in cut[1:])


def part(day=date(2026, 1, 1), **change):
    """Return a part."""
    fields = {
        "key": DayKey(1, "sms", day),
        "row_count": 1,
        "total_count": 1,
        "verified": True,
        "moving": 0,
        "exported_at": datetime(2026, 1, 5, tzinfo=UTC),
        "checksum": "",
    }
    return DayFile(**fields | change)


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_neighbours(one, other):
    """Days that touch are asked for together, each once."""
    days = {date(2026, 1, 1) + timedelta(days=n) for n in one | other}
    windows = Window.joining(days)
    assert sorted(days) == [day for window in windows for day in window.days]
    assert all(one.end < other.start for one, other in itertools.pairwise(windows))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({}, "final"),
        ({"moving": 2}, "probe"),
        ({"exported_at": datetime(2026, 1, 2, 1, tzinfo=UTC)}, "probe"),
        ({"exported_at": datetime(2026, 1, 1, 23, tzinfo=UTC)}, "read"),
        ({"verified": False}, "read"),
    ],
)
def test_plan(change, what):
    """A day is read, probed or left alone by what is known of it, and read when forced or unknown."""
    known = part(**change)
    day = known.key.date
    made = plan([day], {day: known}, finality=RULE)
    assert {"read": made.read, "probe": made.probe, "final": made.final}[what] == (
        (known,) if what == "probe" else (day,)
    )
    assert made.open == (what != "final")
    assert plan([day], {day: known}, finality=RULE, force=True).read == (day,)
    assert plan([day], {}, finality=RULE).read == (day,)


def test_span_excludes_its_end():
    """A span has its first day and lacks its end."""
    assert span(date(2026, 1, 31), date(2026, 2, 2)) == [date(2026, 1, 31), date(2026, 2, 1)]


def test_final():
    """Final is: verified after the settling time, and nothing can change or it is too old to wait for."""
    assert part().final(RULE)
    assert not part(verified=False).final(RULE)
    assert not part(exported_at=datetime(2026, 1, 4, 23, 59, 59, tzinfo=UTC)).final(RULE)
    assert not part(moving=1).final(RULE)
    assert part(moving=1, exported_at=datetime(2026, 1, 16, tzinfo=UTC)).final(RULE)
