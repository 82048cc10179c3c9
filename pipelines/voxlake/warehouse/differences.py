"""Compare days as they are now with a published database, by its tables `meta.parts` and `coverage`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.model import DayKey
from voxlake.warehouse.accounts import accounts_differ
from voxlake.warehouse.state import Reader, checksum_table, day_table, key_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from voxlake.model import Changes, DayFile, FinalityPolicy

_OTHER_ROWS = """
SELECT account_id, stream, date, p.checksum IS NOT NULL AS is_known
FROM given AS g LEFT JOIN meta.parts AS p USING (account_id, stream, date)
WHERE p.checksum IS DISTINCT FROM g.checksum
"""
_OTHER_COVERAGE = """
SELECT account_id, stream, date
FROM given AS g LEFT JOIN coverage AS c USING (account_id, stream, date)
WHERE c.row_count IS DISTINCT FROM g.row_count OR c.total_count IS DISTINCT FROM g.total_count
    OR c.forgotten IS DISTINCT FROM g.forgotten
    OR c.verified IS DISTINCT FROM g.verified OR c.final IS DISTINCT FROM g.final
    OR c.problem IS DISTINCT FROM g.problem OR c.proof IS DISTINCT FROM g.proof
    OR (c.exported_at >= c.date + INTERVAL 1 DAY) IS DISTINCT FROM (g.exported_at >= g.date + INTERVAL 1 DAY)
"""
"""When a day was read counts as news only for the first time after its end: else every run would publish."""
_REMOVED = "SELECT account_id, stream, date FROM meta.parts SEMI JOIN removed USING (account_id, stream, date)"
_NOT_GIVEN = "SELECT account_id, stream, date FROM meta.parts ANTI JOIN given USING (account_id, stream, date)"


@dataclass(frozen=True, slots=True)
class Differences:
    """Days whose rows in a database are others or missing, those of them that it knows, and days with other coverage.

    `removed` are days that it has and that are no more; with `accounts`, other facts of accounts are known.
    """

    rows: frozenset[DayKey] = frozenset()
    known: frozenset[DayKey] = frozenset()
    coverage: frozenset[DayKey] = frozenset()
    removed: frozenset[DayKey] = frozenset()
    accounts: bool = False

    def __bool__(self) -> bool:
        """Return whether anything differs."""
        return bool(self.rows or self.coverage or self.removed or self.accounts)


def find_differences(
    reader: Reader, database: Path, changes: Changes, finality: FinalityPolicy, facts: Iterable[Mapping[str, Any]]
) -> Differences:
    """Compare a published database with days that may have changed, and with facts as `load_accounts` takes them.

    Raises duckdb.Error where it cannot be read.
    """
    with reader.open(database) as connection:
        connection.register("given", day_table(changes.day_files, finality=finality))
        connection.register("removed", key_table(changes.removed))
        rows, known = _other_rows(connection)
        return Differences(
            rows,
            known,
            coverage=_keys(connection, _OTHER_COVERAGE),
            removed=_keys(connection, _NOT_GIVEN if changes.whole else _REMOVED),
            accounts=accounts_differ(connection, facts),
        )


def find_other_rows(
    reader: Reader, database: Path, day_files: Sequence[DayFile]
) -> tuple[frozenset[DayKey], frozenset[DayKey]]:
    """Return the days whose rows in a database are others or missing, and those of them that it knows.

    Raises duckdb.Error where it cannot be read.
    """
    with reader.open(database) as connection:
        connection.register("given", checksum_table(day_files))
        return _other_rows(connection)


def _other_rows(connection: duckdb.DuckDBPyConnection) -> tuple[frozenset[DayKey], frozenset[DayKey]]:
    rows = connection.execute(_OTHER_ROWS).fetchall()
    return frozenset(DayKey(*row[:3]) for row in rows), frozenset(DayKey(*row[:3]) for row in rows if row[3])


def _keys(connection: duckdb.DuckDBPyConnection, query: str) -> frozenset[DayKey]:
    return frozenset(DayKey(*row) for row in connection.execute(query).fetchall())
