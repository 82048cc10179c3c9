"""A window is counted once, and cut into windows that are worth their requests."""

import pytest
from support.scripted_api import DATE, ScriptedApi, messages

from voxlake.errors import ApiRejected, CredentialsRefused, Unavailable
from voxlake.extract import NOTHING_LEARNED, ApiQuirks, survey
from voxlake.model import DAY, Window
from voxlake.transform import SMS

DAYS = Window(DATE, DATE + 16 * DAY)


class Failing(ScriptedApi):
    """An API that answers the first count with an error."""

    def total(self, *_, **_named):
        """Fail."""
        raise self.before


def surveyed(api, window=DAYS, quirks=NOTHING_LEARNED):
    """Return the survey of a window, whose pieces must be all of it."""
    found = survey(api, SMS, window, quirks)
    windows = [piece for piece, _ in found.pieces]
    assert [day for piece in windows for day in piece.days] == window.days
    return found


@pytest.mark.parametrize(("output", "rows", "pieces"), [("json", 100, 1), ("json", 8001, 2), ("csv", 8001, 1)])
def test_a_window_is_cut_by_its_rows(output, rows, pieces):
    """Few rows are one window, whose count can be used again; many are several, of which nothing is counted."""
    api = ScriptedApi(messages(rows, every=160), output=output)
    found = surveyed(api)
    assert len(api.asked) == 1
    assert [counted for _, counted in found.pieces] == ([rows] if pieces == 1 else [None] * pieces)


def test_a_single_day_is_not_counted():
    """It is read anyway, and reading it counts it."""
    api = ScriptedApi(messages(10))
    assert surveyed(api, Window(DATE, DATE + DAY)).pieces == ((Window(DATE, DATE + DAY), None),)
    assert api.asked == []


def test_windows_that_are_refused_are_halved():
    """The longest that the API takes is found by halves, and a length that was refused is not asked for again."""
    api = ScriptedApi(messages(100, every=13_000), longest=5 * DAY)
    found = surveyed(api)
    assert [len(piece.days) for piece, _ in found.pieces] == [4, 4, 4, 4]
    assert len(api.asked) == 6
    assert found.quirks == ApiQuirks(longest_window=8 * 86_400 + 1)
    again = surveyed(api, quirks=found.quirks)
    assert (len(api.asked), again.pieces) == (10, found.pieces)


@pytest.mark.parametrize("error", [Unavailable("later"), ApiRejected("odd", code=999)], ids=["unavailable", "odd"])
def test_what_cannot_be_counted_is_read_by_day(error):
    """The smallest windows tell what is wrong, and lose the least."""
    found = surveyed(Failing([], before=error))
    assert [len(piece.days) for piece, _ in found.pieces] == [1] * 16


def test_a_refusal_ends_it():
    """Who may not count may not read."""
    with pytest.raises(CredentialsRefused):
        surveyed(Failing([], before=CredentialsRefused("no")))
