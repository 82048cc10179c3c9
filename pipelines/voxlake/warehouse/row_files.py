"""The messages of a linked database: Parquet files beside it, which are never changed, and views over them.

A publish writes the days that changed into new files. Where an older file holds such a day, too, the view leaves its
rows out, and `meta.file_days` says so. Small files, and files of which little is left, are merged, a limited number of
rows at a time, so that what a publish writes does not depend on how much there is.
"""

# ruff: noqa: S608 - statements are put together of our own words
from __future__ import annotations

import secrets
from contextlib import contextmanager, suppress
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from voxlake.files import make, put, storage, unsupported
from voxlake.transform import STREAMS
from voxlake.warehouse.columns import typed_columns, virtual_columns
from voxlake.warehouse.day_rows import sources
from voxlake.warehouse.ddl import replace_view
from voxlake.warehouse.derived_columns import table_rows
from voxlake.warehouse.generation import quoted
from voxlake.warehouse.state import key_table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    import pyarrow as pa

    from voxlake.model import DayFile, DayKey
    from voxlake.transform import Stream
    from voxlake.warehouse.day_rows import DayFiles

FILE_ROWS = 500_000
"""The most rows of several days in one file, and the most that a publish merges: about 10 MB."""
_FEWEST = 8
"""So many small files are merged at a time, or more."""
_FORMAT = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880"
_LIVE = """
    SELECT file, sum(if(replaced, 0, row_count))::BIGINT AS live, sum(row_count)::BIGINT AS rows
    FROM meta.file_days WHERE stream = $1 GROUP BY file ORDER BY live, file
"""


class _File(NamedTuple):
    """A file with the rows that are read from it, and all that it has."""

    name: str
    live: int
    rows: int


class RowFiles:
    """The rows of the current database of a connection, which is in a transaction.

    Files are written into the folder `aside`, and moved to `folder` by `settle`; until then nobody sees them.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: DayFiles, *, folder: Path, aside: Path) -> None:
        self._connection, self._lake, self._folder, self._aside = connection, lake, folder, aside

    def load(self, stream: Stream, day_files: Sequence[DayFile]) -> None:
        """Add the rows of some days. Raises DataError where a day file is damaged, and duckdb.Error."""
        for chunk in _chunks(day_files):
            for source, parameters in sources(self._connection, self._lake, [its.key for its in chunk]):
                self._write(stream, table_rows(stream.name, source), parameters)

    def remove(self, days: Collection[DayKey]) -> None:
        """Read the rows of some days no more."""
        self._connection.register("stale", key_table(days))
        self._connection.execute(
            "UPDATE meta.file_days SET replaced = true"
            " WHERE (account_id, stream, date) IN (SELECT (account_id, stream, date) FROM stale)"
        )

    def settle(self) -> None:
        """Merge files, put new ones in place, and make the views over all. Raises StorageFull, and duckdb.Error."""
        for stream in STREAMS.values():
            self._merge(stream)
        # A file of which nothing is left is one that readers of earlier databases alone may read.
        self._connection.execute(
            "DELETE FROM meta.file_days WHERE file IN (SELECT file FROM meta.file_days GROUP BY file HAVING"
            " bool_and(replaced))"
        )
        with storage(self._folder.parent):
            make(self._folder)
            used = "SELECT DISTINCT file FROM meta.file_days"
            for (name,) in self._connection.execute(used).fetchall():
                if (written := self._aside / name).exists():
                    with unsupported():
                        written.chmod(written.stat().st_mode & 0o444)
                    put(written, self._folder / name)
        for stream in STREAMS.values():
            replace_view(self._connection, stream.table, self._view(stream))

    def _write(self, stream: Stream, query: str, parameters: Sequence[Any] = ()) -> None:
        """Write the rows of a query into a file of its own."""
        with storage(self._folder.parent.parent):
            make(self._aside)
        name = f"{stream.name}-{secrets.token_hex(8)}.parquet"
        path = self._aside / name
        columns = ", ".join(_typed(stream.table, *its) for its in typed_columns(stream))
        self._connection.execute(f"COPY (SELECT {columns} FROM ({query})) TO '{quoted(path)}' ({_FORMAT})", parameters)
        self._connection.execute(
            f"INSERT INTO meta.file_days SELECT '{name}', '{stream.name}', account_id, date, count(*), false"
            f" FROM {_reading([path])} GROUP BY account_id, date"
        )
        counted = "SELECT coalesce(sum(row_count), 0) FROM meta.file_days WHERE file = $1"
        self._connection.execute(
            f"INSERT INTO meta.files VALUES ($1, $2, ({counted}), $3, NULL)", [name, stream.name, path.stat().st_size]
        )

    def _merge(self, stream: Stream) -> None:
        """Write the rows of several files into one, if there are enough that are small, or that hold little else."""
        files = [_File(*row) for row in self._connection.execute(_LIVE, [stream.name]).fetchall()]
        files = [file for file in files if file.live]
        chosen = small_files(files) or _within([file for file in files if file.rows > 2 * file.live])
        if not chosen:
            return
        names = [file.name for file in chosen]
        self._write(stream, f"SELECT * FROM ({self._rows(stream, names)})")
        self._connection.execute("DELETE FROM meta.file_days WHERE list_contains($1, file)", [names])

    def _view(self, stream: Stream) -> str:
        query = "SELECT DISTINCT file FROM meta.file_days WHERE stream = $1 ORDER BY file"
        return self._rows(stream, [name for (name,) in self._connection.execute(query, [stream.name]).fetchall()])

    def _rows(self, stream: Stream, names: Sequence[str]) -> str:
        return rows_in(self._connection, stream, names, self._path)

    def _path(self, name: str) -> Path:
        written = self._aside / name
        return written if written.exists() else self._folder / name


def rows_in(
    connection: duckdb.DuckDBPyConnection, stream: Stream, names: Sequence[str], path_of: Callable[[str], Path]
) -> str:
    """Return the query for the rows that are read from some files of a stream, which `path_of` finds by name."""
    columns = ", ".join([*(name for name, *_ in typed_columns(stream)), *_virtual(stream)])
    partly = "SELECT DISTINCT file FROM meta.file_days WHERE replaced AND list_contains($1, file) ORDER BY file"
    some = [name for (name,) in connection.execute(partly, [list(names)]).fetchall()]
    whole = [name for name in names if name not in set(some)]
    queries = []
    if whole:
        queries.append(f"SELECT {columns} FROM {_reading(map(path_of, whole))}")
    if some:
        listed = ", ".join(f"'{name}'" for name in some)
        queries.append(
            f"SELECT {columns} FROM (SELECT *, ([{listed}])[file_index::BIGINT + 1] AS file"
            f" FROM {_reading(map(path_of, some))})"
            " ANTI JOIN (SELECT file, account_id, date FROM meta.file_days WHERE replaced)"
            " USING (file, account_id, date)"
        )
    if not queries:
        queries.append(no_rows(stream))
    return " UNION ALL ".join(queries)


@contextmanager
def only_files_of(connection: duckdb.DuckDBPyConnection, days: pa.Table, folder: Path | None) -> Iterator[None]:
    """Read, for the length of the block, no other files than those with rows of some days, keys as in `key_table`.

    `folder` has the files of a linked database, None of a portable one, whose tables are read as ever. Where files are
    hundreds, opening each for a question about one day would take longer than the answer.
    """
    if folder is None:
        yield
        return
    connection.register("days", days)
    found = connection.execute(
        "SELECT DISTINCT stream, file FROM meta.file_days SEMI JOIN days USING (account_id, stream, date) ORDER BY ALL"
    ).fetchall()
    for stream in STREAMS.values():
        names = [file for of, file in found if of == stream.name]
        # What is temporary is found first.
        query = rows_in(connection, stream, names, folder.joinpath)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {stream.table} AS {query}")
    try:
        yield
    finally:
        for stream in STREAMS.values():
            with suppress(duckdb.Error):
                connection.execute(f"DROP VIEW temp.{stream.table}")


def no_rows(stream: Stream) -> str:
    """Return the query for the table of a stream without a message."""
    kinds = [(name, kind) for name, kind, _ in typed_columns(stream)]
    kinds += [(its.name, its.type) for its in virtual_columns(stream)]
    nulls = ", ".join(f"NULL::{kind} AS {name}" for name, kind in kinds)
    return f"SELECT {nulls} WHERE false"


def _virtual(stream: Stream) -> list[str]:
    """Return the expressions for the columns that no file has."""
    return [f"({its.expression})::{its.type} AS {its.name}" for its in virtual_columns(stream)]


def small_files(files: Sequence[_File]) -> Sequence[_File]:
    """Return which of some files, in the order of their rows, are merged: none where that is not worth it.

    A file that has more rows than all smaller ones is left alone, so that a row is written again only a few times.
    """
    chosen = list(_within(files))
    while len(chosen) >= _FEWEST and chosen[-1].live > sum(file.live for file in chosen[:-1]):
        chosen.pop()
    return chosen if len(chosen) >= _FEWEST else ()


def _within(files: Sequence[_File]) -> Sequence[_File]:
    """Return the first files, as many as a publish may merge."""
    return [
        file for file, rows in zip(files, accumulate(file.live for file in files), strict=True) if rows <= FILE_ROWS
    ]


def _chunks(day_files: Sequence[DayFile]) -> Iterator[list[DayFile]]:
    """Yield neighbouring days for a file each."""
    chunk: list[DayFile] = []
    rows = 0
    for day_file in sorted(day_files, key=lambda its: (its.key.date, its.key.account_id)):
        if chunk and rows + day_file.row_count > FILE_ROWS:
            yield chunk
            chunk, rows = [], 0
        chunk.append(day_file)
        rows += day_file.row_count
    if chunk:
        yield chunk


def _typed(table: str, name: str, kind: str, required: bool) -> str:
    """Return the expression for a column in its type; a table would refuse a null in a column that is required."""
    if not required:
        return f"{name}::{kind} AS {name}"
    failed = f"error('NOT NULL constraint failed: {table}.{name}')"
    return f"CASE WHEN {name} IS NULL THEN {failed} ELSE {name}::{kind} END AS {name}"


def _reading(paths: Iterable[Path]) -> str:
    listed = ", ".join(f"'{quoted(path)}'" for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"
