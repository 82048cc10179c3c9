"""The manifest: what day files say of themselves, indexed in `ledger.sqlite`, which can be rebuilt from the footers."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from voxlake.errors import DataError
from voxlake.lake.accounts import AccountRegistry
from voxlake.lake.entries import DAMAGED, FORGOTTEN, HELD, MISSING, Entry
from voxlake.lake.evolve import declaration
from voxlake.lake.index import Index
from voxlake.lake.known_days import KnownDays
from voxlake.lake.months import last_of
from voxlake.lake.scan import scan
from voxlake.lake.stored import Change, find_news, load, store
from voxlake.model import DAY, Changes, DayKey, Mark, span

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import date, datetime

    from voxlake.lake.directory import Lake
    from voxlake.lake.scan import Scanned
    from voxlake.model import DayFile


def _nothing_published(_account_ids: Collection[int] | None) -> Collection[DayKey]:
    return ()


class Manifest(KnownDays):
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
        super().__init__(lake, now)
        self._published, self._accounts = published, account_ids
        self._index, self._declared = Index(lake), declaration()
        self._stored = stored = load(self._index, account_ids, declared=self._declared)
        self.last_runs: dict[int, dict[str, Any]] = {
            account: run for account, run in stored.runs.items() if _is_whole(run)
        }
        self._checked = self._check_others()
        self._in_months: dict[tuple[int, str], frozenset[date]] = {}
        for scanned in scan(lake.layout, account_ids):
            if scanned.in_months:
                self._in_months[scanned.account_id, scanned.stream] = scanned.in_months
            self._take_in(scanned)
        lost = self._lost()
        kept = {its.account_id: its.kept_since for its in AccountRegistry(lake).all() if its.kept_since}
        # Days of a retention that was interrupted: they are no more, and nobody misses them.
        retained = {key for key in lost if key.date < kept.get(key.account_id, {}).get(key.stream, key.date)}
        self.missing = lost - retained
        known = {entry.key for its in stored.entries.values() for entry in its.values() if entry.state == MISSING}
        self._news |= self.missing - known
        # What was found again, or whose file cannot be read any more, is written as it is now.
        self._news |= {key for key in known if key not in self.missing}
        self._forgotten: set[DayKey] = set(retained)
        self._news |= retained

    def _take_in(self, scanned: Scanned) -> None:
        """Take in the files of a stream that are there: most are as the index knows them, and nothing is to be done."""
        at = scanned.account_id, scanned.stream
        entries = self._stored.entries.get(at, {})
        unchanged, ranges, is_declared = {}, {}, self._is_declared(scanned.account_id)
        self._lake.fetch(
            DayKey(*at, day)
            for day, stamp in scanned.stamps.items()
            if not (is_declared and day in entries and entries[day].stamp == stamp)
        )
        for day, stamp in scanned.stamps.items():
            entry = entries.get(day)
            day_file = entry.day_file if entry is not None and entry.stamp == stamp and is_declared else None
            if entry is None or day_file is None or not entry.compared or entry.ahead or self._is_ahead(day_file):
                self._find(DayKey(*at, day), entry, day_file)
            else:
                unchanged[day], ranges[day] = day_file, entry.ids
        self._streams.setdefault(at, {}).update(unchanged)
        self._ranges.setdefault(at, {}).update(ranges)

    def _find(self, key: DayKey, entry: Entry | None, day_file: DayFile | None) -> None:
        """Take in a file: as the index knows it, `day_file`, or where it does not, from its footer."""
        if entry is not None and day_file is not None and entry.compared:
            self._ranges.setdefault((key.account_id, key.stream), {})[key.date] = entry.ids
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
        if self._is_ahead(day_file):
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

    def _lost(self) -> set[DayKey]:
        """Return every day that had a file and has none: of accounts that are not indexed, the database knows them."""
        stored, lost = self._stored, set()
        for at, entries in stored.entries.items():
            days = entries.keys() - self._streams.get(at, {}).keys()
            lost |= {entries[day].key for day in days if entries[day].state != FORGOTTEN}
        if self._accounts is not None:
            unknown: Collection[int] | None = [account for account in self._accounts if account not in stored.declared]
        elif stored.whole:
            unknown = {account for account, _ in self._streams} | {key.account_id for key in self.damaged}
            unknown -= stored.declared.keys()
        else:
            unknown = None
        if unknown is None or unknown:
            published = self._published(unknown)
            lost |= {key for key in published if key.account_id not in stored.declared and key not in self}
        return lost - self.damaged.keys()

    @property
    def last_run(self) -> dict[str, Any] | None:
        """How the newest of the last runs ended."""
        return max(self.last_runs.values(), key=lambda run: str(run.get("ended_at", "")), default=None)

    def retain_away(self, keys: Iterable[DayKey]) -> None:
        """Take away days that are older than days are kept: from now on, nobody misses them."""
        for key in list(keys):
            self._streams.get((key.account_id, key.stream), {}).pop(key.date, None)
            self.missing.discard(key)
            self._forgotten.add(key)
            self._news.add(key)

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
        self._store(last_runs or {}, compared=True)

    def in_months(self, account_id: int, stream: str) -> frozenset[date]:
        """Return the days of a stream whose rows lay in the file of their month when the manifest was made."""
        return self._in_months.get((account_id, stream), frozenset())

    def _moved(self, keys: Collection[DayKey]) -> dict[DayKey, str]:
        """Return the stamps of other days that lie in the files of the months of some days.

        Such a file is written again as a whole.
        """
        moved: dict[DayKey, str] = {}
        months = {last_of(key) for key in keys if key.date in self.in_months(key.account_id, key.stream)}
        for last in months:
            for day in span(last.date.replace(day=1), last.date + DAY):
                key = DayKey(last.account_id, last.stream, day)
                if key in self and key not in keys:
                    with suppress(FileNotFoundError, NotADirectoryError):
                        moved[key] = self._lake.store.stamp(self._lake.place(key))
        return moved

    def restamp(self, keys: Collection[DayKey]) -> None:
        """Write where some days lie now, which are as they were."""
        stamps = {key: self._lake.store.stamp(self._lake.place(key)) for key in keys}
        store(self._index, Change((), {}, {}, whole=False, stamps=stamps))

    def _store(self, last_runs: Mapping[int, dict[str, Any]], *, compared: bool) -> int | None:
        """Write what is new, if anything is, and return the number under which new entries were written."""
        news = self._news | self._suspects if compared else self._news
        entries = [self._entry(key, compared=compared) for key in sorted(news)]
        accounts = self._accounts
        if accounts is None:
            keys = (*self.damaged, *self.missing, *self._forgotten)
            accounts = {account for account, _ in self._streams} | {key.account_id for key in keys}
            accounts |= self._stored.declared.keys()
        undeclared = {account for account in accounts if not self._is_declared(account)}
        becomes_whole = self._accounts is None and not self._stored.whole
        if not (entries or undeclared or self._checked or last_runs or becomes_whole):
            return None
        declared = dict.fromkeys(undeclared | self._checked, self._declared)
        sequence = store(self._index, Change(entries, declared, last_runs, self._accounts is None, self._moved(news)))
        self._news.clear()
        self._checked.clear()
        self._stored.declared |= declared
        self._stored.whole |= becomes_whole
        if compared:
            self._suspects.clear()
        return sequence

    def changes(self, since: Mark | None) -> Changes:
        """Save, and return what has changed since a mark, of whatever account; all there is where the mark is unknown.

        A file of another account that has changed since that was indexed is left out: its own run will index it.

        Raises:
            DataError: a file cannot be read; a database built without it would lack its rows.
            StorageFull: the index cannot be written.

        """
        self.save()
        mark, entries = find_news(self._index, since)
        if entries is None:
            return self._all(mark)
        self.sound()
        day_files = [day_file for entry in entries if (day_file := self._current(entry)) is not None]
        removed = [entry.key for entry in entries if entry.state in {MISSING, FORGOTTEN}]
        return Changes(day_files, removed, mark, whole=False)

    def _current(self, entry: Entry) -> DayFile | None:
        """Return the day file of an entry; None without one, or where the entry is out of date."""
        if entry.state != HELD or entry.day_file is None:
            return None
        if self._accounts is None or entry.key.account_id in self._accounts:
            return self.get(entry.key)
        try:
            stamp = self._lake.store.stamp(self._lake.place(entry.key))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return self._as_believed(entry.day_file) if stamp == entry.stamp else None

    def _all(self, mark: Mark) -> Changes:
        """Return all files of all accounts; `mark` is where the index ended before they are looked at."""
        if self._accounts is None:
            return Changes(self.sound(), mark=mark)
        whole = Manifest(self._lake, self._published, now=self._now)
        # Files of other accounts that nobody has compared with one another are left to whoever does.
        sequence = whole._store({}, compared=False)
        if sequence == mark.sequence + 1:
            # Nobody else has changed it meanwhile.
            mark = Mark(mark.index_id, sequence)
        return Changes(whole.sound(), mark=mark)

    def _entry(self, key: DayKey, *, compared: bool) -> Entry:
        """Return the entry of a day as it is now."""
        if key in self._forgotten and key not in self:
            return Entry(key, 0, FORGOTTEN)
        if key not in self:
            return Entry(key, 0, DAMAGED if key in self.damaged else MISSING)
        day_file = self._streams[key.account_id, key.stream][key.date]
        try:
            stamp = self._lake.store.stamp(self._lake.place(key))
        except (FileNotFoundError, NotADirectoryError):
            # Somebody has just taken it away.
            return Entry(key, 0, MISSING)
        compared |= key not in self._suspects
        ids = self._range(key)
        return Entry(key, 0, HELD, stamp, compared=compared, ids=ids, ahead=key in self._ahead, day_file=day_file)


def _is_whole(run: Any) -> bool:
    """Return whether this is how a run says that it ended."""
    kinds = {"ended_at": str, "exit_code": int, "requests": int, "errors": list}
    if not isinstance(run, dict) or not all(isinstance(run.get(n, kind()), kind) for n, kind in kinds.items()):
        return False
    return all(isinstance(error, str) for error in run.get("errors", ()))
