"""The data files of a Delta table: written a row group at a time, with what the log is to say of each."""

from __future__ import annotations

import json
import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voxlake import extras
from voxlake.warehouse.delta.tables import MONTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from voxlake.warehouse.delta.place import Place
    from voxlake.warehouse.delta.tables import Table

ROW_GROUP: Final = 122_880
"""Rows of a row group, and the most that are held in memory."""
MOST_ROWS: Final = 4_000_000
"""Rows after which another file begins: about 75 MB."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file as the log of a table names it; `accounts` and `days` are the least and the greatest that it has."""

    path: str
    size: int
    month: str | None
    accounts: tuple[int, int] | None
    days: tuple[date, date] | None


def data_files(delta: Any) -> list[DataFile]:
    """Return the data files of a loaded table."""
    found = []
    for line in pa.table(delta.get_add_actions()).to_pylist():
        least, most = line.get("min") or {}, line.get("max") or {}
        month = (line.get("partition") or {}).get(MONTH)
        accounts: Any = (least.get("account_id"), most.get("account_id"))
        days: Any = (least.get("date"), most.get("date"))
        found.append(
            DataFile(
                line["path"],
                line["size_bytes"],
                month,
                None if None in accounts else accounts,
                None if None in days else days,
            )
        )
    return found


@dataclass
class NewFiles:
    """Data files in the making, for one commit of a table; `added` are those that are finished."""

    place: Place
    table: Table
    now: datetime
    added: list[Any] = field(default_factory=list)
    rows: int = 0

    def write(self, tables: Iterable[pa.Table], month: str | None = None) -> None:
        """Write rows of one month, of which no more than those of a row group are in memory; none make no file."""
        batches = _row_groups(tables)
        first = next(batches, None)
        while first is not None:
            first = self._write_file(first, batches, month)

    def _write_file(self, first: pa.Table, rest: Iterator[pa.Table], month: str | None) -> pa.Table | None:
        """Write one file, and return the rows with which the next one begins."""
        folder = "" if month is None else f"{MONTH}={month}/"
        path = f"{folder}part-{secrets.token_hex(16)}.zstd.parquet"
        stored, keys, rows = self.table.stored, _Keys(self.table.keys), 0
        table: pa.Table | None = first
        with ExitStack() as stack:
            file = stack.enter_context(self.place.create(self.table.name, path))
            writer = stack.enter_context(
                pq.ParquetWriter(file, stored, compression="zstd", compression_level=3, **self.table.parquet)
            )
            while table is not None and rows < MOST_ROWS:
                writer.write_table(table, row_group_size=ROW_GROUP)
                keys.add(table)
                rows += table.num_rows
                table = next(rest, None)
        self.rows += rows
        values = {} if month is None else {MONTH: month}
        size, at = self.place.size(self.table.name, path), int(self.now.timestamp() * 1000)
        action = extras.load("deltalake.transaction").AddAction(path, size, values, at, True, keys.stats(rows))  # noqa: FBT003
        self.added.append(action)
        return table

    def discard(self) -> None:
        """Remove the files: no commit names them."""
        for action in self.added:
            self.place.remove(self.table.name, action.path)
        self.added.clear()


class _Keys:
    """The least and the greatest value of the columns that the log may name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._known: dict[str, tuple[Any, Any]] = {}
        self._names = tuple(names)

    def add(self, table: pa.Table) -> None:
        for name in self._names:
            least, most = pc.min_max(table[name]).as_py().values()
            before = self._known.get(name, (least, most))
            self._known[name] = (min(before[0], least), max(before[1], most))

    def stats(self, rows: int) -> str:
        """Return what Delta's log says of a file."""
        least, most = ({name: its[n] for name, its in self._known.items()} for n in (0, 1))
        nulls = dict.fromkeys(self._known, 0)
        said = {"numRecords": rows, "minValues": least, "maxValues": most, "nullCount": nulls}
        return json.dumps(said, default=str)


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows in whole row groups, and what is left at the end."""
    pending: list[pa.Table] = []
    rows = 0
    for table in tables:
        pending.append(table)
        rows += table.num_rows
        while rows >= ROW_GROUP:
            whole = pa.concat_tables(pending)
            yield whole.slice(0, ROW_GROUP).combine_chunks()
            pending, rows = [whole.slice(ROW_GROUP)], rows - ROW_GROUP
    if rows:
        yield pa.concat_tables(pending).combine_chunks()
