"""Messages are asked for by their ids, where the API has a filter that works."""

import pytest
from support.scripted_api import DATE, ScriptedApi, message

from voxlake.extract import days_of_messages, messages_by_id
from voxlake.model import DAY, Window
from voxlake.transform import SMS

TODAY = Window(DATE, DATE + DAY)
ROWS = [message(n, 1000 * n) for n in range(50)]


def test_messages_by_id():
    """Those that are asked for, as rows of the schema, by their ids."""
    api = ScriptedApi(ROWS)
    found = messages_by_id(api, SMS, TODAY, {3, 7, 99})
    assert found.keys() == {3, 7}
    assert found[3]["processed_at"] == ROWS[3]["processed_at"]
    assert len(api.asked) == 1


@pytest.mark.parametrize("filters", ["ignored", "refused"])
def test_a_filter_that_does_not_work_gives_nothing(filters):
    """Rows that nobody asked for are no answer, and a refusal is none either."""
    assert messages_by_id(ScriptedApi(ROWS, filters=filters), SMS, TODAY, {3, 7}) == {}


def test_the_days_of_messages_that_moved():
    """Where the messages of a day lie now, other than on it."""
    rows = [message(1, 500), message(2, 5 * 86_400), message(3, -86_400)]
    days = days_of_messages(ScriptedApi(rows), SMS, DATE.date(), [1, 2, 3])
    assert days == {(DATE + 5 * DAY).date(), (DATE - DAY).date()}


def test_messages_are_looked_for_in_shorter_windows():
    """An API that allows few days is asked for those around."""
    api = ScriptedApi([message(2, 86_400)], longest=6 * DAY)
    assert days_of_messages(api, SMS, DATE.date(), [2]) == {(DATE + DAY).date()}
    assert len(api.asked) == 2


def test_messages_that_are_gone_lie_nowhere():
    """Nothing is found, after two requests."""
    api = ScriptedApi(ROWS)
    assert days_of_messages(api, SMS, DATE.date(), [900]) == set()
    assert len(api.asked) == 2
