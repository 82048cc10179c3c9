"""The oldest day that the API gives is found in few requests; what is refused for its length is not too old."""

from datetime import timedelta

import pytest
from support.scripted_api import DATE, ScriptedApi, messages

from voxlake.errors import ApiRejected
from voxlake.extract import ApiQuirks, WindowReader, oldest_day, survey
from voxlake.model import DAY, Window
from voxlake.transform import SMS

TODAY = DATE.date()
HOUR = timedelta(hours=1)


class Forgetful(ScriptedApi):
    """A history that refuses windows that begin before `oldest`."""

    oldest = DATE - 9 * DAY - 3 * HOUR
    code = 123

    def _select(self, stream, window, *arguments):
        if window.start < self.oldest:
            self.asked.append((window, *arguments[:2]))
            raise ApiRejected("dates", code=self.code)
        return super()._select(stream, window, *arguments)


def span(first, last):
    """Return the days so many days ago, both included."""
    return [TODAY - n * DAY for n in range(first, last - 1, -1)]


@pytest.mark.parametrize("days", [(40, 0), (40, 30), (12, 12), (9, 0), (7000, 0), (7000, 6000)], ids=str)
def test_the_oldest_day(days):
    """Whether some of the days are given or none, it takes two requests and a bisection."""
    history = Forgetful(messages(5))
    # Nine days ago is given from three hours before its beginning on.
    expected = None if days[0] <= 9 else TODAY - 9 * DAY
    assert oldest_day(history, SMS, span(*days), today=TODAY) == expected
    assert len(history.asked) <= 17


@pytest.mark.parametrize("days", [(40, 0), (3, 3)], ids=str)
def test_what_is_refused_today_too_is_not_too_old(days):
    """An API that refuses everything, or a window for its length alone, has no oldest day."""
    history = Forgetful([], longest=2 * DAY)
    history.oldest = DATE - 7000 * DAY
    assert oldest_day(history, SMS, span(*days), today=TODAY) is None
    history.oldest = DATE + 7000 * DAY
    assert oldest_day(history, SMS, span(*days), today=TODAY) is None


@pytest.mark.parametrize("code", [123, 569])
def test_a_survey_leaves_out_what_is_too_old(code):
    """The pieces begin with the oldest day; what was refused is not taken for too long, and costs few requests."""
    history = Forgetful(messages(5, first=-86_400))
    history.code = code
    found = survey(history, SMS, Window.of_days(TODAY - 40 * DAY, TODAY), ApiQuirks(), today=TODAY)
    assert found.oldest_day == TODAY - 9 * DAY
    assert [piece.days for piece, _ in found.pieces] == [span(9, 0)]
    assert len(history.asked) <= 20
    old = survey(history, SMS, Window.of_days(TODAY - 40 * DAY, TODAY - 20 * DAY), ApiQuirks(), today=TODAY)
    assert (old.oldest_day, old.pieces) == (TODAY - 9 * DAY, ())


def test_a_survey_of_short_windows():
    """An API that allows two days has no oldest day, which takes one request more to know."""
    history = Forgetful(messages(5), longest=2 * DAY)
    history.oldest = DATE - 7000 * DAY
    found = survey(history, SMS, Window.of_days(TODAY - 7 * DAY, TODAY), ApiQuirks(), today=TODAY)
    assert found.oldest_day is None
    assert sum(len(piece.days) for piece, _ in found.pieces) == 8


def test_a_day_that_is_too_old_is_not_split():
    """Where not even an hour of a day is given, no second of it is asked for."""
    history = Forgetful(messages(5))
    with pytest.raises(ApiRejected):
        list(WindowReader(history, SMS).read(Window.of_days(TODAY - 20 * DAY, TODAY - 20 * DAY)))
    assert len(history.asked) == 2
