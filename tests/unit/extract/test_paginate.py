"""The pages of one window are walked to their end, and not a page further than that takes."""

from dataclasses import replace

import pytest
from support.scripted_api import DATE, ScriptedApi, message, messages

from voxlake.errors import ApiRejected
from voxlake.extract.paginate import PagingRun, Step, has_room, looks_capped, next_step, offsets_behind, walk
from voxlake.extract.quirks import ApiQuirks
from voxlake.extract.source import PageSource
from voxlake.model import DAY, Window
from voxlake.transform import SMS

TODAY = Window(DATE, DATE + DAY)


def walked(api, quirks=ApiQuirks(page_size=100), **options):  # noqa: B008 - frozen
    """Walk the pages of the day."""
    return walk(PageSource(api, SMS, quirks, {}), TODAY, **options)


def pages(*sizes):
    """Return pages of so many rows."""
    api = ScriptedApi(messages(max(sizes, default=0)), largest_page=10**6)
    return [api.page(SMS, TODAY, offset=0, count=size) if size else empty() for size in sizes]


def empty():
    """Return a page without rows."""
    return ScriptedApi([]).page(SMS, TODAY, offset=0, count=10)


@pytest.mark.parametrize(
    ("sizes", "total", "last", "step"),
    [
        ((), None, Step.PAGE, Step.PAGE),
        ((100,), 250, Step.PAGE, Step.PAGE),
        ((100, 100, 50), 250, Step.PAGE, Step.END),
        ((100, 100), 200, Step.PAGE, Step.PAGE_BEHIND),
        ((100, 100, 100), 200, Step.PAGE_BEHIND, Step.END),
        ((100, 100, 100), 350, Step.PAGE_BEHIND, Step.PAGE),
        ((40,), 40, Step.PAGE, Step.END),
        ((40,), 90, Step.PAGE, Step.PAGE),
        ((100,), 1000, Step.PAGE, Step.TOO_DEEP),
        ((100,), 5000, Step.PAGE, Step.TOO_DEEP),
        ((100,) * 9 + (99,), 999, Step.PAGE, Step.END),
    ],
    ids=str,
)
def test_the_next_step(sizes, total, last, step):
    """The next step follows from the pages and totals so far alone."""
    run = PagingRun([] if total is None else [total])
    for page in pages(*sizes):
        run.add(page)
    assert next_step(run, page_size=100, deepest=1000, last=last) is step


def test_a_page_has_room():
    """A page has room where it holds fewer rows than were asked for, or than another page held."""
    assert has_room(pages(99), page_size=100)
    assert not has_room(pages(100), page_size=100)
    assert has_room(pages(50, 49), page_size=100)
    assert not has_room(pages(50, 50), page_size=100)


def test_a_page_that_a_limit_may_have_cut():
    """What ends with a round number of rows may have been ended by a limit; few rows, or an odd number, were not."""
    assert looks_capped(pages(100, 100))
    assert looks_capped(pages(50))
    assert not looks_capped(pages(40))
    assert not looks_capped(pages(227))
    assert not looks_capped(pages(300, 100))


def test_offsets_behind_the_first_page():
    """The other pages are asked for at the same time where there are some and offsets reach them all."""
    assert list(offsets_behind(pages(100), 350, 1000)) == [100, 200, 300]
    assert list(offsets_behind(pages(100), 100, 1000)) == []
    assert list(offsets_behind(pages(100), 1000, 1000)) == []
    assert list(offsets_behind(pages(73), 350, 1000)) == []


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize(
    ("count", "requests"), [(0, 1), (1, 1), (99, 1), (100, 2), (101, 2), (200, 3), (250, 3)], ids=str
)
def test_every_page_is_asked_for_once(count, requests, ahead):
    """A walk takes a request a page, and one more where the last page is full."""
    api = ScriptedApi(messages(count))
    reading = walked(api, ahead=ahead)
    assert (reading.ids, set(reading.totals), reading.agrees) == (count, {count}, True)
    assert len(api.asked) == requests
    assert [offset for _, offset, _ in api.asked] == [100 * n for n in range(requests)]


@pytest.mark.parametrize("count", [0, 1, 100, 250])
def test_csv_is_counted_before_and_after(count):
    """A csv page tells no total, so two counts go around the pages; of no rows, no page is asked for."""
    api = ScriptedApi(messages(count), output="csv")
    reading = walked(api)
    assert (reading.ids, reading.totals, reading.agrees) == (count, [count, count], True)
    assert api.totals == 2
    assert api.asked[0][2] == api.asked[-1][2] == 1


def test_csv_that_was_counted_is_counted_once_more():
    """A count that is known already stands for the one before the pages."""
    api = ScriptedApi(messages(120), output="csv")
    assert walked(api, counted=120).agrees
    assert api.totals == 1


def test_rows_that_come_between_two_csv_counts():
    """A message that appears while csv is read makes the two counts differ."""
    rows = messages(120)
    api = ScriptedApi(rows, output="csv", before=lambda number: number == 3 and rows.append(message(999, 50_000)))
    reading = walked(api)
    assert reading.totals == [120, 121]
    assert not reading.agrees


def test_a_row_that_moves_between_pages_is_missed_and_noticed():
    """A row that moves to a page that was read already makes the ids fewer than the count."""
    rows = messages(200)

    def move(number):
        if number == 2:
            rows[150] = replace_time(rows[150], second=0)

    reading = walked(ScriptedApi(rows, before=move))
    assert (reading.ids, set(reading.totals)) == (199, {200})
    assert not reading.agrees


def replace_time(row, *, second):
    """Return a message that was moved in time."""
    return message(row["message_id"], second)


@pytest.mark.parametrize(
    ("deeper", "stopped_at", "ids"), [("error", 300, 300), ("empty", 300, 300), ("clamp", None, 300)]
)
def test_offsets_that_end_somewhere(deeper, stopped_at, ids):
    """Behind the deepest offset, an error and an empty page tell where it ended; a page that comes again is no news."""
    reading = walked(ScriptedApi(messages(500), deepest=200, deeper=deeper))
    assert (reading.stopped_at, reading.ids) == (stopped_at, ids)
    assert not reading.agrees


@pytest.mark.parametrize(("ahead", "requests"), [(False, 4), (True, 5)])
def test_a_page_that_comes_again_ends_the_walk(ahead, requests):
    """However many rows are counted: what lies deeper is the same page, for as many requests as there are pages."""
    api = ScriptedApi(messages(5000), deepest=200, deeper="clamp")
    reading = walked(api, ahead=ahead)
    assert (api.requests, reading.ids, reading.complete) == (requests, 300, False)


def test_an_empty_page_behind_an_odd_one_is_no_depth():
    """Rows that the API counts and never gives look like missing rows, not like a limit of its offsets."""
    reading = walked(ScriptedApi(messages(227), counted=lambda count: count + 30))
    assert (reading.stopped_at, reading.ids, reading.agrees) == (None, 227, False)


def test_a_count_that_ends_somewhere():
    """Where the API counts up to a number and no further, the full page before shows that there is more."""
    reading = walked(ScriptedApi(messages(300), counted=lambda count: min(count, 200)))
    assert reading.ids == 300
    assert not reading.agrees


def test_a_window_that_is_too_deep_is_given_up_after_its_first_page():
    """What offsets cannot reach is not read in vain; `deep` reads as much as there is."""
    api = ScriptedApi(messages(1000))
    reading = walked(api, ApiQuirks(page_size=100, deepest_offset=500))
    assert (reading.complete, reading.totals, len(api.asked)) == (False, [1000], 1)
    assert walked(api, ApiQuirks(page_size=100, deepest_offset=500), deep=True).agrees


def test_a_first_page_that_is_refused_is_an_error():
    """Nothing came, so that nobody may take it for nothing there."""
    with pytest.raises(ApiRejected):
        walked(ScriptedApi(messages(10), longest=DAY / 2))


def test_rows_are_counted_once():
    """A message that comes with two pages counts once."""
    reading = walked(ScriptedApi(messages(150)))
    twice = replace(reading, pages=[*reading.pages, reading.pages[0]])
    assert twice.ids == 150
