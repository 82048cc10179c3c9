"""What is verified and final: an index of the files' footers, which can be rebuilt from them at any time."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from voxlake.errors import DataError, VoxlakeError
from voxlake.files import put, storage
from voxlake.model import DayFile, DayKey
from voxlake.text import counted
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.lake.day_file import Lake

_VERSION = 1


class Manifest:
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
        self._day_files: dict[DayKey, DayFile] = {}
        self.damaged: dict[DayKey, DataError] = {}
        for day_key, path in lake.day_keys():
            known = stored.day_files.get((day_key, _stamp(path))) if stored else None
            try:
                self._day_files[day_key] = known or lake.proof(day_key, path)
            except DataError as error:
                self.damaged[day_key] = error
        once = stored.days if stored else _published(lake)
        self.lost = {day_key for day_key in once if day_key not in self and day_key not in self.damaged}

    def __iter__(self) -> Iterator[DayFile]:
        return iter(sorted(self._day_files.values(), key=lambda day_file: day_file.key))

    def __getitem__(self, day_key: DayKey) -> DayFile:
        """Give the part of a cell that has one."""
        return self._day_files[day_key]

    def __contains__(self, day_key: DayKey) -> bool:
        """Whether a cell has a file that can be read."""
        return day_key in self._day_files

    def get(self, day_key: DayKey) -> DayFile | None:
        """Give the part of a cell, or None."""
        return self._day_files.get(day_key)

    def add(self, day_file: DayFile) -> None:
        """Take note of a file that was just put in place."""
        self._day_files[day_file.key] = day_file
        self.damaged.pop(day_file.key, None)
        self.lost.discard(day_file.key)

    def told_lost(self) -> str:
        """Name the days that had a file and have none any more, as the beginning of a sentence."""
        days = sorted({day_key.date for day_key in self.lost})
        streams = " and ".join(stream for stream in STREAMS if any(day_key.stream == stream for day_key in self.lost))
        span = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
        return f"{counted(len(days))} of {streams} ({span}) had files and have none any more"

    def sound(self) -> list[DayFile]:
        """Give all parts; an unreadable file raises its DataError, for a database without it would lack rows."""
        for error in self.damaged.values():
            raise error
        return list(self)

    def of(self, account_id: int, stream: str) -> dict[date, DayFile]:
        """Give the parts of one stream of one account by day."""
        return {p.key.date: p for p in self if (p.key.account_id, p.key.stream) == (account_id, stream)}

    def oldest(self, account_id: int, stream: str) -> date | None:
        """Give the first day of a stream that has a file, be it damaged, or had one."""
        day_keys = (*self._day_files, *self.damaged, *self.lost)
        return min((c.date for c in day_keys if (c.account_id, c.stream) == (account_id, stream)), default=None)

    def save(self, *, last_run: dict[str, Any] | None = None) -> None:
        """Write the index; a crash before it costs the next run the reading of some footers, nothing else."""
        self.last_run = last_run or self.last_run
        day_files = []
        for day_file in self:
            path = self._lake.path(day_file.key)
            fields = dataclasses.asdict(day_file) | {"exported_at": day_file.exported_at.isoformat()}
            del fields["key"]
            day_files.append({"path": self._name(path), "stamp": _stamp(path), **fields})
        aside = self._lake.tmp / "ledger.json"
        with storage(self._lake.root):
            # A damaged file may be gone next time.
            lost = [{"path": self._name(self._lake.path(day_key))} for day_key in sorted({*self.lost, *self.damaged})]
            stored = {"version": _VERSION, "last_run": self.last_run, "parts": day_files, "lost": lost}
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
            day_files = {(self._cell(entry["path"]), entry["stamp"]): entry for entry in stored["parts"]}
            lost = [self._cell(entry["path"]) for entry in stored.get("lost", [])]
            ended = stored.get("last_run")
            return _Stored(
                {(day_key, stamp): _day_file(day_key, entry) for (day_key, stamp), entry in day_files.items()},
                {*lost, *(day_key for day_key, _ in day_files)},
                ended if isinstance(ended, dict) else None,
            )
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return None

    def _cell(self, name: str) -> DayKey:
        path = self._lake.root / name
        (day_key,) = filter(None, (self._lake.key_of(stream, path) for stream in STREAMS))
        return day_key


class _Stored(NamedTuple):
    """What `ledger.json` holds: the parts by cell and stamp of the file, and the days that had a file."""

    day_files: dict[tuple[DayKey, str], DayFile]
    days: set[DayKey]
    last_run: dict[str, Any] | None


def _published(lake: Lake) -> set[DayKey]:
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


def _day_file(day_key: DayKey, entry: dict[str, Any]) -> DayFile:
    fields = {name: value for name, value in entry.items() if name not in ("path", "stamp")}
    return DayFile(key=day_key, **fields | {"exported_at": datetime.fromisoformat(entry["exported_at"])})
