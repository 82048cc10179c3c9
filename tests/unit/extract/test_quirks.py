"""What is learned of the API is a value: merged in any order, it says the same."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.scripted_api import DATE

from voxlake.extract.quirks import NOTHING_LEARNED, ApiQuirks, Tail, bounds_of_day
from voxlake.model import DAY, SECOND, Window

some = st.builds(
    ApiQuirks,
    page_size=st.sampled_from([1000, 300, 50]),
    deepest_offset=st.integers(1, 10_000),
    longest_window=st.sampled_from([float("inf"), 86_400, 7]),
    ignores_time=st.sampled_from([None, False, True]),
    day_bounds=st.just(2) | st.none(),
)


@given(some, some, some)
def test_quirks_merge_in_any_order(one, two, three):
    """Tasks end in any order, and two may have learned the same."""
    assert one.merge(two) == two.merge(one)
    assert one.merge(two).merge(three) == one.merge(two.merge(three))
    assert one.merge(one) == one == one.merge(NOTHING_LEARNED)


def test_the_stricter_limit_counts():
    """Of two limits that were met, the lower one is the limit."""
    merged = ApiQuirks(page_size=300, deepest_offset=900).merge(ApiQuirks(page_size=500, deepest_offset=400))
    assert (merged.page_size, merged.deepest_offset) == (300, 400)


def test_an_api_that_ignores_the_time_outweighs():
    """Whoever has seen that the time of day is ignored is believed, whoever else has not."""
    for one, other, both in ((None, False, False), (None, True, True), (False, True, True)):
        assert replace(NOTHING_LEARNED, ignores_time=one).merge(ApiQuirks(ignores_time=other)).ignores_time is both


def test_dates_that_miss_no_row():
    """A second before the start, so that no row there is lost to a bound that does not count."""
    day = Window(DATE, DATE + DAY)
    assert Tail.of(day).asked(day, NOTHING_LEARNED) == Window(DATE - SECOND, DATE + DAY)


def test_a_window_that_ends_inside_a_day_is_asked_for_up_to_midnight():
    """A bound of whole days would hide the rows of that day; only one that is known to be none may be asked for."""
    noon = DATE + DAY / 2
    window, earlier = Window(DATE, noon), Window(DATE, DATE + DAY / 4)
    tail = Tail.of(window)
    assert tail.asked(window, NOTHING_LEARNED).end == DATE + DAY
    assert tail.asked(earlier, NOTHING_LEARNED).end == earlier.end
    exact = replace(tail, exact=True)
    assert exact.asked(window, NOTHING_LEARNED).end == DATE + DAY
    assert exact.asked(window, ApiQuirks(ignores_time=True)).end == DATE + DAY
    assert exact.asked(window, ApiQuirks(ignores_time=False)).end == noon


def test_one_pair_of_bounds_selects_a_day_alone():
    """Whatever bounds count, one pair is this day alone to an API that looks at dates; it is the same for every day."""
    for starts in (True, False):
        for ends in (True, False):
            selecting = []
            for day in (DATE, DATE + 5 * DAY):
                spans = [
                    [
                        date
                        for n in range(-3, 9)
                        if (date := DATE + n * DAY)
                        and (asked.start.date() <= date.date() if starts else asked.start.date() < date.date())
                        and (date.date() <= asked.end.date() if ends else date.date() < asked.end.date())
                    ]
                    for asked in bounds_of_day(day.date())
                ]
                selecting.append([n for n, dates in enumerate(spans) if dates == [day]])
            assert len(selecting[0]) == 1
            assert selecting[0] == selecting[1]
    assert all(asked.end - asked.start <= DAY + timedelta(seconds=1) for asked in bounds_of_day(DATE.date()))
