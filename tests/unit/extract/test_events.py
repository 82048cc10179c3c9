"""What a reading tells while it works."""

from datetime import UTC, datetime

import pytest
from support.contexts import StandingClock
from support.scripted_api import DATE, ScriptedApi, messages

from voxlake.events import KINDS, Emitter
from voxlake.extract import NOTHING_LEARNED, ApiQuirks, WindowReader, survey
from voxlake.model import DAY, Window
from voxlake.transform import SMS

TODAY = Window(DATE, DATE + DAY)
CLOCK = StandingClock(datetime(2026, 3, 11, tzinfo=UTC))


@pytest.fixture
def heard():
    """Return a list that an emitter fills."""
    return []


def scripted(heard, rows, **habits):
    """Return an API whose events are heard."""
    return ScriptedApi(rows, events=Emitter(CLOCK, heard.append), **habits)


def test_a_deep_day_is_split(heard):
    """Which page size and depth were learned, and where a day was split."""
    api = scripted(heard, messages(1_200, every=60), largest_page=300, deepest=500)
    reader = WindowReader(api, SMS)
    assert all(piece.verified for piece in reader.read(TODAY))
    assert [(event.kind, event.message) for event in heard[:3]] == [
        ("quirk-learned", "sms: the API's page_size is 300."),
        ("quirk-learned", "sms: the API's deepest_offset is 600."),
        ("quirk-learned", "sms: the API's ignores_time is False."),
    ]
    split = heard[3]
    assert (split.kind, split.stream) == ("split", "sms")
    assert split.details == {"start": "2026-03-10T00:00:00Z", "end": "2026-03-11T00:00:00Z", "pieces": 2}
    assert all(event.details.keys() == set(KINDS[event.kind].details) for event in heard)


def test_rows_that_move_are_read_again(heard):
    """A piece that is read again says so, and every request is counted."""
    rows = messages(150)
    api = scripted(heard, rows, before=lambda number: number == 2 and rows.append(messages(151)[-1]))
    reader = WindowReader(api, SMS, ApiQuirks(page_size=100))
    assert all(piece.verified for piece in reader.read(TODAY))
    assert reader.requests == len(api.asked)
    assert [event.message for event in heard] == [
        "sms: replies of the API contradict each other.",
        "sms: 2026-03-10 00:00:00 to 2026-03-11 00:00:00 UTC is read again, because rows and counts do not agree.",
    ]


def test_a_window_that_is_too_long(heard):
    """The shortest span that was refused is learned."""
    api = scripted(heard, messages(3), longest=2 * DAY)
    survey(api, SMS, Window(DATE - 3 * DAY, DATE + DAY), NOTHING_LEARNED)
    assert [event.details for event in heard] == [
        {"quirk": "longest_window", "value": days * 86_400 + 1} for days in (4, 2)
    ]
