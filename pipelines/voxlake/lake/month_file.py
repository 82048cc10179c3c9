"""The file of a month: the rows of its days one after the other, and in the footer what the file of each day said.

A row group has whole days until it has enough rows, because the smallest days are a few rows, and a row group for each
would take more room than they do. Every row group has a checksum of its bytes, so that a day is verified by those that
have its rows, without the rest of the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from voxlake.lake.day_file import find_damage, from_json, readable, to_json
from voxlake.lake.entries import FACTS
from voxlake.lake.evolve import FileSchema, newer_than_ours, schema_entry
from voxlake.lake.layout import days_of_month_file
from voxlake.lake.store import sha256, stamp_of
from voxlake.lake.stored_day import StoredDay
from voxlake.lake.writer import DayFileWriter
from voxlake.model import DayKey, Window
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import pyarrow as pa

    from voxlake.lake.ids import Range
    from voxlake.lake.store import Store
    from voxlake.model import DayFile
    from voxlake.transform import Stream

_ENTRY: Final = b"voxlake.month"
"""Our entry in the footer's key-value metadata."""
_FORMAT: Final = 1
_BEGIN: Final = 4
"""Where the first row group of a Parquet file begins."""
GROUP_ROWS: Final = 10_000
"""Rows after which a row group ends with the day that it is at."""
_REMEMBERED: Final = 32
"""How many footers are remembered: days are asked for one by one."""


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day in a month's file: what its own file said, where its rows begin, and the range of their ids."""

    day_file: DayFile
    first: int
    ids: Range | None


@dataclass(frozen=True, slots=True)
class MonthFile:
    """What the file of a month says of itself; `groups` are rows, end and checksum of each row group.

    It `is_current` where its rows are what they would be if it was written today.
    """

    path: Path
    stamp: str
    days: Mapping[date, MonthDay]
    groups: Sequence[tuple[int, int, str]]
    is_current: bool

    @property
    def keys(self) -> set[DayKey]:
        """The days that it has."""
        return {its.day_file.key for its in self.days.values()}

    def stored(self, key: DayKey) -> StoredDay:
        """Return where the rows of one of its days lie."""
        day = self.days[key.date]
        return StoredDay(key, self.path, day.first, day.day_file.row_count, self.stamp)

    def damage(self, day_file: DayFile) -> str | None:
        """Return what is wrong with a day, to follow the file's name in a sentence; None where nothing is."""
        stored = self.stored(day_file.key)
        return find_damage(stored, day_file, lambda: self.is_written(stored))

    def is_written(self, stored: StoredDay | None = None) -> bool:
        """Whether the row groups that have rows of a day, or all of them, are what was written."""
        begin, row = _BEGIN, 0
        for rows, end, checksum in self.groups:
            concerned = stored is None or stored.within(row, rows)[1]
            if concerned and sha256(self.path, size=end - begin, begin=begin) != checksum:
                return False
            begin, row = end, row + rows
        return True


def read_month(path: Path, last: DayKey) -> MonthFile:
    """Return what the file of a month says of itself; `last` is the month's last day.

    Raises:
        DataError: it cannot be read, or is not a file of ours.
        SettingsError: a newer version of voxlake wrote it.

    """
    with readable(path, last):
        return _read(path, last, stamp_of(path.stat()))


@lru_cache(_REMEMBERED)
def _read(path: Path, last: DayKey, stamp: str) -> MonthFile:
    metadata = pq.read_metadata(path)
    pairs, stream = metadata.metadata or {}, STREAMS[last.stream]
    entry = json.loads(pairs[_ENTRY])
    schema = FileSchema.of(metadata.schema.to_arrow_schema(), pairs, stream)
    newer = f"has format {entry['format']}" if entry["format"] > _FORMAT else schema.newer(stream)
    unknown = sorted({name for facts in entry["days"] for name in facts} - {*FACTS, "date", "ids"})
    if newer is None and unknown:
        newer = f"says {unknown[0]!r} of a day"
    if newer is not None:
        raise newer_than_ours("/".join(path.parts[-5:]), newer, schema.version)
    days = _days(entry["days"], last, days_of_month_file(last.date, path.name))
    groups = [(int(rows), int(end), str(checksum)) for rows, end, checksum in entry["groups"]]
    found = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    rows = sum(day.day_file.row_count for day in days.values())
    if [its[0] for its in groups] != found or rows != metadata.num_rows:
        raise ValueError("the rows are not those of its days")
    return MonthFile(path, stamp, days, groups, schema.is_current(stream))


def _days(said: Sequence[dict[str, Any]], last: DayKey, expected: Sequence[date]) -> dict[date, MonthDay]:
    days, first = {}, 0
    if [facts["date"] for facts in said] != [str(day) for day in expected]:
        raise ValueError("the days are not those of its name")
    for day, facts in zip(expected, said, strict=True):
        its = {name: value for name, value in facts.items() if name not in ("date", "ids")}
        day_file = from_json(DayKey(last.account_id, last.stream, day), its)
        ids = None if facts["ids"] is None else (int(facts["ids"][0]), int(facts["ids"][1]))
        days[day] = MonthDay(day_file, first, ids)
        first += day_file.row_count
    return days


def write_month(store: Store, aside: Path, stream: Stream, days: Iterable[tuple[DayFile, Iterable[pa.Table]]]) -> None:
    """Write the file of a month aside: the days in order, each with its rows in the order of time.

    Raises:
        DataError: the rows of a day cannot be read, or are not as many as its file said.
        StorageFull: the disk is full.

    """
    said: list[dict[str, Any]] = []
    writer = DayFileWriter(store, aside, stream)
    try:
        for day_file, tables in days:
            before, ids = writer.rows, list[int]()
            with readable(aside, day_file.key):
                for table in tables:
                    writer.add(table)
                    _require_day(day_file, table)
                    ids += [n for n in pc.min_max(table["message_id"]).as_py().values() if n is not None]
                _require_rows(day_file, writer.rows - before)
            writer.cut(rows=GROUP_ROWS)
            its = {"date": str(day_file.key.date), "ids": [min(ids), max(ids)] if ids else None}
            said.append(its | to_json(day_file))
        writer.finish()
        begins = [_BEGIN, *(end for _, end in writer.groups)]
        groups = [
            [rows, end, sha256(aside, size=end - begin, begin=begin)]
            for begin, (rows, end) in zip(begins, writer.groups, strict=False)
        ]
        entry = {"format": _FORMAT, "groups": groups, "days": said}
        writer.seal({_ENTRY: json.dumps(entry)} | schema_entry(stream))
    except BaseException:
        writer.discard()
        raise


def _require_day(day_file: DayFile, table: pa.Table) -> None:
    day = Window.of_days(day_file.key.date, day_file.key.date)
    first, last = pc.min_max(table["processed_at"]).as_py().values()
    if table.num_rows and not (first in day and last in day):
        raise ValueError(f"{day_file.key.date} has rows of another day")


def _require_rows(day_file: DayFile, rows: int) -> None:
    if rows != day_file.row_count:
        raise ValueError(f"{day_file.key.date} has {rows:,} rows")
