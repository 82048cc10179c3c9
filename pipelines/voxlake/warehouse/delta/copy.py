"""Bring the Delta tables of a lake up to date: each in one commit, with nothing but what has changed since the last."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voxlake.model import DayKey
from voxlake.warehouse.accounts import account_tables
from voxlake.warehouse.delta.data_files import NewFiles, data_files
from voxlake.warehouse.delta.place import Place, delta_errors
from voxlake.warehouse.delta.rows import Days, day_rows, kept_rows, month_of, of_stream, touched
from voxlake.warehouse.delta.tables import CHECKSUM, COVERAGE, all_tables
from voxlake.warehouse.delta.transaction import LostRaceError, commit, fits, has_rule, in_turn, opened, read_mark
from voxlake.warehouse.state import day_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from voxlake.model import Changes, DayFile, FinalityPolicy, Mark
    from voxlake.warehouse.day_rows import DayFiles
    from voxlake.warehouse.delta.data_files import DataFile
    from voxlake.warehouse.delta.tables import Table

MOST_FILES: Final = 12
"""Data files of a month, beyond which a commit that touches it brings them into one."""


@dataclass(frozen=True, slots=True)
class DeltaCopy:
    """What was committed: days of messages that were replaced, their rows, and how many tables have a new version.

    `rows` is how many messages the tables hold now, and `uri` where they are.
    """

    uri: str
    days: int
    sent: int
    tables: int
    rows: int


def make_delta_tables(uri: str) -> None:
    """Make the Delta tables at an address that are not there, without a row; raises what `copy_to_delta` raises."""
    place = Place.at(uri)
    with delta_errors(place):
        for table in all_tables():
            in_turn(partial(opened, place, table), place)


def copy_to_delta(
    lake: DayFiles,
    uri: str,
    changes: Callable[[Mark | None], Changes],
    *,
    finality: FinalityPolicy,
    now: datetime,
) -> DeltaCopy:
    """Commit what has changed in a lake since the Delta tables at an address were written last; they are made if new.

    `changes` says what has changed since a mark. The days that are replaced are those whose rows differ, and whoever
    reads a table sees it as it was before or as it is after. Several may do that at the same time: one is first, and
    the others begin again with what it has left.

    Raises:
        SettingsError: the place cannot be used, or the package that writes Delta tables is not installed.
        Unavailable: the store does not answer, or others change the lake all the time.
        DataError: a day file is damaged.
        StorageFull: there is no room.

    """
    place = Place.at(uri)
    work = _Copy(place, lake, changes, finality, now)
    with delta_errors(place):
        for table in all_tables():
            in_turn(partial(work.bring, table), place)
        rows = sum(work.rows_in(table) for table in all_tables() if table.stream is not None)
    return DeltaCopy(place.uri, len(work.days), work.sent, len(work.written), rows)


class _Copy:
    """The copying of one lake to one place."""

    def __init__(
        self,
        place: Place,
        lake: DayFiles,
        changes: Callable[[Mark | None], Changes],
        finality: FinalityPolicy,
        now: datetime,
    ) -> None:
        self._place, self._lake, self._changes = place, lake, changes
        self._finality, self._now = finality, now
        self.days: set[DayKey] = set()
        self.sent = 0
        self.written: set[str] = set()

    def rows_in(self, table: Table) -> int:
        """Return how many rows a table has."""
        delta = self._place.load(table.name)
        return 0 if delta is None else sum(pa.table(delta.get_add_actions())["num_records"].to_pylist())

    def bring(self, table: Table) -> None:
        """Bring one table up to date, in one attempt."""
        delta = opened(self._place, table)
        try:
            if table.stream is None and table.name != COVERAGE:
                self._bring_facts(delta, table)
            else:
                self._bring_days(delta, table)
        except FileNotFoundError as error:
            # Another writer has replaced a file, and somebody has removed it since.
            raise LostRaceError from error

    def _bring_days(self, delta: Any, table: Table) -> None:
        mark = read_mark(delta) if fits(delta, table) else None
        if table.stream is None and not has_rule(delta, self._finality):
            mark = None
        changes = self._changes(mark)
        present = {its.key: its for its in changes.day_files if of_stream([its.key], table)}
        if changes.whole:
            self._replace_all(delta, table, list(present.values()), changes.mark)
            return
        if changes.mark == mark:
            return
        removed = of_stream(changes.removed, table)
        same = self._same_rows(mark, present) if table.stream is not None else set()
        its = [day_file for key, day_file in present.items() if key not in same]
        self._replace(delta, table, its, [*(day_file.key for day_file in its), *removed], changes.mark)

    def _replace_all(self, delta: Any, table: Table, day_files: Sequence[DayFile], mark: Mark | None) -> None:
        files = NewFiles(self._place, table, self._now)
        try:
            self._write(files, table, day_files, {}, Days([]))
        except BaseException:
            files.discard()
            raise
        self._commit(delta, files, (), mark, [its.key for its in day_files], whole=True, sent=_rows(day_files))

    def _replace(
        self, delta: Any, table: Table, day_files: Sequence[DayFile], keys: Sequence[DayKey], mark: Mark | None
    ) -> None:
        """Replace some days: files that have rows of them are written again without these."""
        days = Days(keys)
        replaced: dict[str | None, list[DataFile]] = {}
        months = days.months if table.stream is not None else {None}
        for month, its in _by_month(data_files(delta)).items():
            if month in months:
                hit = [file for file in its if touched(self._place, table, file, days)]
                replaced[month] = its if len(its) - len(hit) >= MOST_FILES else hit
        files = NewFiles(self._place, table, self._now)
        try:
            self._write(files, table, day_files, replaced, days)
        except BaseException:
            files.discard()
            raise
        self._commit(
            delta,
            files,
            [file for its in replaced.values() for file in its],
            mark,
            keys,
            whole=False,
            sent=_rows(day_files),
        )

    def _write(
        self,
        files: NewFiles,
        table: Table,
        day_files: Sequence[DayFile],
        replaced: Mapping[str | None, Sequence[DataFile]],
        days: Days,
    ) -> None:
        """Write the rows of days month by month, each with what is left of the files that are replaced in it."""
        if table.stream is None:
            files.write(
                _chain(kept_rows(self._place, table, replaced.get(None, ()), days), self._proofs(table, day_files))
            )
            return
        self._lake.fetch(day_file.key for day_file in day_files)
        ordered = sorted(day_files, key=lambda its: (month_of(its.key.date), its.key))
        new = {month: list(its) for month, its in groupby(ordered, key=lambda its: month_of(its.key.date))}
        for month in sorted({*new, *(month for month in replaced if month is not None)}):
            kept = kept_rows(self._place, table, replaced.get(month, ()), days)
            files.write(_chain(kept, day_rows(self._lake, new.get(month, ()), table)), month)

    def _proofs(self, table: Table, day_files: Sequence[DayFile]) -> list[pa.Table]:
        return [day_table(day_files, finality=self._finality).cast(table.schema)]

    def _commit(
        self,
        delta: Any,
        files: NewFiles,
        replaced: Sequence[DataFile],
        mark: Mark | None,
        keys: Iterable[DayKey],
        *,
        whole: bool,
        sent: int,
    ) -> None:
        its = set(keys)
        commit(delta, files, replaced, mark, whole=whole, days=len(its), finality=self._finality)
        self.written.add(files.table.name)
        if files.table.stream is not None:
            self.days |= its
            self.sent += sent

    def _same_rows(self, mark: Mark | None, present: Mapping[DayKey, DayFile]) -> set[DayKey]:
        """Return those days of which the histories have the very rows: only how they are proved has changed.

        `coverage` has the checksums of what was in the histories when it was written, up to the same mark.
        """
        coverage = self._place.load(COVERAGE)
        if coverage is None or mark is None or read_mark(coverage) != mark or CHECKSUM not in _names(coverage):
            return set()
        days, same = Days(present), set()
        for file in data_files(coverage):
            if not days.may_touch(file):
                continue
            with self._place.open(COVERAGE, file.path) as opened_file, pq.ParquetFile(opened_file) as parquet:
                for n in range(parquet.num_row_groups):
                    group = parquet.read_row_group(n, columns=["account_id", "stream", "date", CHECKSUM])
                    for line in group.filter(days.mask(group, None)).to_pylist():
                        same |= {
                            key for key in [_key(line)] if key in present and present[key].checksum == line[CHECKSUM]
                        }
        return same

    def _bring_facts(self, delta: Any, table: Table) -> None:
        """Write a table of facts again where they differ."""
        coverage = self._place.load(COVERAGE)
        covered = [] if coverage is None else self._read(coverage, COVERAGE, ["account_id", "stream", "date"])
        wanted = account_tables(covered, self._lake.account_facts())[table.name].cast(table.schema)
        there = self._read(delta, table.name, None) if fits(delta, table) else []
        if fits(delta, table) and _sorted(there, table) == wanted.to_pylist():
            return
        files = NewFiles(self._place, table, self._now)
        files.write([wanted] if wanted.num_rows else [])
        commit(delta, files, (), None, whole=True, days=0, finality=self._finality)
        self.written.add(table.name)

    def _read(self, delta: Any, name: str, columns: list[str] | None) -> list[pa.Table]:
        found = []
        for file in data_files(delta):
            with self._place.open(name, file.path) as opened_file:
                found.append(pq.read_table(opened_file, columns=columns, partitioning=None))
        return found


def _rows(day_files: Iterable[DayFile]) -> int:
    return sum(day_file.row_count for day_file in day_files)


def _key(line: dict[str, Any]) -> DayKey:
    return DayKey(line["account_id"], line["stream"], line["date"])


def _names(delta: Any) -> set[str]:
    return {column.name for column in delta.schema().fields}


def _by_month(files: Iterable[DataFile]) -> dict[str | None, list[DataFile]]:
    found: dict[str | None, list[DataFile]] = defaultdict(list)
    for file in files:
        found[file.month].append(file)
    return found


def _chain(first: Iterable[pa.Table], second: Iterable[pa.Table]) -> Iterable[pa.Table]:
    yield from first
    yield from second


def _sorted(tables: list[pa.Table], table: Table) -> list[dict[str, Any]]:
    if not tables:
        return []
    whole = pa.concat_tables(tables)
    order = [(name, "ascending") for name in ("account_id", "stream") if name in table.schema.names]
    return list(whole.take(pc.sort_indices(whole, sort_keys=order)).to_pylist())
