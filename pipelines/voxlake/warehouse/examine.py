"""What is wrong with a published database, as far as some days of it show."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxlake.errors import DataError, SettingsError
from voxlake.warehouse import checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import duckdb

    from voxlake.errors import VoxlakeError
    from voxlake.model import DaySpan


@dataclass(frozen=True, slots=True)
class Examination:
    """Why a database cannot be read, or what each failing check found in it, and what is odd in the vendor's data."""

    damage: VoxlakeError | None = None
    failed_checks: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[Mapping[str, Any]] = ()


def examine(
    reader: Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]], spans: Iterable[DaySpan] | None
) -> Examination:
    """Check and read some days of the database that `reader` opens, or all of it; raises StorageFull."""
    asked = None if spans is None else list(spans)
    try:
        with reader() as connection:
            ((folder,),) = connection.execute("SELECT rows_folder FROM meta.built").fetchall()
            failed = checks.failed_checks(connection, spans=asked, folder=None if folder is None else Path(folder))
            if not asked:
                return Examination(None, failed, checks.warnings(connection) if asked is None else ())
            firsts = [span.first for span in asked if span.first is not None]
            odd = checks.warnings(
                connection,
                accounts=sorted({span.account_id for span in asked}),
                first=min(firsts) if len(firsts) == len(asked) else None,
                end=max(span.end for span in asked),
            )
    except (SettingsError, DataError) as error:
        return Examination(error)
    return Examination(None, failed, odd)
