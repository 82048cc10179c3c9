"""The journal of what was sent: on the disk before a request leaves, so that nobody is sent the same text twice."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from voxlake.errors import AlreadyRunning, DataError
from voxlake.files import append, make, storage, sync

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

FILE = "outbox.jsonl"
SENT, FAILED, UNKNOWN = "sent", "failed", "unknown"
RESEND = 484


@dataclass(frozen=True, slots=True)
class Batch:
    """One text from one sender of one account by one method: `key` is all that is kept of the text."""

    account_id: int
    method: str
    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The last word on one number of a batch: sent, failed or unknown, since when (UTC), and what the API said."""

    batch: Batch
    number: str
    intent: str
    state: str
    at: datetime
    message_id: int | None = None
    code: int | None = None
    reason: str | None = None


class SendJournal:
    """The open journal; made by `opened`."""

    def __init__(self, path: Path, file: io.FileIO) -> None:
        self._path, self._file = path, file
        self._salt = b""
        self.taken: set[tuple[str, int]] = set()
        """Every message that was ever noted as sent, by its method and id, also where it was sent again since."""
        self._entries: dict[str, dict[str, Entry]] = {}
        self._intents: dict[str, dict[str, Entry]] = {}
        self._before: dict[str, dict[str, Entry]] = {}
        self._read()
        if not self._salt:
            self._write({"event": "salt", "salt": secrets.token_hex(16)})

    def batch(self, account_id: int, method: str, source: str, text: str) -> Batch:
        """Recognise a batch again; the salt of this file is in the key, so that it says nothing elsewhere."""
        told = "\0".join((str(account_id), method, source, text)).encode("utf-8", "surrogatepass")
        return Batch(account_id, method, source, hmac.new(self._salt, told, hashlib.sha256).hexdigest())

    def known(self, batch: Batch) -> Mapping[str, Entry]:
        """Give the last word on each number of a batch."""
        return self._entries.get(batch.key, {})

    def entries(self) -> Iterator[Entry]:
        """Give the last word on every number of every batch."""
        for its in self._entries.values():
            yield from its.values()

    def again(self, batch: Batch, numbers: Sequence[str], *, at: datetime) -> None:
        """Forget that these got a batch, because it is to be sent to them once more; what is unknown stays so."""
        got = [number for number in numbers if (e := self.known(batch).get(number)) and e.state == SENT]
        if got:
            self._write({"event": "again", "at": _text(at), "batch": batch.key, "numbers": got})

    def intend(self, batch: Batch, numbers: Sequence[str], *, at: datetime, text: str | None = None) -> str:
        """Note that a request is about to leave; without an outcome, each of its numbers counts as unknown."""
        event = {
            "event": "intent",
            "id": secrets.token_hex(8),
            "at": _text(at),
            "account_id": batch.account_id,
            "method": batch.method,
            "source": batch.source,
            "batch": batch.key,
            "numbers": list(numbers),
        }
        self._write(event | ({} if text is None else {"text": text}))
        return str(event["id"])

    def settle(
        self,
        intent: str,
        *,
        at: datetime,
        sent: Mapping[str, int | None] | None = None,
        failed: Mapping[str, tuple[int, str]] | None = None,
        unsent: Sequence[str] = (),
    ) -> None:
        """Note what became of the numbers of a request; `unsent` were certainly not sent, for no fault of theirs."""
        outcome: dict[str, Any] = {"sent": dict(sent or {}), "failed": dict(failed or {}), "unsent": list(unsent)}
        self._write({"event": "outcome", "id": intent, "at": _text(at), **outcome})

    def _read(self) -> None:
        """Take in what is there; a last line that a crash has cut is taken away.

        It was an intent whose request never left, or an outcome that now stays unknown.
        """
        with storage(self._path.parent):
            self._file.seek(0)
            whole = self._file.read()
            end = whole.rfind(b"\n") + 1
            if end < len(whole):
                self._file.truncate(end)
        for number, line in enumerate(whole[:end].splitlines(), start=1):
            try:
                self._apply(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError):
                raise DataError(
                    f"Line {number} of {self._path} cannot be read: mend it, or move the file away where it does not"
                    " matter any more who got what."
                ) from None

    def _write(self, event: dict[str, Any]) -> None:
        with storage(self._path.parent):
            append(self._file, json.dumps(event, ensure_ascii=False).encode() + b"\n")
            os.fsync(self._file.fileno())
        self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        if event["event"] == "salt":
            self._salt = bytes.fromhex(event["salt"])
        elif event["event"] == "again":
            for number in event["numbers"]:
                self._entries[event["batch"]].pop(number, None)
        elif event["event"] == "intent":
            batch = Batch(int(event["account_id"]), event["method"], event["source"], event["batch"])
            at, its = datetime.fromisoformat(event["at"]), self._entries.setdefault(batch.key, {})
            self._before[event["id"]] = {number: its[number] for number in event["numbers"] if number in its}
            meant = {number: Entry(batch, number, event["id"], UNKNOWN, at) for number in event["numbers"]}
            self._intents[event["id"]] = meant
            its |= meant
        else:
            self._conclude(event, datetime.fromisoformat(event["at"]))

    def _conclude(self, event: dict[str, Any], at: datetime) -> None:
        meant, before = self._intents[event["id"]], self._before[event["id"]]
        told: dict[str, Entry | None] = {}
        for number, message_id in event["sent"].items():
            told[number] = replace(meant[number], state=SENT, at=at, message_id=message_id)
            if message_id is not None:
                self.taken.add((meant[number].batch.method, message_id))
        for number, (code, reason) in event["failed"].items():
            old = before.get(number)
            # Refused as a resend of what nobody knew the end of: that is still not known, but hardly lost.
            if code == RESEND and old is not None and old.state == UNKNOWN:
                told[number] = replace(old, code=code, reason=reason)
            else:
                told[number] = replace(meant[number], state=FAILED, at=at, code=code, reason=reason)
        told |= {number: before.get(number) for number in event["unsent"]}
        for number, entry in told.items():
            its = self._entries.setdefault(meant[number].batch.key, {})
            if entry is None:
                its.pop(number, None)
            else:
                its[number] = entry


@contextmanager
def opened(root: Path) -> Iterator[SendJournal]:
    """Open the journal of a data directory for one sender at a time; the lock dies with its process.

    Raises:
        Locked: somebody else is sending.
        DataError: a line in the middle cannot be read, so that nobody knows any more who got what.

    """
    path = root / FILE
    with storage(root):
        make(root)
        if not path.exists():
            path.touch(mode=0o600)
            # A journal that a power cut loses would let everything in it be sent again.
            sync(root)
        file = open(path, "a+b", buffering=0)  # noqa: SIM115, PTH123 - held over the block
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"Another send is under way with {path}: wait until it ends.") from None
        yield SendJournal(path, file)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
