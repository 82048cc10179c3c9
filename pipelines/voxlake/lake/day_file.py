"""Read a day file: what its footer says, its rows by row group, and whether it still is what was written."""

from __future__ import annotations

import dataclasses
import json
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voxlake.errors import DataError
from voxlake.lake.evolve import is_older, upgrade
from voxlake.lake.writer import rows_checksum
from voxlake.model import DAY, DayFile, DayKey, Window
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_ENTRY = b"voxlake"
"""Our entry in the footer's key-value metadata."""


def footer_of(day_file: DayFile) -> dict[bytes, str]:
    """Return the footer entry that `read_footer` reads: everything but the path and Parquet's own number of rows."""
    return {_ENTRY: json.dumps({name: value for name, value in to_json(day_file).items() if name != "row_count"})}


def read_footer(path: Path, key: DayKey) -> DayFile:
    """Return what the file of a day says of itself.

    Raises:
        DataError: it cannot be read, or is not a file of ours.

    """
    with _readable(path, key):
        metadata = pq.read_metadata(path)
        entry = json.loads((metadata.metadata or {})[_ENTRY])
        return from_json(key, entry | {"row_count": metadata.num_rows})


def to_json(day_file: DayFile) -> dict[str, Any]:
    """Return the facts of a day file, without its key, as JSON holds them."""
    fields = dataclasses.asdict(day_file) | {"exported_at": day_file.exported_at.isoformat()}
    del fields["key"]
    return fields


def from_json(key: DayKey, fields: dict[str, Any]) -> DayFile:
    """Return the day file of which `to_json` returned `fields`; a TypeError, KeyError or ValueError for others."""
    return DayFile(key=key, **fields | {"exported_at": datetime.fromisoformat(fields["exported_at"])})


def read_rows(path: Path, key: DayKey, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield the rows of a day in the order of time, one row group at a time, so that a day of any size fits in memory.

    A column that the file is too old to have is null.

    Raises:
        DataError: the file is missing or damaged.

    """
    schema = STREAMS[key.stream].schema
    wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    with _readable(path, key):
        file = pq.ParquetFile(path, page_checksum_verification=True)
    with file:
        for group in range(file.num_row_groups):
            with _readable(path, key):
                table = file.read_row_group(group, columns=columns).replace_schema_metadata(None)
            yield upgrade(table, wanted)


def find_damage(path: Path, day_file: DayFile) -> str | None:
    """Read a whole file and compare it with its checksum, schema and day.

    Returns:
        What is wrong, to follow the file's name in a sentence; None where nothing is.

    """
    try:
        if rows_checksum(path) != day_file.checksum:
            return "is not what was written: its checksum differs"
        stream, schema = STREAMS[day_file.key.stream], pq.read_schema(path)
        if not (schema.equals(stream.schema) or is_older(schema, stream)):
            return "has another schema"
        return _find_wrong_rows(path, day_file)
    except (OSError, pa.ArrowException, ValueError) as error:
        return f"cannot be read ({' '.join(str(error).split())})"


def _find_wrong_rows(path: Path, day_file: DayFile) -> str | None:
    day = Window.of_days(day_file.key.date, day_file.key.date)
    file = pq.ParquetFile(path, page_checksum_verification=True)
    rows = 0
    with file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            rows += table.num_rows
            first, last = pc.min_max(table["processed_at"]).as_py().values()
            if table.num_rows and not (first in day and last in day):
                return "holds rows of another day"
    return None if rows == day_file.row_count else f"has {rows:,} rows"


@contextmanager
def _readable(path: Path, key: DayKey) -> Iterator[None]:
    """Turn whatever a damaged file raises into a DataError that says how to mend it."""
    try:
        yield
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        name = "/".join(path.parts[-5:])
        raise DataError(
            f"{name} is damaged: run 'voxlake backfill {key.stream} --from {key.date} --to {key.date + DAY} --force'."
        ) from error
