"""The manifest: what every day file says of itself, indexed in `ledger.json`, which can be rebuilt from the footers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from voxlake.errors import DataError
from voxlake.lake.day_file import from_json, to_json
from voxlake.lake.evolve import declaration, newer_than_ours
from voxlake.lake.ids import id_range, overlapping
from voxlake.places import explain
from voxlake.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import date, datetime

    from voxlake.lake.directory import Lake
    from voxlake.lake.ids import Range
    from voxlake.model import DayFile, DayKey

_VERSION = 1

_AHEAD = timedelta(minutes=5)
"""So much later than now a file may have been exported: clocks are corrected by seconds all the time."""


class Manifest:
    """The day files of a lake, and how the last run ended.

    `ledger.json` saves reading the footers: an entry counts as long as its file is untouched. Where it is missing or
    damaged the footers are read, and `published` is called for the days that the database has.

    `damaged` holds the days whose file cannot be read, `missing` those that had a file and have none any more; both
    count as not exported. A file that was exported later than `now` (UTC) was written by a wrong clock: nobody knows
    up to when it is complete, so its day counts as not verified. Without `now`, every file is believed.

    Where other fields were declared when the index was written, every footer is read as well, so that no file of a
    newer version is overlooked.

    Raises:
        SettingsError: a newer version of voxlake wrote the index or a file.

    """

    def __init__(
        self,
        lake: Lake,
        published: Callable[[], Collection[DayKey]] = frozenset,
        *,
        now: datetime | None = None,
    ) -> None:
        self._lake = lake
        self._now = now
        stored = self._stored()
        self._ranges: dict[DayKey, Range | None] = {}
        self._suspects: set[DayKey] = set()
        self.last_run: dict[str, Any] | None = stored.last_run if stored else None
        self._day_files: dict[DayKey, DayFile] = {}
        self.damaged: dict[DayKey, DataError] = {}
        trusted = stored.day_files if stored and stored.declared == declaration() else {}
        for key in lake.day_keys():
            stamped = key, lake.store.stamp(lake.path(key))
            known = trusted.get(stamped)
            if known is not None and stored is not None and stamped in stored.ranges:
                self._ranges[key] = stored.ranges[stamped]
            else:
                self._suspects.add(key)
            try:
                self._day_files[key] = known or lake.read_footer(key)
            except DataError as error:
                self.damaged[key] = error
        once = stored.days if stored else published()
        self.missing = {key for key in once if key not in self and key not in self.damaged}
        self._ahead = {
            key for key, day_file in self._day_files.items() if now is not None and day_file.exported_at > now + _AHEAD
        }

    def __iter__(self) -> Iterator[DayFile]:
        return iter(self[key] for key in sorted(self._day_files))

    def __getitem__(self, key: DayKey) -> DayFile:
        """Return the day file of a day that has one; raises KeyError."""
        day_file = self._day_files[key]
        if not (day_file.verified and key in self._ahead):
            return day_file
        at = day_file.exported_at
        problem = f"it was exported at {at:%Y-%m-%d %H:%M} UTC, which has not come yet: the clock was wrong"
        return replace(day_file, verified=False, problem=problem)

    def __contains__(self, key: DayKey) -> bool:
        """Return whether a day has a file that can be read."""
        return key in self._day_files

    def get(self, key: DayKey) -> DayFile | None:
        """Return the day file of a day, or None."""
        try:
            return self[key]
        except KeyError:
            return None

    def add(self, day_file: DayFile) -> None:
        """Record a file that was just put in place."""
        self._day_files[day_file.key] = day_file
        self._ahead.discard(day_file.key)
        self._ranges.pop(day_file.key, None)
        self.damaged.pop(day_file.key, None)
        self.missing.discard(day_file.key)

    def sound(self) -> list[DayFile]:
        """Return all day files, by account, stream and date.

        Raises:
            DataError: a file cannot be read; a database built without it would lack its rows.

        """
        if self.damaged:
            raise next(iter(self.damaged.values()))
        return list(self)

    def of(self, account_id: int, stream: str) -> dict[date, DayFile]:
        """Return the day files of one stream of one account by UTC day."""
        return {p.key.date: p for p in self if (p.key.account_id, p.key.stream) == (account_id, stream)}

    def oldest(self, account_id: int, stream: str) -> date | None:
        """Return the first UTC day of a stream that has a file, even a damaged one, or had one; None without any.

        A day that has not come yet does not count: a wrong clock made its file.
        """
        keys = (*self._day_files, *self.damaged, *self.missing)
        days = (key.date for key in keys if (key.account_id, key.stream) == (account_id, stream))
        return min((day for day in days if self._now is None or day <= self._now.date()), default=None)

    def ahead(self, account_id: int, stream: str) -> bool:
        """Return whether a wrong clock wrote some of a stream's files, so that nobody knows how far back it began."""
        return any((key.account_id, key.stream) == (account_id, stream) for key in self._ahead)

    def id_ranges(self, account_id: int, stream: str) -> dict[DayKey, Range]:
        """Return the least and the greatest message id of each file of a stream that has rows."""
        found = {}
        for key in self._day_files:
            if (key.account_id, key.stream) == (account_id, stream) and (its := self._range(key)) is not None:
                found[key] = its
        return found

    def overlapping(self, *, suspects_only: bool) -> list[list[DayFile]]:
        """Return the files that may share messages, by stream: those whose ids overlap.

        With `suspects_only`, one of two such files was put in place after the index was saved, or before ids were
        compared at all.
        """
        streams = {(key.account_id, key.stream) for key in self._day_files}
        found = []
        for account_id, stream in sorted(streams):
            ranges = self.id_ranges(account_id, stream)
            suspects = self._suspects.intersection(ranges) if suspects_only else ranges
            found.append([self[key] for key in overlapping(ranges, suspects)])
        return [day_files for day_files in found if day_files]

    def _range(self, key: DayKey) -> Range | None:
        if key not in self._ranges:
            try:
                self._ranges[key] = id_range(self._lake.path(key))
            except (OSError, pa.ArrowException):
                # Lost or damaged since it was listed: nothing is known to be in it.
                return None
        return self._ranges[key]

    def forget_missing(self) -> None:
        """Take the lake as it is: from now on, days without a file never had one."""
        self.missing.clear()

    def save(self, *, last_run: dict[str, Any] | None = None) -> None:
        """Write the index. A crash before that costs the next run some footers to read, nothing else.

        Raises:
            StorageFull: it cannot be written.

        """
        self.last_run = last_run or self.last_run
        lake = self._lake
        day_files = [
            {
                "path": self._name(p.key),
                "stamp": lake.store.stamp(lake.path(p.key)),
                "ids": self._range(p.key),
                **to_json(p),
            }
            for _, p in sorted(self._day_files.items())
        ]
        # A damaged file may be gone next time.
        lost = [{"path": self._name(key)} for key in sorted({*self.missing, *self.damaged})]
        written_by = {"version": _VERSION, "voxlake": __version__, "declared": declaration()}
        stored = {**written_by, "last_run": self.last_run, "parts": day_files, "lost": lost}
        lake.store.write_text(lake.layout.manifest, json.dumps(stored), aside=lake.tmp / lake.layout.manifest.name)

    def _name(self, key: DayKey) -> str:
        return str(self._lake.path(key).relative_to(self._lake.root))

    def _key(self, name: str) -> DayKey:
        key = self._lake.layout.key_of(self._lake.root / name)
        if key is None:
            raise ValueError(name)
        return key

    def _stored(self) -> _Stored | None:
        """Return what `ledger.json` holds; None where it is missing or damaged."""
        try:
            stored = json.loads(self._read())
            version = int(stored["version"])
            if version > _VERSION:
                raise newer_than_ours(self._lake.layout.manifest.name, f"has format {version}", stored.get("voxlake"))
            day_files = dict(self._entry(entry) for entry in stored["parts"])
            ranges = dict(self._entry_range(entry) for entry in stored["parts"] if "ids" in entry)
            lost = {self._key(entry["path"]) for entry in stored.get("lost", [])}
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return None
        last_run = _whole_run(stored.get("last_run"))
        days = lost | {key for key, _ in day_files}
        return _Stored(day_files, ranges, days, last_run, stored.get("declared"))

    def _read(self) -> bytes:
        """Return the content of the index, or nothing; what may not be read is not missing."""
        try:
            return self._lake.layout.manifest.read_bytes()
        except PermissionError as error:
            raise explain(error, self._lake.root, writing=False) or error from error
        except OSError:
            return b""

    def _entry(self, entry: dict[str, Any]) -> tuple[tuple[DayKey, str], DayFile]:
        key = self._key(entry["path"])
        fields = {name: value for name, value in entry.items() if name not in ("path", "stamp", "ids")}
        return (key, entry["stamp"]), from_json(key, fields)

    def _entry_range(self, entry: dict[str, Any]) -> tuple[tuple[DayKey, str], Range | None]:
        its = entry["ids"]
        return (self._key(entry["path"]), entry["stamp"]), None if its is None else (int(its[0]), int(its[1]))


def _whole_run(stored: Any) -> dict[str, Any] | None:
    """Return how the last run ended, or None where that is not what a run writes."""
    kinds = {"ended_at": str, "exit_code": int, "requests": int, "errors": list}
    if not isinstance(stored, dict) or not all(isinstance(stored.get(n, kind()), kind) for n, kind in kinds.items()):
        return None
    return stored if all(isinstance(error, str) for error in stored.get("errors", ())) else None


class _Stored(NamedTuple):
    """What `ledger.json` holds: files and ranges of ids by stamp, all days with a file once, what is declared."""

    day_files: dict[tuple[DayKey, str], DayFile]
    ranges: dict[tuple[DayKey, str], Range | None]
    days: set[DayKey]
    last_run: dict[str, Any] | None
    declared: str | None
