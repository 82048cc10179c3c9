"""What becomes of a piece follows from what came of it, and from what is known of the API."""

import pytest
from support.scripted_api import DATE, ScriptedApi, messages

from voxlake.extract.paginate import REFUSED, Reading
from voxlake.extract.quirks import Tail
from voxlake.extract.split import State, may_move_behind, number_of_pieces, state_of
from voxlake.model import DAY, SECOND, Page, Reject, Window
from voxlake.transform import SMS

DAYS, TODAY, NOON = (
    Window(DATE, DATE + 3 * DAY),
    Window(DATE, DATE + DAY),
    Window(DATE + DAY / 2, DATE + DAY / 2 + SECOND),
)


def reading(pages, rows, *totals, **options):
    """Return a reading of so many pages with so many rows in all."""
    api = ScriptedApi(messages(rows))
    size = -(-rows // pages) if pages else 1
    parts = [api.page(SMS, TODAY, offset=n * size, count=size) for n in range(pages)]
    return Reading(parts, totals, **options)


AGREED, ONE_PAGE, SEVERAL = reading(1, 7, 7), reading(1, 7, 8), reading(2, 150, 160)
CAPPED, TOO_DEEP = reading(1, 100, 900, stopped_at=100), reading(1, 100, 90_000, complete=False)


@pytest.mark.parametrize(
    ("one", "window", "ignores_time", "state"),
    [
        (AGREED, DAYS, None, State.DONE),
        (AGREED, TODAY, True, State.DONE),
        (ONE_PAGE, DAYS, None, State.SPLIT),
        (ONE_PAGE, TODAY, None, State.DONE),
        (SEVERAL, DAYS, None, State.SPLIT),
        (SEVERAL, TODAY, None, State.SPLIT),
        (SEVERAL, TODAY, False, State.SPLIT),
        (SEVERAL, TODAY, True, State.UNSPLITTABLE),
        (SEVERAL, NOON, False, State.UNSPLITTABLE),
        (CAPPED, TODAY, None, State.SPLIT),
        (TOO_DEEP, DAYS, True, State.SPLIT),
        (TOO_DEEP, TODAY, True, State.UNSPLITTABLE),
        (TOO_DEEP, NOON, None, State.UNSPLITTABLE),
        (REFUSED, DAYS, None, State.SPLIT),
        (REFUSED, TODAY, None, State.SPLIT),
        (REFUSED, TODAY, True, State.UNSPLITTABLE),
    ],
)
def test_the_state_of_a_piece(one, window, ignores_time, state):
    """Done where it is proved, or where smaller windows would hold the same; else split as long as that helps."""
    assert state_of(one, window, ignores_time=ignores_time) is state


def test_a_bad_row_does_not_keep_other_days_from_being_proved():
    """Days with a row that cannot be read are read day by day, and its own day is done with."""
    page = Page(SMS.wire.empty_table(), 1, (Reject({}, "cost", DATE),))
    one = Reading([page], [1])
    assert state_of(one, DAYS, ignores_time=None) is State.SPLIT
    assert state_of(one, TODAY, ignores_time=None) is State.DONE


@pytest.mark.parametrize(
    ("one", "window", "pieces"),
    [
        (REFUSED, DAYS, 2),
        (ONE_PAGE, DAYS, 3),
        (SEVERAL, DAYS, 2),
        (CAPPED, TODAY, 2),
        (reading(1, 100, 4500, complete=False), TODAY, 9),
        (reading(1, 100, 9000, complete=False), TODAY, 4),
    ],
)
def test_the_number_of_pieces(one, window, pieces):
    """As many as fit, of half of what can be read at once; where counts did not agree, halves, or single days."""
    assert number_of_pieces(one, window, deepest=1000, at_once=5000) == pieces


def test_what_may_move_behind_the_end():
    """Only the last piece of a window that ends inside a day, and only as long as more is asked for than that."""
    window = Window(DATE, DATE + DAY / 2)
    tail = Tail.of(window)
    assert may_move_behind(SEVERAL, window, tail)
    assert not may_move_behind(AGREED, window, tail)
    assert not may_move_behind(TOO_DEEP, window, tail)
    assert not may_move_behind(SEVERAL, Window(DATE, DATE + DAY / 4), tail)
    assert not may_move_behind(SEVERAL, window, Tail(window.end, exact=True))
    assert not may_move_behind(SEVERAL, TODAY, Tail.of(TODAY))
