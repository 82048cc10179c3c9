"""A history is asked with its filters, and teaches how large its pages may be."""

import pytest
from support.scripted_api import DATE, ScriptedApi, message, messages

from voxlake.errors import ApiRejected, CeilingReached
from voxlake.extract.quirks import NOTHING_LEARNED, ApiQuirks
from voxlake.extract.source import PageSource
from voxlake.model import DAY, Window
from voxlake.transform import SMS

TODAY = Window(DATE, DATE + DAY)


@pytest.mark.parametrize(
    ("largest", "sizes"), [(1000, [1000]), (300, [1000, 500, 300]), (60, [1000, 500, 300, 200, 100, 50])]
)
def test_the_size_of_a_page_is_learned_once(largest, sizes):
    """A first page that is refused is asked for in smaller sizes, and later ones in the size that worked."""
    api = ScriptedApi(messages(10), largest_page=largest)
    source = PageSource(api, SMS, NOTHING_LEARNED, {})
    assert source.page(TODAY, offset=0).served == 10
    assert [count for _, _, count in api.asked] == sizes
    assert source.quirks == ApiQuirks(page_size=sizes[-1])
    source.page(TODAY, offset=0)
    assert [count for _, _, count in api.asked] == [*sizes, sizes[-1]]


def test_a_span_that_is_refused_says_nothing_of_pages():
    """An error of the dates is not tried away with smaller pages."""
    api = ScriptedApi(messages(10), longest=DAY / 2)
    with pytest.raises(ApiRejected):
        PageSource(api, SMS, NOTHING_LEARNED, {}).page(TODAY, offset=0)
    assert len(api.asked) == 1


def test_a_deep_page_that_is_refused_says_nothing_of_pages():
    """An error behind the first page is one of the offset."""
    api = ScriptedApi(messages(10), deepest=5)
    with pytest.raises(ApiRejected):
        PageSource(api, SMS, NOTHING_LEARNED, {}).page(TODAY, offset=6)
    assert len(api.asked) == 1


def test_filters_go_with_every_request():
    """Pages and counts hold only what the filters let through."""
    rows = [message(n, n, direction=("IN", "OUT")[n % 3 > 0]) for n in range(30)]
    source = PageSource(ScriptedApi(rows), SMS, NOTHING_LEARNED, {"direction": "IN"})
    assert source.total(TODAY) == source.page(TODAY, offset=0).served == 10
    assert [page.served for page in source.pages(TODAY, offsets=range(0, 10, 5), size=5)] == [5, 5]
    assert source.total(TODAY, {"direction": "OUT"}) == 20


@pytest.mark.parametrize("output", ["json", "csv"])
def test_spans_without_rows_reach_no_ceiling(output):
    """A long survey is cut by its rows, and where these are all of one day, most of its pieces are empty ones."""
    api = ScriptedApi([], output=output)
    api.ceiling.begin()
    for n in range(300):
        PageSource(api, SMS, NOTHING_LEARNED, {}).page(Window(DATE - n * DAY, DATE - (n - 1) * DAY), offset=0)
    assert api.ceiling.least == api.ceiling.asked == 300


def test_rows_that_are_counted_and_not_given_reach_the_ceiling():
    """Such a reply helps nobody, however often it comes."""
    api = ScriptedApi(messages(10), lie=lambda _: 1)
    api.ceiling.begin()
    source = PageSource(api, SMS, NOTHING_LEARNED, {})
    with pytest.raises(CeilingReached):
        [source.page(TODAY, offset=0) for _ in range(300)]
    assert api.ceiling.asked < 100
