"""What the dates mean is learned from counts, or not at all."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from voxlake.extract.bounds import DateBounds, learn
from voxlake.model import DAY, Window, midnight

FIRST = date(2026, 1, 10)
seconds = st.lists(st.integers(0, 3 * 86_400 - 1), min_size=3, max_size=60)
kinds = st.builds(DateBounds, st.booleans(), st.booleans(), st.booleans())


def world(offsets):
    """Spread rows over three days, and count them by second and by day."""
    times = Counter(midnight(FIRST) + timedelta(seconds=n) for n in offsets)
    days = Counter(at.date() for at in times.elements())
    return times, days


@given(seconds, kinds)
def test_learned_bounds_count_exactly(offsets, real):
    """Whatever the API does, a count with bounds that were learned is the count of the days."""
    times, days = world(offsets)

    def count(asked):
        span = real.selects(asked)
        return sum(n for at, n in times.items() if span.start <= at < span.end)

    asked = []
    found = learn(lambda window: asked.append(window) or count(window), times, days, around=FIRST)
    assert len(asked) <= 3
    # Hypothesis fails where this leaves too little: most worlds teach the bounds.
    assume(found is not None)
    for first, last in ((0, 0), (1, 1), (0, 1), (1, 2)):
        window = Window.of_days(FIRST + DAY * first, FIRST + DAY * last)
        assert count(found.exactly(window)) == sum(days[day] for day in window.days)


@given(st.integers(1, 50), st.integers(1, 50), kinds)
def test_bounds_are_learned_where_days_differ(one, other, real):
    """Two days of different size and a row on its own are enough to learn the bounds."""
    rows = [40_000, *range(50_000, 50_000 + one), *range(160_000, 160_000 + 2 * other + one)]
    times, days = world(rows)

    def count(asked):
        span = real.selects(asked)
        return sum(n for at, n in times.items() if span.start <= at < span.end)

    found = learn(count, times, days, around=FIRST)
    assert found is not None
    assert (found.start, found.end) == (real.start, real.end)


@given(seconds, st.lists(st.integers(0, 59), max_size=40), kinds)
def test_rows_that_are_counted_twice_teach_nothing_wrong(offsets, doubled, real):
    """Of rows that come more than once it is only known how many a day has of them."""
    times, _ = world(offsets)
    counted, days = world([*offsets, *(offsets[n] for n in doubled if n < len(offsets))])

    def count(asked):
        span = real.selects(asked)
        return sum(n for at, n in counted.items() if span.start <= at < span.end)

    surplus = sum((counted - times)[at] for at in counted if at < midnight(FIRST) + 2 * DAY)
    found = learn(count, times, days, around=FIRST, surplus=surplus)
    if found is not None:
        window = Window.of_days(FIRST, FIRST + DAY)
        assert count(found.exactly(window)) == sum(days[day] for day in window.days)


def test_bounds_are_learned_beside_rows_that_are_counted_twice():
    """Some rows that come twice keep nobody from learning what dates mean."""
    offsets = range(0, 2 * 86_400, 100)
    times, _ = world(offsets)
    _, days = world([*offsets, *offsets[::10]])
    counted, _ = world([*offsets, *offsets[::10]])
    surplus = len(offsets[::10])
    for real in map(DateBounds, (True, True, False, False), (True, False, True, False)):
        span = real.selects
        found = learn(
            lambda asked, span=span: sum(n for at, n in counted.items() if span(asked).start <= at < span(asked).end),
            times,
            days,
            around=FIRST,
            surplus=surplus,
        )
        assert found == real


@given(seconds, st.sets(st.integers(0, 59), max_size=10), kinds)
def test_erased_rows_teach_nothing_wrong(offsets, erased, real):
    """Of messages that were erased it is only known how many a day had, and the API counts them still."""
    counted, days = world(offsets)
    times, _ = world(at for n, at in enumerate(offsets) if n not in erased)

    def count(asked):
        span = real.selects(asked)
        return sum(n for at, n in counted.items() if span.start <= at < span.end)

    forgotten = sum((counted - times)[at] for at in counted if at < midnight(FIRST) + 2 * DAY)
    found = learn(count, times, days, around=FIRST, forgotten=forgotten)
    if found is not None:
        window = Window.of_days(FIRST, FIRST + DAY)
        assert count(found.exactly(window)) == sum(days[day] for day in window.days)


def test_nothing_is_learned_from_contradiction():
    """Counts that no bounds explain teach nothing."""
    times, days = world([100, 200, 300, 90_000])
    assert learn(lambda _: 17, times, days, around=FIRST) is None
    assert learn(lambda _: 0, Counter({datetime(2026, 1, 10, tzinfo=UTC): 1}), days, around=FIRST) is None
