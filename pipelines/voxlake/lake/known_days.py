"""What is known of the days of a lake while a run works on them: their files, ids and damage, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.errors import DataError
from voxlake.lake.ids import overlapping

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date, datetime

    from voxlake.lake.directory import Lake
    from voxlake.lake.ids import Range
    from voxlake.model import DayFile, DayKey

_AHEAD = timedelta(minutes=5)
"""So much later than now a file may have been exported: clocks are corrected by seconds all the time."""


class KnownDays:
    """The day files of some accounts or of all, by account, stream and UTC day; `Manifest` says what of them counts."""

    def __init__(self, lake: Lake, now: datetime | None) -> None:
        self._lake, self._now = lake, now
        self._latest = None if now is None else now + _AHEAD
        self._streams: dict[tuple[int, str], dict[date, DayFile]] = {}
        self._ranges: dict[tuple[int, str], dict[date, Range | None]] = {}
        self._suspects: set[DayKey] = set()
        self._ahead: set[DayKey] = set()
        self._news: set[DayKey] = set()
        self.damaged: dict[DayKey, DataError] = {}
        self.missing: set[DayKey] = set()

    def __iter__(self) -> Iterator[DayFile]:
        for account_id, stream in sorted(self._streams):
            yield from self.of(account_id, stream).values()

    def __getitem__(self, key: DayKey) -> DayFile:
        """Return the day file of a day that has one; raises KeyError."""
        day_file = self._streams[key.account_id, key.stream][key.date]
        return self._as_believed(day_file) if key in self._ahead else day_file

    def __contains__(self, key: DayKey) -> bool:
        """Return whether a day has a file that can be read."""
        return key.date in self._streams.get((key.account_id, key.stream), ())

    def get(self, key: DayKey) -> DayFile | None:
        """Return the day file of a day, or None."""
        try:
            return self[key]
        except KeyError:
            return None

    def _as_believed(self, day_file: DayFile) -> DayFile:
        """Return a day file as not verified where it was exported later than now."""
        at = day_file.exported_at
        if not (day_file.verified and self._is_ahead(day_file)):
            return day_file
        problem = f"it was exported at {at:%Y-%m-%d %H:%M} UTC, which has not come yet: the clock was wrong"
        return replace(day_file, verified=False, problem=problem)

    def add(self, day_file: DayFile) -> None:
        """Record a file that was just put in place."""
        key = day_file.key
        self._streams.setdefault((key.account_id, key.stream), {})[key.date] = day_file
        self._ahead.discard(key)
        self._ranges.get((key.account_id, key.stream), {}).pop(key.date, None)
        self.damaged.pop(key, None)
        self.missing.discard(key)
        self._news.add(key)

    def sound(self) -> list[DayFile]:
        """Return all day files, by account, stream and date.

        Raises:
            DataError: a file cannot be read; a database built without it would lack its rows.

        """
        if self.damaged:
            raise next(iter(self.damaged.values()))
        return list(self)

    def of(self, account_id: int, stream: str) -> dict[date, DayFile]:
        """Return the day files of one stream of one account by UTC day, in order."""
        held = self._streams.get((account_id, stream), {})
        if not self._ahead:
            return {day: held[day] for day in sorted(held)}
        return {day: self[held[day].key] for day in sorted(held)}

    def oldest(self, account_id: int, stream: str) -> date | None:
        """Return the first of the known days of a stream; None without any."""
        return min(self.known_days(account_id, stream), default=None)

    def known_days(self, account_id: int, stream: str) -> set[date]:
        """Return the UTC days of a stream that have a file, even a damaged one, or had one, and that have come."""
        at = account_id, stream
        days = {key.date for key in (*self.damaged, *self.missing) if (key.account_id, key.stream) == at}
        days.update(self._streams.get(at, ()))
        if self._now is None or not days or max(days) <= (today := self._now.date()):
            return days
        return {day for day in days if day <= today}

    def ahead(self, account_id: int, stream: str) -> bool:
        """Return whether a wrong clock wrote some of a stream's files, so that nobody knows how far back it began."""
        return any((key.account_id, key.stream) == (account_id, stream) for key in self._ahead)

    def id_ranges(self, account_id: int, stream: str) -> dict[DayKey, Range]:
        """Return the least and the greatest message id of each file of a stream that has rows."""
        keys = (day_file.key for day_file in self._streams.get((account_id, stream), {}).values())
        return {key: its for key in keys if (its := self._range(key)) is not None}

    def overlapping(self, *, suspects_only: bool, among: Collection[DayKey] | None = None) -> list[list[DayFile]]:
        """Return the files that may share messages, by stream: those whose ids overlap.

        With `suspects_only`, one of two such files was put in place after the index was saved, or before ids were
        compared at all; with `among`, it is one of these.
        """
        found = []
        asked = self._suspects if suspects_only else among
        streams = self._streams if asked is None else {(key.account_id, key.stream) for key in asked}
        for account_id, stream in sorted(streams):
            ranges = self.id_ranges(account_id, stream)
            suspects = ranges.keys() if asked is None else ranges.keys() & set(asked)
            found.append([self[key] for key in overlapping(ranges, suspects)])
        return [day_files for day_files in found if day_files]

    def _range(self, key: DayKey) -> Range | None:
        ranges = self._ranges.setdefault((key.account_id, key.stream), {})
        if key.date not in ranges:
            day_file = self._streams.get((key.account_id, key.stream), {}).get(key.date)
            if day_file is not None and not day_file.row_count:
                return None
            try:
                ranges[key.date] = self._lake.id_range(key)
            except (OSError, pa.ArrowException, DataError):
                # Lost or damaged since it was listed: nothing is known to be in it.
                return None
        return ranges[key.date]

    def _is_ahead(self, day_file: DayFile) -> bool:
        return self._latest is not None and day_file.exported_at > self._latest
