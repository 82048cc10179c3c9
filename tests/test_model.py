"""Windows tile time without gap or overlap."""

import itertools
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from voxlake.model import Cell, Part, Window, midnight
from voxlake.plan import chunks, plan, span

instants = st.integers(946_684_800, 4_102_444_800).map(lambda at: datetime.fromtimestamp(at, UTC))
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@given(instants, st.integers(2, 10**8))
def test_halves_tile(start, seconds):
    """Two halves are the window, and a window of days is cut at a midnight."""
    window = Window(start, start + timedelta(seconds=seconds))
    first, second = window.halves()
    assert (first.start, first.end, second.end) == (window.start, second.start, window.end)
    assert first.start < first.end < second.end
    if len(window.days) > 1:
        assert first.end == midnight(first.end.date())


@given(days, st.integers(1, 400), st.integers(0, 10**6), st.integers(1, 10**5))
def test_chunks_tile(first, length, rows, most):
    """Chunks are the window, in whole days and in order."""
    window = Window.of_days(first, first + timedelta(days=length - 1))
    pieces = list(chunks(window, rows=rows, most=most))
    assert window.days == [day for piece in pieces for day in piece.days]


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_plan_covers_what_is_not_final(wanted, final):
    """Every wanted day that is not final is planned once, and no other."""
    wanted, final = ({date(2026, 1, 1) + timedelta(days=n) for n in numbers} for numbers in (wanted, final))
    windows = plan(wanted, final=final)
    assert sorted(wanted - final) == [day for window in windows for day in window.days]
    assert all(one.end < other.start for one, other in itertools.pairwise(windows))


def test_span_excludes_its_end():
    """A span has its first day and lacks its end."""
    assert span(date(2026, 1, 31), date(2026, 2, 2)) == [date(2026, 1, 31), date(2026, 2, 1)]


def part(**change):
    """Give a part of 2026-01-01."""
    fields = {
        "cell": Cell(1, "sms", date(2026, 1, 1)),
        "row_count": 1,
        "total_count": 1,
        "verified": True,
        "moving": 0,
        "exported_at": datetime(2026, 1, 5, tzinfo=UTC),
        "checksum": "",
    }
    return Part(**fields | change)


def test_final():
    """Final is: verified after the settling time, and nothing can change or it is too old to wait for."""
    rules = {"settle": timedelta(hours=72), "give_up": timedelta(days=14)}
    assert part().final(**rules)
    assert not part(verified=False).final(**rules)
    assert not part(exported_at=datetime(2026, 1, 4, 23, 59, 59, tzinfo=UTC)).final(**rules)
    assert not part(moving=1).final(**rules)
    assert part(moving=1, exported_at=datetime(2026, 1, 16, tzinfo=UTC)).final(**rules)
