"""The manifest: what day files say of themselves, indexed in `ledger.sqlite`, which can be rebuilt from the footers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from voxlake.errors import DataError
from voxlake.lake.entries import DAMAGED, FORGOTTEN, HELD, MISSING, Entry
from voxlake.lake.evolve import declaration
from voxlake.lake.ids import id_range, overlapping
from voxlake.lake.index import Index
from voxlake.lake.scan import scan
from voxlake.lake.stored import Change, load, store
from voxlake.model import DayKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import date, datetime

    from voxlake.lake.directory import Lake
    from voxlake.lake.ids import Range
    from voxlake.model import DayFile

_AHEAD = timedelta(minutes=5)
"""So much later than now a file may have been exported: clocks are corrected by seconds all the time."""


def _nothing_published(_account_ids: Collection[int] | None) -> Collection[DayKey]:
    return ()


class Manifest:
    """The day files of some accounts of a lake, or of all, and how the last run of each ended.

    `ledger.sqlite` saves reading the footers: an entry counts as long as its file is untouched. Where it is missing or
    damaged the footers are read, and `published` is called for the days that the database has of some accounts, or of
    all. With `account_ids`, nothing is read of other accounts, and their files are not looked at.

    `damaged` holds the days whose file cannot be read, `missing` those that had a file and have none any more; both
    count as not exported. A file that was exported later than `now` (UTC) was written by a wrong clock: nobody knows
    up to when it is complete, so its day counts as not verified. Without `now`, every file is believed.

    Where other fields were declared when an account was indexed, its footers are read as well, whosever manifest this
    is, so that no file of a newer version is overlooked.

    Raises:
        SettingsError: a newer version of voxlake wrote the index or a file.

    """

    def __init__(
        self,
        lake: Lake,
        published: Callable[[Collection[int] | None], Collection[DayKey]] = _nothing_published,
        *,
        now: datetime | None = None,
        account_ids: Collection[int] | None = None,
    ) -> None:
        self._lake, self._published, self._now, self._accounts = lake, published, now, account_ids
        self._index, self._declared = Index(lake), declaration()
        self._stored = stored = load(self._index, account_ids)
        self.last_runs: dict[int, dict[str, Any]] = {
            account: run for account, run in stored.runs.items() if _is_whole(run)
        }
        self._ranges: dict[DayKey, Range | None] = {}
        self._suspects: set[DayKey] = set()
        self._streams: dict[tuple[int, str], dict[date, DayFile]] = {}
        self._stamps: dict[DayKey, str] = {}
        self.damaged: dict[DayKey, DataError] = {}
        self._ahead: set[DayKey] = set()
        self._news: set[DayKey] = set()
        self._checked = self._check_others()
        for scanned in scan(lake.layout, account_ids):
            for day, stamp in scanned.stamps.items():
                self._find(DayKey(scanned.account_id, scanned.stream, day), stamp)
        self.missing = {key for key in self._once() if key not in self and key not in self.damaged}
        known = {key for key, entry in stored.entries.items() if entry.state == MISSING}
        self._news |= self.missing - known
        # What was found again, or whose file cannot be read any more, is written as it is now.
        self._news |= {key for key in known if key not in self.missing}
        self._forgotten: set[DayKey] = set()

    def _find(self, key: DayKey, stamp: str) -> None:
        """Take in a file that is there: from the index where that knows it as it is, else from its footer."""
        entry = self._stored.entries.get(key)
        day_file = None
        if entry is not None and entry.stamp == stamp and self._is_declared(key.account_id):
            day_file = entry.day_file
        if entry is not None and day_file is not None and entry.compared:
            self._ranges[key] = entry.ids
        else:
            self._suspects.add(key)
        if day_file is None:
            self._news.add(key)
            try:
                day_file = self._lake.read_footer(key)
            except DataError as error:
                self.damaged[key] = error
                return
        self._streams.setdefault((key.account_id, key.stream), {})[key.date] = day_file
        if self._now is not None and day_file.exported_at > self._now + _AHEAD:
            self._ahead.add(key)
        if entry is not None and entry.ahead != (key in self._ahead):
            self._news.add(key)

    def _is_declared(self, account_id: int) -> bool:
        return self._stored.declared.get(account_id) == self._declared

    def _check_others(self) -> set[int]:
        """Read the footers of other accounts that a version with other fields has indexed, and return these."""
        others = {
            account
            for account, its in self._stored.declared.items()
            if its != self._declared and self._accounts is not None and account not in self._accounts
        }
        for scanned in scan(self._lake.layout, others) if others else ():
            for day in scanned.stamps:
                with suppress(DataError):
                    self._lake.read_footer(DayKey(scanned.account_id, scanned.stream, day))
        return others

    def _once(self) -> set[DayKey]:
        """Return every day that had a file: of accounts that are not indexed, those that the database has."""
        stored = self._stored
        once = {key for key, entry in stored.entries.items() if entry.state != FORGOTTEN}
        if self._accounts is not None:
            unknown: Collection[int] | None = [account for account in self._accounts if account not in stored.declared]
        elif stored.whole:
            unknown = {account for account, _ in self._streams} | {key.account_id for key in self.damaged}
            unknown -= stored.declared.keys()
        else:
            unknown = None
        if unknown is None or unknown:
            once |= {key for key in self._published(unknown) if key.account_id not in stored.declared}
        return once

    @property
    def last_run(self) -> dict[str, Any] | None:
        """How the newest of the last runs ended."""
        return max(self.last_runs.values(), key=lambda run: str(run.get("ended_at", "")), default=None)

    def __iter__(self) -> Iterator[DayFile]:
        for account_id, stream in sorted(self._streams):
            yield from self.of(account_id, stream).values()

    def __getitem__(self, key: DayKey) -> DayFile:
        """Return the day file of a day that has one; raises KeyError."""
        day_file = self._streams[key.account_id, key.stream][key.date]
        return self.as_believed(day_file) if key in self._ahead else day_file

    def __contains__(self, key: DayKey) -> bool:
        """Return whether a day has a file that can be read."""
        return key.date in self._streams.get((key.account_id, key.stream), ())

    def get(self, key: DayKey) -> DayFile | None:
        """Return the day file of a day, or None."""
        try:
            return self[key]
        except KeyError:
            return None

    def as_believed(self, day_file: DayFile) -> DayFile:
        """Return a day file as not verified where it was exported later than now."""
        at = day_file.exported_at
        if not day_file.verified or self._now is None or at <= self._now + _AHEAD:
            return day_file
        problem = f"it was exported at {at:%Y-%m-%d %H:%M} UTC, which has not come yet: the clock was wrong"
        return replace(day_file, verified=False, problem=problem)

    def add(self, day_file: DayFile) -> None:
        """Record a file that was just put in place."""
        key = day_file.key
        self._streams.setdefault((key.account_id, key.stream), {})[key.date] = day_file
        self._ahead.discard(key)
        self._ranges.pop(key, None)
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
        return {day for day in days if self._now is None or day <= self._now.date()}

    def ahead(self, account_id: int, stream: str) -> bool:
        """Return whether a wrong clock wrote some of a stream's files, so that nobody knows how far back it began."""
        return any((key.account_id, key.stream) == (account_id, stream) for key in self._ahead)

    def id_ranges(self, account_id: int, stream: str) -> dict[DayKey, Range]:
        """Return the least and the greatest message id of each file of a stream that has rows."""
        keys = (day_file.key for day_file in self._streams.get((account_id, stream), {}).values())
        return {key: its for key in keys if (its := self._range(key)) is not None}

    def overlapping(self, *, suspects_only: bool) -> list[list[DayFile]]:
        """Return the files that may share messages, by stream: those whose ids overlap.

        With `suspects_only`, one of two such files was put in place after the index was saved, or before ids were
        compared at all.
        """
        found = []
        suspicious = {(key.account_id, key.stream) for key in self._suspects}
        for account_id, stream in sorted(suspicious if suspects_only else self._streams):
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
        self._forgotten |= self.missing
        self._news |= self.missing
        self.missing.clear()

    def save(self, *, last_runs: Mapping[int, dict[str, Any]] | None = None) -> None:
        """Write what is new in the index; a crash before that costs the next run some footers to read, nothing else.

        `last_runs` says of accounts how a run of them has ended.

        Raises:
            StorageFull: it cannot be written.

        """
        self.last_runs |= last_runs or {}
        entries = [self._entry(key) for key in sorted(self._news)]
        accounts = self._accounts
        if accounts is None:
            keys = (*self.damaged, *self.missing, *self._forgotten)
            accounts = {account for account, _ in self._streams} | {key.account_id for key in keys}
            accounts |= self._stored.declared.keys()
        undeclared = {account for account in accounts if not self._is_declared(account)}
        becomes_whole = self._accounts is None and not self._stored.whole
        if entries or undeclared or self._checked or last_runs or becomes_whole:
            declared = dict.fromkeys(undeclared | self._checked, self._declared)
            store(self._index, Change(entries, declared, last_runs or {}, whole=self._accounts is None))
            self._news.clear()
            self._checked.clear()
            self._stored.declared |= declared
            self._stored.whole |= becomes_whole

    def _entry(self, key: DayKey) -> Entry:
        """Return the entry of a day as it is now."""
        if key in self._forgotten and key not in self:
            return Entry(key, 0, FORGOTTEN)
        if key not in self:
            return Entry(key, 0, DAMAGED if key in self.damaged else MISSING)
        day_file = self._streams[key.account_id, key.stream][key.date]
        try:
            stamp = self._lake.store.stamp(self._lake.path(key))
        except (FileNotFoundError, NotADirectoryError):
            # Somebody has just taken it away.
            return Entry(key, 0, MISSING)
        ids = self._range(key)
        return Entry(key, 0, HELD, stamp, compared=True, ids=ids, ahead=key in self._ahead, day_file=day_file)


def _is_whole(run: Any) -> bool:
    """Return whether this is how a run says that it ended."""
    kinds = {"ended_at": str, "exit_code": int, "requests": int, "errors": list}
    if not isinstance(run, dict) or not all(isinstance(run.get(n, kind()), kind) for n, kind in kinds.items()):
        return False
    return all(isinstance(error, str) for error in run.get("errors", ()))
