"""What cannot be split in time is read as deep as the API goes, then by day or by column."""

import pytest
from support.scripted_api import DATE, ScriptedApi, message, messages

from voxlake.extract.quirks import ApiQuirks, Tail
from voxlake.extract.source import PageSource
from voxlake.extract.unsplittable import read_unsplittable
from voxlake.model import DAY, SECOND, Window
from voxlake.transform import SMS

TODAY, NOON = Window(DATE, DATE + DAY), Window(DATE + 43_200 * SECOND, DATE + 43_201 * SECOND)
COARSE = ApiQuirks(page_size=100, deepest_offset=300, ignores_time=True)


def read(api, window, quirks=COARSE):
    """Read a window that cannot be split; return its rows and what was learned."""
    source = PageSource(api, SMS, quirks, {})
    rows, readings = read_unsplittable(source, window, Tail().asked(window, quirks))
    assert readings
    return rows, source.quirks


def burst(count):
    """Return messages of one second, in both directions."""
    return [message(n, 43_200, direction=("IN", "OUT")[n % 2]) for n in range(count)]


@pytest.mark.parametrize("output", ["json", "csv"])
def test_as_deep_as_the_api_goes(output):
    """A limit of our own does not keep us from the rows that cannot be had another way."""
    rows, _ = read(ScriptedApi(burst(1200), output=output), NOON)
    assert (rows.verified, rows.table.num_rows) == (True, 1200)


@pytest.mark.parametrize("output", ["json", "csv"])
def test_by_the_values_of_a_column(output):
    """Where a second is too deep, its directions are counted and read alone, and must add up."""
    rows, _ = read(ScriptedApi(burst(500), output=output, largest_page=100, deepest=200), NOON)
    assert (rows.verified, rows.table.num_rows) == (True, 500)


def test_too_many_rows_even_so():
    """What is left is said, and all that could be read is kept."""
    rows, _ = read(ScriptedApi(burst(900), largest_page=100, deepest=200), NOON)
    assert rows.problem.startswith(f"{NOON} holds more rows than the API gives out: ")
    assert (rows.table.num_rows, rows.total) == (600, 900)


def test_a_filter_that_is_ignored_proves_nothing():
    """Directions that add up to twice the rows do not count as a proof."""
    rows, _ = read(ScriptedApi(burst(500), largest_page=100, deepest=200, filters="ignored"), NOON)
    assert not rows.verified


@pytest.mark.parametrize(
    ("bounds", "number"), [((True, False), 0), ((True, True), 0), ((False, True), 3), ((False, False), 2)], ids=str
)
def test_a_day_by_the_bounds_that_select_it(bounds, number):
    """An API of whole days that allows no more than one and a second shows a day by one pair of bounds."""
    api = ScriptedApi(messages(40, every=2000), bounds=bounds, unit=DAY, longest=DAY + SECOND)
    api.longest = DAY + SECOND if bounds == (False, False) else DAY
    rows, quirks = read(api, TODAY, COARSE)
    assert (rows.verified, rows.table.num_rows) == (True, 40)
    if api.longest == DAY:
        assert quirks.day_bounds == number


def test_a_day_without_rows_takes_bounds_that_are_known():
    """That a pair of bounds shows nothing proves nothing, unless it is the one that shows other days."""
    api = ScriptedApi([], unit=DAY, longest=DAY)
    rows, _ = read(api, TODAY)
    assert rows.problem == "the API looks at whole days, and allows no window that surely holds 2026-03-10"
    rows, _ = read(api, TODAY, ApiQuirks(ignores_time=True, day_bounds=0))
    assert rows.verified
