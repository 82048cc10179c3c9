"""The lake: the day files below a data directory, read, compared, written whole, and taken out without loss."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.errors import AlreadyRunning, DataError, SettingsError
from voxlake.files import storage
from voxlake.lake.accounts import AccountRegistry
from voxlake.lake.claims import empty, working
from voxlake.lake.compare import Difference, compare
from voxlake.lake.day_file import find_damage, find_misfit, footer_of, is_current, read_footer, read_rows
from voxlake.lake.duplicates import duplicates
from voxlake.lake.held import held
from voxlake.lake.ids import id_range
from voxlake.lake.layout import Layout
from voxlake.lake.months import find_month, keep_day, put_into_month, stored_day
from voxlake.lake.rewrite import as_of_today, labelled, named, placeholder, reject_lines, with_latest, without
from voxlake.lake.run_history import RunHistory
from voxlake.lake.scan import scan
from voxlake.lake.store import Store
from voxlake.lake.stored_day import StoredDay
from voxlake.lake.strays import find_strays
from voxlake.lake.writer import DayFileWriter, rows_checksum
from voxlake.locks import locked, require_unlocked
from voxlake.model import DayFile, DayKey
from voxlake.places import usable
from voxlake.policy import KEEP_ALL
from voxlake.remote import name_of
from voxlake.transform import STREAMS, treat, treat_rejects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from pathlib import Path

    from voxlake.lake.erased import Erased
    from voxlake.lake.ids import Range
    from voxlake.lake.month_file import MonthFile
    from voxlake.model import DaySpan, Reject
    from voxlake.policy import PrivacyPolicy
    from voxlake.privacy import PrivacyKey

T = TypeVar("T")

_REWRITTEN = ".again.parquet"
"""How drafts of a day end that are not those of a reading, which may be under way at the same time."""


class Lake:
    """The days of a data directory: a Parquet file for each account, stream and UTC day, whole or absent.

    Days that are final may lie in the file of their month, see `months.py`: they are read and replaced there. Files are
    written in `tmp/`, on the same file system, and put in place by one rename, so that a glob over `lake/` never meets
    half a file, or a row twice. Holds no open file: it can be pickled and shared between threads. `key` is that of
    numbers which were forgotten here, see `erased_in`; by `policy`, what is written is treated first.
    """

    def __init__(
        self, root: Path, *, run: str = "", key: PrivacyKey | None = None, policy: PrivacyPolicy = KEEP_ALL
    ) -> None:
        self.root = root = usable(root)
        self.layout, self.store, self.key, self.policy = Layout(root, run), Store(root), key, policy
        self.known_erased: Erased | None = None

    @property
    def tmp(self) -> Path:
        """The folder of files in the making."""
        return self.layout.tmp

    @property
    def database(self) -> Path:
        """Where the published database lies."""
        return self.layout.database

    def account_facts(self) -> Sequence[Mapping[str, Any]]:
        """Return what is known of each account."""
        return [facts.to_dict() for facts in AccountRegistry(self).all()]

    def runs(self) -> Sequence[Mapping[str, Any]]:
        """Return the runs of which it is known how they end, the oldest first, by the names of `RecordedRun`."""
        return [dataclasses.asdict(run) for run in RunHistory(self.layout).settled()]

    def require(self) -> None:
        """Raise SettingsError where nothing was exported yet, and AlreadyRunning where a first run is working."""
        if next(self.day_keys(), None) is None:
            self.require_idle()
            raise SettingsError(
                f"There is nothing in the data directory {name_of(self.root)}: run 'voxlake export' first."
            )

    def require_idle(self) -> None:
        """Return where no run is working. Raises AlreadyRunning where one is."""
        require_unlocked(self.layout.lock)
        if (sentence := working(self.layout)) is not None:
            raise AlreadyRunning(sentence)

    @contextmanager
    def locked(self, *, holder: str) -> Iterator[None]:
        """Hold the whole data directory, and remove what a run that died left in `tmp/`.

        Raises AlreadyRunning where another run works in it, whose `holder` is named, and StorageFull.
        """
        lock = locked(self.layout.lock, holder=holder, sharers=lambda: working(self.layout))
        with lock, held(self.root, holder=holder):
            with storage(self.root):
                empty(self.tmp)
            yield

    def path(self, key: DayKey) -> Path:
        """Return the path of the file that has a day's rows, as `place` does; it can be read where there is one."""
        return self.store.fetch(self.place(key))

    def fetch(self, keys: Iterable[DayKey]) -> None:
        """Bring the files of many days to this machine, side by side, before they are read one by one."""
        self.store.fetch_many(self.place(key) for key in keys)

    def place(self, key: DayKey) -> Path:
        """Return where the file is that has a day's rows, its own or its month's; there may be none."""
        return find_month(self.layout, key) or self.layout.day_file(key)

    def month(self, key: DayKey) -> Path | None:
        """Return the month's file that has a day's rows in today's schema, or None; raises what `stored` raises."""
        month = stored_day(self.layout, key)[1]
        return month.path if month is not None and month.is_current else None

    def stored(self, key: DayKey) -> StoredDay:
        """Return where the rows of a day lie. Raises DataError where that is a month's file, and damaged."""
        return stored_day(self.layout, key)[0]

    def _ask(self, key: DayKey, question: Callable[[StoredDay, MonthFile | None], T]) -> T:
        """Return an answer about a day's rows, asked again where the day was compacted meanwhile."""
        where = stored_day(self.layout, key)
        try:
            return question(*where)
        except DataError:
            if (now := stored_day(self.layout, key)) == where:
                raise
            return question(*now)

    def day_keys(self) -> Iterator[DayKey]:
        """Yield every day whose rows lie where they belong, by stream, account and date."""
        yield from (DayKey(its.account_id, its.stream, day) for its in scan(self.layout) for day in its.stamps)

    def strays(self, spans: Iterable[DaySpan] | None = None) -> list[Path]:
        """List Parquet files of some days, or of the whole lake, that are not ours: a glob reads their rows, too."""
        return find_strays(self, spans)

    def move_out(self, path: Path) -> Path:
        """Move what is not ours to `rejects/stray/`, and return its new path."""
        return self.store.move(path, self.layout.stray(path))

    def read_footer(self, key: DayKey) -> DayFile:
        """Return what a day's file says of itself.

        Raises:
            DataError: it cannot be read.
            SettingsError: a newer version of voxlake wrote it.

        """
        return self._ask(
            key, lambda its, month: read_footer(its.path, key) if month is None else month.days[key.date].day_file
        )

    def id_range(self, key: DayKey) -> Range | None:
        """Return the least and the greatest id of a day, None without rows; raises what reading a file does."""
        return self._ask(key, lambda its, month: id_range(its.path) if month is None else month.days[key.date].ids)

    def is_current(self, key: DayKey) -> bool:
        """Return whether a day's file is what `read_rows` yields, and no more. Raises DataError where it is damaged."""
        return self._ask(key, lambda its, _month: its.is_alone and is_current(its.path, key))

    def read_rows(self, key: DayKey, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield a day's rows in the order of time, in the schema of today, a row group at a time.

        Raises:
            DataError: the file is damaged, or holds a value that does not fit its type of today.

        """

        def begin(stored: StoredDay, _month: MonthFile | None) -> tuple[pa.Table | None, Iterator[pa.Table]]:
            tables = read_rows(stored, columns)
            return next(tables, None), tables

        first, rest = self._ask(key, begin)
        if first is not None:
            yield first
            yield from rest

    def misfit(self, key: DayKey) -> DataError | None:
        """Return why a day's values do not fit their types of today; None where they do, or the file is damaged."""
        with suppress(DataError):
            return find_misfit(self.stored(key))
        return None

    def damage(self, day_file: DayFile) -> str | None:
        """Return a clause that says what is wrong with a day's file, with its path; None where it is sound."""

        def look(stored: StoredDay, month: MonthFile | None) -> str | None:
            if month is not None:
                return month.damage(day_file)
            return find_damage(stored, day_file, lambda: rows_checksum(stored.path) == day_file.checksum)

        try:
            problem = self._ask(day_file.key, look)
        except DataError:
            problem = "cannot be read"
        return None if problem is None else f"{self.place(day_file.key).relative_to(self.root)} {problem}"

    def compare(self, key: DayKey, draft: Path) -> Difference:
        """Compare a day's file with one that is to replace it; where it cannot be read, every row is new."""
        try:
            if self.is_current(key):
                return compare(self.path(key), draft)
            with as_of_today(self, key) as copy:
                return compare(copy, draft)
        except DataError:
            return Difference(new=pq.read_metadata(draft).num_rows)

    def duplicates(self, day_files: Iterable[DayFile]) -> dict[DayKey, set[int]]:
        """Return the ids of messages that lie in several of these days, by all of their days but the latest export."""
        return duplicates(self, day_files)

    def writer(self, key: DayKey, suffix: str = ".parquet") -> DayFileWriter:
        """Begin the file of a day, aside."""
        return DayFileWriter(self.store, self.layout.draft(key, suffix), STREAMS[key.stream])

    def seal(self, writer: DayFileWriter, day_file: DayFile) -> DayFile:
        """Finish a file aside, with `day_file` in its footer, and return that with its checksum and number of rows."""
        day_file = dataclasses.replace(day_file, row_count=writer.rows, checksum=writer.finish())
        writer.seal(footer_of(day_file))
        return day_file

    def put(self, key: DayKey, draft: Path) -> None:
        """Put a sealed file in place, over the one before; where that is its month's, that is written again."""
        put_into_month(self, key, draft)

    def commit(self, writer: DayFileWriter, day_file: DayFile) -> DayFile:
        """Seal a file and put it in place; returns what `seal` returns."""
        day_file = self.seal(writer, day_file)
        self.put(day_file.key, writer.path)
        return day_file

    def put_placeholder(self, key: DayKey, problem: str, *, now: datetime) -> DayFile:
        """Put an empty, unverified file in place for a day that could not be read, so that it is named everywhere."""
        return self.commit(self.writer(key, _REWRITTEN), placeholder(key, problem, now=now))

    def update_rows(self, day_file: DayFile, rows: pa.Table) -> DayFile:
        """Write a day's file again with some rows in their latest state, and `day_file` in its footer.

        `rows` lie at the times that they had. Returns what `seal` returns; raises DataError where the file is damaged.
        """
        writer = self.writer(day_file.key)
        for table in with_latest(self.treated_rows(day_file.key), rows):
            writer.add(table)
        return self.commit(writer, labelled(day_file, self.policy))

    def treated_rows(self, key: DayKey) -> Iterator[pa.Table]:
        """Yield what `read_rows` does, treated by the policy as far as that is possible."""
        return (treat(table, self.policy) for table in self.read_rows(key))

    def remove_rows(self, day_file: DayFile, ids: AbstractSet[int], *, problem: str = "") -> DayFile:
        """Write a day's file again, unverified, without messages that moved to another day, as `update_rows` does."""
        sealed = self._without(self.treated_rows(day_file.key), labelled(day_file, self.policy), ids, problem)
        self.put(sealed.key, self.layout.draft(sealed.key, _REWRITTEN))
        return sealed

    def leave_out(self, day_file: DayFile, ids: AbstractSet[int]) -> DayFile:
        """Write a day's draft again without messages that moved to another day, as `remove_rows` does with its file."""
        draft = self.layout.draft(day_file.key)
        sealed = self._without(read_rows(StoredDay(day_file.key, draft)), day_file, ids, "")
        self.layout.draft(sealed.key, _REWRITTEN).replace(draft)
        return sealed

    def _without(self, rows: Iterable[pa.Table], day_file: DayFile, ids: AbstractSet[int], problem: str) -> DayFile:
        """Write a day without some of its messages aside."""
        writer = self.writer(day_file.key, _REWRITTEN)
        for table in without(rows, ids):
            writer.add(table)
        said = problem or f"{named(ids)} moved to another day, and this one was not read again"
        return self.seal(writer, dataclasses.replace(day_file, verified=False, problem=said))

    def keep_replaced(self, key: DayKey) -> None:
        """Keep a day's file in `rejects/gone/` before another replaces it that gives up some of its rows."""
        keep_day(self, key, self.layout.replaced(key))

    def write_rejects(self, key: DayKey, rejects: Sequence[Reject]) -> None:
        """Write the rows of a day that could not be decoded as JSON lines, numbers as they came; none: no file."""
        path = self.layout.rejects(key)
        if not rejects:
            self.store.remove(path)
            return
        treated = treat_rejects(rejects, self.policy, STREAMS[key.stream])
        self.store.write_text(path, reject_lines(treated), aside=self.layout.draft(key, ".jsonl"))
