"""The events of a sandbox, one JSON line each, so that a restart restores its state."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.sandbox.synthetic_day import Row

Event = dict[str, Any]


class Journal:
    """A file of events, each on disk before its request is answered; without a path, nothing is stored.

    Raises:
        ValueError: another sandbox has the file open.

    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = None if path is None else open(path, "a+b", opener=_private)  # noqa: SIM115 - held until close
        if self._file is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._file.close()
                raise ValueError(f"Another sandbox is using {path}: stop it, or use another file.") from None
            except OSError as error:
                self._file.close()
                raise ValueError(f"{path} cannot be locked ({error.strerror}): use a file on another disk.") from None

    def read(self) -> Iterator[Event]:
        """Yield the events so far; an incomplete last line, never answered, is removed from the file.

        Raises:
            ValueError: a line is not an event.

        """
        if self._file is None:
            return
        self._file.seek(0)
        whole, torn = self._file.read(), 0
        end = whole.rfind(b"\n") + 1
        if end < len(whole):
            torn = len(whole) - end
            self._file.truncate(end)
        for number, line in enumerate(whole[: len(whole) - torn].splitlines(), start=1):
            try:
                event = json.loads(line)
                yield {**event, "kind": str(event["kind"])}
            except (ValueError, TypeError, KeyError, RecursionError):
                raise ValueError(f"Line {number} of {self._path} is not a sandbox event: use another file.") from None

    def write(self, event: Event) -> None:
        """Append an event; return once it is on disk."""
        if self._file is not None:
            self._file.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file and release its lock."""
        if self._file is not None:
            self._file.close()


def _private(path: str, flags: int) -> int:
    """Open a file that holds phone numbers and texts: nobody else may read it, even if it was made readable before."""
    opened = os.open(path, flags, 0o600)
    with suppress(OSError):
        os.fchmod(opened, 0o600)
    return opened


def to_json(row: Row) -> Event:
    """Return a row as JSON values."""
    return {**row, "cost": str(row["cost"]), "processed_at": int(row["processed_at"].timestamp())}


def from_json(event: Event) -> Row:
    """Return the row that `to_json` was given."""
    at = datetime.fromtimestamp(event["processed_at"], UTC)
    return {**event, "cost": Decimal(event["cost"]), "processed_at": at}
