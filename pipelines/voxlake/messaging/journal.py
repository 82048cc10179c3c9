"""The journal of what was sent: on disk before a request leaves, so that nobody is sent the same text twice.

`outbox.jsonl` holds an event in each line: `salt` (the first), `intent` (a request is about to leave), `outcome` (what
became of it), `again` (numbers may get a text once more). The state is what the events add up to.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from voxlake.errors import DataError, SettingsError
from voxlake.files import append, make, storage, sync
from voxlake.locks import locked
from voxlake.messaging.entries import FAILED, SENT, UNKNOWN, Entry, MessageKey
from voxlake.messaging.stored import Known, StoredForms
from voxlake.phones import normal_number
from voxlake.places import usable
from voxlake.policy import KEEP_ALL
from voxlake.remote import remote_of

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from voxlake.policy import PrivacyPolicy

FILE = "outbox.jsonl"
AS_THEY_ARE = StoredForms()
_SALT_BYTES = 16
_RESEND = 484
"""The API refused a message as a resend of one a moment ago. Source: the vendor's list of errors."""


class SendJournal:
    """The open journal; `open_journal` makes one.

    Every method that records raises `StorageFull` where the disk is full, and then has recorded nothing.
    """

    def __init__(self, path: Path, file: io.FileIO, forms: StoredForms = AS_THEY_ARE) -> None:
        self._path, self._file, self._forms = path, file, forms
        self._state = _State()
        self._read()
        if not self._state.salt:
            self._write({"event": "salt", "salt": secrets.token_hex(_SALT_BYTES)})

    def message_key(self, account_id: int, method: str, source: str, text: str) -> MessageKey:
        """Return the key of a message, the same for the same message in every run with this journal."""
        content = "\0".join((str(account_id), method, source, text)).encode("utf-8", "surrogatepass")
        return MessageKey(account_id, method, source, hmac.new(self._state.salt, content, hashlib.sha256).hexdigest())

    def known(self, message: MessageKey) -> Known:
        """Return the newest entry of each number that a message was meant for."""
        return Known(self._state.entries.get(message.digest, {}), self._forms)

    def is_about(self, entry: Entry, *, source: str | None, destination: str | None) -> bool:
        """Whether a message from one to another is of the sender and the number of an entry."""
        return (
            source is not None
            and destination is not None
            and entry.message.source in (source, self._forms.sender(source))
            and entry.number in (normal_number(destination), self._forms.number(destination))
        )

    def entries(self) -> Iterator[Entry]:
        """Yield the newest entry of every number of every message."""
        for by_number in self._state.entries.values():
            yield from by_number.values()

    def was_sent(self, method: str, message_id: int) -> bool:
        """Whether a message of the API was ever recorded as sent, also where its number was sent to again since."""
        return (method, message_id) in self._state.sent_ids

    def allow_again(self, message: MessageKey, numbers: Sequence[str], *, at: datetime) -> None:
        """Record that a message is to be sent once more to those who got it; what is unknown stays unknown."""
        known = self.known(message)
        got = [known.form(number) for number in numbers if number in known and known[number].state == SENT]
        if got:
            self._write({"event": "again", "at": _iso(at), "batch": message.digest, "numbers": got})

    def record_intent(
        self, message: MessageKey, numbers: Sequence[str], *, at: datetime, text: str | None = None
    ) -> str:
        """Record that a request is about to leave, and return its id; until its outcome its numbers are unknown."""
        event = {
            "event": "intent",
            "id": secrets.token_hex(8),
            "at": _iso(at),
            "account_id": message.account_id,
            "method": message.method,
            "source": message.source,
            "batch": message.digest,
            "numbers": list(numbers),
        }
        self._write(self._forms.event(event | ({} if text is None else {"text": text})))
        return str(event["id"])

    def record_outcome(
        self,
        intent: str,
        *,
        at: datetime,
        sent: Mapping[str, int | None] | None = None,
        failed: Mapping[str, tuple[int, str]] | None = None,
        unsent: Sequence[str] = (),
    ) -> None:
        """Record what became of the numbers of a request: ids of sent messages, codes and reasons of failed ones.

        `unsent` were certainly not sent, for a reason that is not theirs: they are as they were before the request.
        """
        form = self._state.form_of(intent, self._forms)
        outcome: dict[str, Any] = {
            "sent": {form(number): its for number, its in (sent or {}).items()},
            "failed": {form(number): (code, self._forms.reason(its)) for number, (code, its) in (failed or {}).items()},
            "unsent": [form(number) for number in unsent],
        }
        self._write({"event": "outcome", "id": intent, "at": _iso(at), **outcome})

    def _read(self) -> None:
        """Apply the events of the file, and remove a last line that a crash has cut.

        That line was an intent whose request never left, or an outcome that now stays unknown.
        """
        with storage(self._path.parent):
            self._file.seek(0)
            content = self._file.read()
            end = content.rfind(b"\n") + 1
            if not end and content and not _is_cut_salt(content):
                raise self._without_salt()
            if end < len(content):
                self._file.truncate(end)
        for number, line in enumerate(content[:end].splitlines(), start=1):
            try:
                event = json.loads(line)
                if not self._state.salt and event["event"] != "salt":
                    raise self._without_salt()
                self._state.apply(event)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise DataError(
                    f"Line {number} of {self._path} cannot be read: repair it, or move the file away if it no longer"
                    " matters who got what."
                ) from None

    def _without_salt(self) -> DataError:
        """Return the error for a file that would begin anew, and have everything in it sent again."""
        return DataError(
            f"{self._path} does not begin with its line of salt, without which it is not certain any more who got what:"
            " restore it from a backup, or move it away if that no longer matters."
        )

    def _write(self, event: dict[str, Any]) -> None:
        with storage(self._path.parent):
            append(self._file, json.dumps(event, ensure_ascii=False).encode() + b"\n")
            os.fsync(self._file.fileno())
        self._state.apply(event)


class _State:
    """What the events of a journal add up to."""

    def __init__(self) -> None:
        self.salt = b""
        self.sent_ids: set[tuple[str, int]] = set()
        self.entries: dict[str, dict[str, Entry]] = {}
        self._intents: dict[str, dict[str, Entry]] = {}
        self._before: dict[str, dict[str, Entry]] = {}

    def apply(self, event: dict[str, Any]) -> None:
        """Apply one event; raises ValueError, KeyError, TypeError or AttributeError for what is not one."""
        kinds = {"salt": self._salt, "again": self._again, "intent": self._intent, "outcome": self._outcome}
        kinds[event["event"]](event)

    def form_of(self, intent: str, forms: StoredForms) -> Callable[[str], str]:
        """Return what tells how a request has a number: as it was written when it left."""
        return lambda number: number if number in self._intents[intent] else forms.number(number)

    def _salt(self, event: dict[str, Any]) -> None:
        salt = bytes.fromhex(event["salt"])
        if self.salt or not salt:
            raise ValueError("a second salt, or an empty one")
        self.salt = salt

    def _again(self, event: dict[str, Any]) -> None:
        for number in event["numbers"]:
            self.entries[event["batch"]].pop(normal_number(number), None)

    def _intent(self, event: dict[str, Any]) -> None:
        message = MessageKey(int(event["account_id"]), event["method"], event["source"], event["batch"])
        intent, at = event["id"], datetime.fromisoformat(event["at"])
        # Earlier versions wrote numbers as they were typed.
        numbers = [normal_number(number) for number in event["numbers"]]
        by_number = self.entries.setdefault(message.digest, {})
        self._before[intent] = {number: by_number[number] for number in numbers if number in by_number}
        self._intents[intent] = {number: Entry(message, number, intent, UNKNOWN, at) for number in numbers}
        by_number |= self._intents[intent]

    def _outcome(self, event: dict[str, Any]) -> None:
        intended, before = self._intents[event["id"]], self._before[event["id"]]
        at = datetime.fromisoformat(event["at"])
        for number, message_id in event["sent"].items():
            entry = intended[normal_number(number)]
            self._put(entry, replace(entry, state=SENT, at=at, message_id=message_id))
            if message_id is not None:
                self.sent_ids.add((entry.message.method, message_id))
        for number, (code, reason) in ((normal_number(n), its) for n, its in event["failed"].items()):
            self._put(intended[number], _failed(intended[number], before.get(number), at, code, reason))
        for number in map(normal_number, event["unsent"]):
            self._put(intended[number], before.get(number))

    def _put(self, intended: Entry, entry: Entry | None) -> None:
        by_number = self.entries.setdefault(intended.message.digest, {})
        if entry is None:
            by_number.pop(intended.number, None)
        else:
            by_number[intended.number] = entry


def _failed(intended: Entry, before: Entry | None, at: datetime, code: int, reason: str) -> Entry:
    """Return the entry of a number that the API refused.

    Refused as a resend of a message whose outcome was unknown, that outcome stays unknown, though it hardly was lost.
    """
    if code == _RESEND and before is not None and before.state == UNKNOWN:
        return replace(before, code=code, reason=reason)
    return replace(intended, state=FAILED, at=at, code=code, reason=reason)


def _is_cut_salt(content: bytes) -> bool:
    """Whether this is the beginning of the first line of a new journal, which a crash has cut."""
    begins = b'{"event": "salt", "salt": "'
    return begins.startswith(content[: len(begins)]) and len(content) <= len(begins) + 2 * _SALT_BYTES + len(b'"}')


@contextmanager
def open_journal(root: Path, policy: PrivacyPolicy = KEEP_ALL) -> Iterator[SendJournal]:
    """Open the journal of a data directory, for one sender at a time; the lock ends with its process.

    What `policy` does not keep is written as keyed digests.

    Raises:
        SettingsError: a digest is needed, and there is no key; or the data directory is in a store.
        AlreadyRunning: another send is under way with it.
        DataError: the salt or a line before the last cannot be read, so that it is not certain any more who got what.
        StorageFull: the data directory cannot be written.

    """
    if (remote := remote_of(root)) is not None:
        raise SettingsError(
            f"Messages are not sent with {remote.url} as data directory, because a line of the journal must be stored"
            " before each request, and an object cannot be added to: name a folder of this machine with --data-dir."
        )
    forms = StoredForms(policy)
    path = usable(root) / FILE
    with storage(root):
        make(root)
        if not path.exists():
            path.touch(mode=0o600)
            # If a power cut lost the journal, everything in it would be sent again.
            sync(root)
    busy = f"Another send is under way with {path}: wait until it ends."
    with locked(path, holder=f"process {os.getpid()} on {os.uname().nodename}", busy=busy) as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            # Who got what is nobody else's business; whose file it is not, or on what has no modes, goes on.
            with suppress(OSError):
                os.fchmod(file.fileno(), 0o600)
        yield SendJournal(path, file, forms)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
