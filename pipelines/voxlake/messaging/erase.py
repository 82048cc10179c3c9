"""Write the journal of what was sent again: without a number that is to be forgotten, or as `[privacy]` has it now."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from voxlake.files import put, storage
from voxlake.messaging.journal import FILE, open_journal
from voxlake.messaging.stored import StoredForms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.policy import PrivacyPolicy
    from voxlake.transform import Forgotten


def erase_in_journal(root: Path, forgotten: Forgotten, *, on_file: Callable[[Path, Path], None] | None) -> int:
    """Write the journal of a data directory again without numbers, and return how many of its lines change.

    `on_file` is called before, with its path and that of what takes its place; without it, nothing is written.
    A message to such a number can be sent again from then on: nobody remembers that it was.

    Raises:
        AlreadyRunning: a send is under way.
        DataError: the journal cannot be read.
        StorageFull: it cannot be written.

    """
    dropped: set[str] = set()
    return _write_again(root, lambda line: _without(line, forgotten, dropped), on_file)


def treat_journal(root: Path, policy: PrivacyPolicy, *, dry_run: bool = False) -> int:
    """Put digests into the journal of a data directory for what a policy does not keep; return how many lines change.

    Who got what is still known: the digests are those of later sends.

    Raises:
        SettingsError: there is no key for the digests.
        AlreadyRunning: a send is under way.
        DataError: the journal cannot be read.
        StorageFull: it cannot be written.

    """
    if not (root / FILE).exists():
        return 0
    forms = StoredForms(policy)

    def treated(line: bytes) -> bytes:
        event = json.loads(line)
        written = forms.event(event)
        return line if written == event else json.dumps(written, ensure_ascii=False).encode() + b"\n"

    return _write_again(root, treated, None if dry_run else lambda _path, _aside: None)


def _write_again(root: Path, change: Callable[[bytes], bytes], on_file: Callable[[Path, Path], None] | None) -> int:
    """Write the journal with every line changed, and return how many differ; without `on_file`, nothing is written."""
    path = root / FILE
    if not path.exists():
        return 0
    with open_journal(root), storage(root):
        lines = path.read_bytes().splitlines(keepends=True)
        written = [change(line) for line in lines]
        changed = sum(one != other for one, other in zip(lines, written, strict=True))
        if changed and on_file is not None:
            aside = path.with_name(f".{FILE}.new")
            aside.unlink(missing_ok=True)
            opened = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(opened, "wb") as file:
                file.write(b"".join(written))
            on_file(path, aside)
            put(aside, path)
    return changed


def _without(line: bytes, forgotten: Forgotten, dropped: set[str]) -> bytes:
    """Return a line without numbers; `dropped` are requests of which nothing is left."""
    event: dict[str, Any] = json.loads(line)
    kind, before = event["event"], json.dumps(event)
    if event.get("id") in dropped:
        return b""
    if kind in {"intent", "again"}:
        event["numbers"] = [number for number in event["numbers"] if forgotten.kind_of(str(number)) is None]
        is_source = forgotten.kind_of(str(event.get("source", ""))) is not None
        if not event["numbers"] or is_source:
            dropped |= {event["id"]} if "id" in event else set()
            return b""
    if kind == "outcome":
        for name in ("sent", "failed"):
            event[name] = {number: its for number, its in event[name].items() if forgotten.kind_of(number) is None}
        event["unsent"] = [number for number in event["unsent"] if forgotten.kind_of(str(number)) is None]
    event |= {name: forgotten.redact_value(event[name]) for name in ("text", "failed") if name in event}
    return line if json.dumps(event) == before else json.dumps(event, ensure_ascii=False).encode() + b"\n"
