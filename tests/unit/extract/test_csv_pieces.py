"""One pair of counts goes around the csv pages of many pieces, and proves all of them."""

import pytest
from support.scripted_api import DATE, ScriptedApi, message, messages

from voxlake.extract.csv_pieces import (
    divides,
    pieces_under_one_count,
    read_pieces,
    shows_time_of_day,
    without_overlaps,
)
from voxlake.extract.quirks import ApiQuirks, Tail
from voxlake.extract.source import PageSource
from voxlake.model import DAY, Window
from voxlake.transform import SMS

DATE_DAY = Window(DATE, DATE + DAY)
WEEK = Window(DATE, DATE + 7 * DAY)
QUIRKS = ApiQuirks(page_size=100, deepest_offset=1000)
TIMED = ApiQuirks(page_size=100, deepest_offset=1000, ignores_time=False)


def page_of(api, window):
    """Return one page of a window."""
    return api.page(SMS, window, offset=0, count=1000)


def read(api, window, quirks=QUIRKS, pieces=4):
    """Read a window in equal pieces; return the reading and what was learned."""
    source = PageSource(api, SMS, quirks, {})
    asked = lambda piece: Tail().asked(piece, source.quirks)  # noqa: E731
    reading = read_pieces(source, window, window.split(pieces), counted=len(api.rows), asked=asked)
    return reading, source.quirks


@pytest.mark.parametrize(
    ("window", "total", "quirks", "pieces"),
    [
        (WEEK, 1000, QUIRKS, 0),
        (WEEK, 1001, QUIRKS, 3),
        (WEEK, 3400, QUIRKS, 7),
        (WEEK, 3600, QUIRKS, 0),
        (WEEK, 3600, TIMED, 7),
        (WEEK, 5001, TIMED, 0),
        (DATE_DAY, 4800, QUIRKS, 10),
        (DATE_DAY, 4800, ApiQuirks(deepest_offset=1000, ignores_time=True), 0),
        (Window(DATE, DATE + DAY / 86_400), 1500, QUIRKS, 0),
    ],
    ids=str,
)
def test_what_is_read_under_one_count(window, total, quirks, pieces):
    """More than offsets reach, but what memory holds; days are not cut inside before that is known to be of use."""
    assert len(pieces_under_one_count(window, total, quirks)) == pieces


def test_what_divides():
    """Days always, seconds never, and what lies between unless the time of day is ignored."""
    assert divides(WEEK, ignores_time=True)
    assert divides(DATE_DAY, ignores_time=None)
    assert not divides(DATE_DAY, ignores_time=True)
    assert not divides(Window(DATE, DATE + DAY / 86_400), ignores_time=False)


@pytest.mark.parametrize("bounds", [(True, True), (False, False), (True, False), (False, True)])
def test_a_day_is_read_under_one_pair_of_counts(bounds):
    """Whatever the bounds, each row comes once, and one count is asked for after all pages."""
    api = ScriptedApi(messages(3200, every=27), output="csv", bounds=bounds)
    reading, quirks = read(api, DATE_DAY)
    assert reading.agrees
    assert sum(page.served for page in reading.pages) == 3200
    assert api.totals == 1
    assert quirks.ignores_time is False


def test_a_busy_hour_is_halved_alone():
    """A piece that is deeper than offsets reach is halved, once the others show that the API looks at the time."""
    rows = [*messages(900, every=90), *(message(10_000 + n, 40_000 + n) for n in range(2400))]
    api = ScriptedApi(rows, output="csv")
    reading, _ = read(api, DATE_DAY)
    assert reading.agrees
    assert reading.ids == 3300
    # To count a half takes one request, to find out by pages that it is too deep takes all that offsets reach.
    assert len(api.asked) <= 3300 / 100 * 2


def test_an_api_of_whole_days_is_not_halved_for_ever():
    """Where every piece of a day is the whole day, pieces are given up at once."""
    api = ScriptedApi(messages(3200, every=27), output="csv", unit=DAY)
    reading, quirks = read(api, DATE_DAY)
    assert not reading.complete
    assert quirks.ignores_time is None
    assert len(api.asked) < 50


def test_a_second_that_is_too_deep_cannot_be_halved():
    """More messages in one second than offsets reach make the window incomplete, not endless."""
    rows = [*messages(900, every=90), *(message(10_000 + n, 40_000) for n in range(1500))]
    api = ScriptedApi(rows, output="csv")
    reading, _ = read(api, DATE_DAY)
    assert not reading.complete
    assert len(api.asked) < 50


def test_rows_that_move_make_it_incomplete():
    """What does not agree under one count is counted piece by piece, not read whole again."""
    rows = messages(3200, every=27)
    api = ScriptedApi(rows, output="csv", before=lambda number: number == 9 and rows.append(message(99_999, 80_000)))
    reading, _ = read(api, DATE_DAY)
    assert (reading.complete, reading.totals[-1]) == (False, 3201)


def test_a_smaller_page_than_asked_for_is_no_end():
    """Where the API gives fewer rows than asked for, a page ends a piece only if it holds fewer than others."""
    api = ScriptedApi(messages(3200, every=27), output="csv", largest_page=60, larger="clamp")
    assert read(api, DATE_DAY)[0].agrees


def test_an_offset_that_is_refused_is_learned():
    """A piece that stops at an offset is halved, and the next is not asked for deeper."""
    api = ScriptedApi(messages(3200, every=27), output="csv", deepest=500)
    reading, quirks = read(api, DATE_DAY, TIMED)
    assert reading.agrees
    assert quirks.deepest_offset == 600


def test_pieces_of_different_hours_show_that_the_time_counts():
    """An API of whole days gives every piece the same rows of the day, or none."""
    morning, evening = DATE_DAY.split(2)
    timed, coarse = ScriptedApi(messages(100, every=800)), ScriptedApi(messages(100, every=800), unit=DAY)
    assert shows_time_of_day({half: [page_of(timed, half)] for half in (morning, evening)}, DATE_DAY)
    assert not shows_time_of_day({half: [page_of(coarse, half)] for half in (morning, evening)}, DATE_DAY)
    assert not shows_time_of_day({morning: [page_of(timed, morning)], evening: []}, DATE_DAY)
    assert not shows_time_of_day({}, DATE_DAY)


def test_the_day_beside_does_not_show_that_the_time_counts():
    """An API of whole days may give the day for the first piece, and the day after for the last."""
    rows = [*messages(50, every=800), *messages(50, first=90_000, every=100)]
    coarse = ScriptedApi([row | {"message_id": n} for n, row in enumerate(rows)], unit=DAY, bounds=(False, True))
    found = {piece: [page_of(coarse, Tail().asked(piece, QUIRKS))] for piece in DATE_DAY.split(4)}
    assert not shows_time_of_day(found, DATE_DAY)


def test_overlaps_are_taken_once():
    """What two pieces hold goes to the one where it belongs; beyond the ends of the window, everything is kept."""
    api = ScriptedApi([message(1, -1), message(2, 43_199), message(3, 43_200), message(4, 86_400)])
    first, second = DATE_DAY.split(2)
    found = {piece: [page_of(api, Window(piece.start - DAY, piece.end + DAY))] for piece in (first, second)}
    assert [page.table["message_id"].to_pylist() for page in without_overlaps(found)] == [[1, 2], [3, 4]]
