"""What the journal knows is known after any interruption, or taken for less."""

import json
import resource
import signal
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.messages import SENDER

from voxlake.errors import DataError, SettingsError, StorageFull
from voxlake.messaging import FAILED, SENT, UNKNOWN, open_journal, treat_journal
from voxlake.policy import PrivacyPolicy
from voxlake.privacy import PrivacyKey

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_line_that_does_not_fit_leaves_nothing(tmp_path):
    """Where the disk is full for a moment, half a line is taken away, and the next run reads the journal."""
    with open_journal(tmp_path) as journal:
        message = journal.message_key(1, "m", "s", "t")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "outbox.jsonl").stat().st_size + 20, limits[1]))
        try:
            with pytest.raises(StorageFull):
                journal.record_intent(message, ["1"], at=AT)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        assert not journal.known(message)
        journal.record_intent(message, ["2"], at=AT)
    with open_journal(tmp_path) as journal:
        assert journal.known(message).keys() == {"2"}


@given(st.data())
@settings(deadline=None)
def test_the_journal_tells_the_same_after_a_restart(tmp_path_factory, data):
    """Whatever was noted, and wherever the file was cut in its last line, a reader knows the same or more caution."""
    root = tmp_path_factory.mktemp("outbox")
    with open_journal(root) as journal:
        message = journal.message_key(1, "A2PSendSms", SENDER, "hello")
        for _ in range(data.draw(st.integers(1, 4))):
            numbers = data.draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True))
            intent = journal.record_intent(message, numbers, at=AT)
            states = {n: data.draw(st.sampled_from(["sent", "failed", "resend", "unsent", "lost"])) for n in numbers}
            journal.record_outcome(
                intent,
                at=AT,
                sent={n: 1 for n, s in states.items() if s == "sent"},
                failed={
                    n: (506 if s == "failed" else 484, "x") for n, s in states.items() if s in ("failed", "resend")
                },
                unsent=[n for n, s in states.items() if s == "unsent"],
            )
        known = dict(journal.known(message))
        assert message == journal.message_key(1, "A2PSendSms", SENDER, "hello")
        assert message != journal.message_key(1, "A2PSendSms", SENDER, "hello!")
    with open_journal(root) as journal:
        assert dict(journal.known(message)) == known
    path = root / "outbox.jsonl"
    whole = path.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    path.write_bytes(whole[: data.draw(st.integers(last + 1, len(whole) - 1))])
    with open_journal(root) as journal:
        cautious = dict(journal.known(message))
        lost = json.loads(whole[last:])
        assert all(cautious[n].state == UNKNOWN for n in lost["sent"])
        assert {n for n, e in cautious.items() if e.state == SENT} <= {n for n, e in known.items() if e.state == SENT}
        assert all(e.state in (SENT, FAILED, UNKNOWN) for e in cautious.values())


def test_a_journal_that_is_none(tmp_path):
    """A line in the middle that cannot be read stops everything; nobody guesses who got what."""
    with open_journal(tmp_path) as journal:
        journal.record_intent(journal.message_key(1, "m", "s", "t"), ["1"], at=AT)
    path = tmp_path / "outbox.jsonl"
    salt, intent = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(salt + intent[:20] + b"\n" + intent)
    with pytest.raises(DataError, match="Line 2"), open_journal(tmp_path):
        pass


def test_the_format_of_the_file(tmp_path):
    """The events of a journal, as every version has written them: one that is read must be understood for ever."""
    with open_journal(tmp_path) as journal:
        message = journal.message_key(7, "A2PSendSms", SENDER, "hello")
        intent = journal.record_intent(message, ["1", "2", "3"], at=AT, text="hello")
        journal.record_outcome(intent, at=AT, sent={"1": 5}, failed={"2": (506, "no route")}, unsent=["3"])
        journal.allow_again(message, ["1", "2"], at=AT)
        assert set(journal.known(message)) == {"2"}
    salt, *events = map(json.loads, (tmp_path / "outbox.jsonl").read_text().splitlines())
    assert (salt["event"], len(bytes.fromhex(salt["salt"]))) == ("salt", 16)
    at, digest = "2026-03-01T12:00:00+00:00", message.digest
    assert events == [
        {
            "event": "intent", "id": intent, "at": at, "account_id": 7, "method": "A2PSendSms", "source": SENDER,
            "batch": digest, "numbers": ["1", "2", "3"], "text": "hello",
        },
        {
            "event": "outcome", "id": intent, "at": at,
            "sent": {"1": 5}, "failed": {"2": [506, "no route"]}, "unsent": ["3"],
        },
        {"event": "again", "at": at, "batch": digest, "numbers": ["1"]},
    ]  # fmt: skip


def test_a_journal_of_the_version_before(tmp_path):
    """The file of 0.1 is read as it was written: keys by its salt, states, and what may be sent again."""
    (tmp_path / "outbox.jsonl").write_text(
        '{"event": "salt", "salt": "000102030405060708090a0b0c0d0e0f"}\n'
        '{"event": "intent", "id": "a", "at": "2026-03-01T12:00:00+00:00", "account_id": 7, "method": "A2PSendSms",'
        ' "source": "Voxlake", "batch": "7aa73f156e5b1c0a805c009374a90ab95a9dc8672344cc043c7fb1574f176c18",'
        ' "numbers": ["1", "2"]}\n'
        '{"event": "outcome", "id": "a", "at": "2026-03-01T12:00:01+00:00", "sent": {"1": 5}, "failed": {},'
        ' "unsent": []}\n'
    )
    with open_journal(tmp_path) as journal:
        assert {entry.number: entry.state for entry in journal.entries()} == {"1": SENT, "2": UNKNOWN}
        assert journal.was_sent("A2PSendSms", 5)
        key = journal.message_key(7, "A2PSendSms", "Voxlake", "hello")
        assert key.digest == "7aa73f156e5b1c0a805c009374a90ab95a9dc8672344cc043c7fb1574f176c18"
        assert journal.known(key).keys() == {"1", "2"}


def test_a_journal_without_its_salt(tmp_path):
    """What would begin anew, and send everything again, is refused: the first line gone, spoiled, or not one."""
    with open_journal(tmp_path) as journal:
        journal.record_intent(journal.message_key(1, "m", "s", "t"), ["1"], at=AT)
    path = tmp_path / "outbox.jsonl"
    salt, intent = path.read_bytes().splitlines(keepends=True)
    for content in (intent, intent[:40], salt.replace(b"\n", b"\r") + intent[:-1], b"\n" + salt + intent):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"restore it from a backup|Line 1"), open_journal(tmp_path):
            pass
        assert path.read_bytes() == content
    for content in (
        salt + salt,
        b'{"event": "salt", "salt": ""}\n',
        salt + b"[" * 100_000 + b"\n",
        b"[" * 100_000 + b"\n",
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"Line [12] of"), open_journal(tmp_path):
            pass
    path.write_bytes(salt[:30])
    with open_journal(tmp_path):
        assert path.read_bytes().count(b"salt") == 2


def test_a_journal_is_its_owners_alone(tmp_path):
    """A file that others could read, or write, is mended when it is opened."""
    for mode in (0o666, 0o640, 0o604):
        with open_journal(tmp_path):
            pass
        path = tmp_path / "outbox.jsonl"
        path.chmod(mode)
        with open_journal(tmp_path):
            assert path.stat().st_mode & 0o777 == 0o600


HASHED = PrivacyPolicy("hash", "mask", "drop", "hash", key=PrivacyKey(bytes(range(32))))


def test_no_number_under_a_policy(tmp_path):
    """Digests stand for numbers, whatever the policy makes of them elsewhere; who got what is known as ever."""
    with open_journal(tmp_path, HASHED) as journal:
        message = journal.message_key(1, "A2PSendSms", "447700900001", "hello")
        intent = journal.record_intent(message, ["447700900123", "447700900456"], at=AT, text="hello")
        failed = {"447700900456": (506, "447700900456 is not a number")}
        journal.record_outcome(intent, at=AT, sent={"447700900123": 5}, failed=failed)
        known = journal.known(message)
        assert (known["447700900123"].state, known["+44 7700 900456"].state) == (SENT, FAILED)
        assert known["447700900123"].number == "447700900123"
        journal.allow_again(message, ["447700900123"], at=AT)
        assert "447700900123" not in journal.known(message)
    content = (tmp_path / "outbox.jsonl").read_text()
    assert not [secret for secret in ("7700900123", "7700900456", "7700900001", "hello") if secret in content]
    with open_journal(tmp_path, HASHED) as journal:
        assert set(map(str, journal.known(message))) == {HASHED.number("source", "447700900456")}


def test_a_journal_in_clear_is_known_under_a_policy_and_treated(tmp_path):
    """Lines of before are understood beside digests, and `treat_journal` leaves no number, and nobody unknown."""
    with open_journal(tmp_path) as journal:
        message = journal.message_key(1, "A2PSendSms", SENDER, "hello")
        sent = journal.record_intent(message, ["447700900123"], at=AT, text="hello")
        journal.record_outcome(sent, at=AT, sent={"447700900123": 5})
        lost = journal.record_intent(message, ["447700900456"], at=AT)
    with open_journal(tmp_path, HASHED) as journal:
        assert journal.known(message)["447700900123"].state == SENT
        journal.record_outcome(lost, at=AT, unsent=["447700900456"])
    assert treat_journal(tmp_path, HASHED, dry_run=True) == treat_journal(tmp_path, HASHED) == 4
    assert treat_journal(tmp_path, HASHED) == 0
    assert "7700900" not in (tmp_path / "outbox.jsonl").read_text()
    with open_journal(tmp_path, HASHED) as journal:
        assert {n: journal.known(message)[n].state for n in ["447700900123"]} == {"447700900123": SENT}
        assert "447700900456" not in journal.known(message)


def test_a_policy_without_a_key(tmp_path):
    """Without a key no digest can be made: nothing is opened, and the sentence says how to make one."""
    with (
        pytest.raises(SettingsError, match="voxlake privacy init"),
        open_journal(tmp_path, PrivacyPolicy(destination="drop")),
    ):
        raise AssertionError
    assert not list(tmp_path.iterdir())
