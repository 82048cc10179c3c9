"""The rows of a commit: those of days that have changed, and those of replaced files that have not."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voxlake.errors import DataError
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date

    from voxlake.model import DayFile, DayKey
    from voxlake.warehouse.day_rows import DayFiles
    from voxlake.warehouse.delta.data_files import DataFile
    from voxlake.warehouse.delta.place import Place
    from voxlake.warehouse.delta.tables import Table

_KEYS: Final = ("account_id", "stream", "date")


class DayMovedOn(Exception):
    """A day's file is another one than the index knows: another run is at work."""


class Days:
    """Days whose rows are to be replaced, by account and stream."""

    def __init__(self, keys: Iterable[DayKey]) -> None:
        self.keys = set(keys)
        self._by_account: dict[int, dict[str, set[date]]] = defaultdict(lambda: defaultdict(set))
        for key in self.keys:
            self._by_account[key.account_id][key.stream].add(key.date)

    @property
    def months(self) -> set[str]:
        """The months that they are in."""
        return {month_of(key.date) for key in self.keys}

    def may_touch(self, file: DataFile) -> bool:
        """Return whether a data file can have one of these days, by what the log says of it."""
        if file.accounts is None or file.days is None:
            return True
        (least, most), (first, last) = file.accounts, file.days
        return any(least <= key.account_id <= most and first <= key.date <= last for key in self.keys)

    def mask(self, table: pa.Table, stream: str | None) -> pa.ChunkedArray:
        """Mark the rows that are of these days; they are all of a `stream`, or have a column of that name."""
        found = pa.chunked_array([pa.repeat(pa.scalar(False), table.num_rows)])  # noqa: FBT003
        for account in pc.unique(table["account_id"]).to_pylist():
            for name, dates in self._by_account.get(account, {}).items():
                if stream is not None and name != stream:
                    continue
                its = pc.and_(
                    pc.equal(table["account_id"], account),
                    pc.is_in(table["date"], pa.array(sorted(dates), pa.date32())),
                )
                if stream is None:
                    its = pc.and_(its, pc.equal(table["stream"], name))
                found = pc.or_(found, its)
        return found


def month_of(day: date) -> str:
    """Return the month of a day as the tables name it."""
    return f"{day:%Y-%m}"


def touched(place: Place, table: Table, file: DataFile, days: Days) -> bool:
    """Return whether a data file has a row of some days."""
    stream = table.stream.name if table.stream is not None else None
    if not days.may_touch(file):
        return False
    names = [name for name in _KEYS if name in table.stored.names]
    with place.open(table.name, file.path) as opened, pq.ParquetFile(opened) as parquet:
        groups = (parquet.read_row_group(n, columns=names) for n in range(parquet.num_row_groups))
        return any(pc.any(days.mask(group, stream)).as_py() for group in groups)


def kept_rows(place: Place, table: Table, files: Iterable[DataFile], days: Days) -> Iterator[pa.Table]:
    """Yield the rows of data files that are not of some days, in the columns of today, a row group at a time."""
    stream = table.stream.name if table.stream is not None else None
    for file in files:
        with place.open(table.name, file.path) as opened, pq.ParquetFile(opened) as parquet:
            for n in range(parquet.num_row_groups):
                group = parquet.read_row_group(n)
                yield _as_stored(group.filter(pc.invert(days.mask(group, stream))), table)


def _as_stored(rows: pa.Table, table: Table) -> pa.Table:
    """Return rows in the columns of today, which another program may have written in types like these."""
    columns = [
        rows[column.name].cast(column.type)
        if column.name in rows.column_names
        else pa.nulls(rows.num_rows, column.type)
        for column in table.stored
    ]
    return pa.table(columns, schema=table.stored)


def day_rows(lake: DayFiles, day_files: Iterable[DayFile], table: Table) -> Iterator[pa.Table]:
    """Yield the rows of days with the columns that their files have in their paths.

    Raises:
        DayMovedOn: the file of a day is another one than is known.
        DataError: it is damaged.

    """
    for day_file in day_files:
        key, rows = day_file.key, 0
        _require_known(lake, day_file)
        try:
            for its in lake.read_rows(key):
                rows += its.num_rows
                yield _of_day(its, key, table)
        except DataError:
            _require_known(lake, day_file)
            raise
        if rows != day_file.row_count:
            raise DayMovedOn


def _require_known(lake: DayFiles, day_file: DayFile) -> None:
    try:
        now = lake.read_footer(day_file.key)
    except DataError:
        if lake.path(day_file.key).exists():
            raise
        raise DayMovedOn from None
    if now.checksum != day_file.checksum:
        raise DayMovedOn


def _of_day(rows: pa.Table, key: DayKey, table: Table) -> pa.Table:
    account = pa.repeat(pa.scalar(key.account_id, pa.int64()), rows.num_rows)
    day = pa.repeat(pa.scalar(key.date, pa.date32()), rows.num_rows)
    return pa.table([account, day, *rows.columns], schema=table.stored)


def of_stream(keys: Collection[DayKey], table: Table) -> list[DayKey]:
    """Return the days that a table has: those of its stream, or all."""
    return [key for key in keys if table.stream is None or STREAMS[key.stream] is table.stream]
