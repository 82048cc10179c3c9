"""Compare day files with one another by message id, in DuckDB, which keeps days of any size out of memory."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.spill import READER_MEMORY, bound, require_room
from voxlake.sql import interruptible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_GONE = """
    SELECT message_id FROM read_parquet($1, hive_partitioning = false) o
    ANTI JOIN read_parquet($2, hive_partitioning = false) n USING (message_id)
"""
_FOUND = """
    SELECT count(*) FILTER (o.message_id IS NULL),
           count(*) FILTER (o.message_id IS NOT NULL AND n IS DISTINCT FROM o)
    FROM read_parquet($1, hive_partitioning = false) n
    LEFT JOIN read_parquet($2, hive_partitioning = false) o USING (message_id)
"""
_IDS = "SELECT message_id, filename FROM read_parquet($1, filename = true, hive_partitioning = false)"
_DUPLICATES = "SELECT message_id, list(filename) FROM ({ids}) GROUP BY message_id HAVING count(*) > 1"


@dataclass(frozen=True, slots=True)
class Difference:
    """How a newer file differs from an older one: messages it has first or otherwise, and ids that it lacks."""

    new: int = 0
    changed: int = 0
    gone: frozenset[int] = frozenset()


def compare(old: Path, new: Path) -> Difference:
    """Compare two files of one day; where the older one cannot be read, every row is new. Raises StorageFull."""
    with interruptible(duckdb.connect()) as connection:
        bound(connection, READER_MEMORY, new.parent)
        try:
            gone = connection.execute(_GONE, [str(old), str(new)]).fetchall()
            ((found, changed),) = connection.execute(_FOUND, [str(new), str(old)]).fetchall()
        except duckdb.Error as error:
            require_room(error, new.parent)
            return Difference(new=pq.read_metadata(new).num_rows)
    return Difference(found, changed, frozenset(message_id for (message_id,) in gone))


def find_duplicates(paths: Iterable[Path], older: Mapping[Path, pa.Table], *, tmp: Path) -> list[tuple[int, list[str]]]:
    """Return each message that lies in more than one file, with the paths of these files as text.

    `older` are the ids of files whose columns are not those of today, one column `message_id` each. Nothing is returned
    where one of the files is damaged. What does not fit into memory goes to `tmp`. Raises StorageFull.
    """
    current = [str(path) for path in paths]
    with _unless_damaged(tmp), interruptible(duckdb.connect()) as connection:
        bound(connection, READER_MEMORY, tmp)
        sources = [_IDS] if current else []
        if older:
            connection.register("older", pa.concat_tables(_with_path(ids, path) for path, ids in older.items()))
            sources.append("SELECT message_id, filename FROM older")
        query = _DUPLICATES.format(ids=" UNION ALL ".join(sources))
        return connection.execute(query, [current] if current else []).fetchall() if sources else []
    return []


@contextmanager
def _unless_damaged(tmp: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        require_room(error, tmp)


def _with_path(ids: pa.Table, path: Path) -> pa.Table:
    return ids.append_column("filename", pa.repeat(str(path), ids.num_rows))
