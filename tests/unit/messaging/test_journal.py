"""What the journal knows is known after any interruption, or taken for less."""

import json
import resource
import signal
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.messages import SENDER

from voxlake.errors import DataError, StorageFull
from voxlake.messaging.journal import FAILED, SENT, UNKNOWN, opened

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_line_that_does_not_fit_leaves_nothing(tmp_path):
    """Where the disk is full for a moment, half a line is taken away, and the next run reads the journal."""
    with opened(tmp_path) as outbox:
        batch = outbox.batch(1, "m", "s", "t")
        quirks = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "outbox.jsonl").stat().st_size + 20, quirks[1]))
        try:
            with pytest.raises(StorageFull):
                outbox.intend(batch, ["1"], at=AT)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, quirks)
            signal.signal(signal.SIGXFSZ, before)
        assert not outbox.known(batch)
        outbox.intend(batch, ["2"], at=AT)
    with opened(tmp_path) as outbox:
        assert outbox.known(batch).keys() == {"2"}


@given(st.data())
@settings(deadline=None)
def test_the_journal_tells_the_same_after_a_restart(tmp_path_factory, data):
    """Whatever was noted, and wherever the file was cut in its last line, a reader knows the same or more caution."""
    root = tmp_path_factory.mktemp("outbox")
    with opened(root) as outbox:
        batch = outbox.batch(1, "A2PSendSms", SENDER, "hello")
        for _ in range(data.draw(st.integers(1, 4))):
            numbers = data.draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True))
            intent = outbox.intend(batch, numbers, at=AT)
            states = {n: data.draw(st.sampled_from(["sent", "failed", "resend", "unsent", "lost"])) for n in numbers}
            outbox.settle(
                intent,
                at=AT,
                sent={n: 1 for n, s in states.items() if s == "sent"},
                failed={
                    n: (506 if s == "failed" else 484, "x") for n, s in states.items() if s in ("failed", "resend")
                },
                unsent=[n for n, s in states.items() if s == "unsent"],
            )
        known = dict(outbox.known(batch))
        assert batch == outbox.batch(1, "A2PSendSms", SENDER, "hello")
        assert batch != outbox.batch(1, "A2PSendSms", SENDER, "hello!")
    with opened(root) as outbox:
        assert dict(outbox.known(batch)) == known
    path = root / "outbox.jsonl"
    whole = path.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    path.write_bytes(whole[: data.draw(st.integers(last + 1, len(whole) - 1))])
    with opened(root) as outbox:
        cautious = dict(outbox.known(batch))
        lost = json.loads(whole[last:])
        assert all(cautious[n].state == UNKNOWN for n in lost["sent"])
        assert {n for n, e in cautious.items() if e.state == SENT} <= {n for n, e in known.items() if e.state == SENT}
        assert all(e.state in (SENT, FAILED, UNKNOWN) for e in cautious.values())


def test_a_journal_that_is_none(tmp_path):
    """A line in the middle that cannot be read stops everything; nobody guesses who got what."""
    with opened(tmp_path) as outbox:
        outbox.intend(outbox.batch(1, "m", "s", "t"), ["1"], at=AT)
    path = tmp_path / "outbox.jsonl"
    salt, intent = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(salt + intent[:20] + b"\n" + intent)
    with pytest.raises(DataError, match="Line 2"), opened(tmp_path):
        pass
