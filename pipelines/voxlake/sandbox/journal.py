"""What happened in a sandbox, one line for each event, so that a restart tells the same story."""

from __future__ import annotations

import fcntl
import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .synthetic_day import Row

Event = dict[str, Any]


class Journal:
    """Events in a file, each on the disk before it is answered; without a path, they are forgotten at the end."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = None if path is None else open(path, "a+b")  # noqa: SIM115, PTH123 - held until close
        if self._file is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._file.close()
                raise ValueError(f"Another sandbox keeps its state in {path}: stop it, or name another file.") from None

    def read(self) -> Iterator[Event]:
        """Give the events so far; a last line that a crash has cut was never answered, and is taken away."""
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
            except (ValueError, TypeError, KeyError):
                raise ValueError(
                    f"Line {number} of {self._path} is no event of a sandbox: name another file."
                ) from None

    def write(self, event: Event) -> None:
        """Add an event, and return when it is on the disk."""
        if self._file is not None:
            self._file.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()


def packed(row: Row) -> Event:
    """Make a row fit for JSON."""
    return {**row, "cost": str(row["cost"]), "processed_at": int(row["processed_at"].timestamp())}


def unpacked(event: Event) -> Row:
    """Make it a row again."""
    at = datetime.fromtimestamp(event["processed_at"], UTC)
    return {**event, "cost": Decimal(event["cost"]), "processed_at": at}
