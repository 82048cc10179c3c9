"""Events: what listeners and logging hear, and what they can do to a run."""

import json
import logging
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from support.contexts import StandingClock

from voxlake.events import KINDS, Emitter, Kind

AT = datetime(2026, 3, 10, 3, tzinfo=UTC)
CLOCK = StandingClock(AT)


def test_an_event():
    """A listener gets the kind, the time of the clock, a sentence and the details, which JSON can hold."""
    heard = []
    emitter = Emitter(CLOCK, heard.append)
    emitter.emit(Kind.SPLIT, "sms: in two.", stream="sms", start=AT, end=date(2026, 3, 11), pieces=2)
    (event,) = heard
    assert (event.kind, event.at, event.level, event.stream) == ("split", AT, "info", "sms")
    assert json.loads(json.dumps(event.to_json())) == {
        "time": "2026-03-10T03:00:00.000Z",
        "level": "info",
        "kind": "split",
        "message": "sms: in two.",
        "account_id": None,
        "stream": "sms",
        "details": {"start": "2026-03-10T03:00:00Z", "end": "2026-03-11", "pieces": 2},
    }


def test_events_of_an_account():
    """They say which, in their sentences as well where several accounts are exported, and the copies of others do."""
    heard = []
    run = Emitter(CLOCK, heard.append)
    for emitter in (run.of(1), run.of(1234567, named=True), run.of(2).of(None)):
        emitter.emit(Kind.REQUEST, "there")
    copy = pickle.loads(pickle.dumps(run.of(3, named=True)))
    copy.emit(Kind.REQUEST, "there")
    run.forward(copy.drain())
    assert [(event.account_id, event.message) for event in heard] == [
        (1, "there"), (1234567, "1234567: there"), (None, "there"), (3, "3: there")
    ]  # fmt: skip


def test_logging_hears_the_same(caplog):
    """Every event is a record of the logger `voxlake`, at its level, and carries the event."""
    caplog.set_level(logging.INFO, logger="voxlake")
    emitter = Emitter(CLOCK)
    emitter.emit(Kind.REQUEST, "a detail")
    emitter.emit(Kind.SLOWED, "slower", requests_at_once=2)
    emitter.emit(Kind.RETRY, "again")
    assert [(r.name, r.levelname, r.getMessage(), r.event.kind) for r in caplog.records] == [
        ("voxlake", "INFO", "slower", "slowed"),
        ("voxlake", "WARNING", "again", "retry"),
    ]


def test_silent_by_default(capfd):
    """A program that has not configured logging sees nothing, not even warnings."""
    logger = logging.getLogger("voxlake")
    assert any(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
    Emitter(CLOCK).emit(Kind.RETRY, "again")
    assert capfd.readouterr() == ("", "")


def test_a_listener_that_raises(caplog):
    """Its error is logged once, with its type alone; it and the others go on hearing."""
    heard, tried = [], []

    def broken(event):
        tried.append(event)
        raise LookupError("+4917012345678")

    emitter = Emitter(CLOCK, broken, heard.append)
    for _ in range(3):
        emitter.emit(Kind.RETRY, "again")
    assert (len(tried), len(heard)) == (3, 3)
    complaints = [record.getMessage() for record in caplog.records if not hasattr(record, "event")]
    assert complaints == ["A listener of events raised LookupError; the run goes on."]


def test_what_ends_a_program_passes():
    """Ctrl-C in a listener is not an error of the listener."""

    def interrupted(_event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Emitter(CLOCK, interrupted).emit(Kind.RETRY, "again")


def test_threads():
    """Listeners are called one at a time, and none of the events is lost."""
    heard = []
    emitter = Emitter(CLOCK, lambda _event: heard.append(len(heard)))
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda n: emitter.emit(Kind.REQUEST, f"{n}"), range(500)))
    assert heard == list(range(500))


def test_a_copy_keeps_its_events():
    """A pickled emitter keeps what its original wants to hear, for its original to forward."""
    heard = []
    emitter = Emitter(CLOCK, heard.append)
    copy = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(emitter))))
    copy.emit(Kind.REQUEST, "there")
    assert (heard, emitter.drain()) == ([], ())
    events = pickle.loads(pickle.dumps(copy.drain()))
    emitter.forward(events)
    assert [event.message for event in heard] == ["there"]
    assert copy.drain() == ()


def test_a_copy_of_one_that_nobody_listens_to():
    """Nothing is kept that nobody wants."""
    copy = pickle.loads(pickle.dumps(Emitter(CLOCK)))
    copy.emit(Kind.REQUEST, "there")
    assert copy.drain() == ()


@pytest.mark.parametrize("number", ["+4917012345678", "4917012345678", "5000000001"])
def test_long_numbers_are_masked(number):
    """What could be a phone number or an id is not in an event, whoever put it there; dates and counts are."""
    heard = []
    Emitter(CLOCK, heard.append).emit(
        Kind.FAILED, f"2026-03-10: 1,234,567 rows, {number}.", error=f"to {number}", code=497
    )
    assert number not in str(heard[0].to_json())
    assert (heard[0].message, heard[0].details) == (
        "2026-03-10: 1,234,567 rows, ….", {"error": "to …", "code": 497}
    )  # fmt: skip


def test_every_kind_is_declared():
    """The list of kinds is closed."""
    assert list(KINDS) == list(Kind)
