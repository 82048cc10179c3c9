"""What is verified and final: an index of the files' footers, which can be rebuilt from them at any time."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from voxlake.files import put, storage
from voxlake.errors import DataError, VoxlakeError
from voxlake.model import Cell, Part
from voxlake.transform.streams import STREAMS
from voxlake.reporting.calendar import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.lake.day_file import Lake

_VERSION = 1


class Ledger:
    """The parts of a lake, by cell, and how the last run ended.

    The file `ledger.json` spares reading footers: an entry counts as long as its file is untouched. `damaged` holds the
    cells whose file cannot be read, `lost` those that had one and have none any more: they count as not exported. Where
    `ledger.json` is gone or damaged, footers are read, and the published database says which days had a file.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._path = lake.root / "ledger.json"
        stored = self._stored()
        self.last_run: dict[str, Any] | None = stored.last_run if stored else None
        self._parts: dict[Cell, Part] = {}
        self.damaged: dict[Cell, DataError] = {}
        for cell, path in lake.cells():
            known = stored.parts.get((cell, _stamp(path))) if stored else None
            try:
                self._parts[cell] = known or lake.proof(cell, path)
            except DataError as error:
                self.damaged[cell] = error
        once = stored.days if stored else _published(lake)
        self.lost = {cell for cell in once if cell not in self and cell not in self.damaged}

    def __iter__(self) -> Iterator[Part]:
        return iter(sorted(self._parts.values(), key=lambda part: part.cell))

    def __getitem__(self, cell: Cell) -> Part:
        """Give the part of a cell that has one."""
        return self._parts[cell]

    def __contains__(self, cell: Cell) -> bool:
        """Whether a cell has a file that can be read."""
        return cell in self._parts

    def get(self, cell: Cell) -> Part | None:
        """Give the part of a cell, or None."""
        return self._parts.get(cell)

    def add(self, part: Part) -> None:
        """Take note of a file that was just put in place."""
        self._parts[part.cell] = part
        self.damaged.pop(part.cell, None)
        self.lost.discard(part.cell)

    def told_lost(self) -> str:
        """Name the days that had a file and have none any more, as the beginning of a sentence."""
        days = sorted({cell.date for cell in self.lost})
        streams = " and ".join(stream for stream in STREAMS if any(cell.stream == stream for cell in self.lost))
        span = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
        return f"{counted(len(days))} of {streams} ({span}) had files and have none any more"

    def sound(self) -> list[Part]:
        """Give all parts; an unreadable file raises its DataError, for a database without it would lack rows."""
        for error in self.damaged.values():
            raise error
        return list(self)

    def of(self, account_id: int, stream: str) -> dict[date, Part]:
        """Give the parts of one stream of one account by day."""
        return {p.cell.date: p for p in self if (p.cell.account_id, p.cell.stream) == (account_id, stream)}

    def oldest(self, account_id: int, stream: str) -> date | None:
        """Give the first day of a stream that has a file, be it damaged, or had one."""
        cells = (*self._parts, *self.damaged, *self.lost)
        return min((c.date for c in cells if (c.account_id, c.stream) == (account_id, stream)), default=None)

    def save(self, *, last_run: dict[str, Any] | None = None) -> None:
        """Write the index; a crash before it costs the next run the reading of some footers, nothing else."""
        self.last_run = last_run or self.last_run
        parts = []
        for part in self:
            path = self._lake.path(part.cell)
            fields = dataclasses.asdict(part) | {"exported_at": part.exported_at.isoformat()}
            del fields["cell"]
            parts.append({"path": self._name(path), "stamp": _stamp(path), **fields})
        aside = self._lake.tmp / "ledger.json"
        with storage(self._lake.root):
            # A damaged file may be gone next time.
            lost = [{"path": self._name(self._lake.path(cell))} for cell in sorted({*self.lost, *self.damaged})]
            stored = {"version": _VERSION, "last_run": self.last_run, "parts": parts, "lost": lost}
            aside.write_text(json.dumps(stored))
            put(aside, self._path)

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._lake.root))

    def _stored(self) -> _Stored | None:
        """Read `ledger.json`; None where it is gone, damaged or of another version, for it only saves time."""
        try:
            stored = json.loads(self._path.read_bytes())
            if stored["version"] != _VERSION:
                return None
            parts = {(self._cell(entry["path"]), entry["stamp"]): entry for entry in stored["parts"]}
            lost = [self._cell(entry["path"]) for entry in stored.get("lost", [])]
            ended = stored.get("last_run")
            return _Stored(
                {(cell, stamp): _part(cell, entry) for (cell, stamp), entry in parts.items()},
                {*lost, *(cell for cell, _ in parts)},
                ended if isinstance(ended, dict) else None,
            )
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return None

    def _cell(self, name: str) -> Cell:
        path = self._lake.root / name
        (cell,) = filter(None, (self._lake.cell_of(stream, path) for stream in STREAMS))
        return cell


class _Stored(NamedTuple):
    """What `ledger.json` holds: the parts by cell and stamp of the file, and the days that had a file."""

    parts: dict[tuple[Cell, str], Part]
    days: set[Cell]
    last_run: dict[str, Any] | None


def _published(lake: Lake) -> set[Cell]:
    """Give the days that the published database knows; none where it cannot be read."""
    if not os.path.lexists(lake.database):
        return set()
    from voxlake.warehouse.publish import Warehouse  # noqa: PLC0415 - DuckDB, which a first run imports amid its requests

    try:
        return Warehouse(lake).days()
    except VoxlakeError:
        return set()


def _stamp(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"


def _part(cell: Cell, entry: dict[str, Any]) -> Part:
    fields = {name: value for name, value in entry.items() if name not in ("path", "stamp")}
    return Part(cell=cell, **fields | {"exported_at": datetime.fromisoformat(entry["exported_at"])})
