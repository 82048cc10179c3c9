"""Read the rows of a day, by row group, what the footer of its file says, and whether it still is what was written."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voxlake.errors import DataError
from voxlake.lake.entries import FACTS
from voxlake.lake.evolve import (
    FileSchema,
    ForeignSchemaError,
    MisfitError,
    evolve,
    newer_than_ours,
    schema_entry,
)
from voxlake.lake.store import stamp_of
from voxlake.model import COUNTS, DAY, DayFile, DayKey, Window
from voxlake.places import explain
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from voxlake.lake.stored_day import StoredDay

_ENTRY = b"voxlake"
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "row_count": (int,),
    "total_count": (int, type(None)),
    "verified": (bool,),
    "moving": (int,),
    "checksum": (str,),
    "rejects": (int,),
    "problem": (str, type(None)),
    "proof": (str,),
    "surplus": (int,),
    "forgotten": (int,),
    "textless": (bool,),
    "privacy": (str,),
}
"""Our entry in the footer's key-value metadata."""


def footer_of(day_file: DayFile) -> dict[bytes, str]:
    """Return the footer entries that `read_footer` reads: everything but the path and Parquet's own number of rows."""
    facts = {name: value for name, value in to_json(day_file).items() if name != "row_count"}
    return {_ENTRY: json.dumps(facts)} | schema_entry(STREAMS[day_file.key.stream])


def read_footer(path: Path, key: DayKey) -> DayFile:
    """Return what the file of a day says of itself, where the day has one of its own.

    Raises:
        DataError: it cannot be read, or is not a file of ours.
        SettingsError: a newer version of voxlake wrote it.

    """
    with readable(path, key):
        metadata = pq.read_metadata(path)
        entry = json.loads((metadata.metadata or {})[_ENTRY])
        schema = _schema_of(metadata, key)
        newer = schema.newer(STREAMS[key.stream])
        if newer is None and (unknown := sorted(entry.keys() - set(FACTS))):
            newer = f"says {unknown[0]!r} of itself"
        if newer is not None:
            raise newer_than_ours(_name(path), newer, schema.version)
        return from_json(key, entry | {"row_count": metadata.num_rows})


def to_json(day_file: DayFile) -> dict[str, Any]:
    """Return the facts of a day file, without its key, as JSON holds them.

    That counts prove a day, that no row came twice, and that nothing was erased or treated is not among them: it goes
    without saying, in earlier versions too. These refuse a file that says otherwise.
    """
    fields = {name: getattr(day_file, name) for name in FACTS} | {"exported_at": day_file.exported_at.isoformat()}
    if day_file.proof == COUNTS:
        del fields["proof"]
    for name in ("surplus", "forgotten", "textless", "privacy"):
        if not fields[name]:
            del fields[name]
    return fields


def from_json(key: DayKey, fields: dict[str, Any]) -> DayFile:
    """Return the day file of which `to_json` returned `fields`; a TypeError, KeyError or ValueError for others."""
    day_file = DayFile(key=key, **fields | {"exported_at": datetime.fromisoformat(fields["exported_at"])})
    for name, kinds in _KINDS.items():
        value = getattr(day_file, name)
        # True is an int, too.
        if type(value) not in kinds or (isinstance(value, int) and value < 0):
            raise TypeError(f"{name} is {value!r}")
    if day_file.exported_at.utcoffset() is None:
        raise ValueError("exported_at has no zone")
    return day_file


def is_current(path: Path, key: DayKey) -> bool:
    """Return whether the rows of a file are as `read_rows` yields them. Raises DataError where it is damaged."""
    with readable(path, key):
        return _schema_of(pq.read_metadata(path), key).is_current(STREAMS[key.stream])


def find_misfit(stored: StoredDay) -> DataError | None:
    """Return why the values of a day cannot be read in the types of today; None where they can, or it is damaged."""
    try:
        with readable(stored.path, stored.key):
            schema = _schema_of(pq.read_metadata(stored.path), stored.key)
            suspect = schema.changes_types(STREAMS[stored.key.stream])
        for _ in read_rows(stored) if suspect else ():
            pass
    except DataError as error:
        return error if isinstance(error.__cause__, MisfitError) else None
    return None


def read_rows(stored: StoredDay, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield the rows of a day in the order of time, one row group at a time, so that a day of any size fits in memory.

    They are in the schema of today, whatever that of the file is; see `evolve`.

    Raises:
        DataError: the file is missing or damaged, or holds a value that does not fit its type of today.

    """
    tables = _tables(stored, columns)
    while True:
        with readable(stored.path, stored.key):
            table = next(tables, None)
        if table is None:
            return
        yield table


def is_of_its_day(stored: StoredDay) -> bool:
    """Whether all rows of a day's file lie in its UTC day. Raises DataError where it cannot be read."""
    day = Window.of_days(stored.key.date, stored.key.date)
    times = (pc.min_max(table["processed_at"]).as_py() for table in read_rows(stored, ["processed_at"]) if len(table))
    return all(its["min"] in day and its["max"] in day for its in times)


def find_damage(stored: StoredDay, day_file: DayFile, is_written: Callable[[], bool]) -> str | None:
    """Read all of a day and compare it with its schema and its day; `is_written` compares it with its checksum.

    Returns:
        What is wrong, to follow the file's name in a sentence; None where nothing is.

    """
    try:
        if not is_written():
            return "is not what was written: its checksum differs"
        return _find_wrong_rows(stored, day_file)
    except MisfitError as error:
        return str(error)
    except ForeignSchemaError:
        return "has another schema"
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError, RecursionError) as error:
        return f"cannot be read ({' '.join(str(error).split())})"


def _find_wrong_rows(stored: StoredDay, day_file: DayFile) -> str | None:
    day = Window.of_days(day_file.key.date, day_file.key.date)
    rows = 0
    for table in _tables(stored, None):
        rows += table.num_rows
        first, last = pc.min_max(table["processed_at"]).as_py().values()
        if table.num_rows and not (first in day and last in day):
            return "holds rows of another day"
    return None if rows == day_file.row_count else f"has {rows:,} rows"


def _tables(stored: StoredDay, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    """Yield what `read_rows` does; raises whatever a damaged file raises."""
    stream = STREAMS[stored.key.stream]
    with pq.ParquetFile(stored.path, page_checksum_verification=True) as file:
        if stored.stamp and stamp_of(stored.path.stat()) != stored.stamp:
            raise OSError("it was replaced meanwhile")
        current = _schema_of(file.metadata, stored.key).is_current(stream)
        if not current:
            # A file without a row has no row group, and a schema nevertheless.
            evolve(file.schema_arrow.empty_table(), stream)
        begin = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            offset, count = stored.within(begin, rows)
            begin += rows
            if not count and not stored.is_alone:
                continue
            table = file.read_row_group(group, columns=columns if current else None).replace_schema_metadata(None)
            table = table.slice(offset, count)
            table = table if current else evolve(table, stream)
            yield table if columns is None else table.select(columns)


def _schema_of(metadata: pq.FileMetaData, key: DayKey) -> FileSchema:
    return FileSchema.of(metadata.schema.to_arrow_schema(), metadata.metadata or {}, STREAMS[key.stream])


@contextmanager
def readable(path: Path, key: DayKey) -> Iterator[None]:
    """Turn whatever a damaged file raises into a DataError that says how to mend it."""
    again = f"'voxlake backfill {key.stream} --from {key.date} --to {key.date + DAY} --force'"
    try:
        yield
    except PermissionError as error:
        raise explain(error, path, writing=False) or error from error
    except MisfitError as error:
        raise DataError(
            f"{_name(path)} {error}: install the version of voxlake that wrote it, or run {again}, which keeps it in"
            " rejects/gone/."
        ) from error
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{_name(path)} is damaged: run {again}.") from error


def _name(path: Path) -> str:
    return "/".join(path.parts[-5:])
