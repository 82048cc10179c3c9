"""Whether the API looks at the time of day is learned before a day is cut, from a few counts."""

import pytest
from support.scripted_api import DATE, ScriptedApi, message, messages

from voxlake.extract.quirks import ApiQuirks
from voxlake.extract.source import PageSource
from voxlake.extract.time_of_day import learn_time_of_day
from voxlake.model import DAY, SECOND, Window
from voxlake.transform import SMS

TODAY = Window(DATE, DATE + DAY)
BOUNDS = [(True, True), (False, False), (True, False), (False, True)]


def learned(api, *, with_page=True):
    """Return what is learned from a page of the day, or without one."""
    source = PageSource(api, SMS, ApiQuirks(page_size=100), {})
    pages = [source.page(Window(DATE - SECOND, DATE + DAY), offset=0)] if with_page else []
    learn_time_of_day(source, pages, DATE.date())
    return source.quirks.ignores_time


@pytest.mark.parametrize("with_page", [True, False])
@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
@pytest.mark.parametrize(("unit", "ignores"), [(SECOND, False), (DAY, True)], ids=str)
def test_what_the_api_looks_at(unit, ignores, bounds, with_page):
    """Also where the days beside come first, or in any page that there is."""
    rows = [*messages(400, every=200), *(message(1000 + n, -500 + n) for n in range(400)), message(2000, 100_000)]
    api = ScriptedApi(rows, bounds=bounds, unit=unit)
    assert learned(api, with_page=with_page) is ignores
    assert len(api.asked) <= 16


def test_two_bursts_are_no_days():
    """Seconds that hold more than a page each look like whole days; the count of the day tells that they are not."""
    rows = [message(n, 36_000 + n % 2 * 3000) for n in range(600)]
    assert learned(ScriptedApi(rows)) is False


def test_one_second_alone():
    """A day of one second shows what the API looks at as well."""
    rows = [message(n, 40_000) for n in range(300)]
    assert learned(ScriptedApi(rows)) is False
    assert learned(ScriptedApi(rows, unit=DAY)) is True


@pytest.mark.parametrize("rows", [[], [message(1, 0)], [message(1, 86_399)], [message(1, -5)]], ids=str)
def test_nothing_is_learned_of_a_day_without_rows(rows):
    """Nor from rows beside a midnight, whose seconds lie in two days."""
    assert learned(ScriptedApi(rows)) is None


@pytest.mark.parametrize(("longest", "requests"), [(float("inf"), 4), (DAY.total_seconds() + 1, 3)])
def test_a_day_without_rows_is_counted_and_not_read(longest, requests):
    """By each pair of bounds that the API allows; it may allow no second more than a day."""
    api = ScriptedApi([])
    learn_time_of_day(PageSource(api, SMS, ApiQuirks(page_size=100, longest_window=longest), {}), [], DATE.date())
    assert api.requests == api.totals == requests
