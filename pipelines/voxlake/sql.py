"""The SQL statements shipped with voxlake, one per file, described on the first line; and how queries are stopped."""

from __future__ import annotations

import functools
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_HERE = Path(__file__).resolve().parent
_OPEN: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()


def interruptible(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return the connection itself; from now on `interrupt_queries` ends what it runs, and it draws no progress bar."""
    # DuckDB draws it on stdout, which belongs to the answer. A second reader of one file in one process finds settings
    # locked by the first, and keeps the bar, which only appears after two seconds.
    if connection.execute("SELECT current_setting('lock_configuration')").fetchall() == [(False,)]:
        # In a notebook without ipywidgets there is none to begin with, and DuckDB refuses to change that.
        with suppress(Exception):
            connection.execute("SET enable_progress_bar = false")
    _OPEN.add(connection)
    return connection


def interrupt_queries() -> None:
    """End the queries of all connections that are open and interruptible; safe in a signal's handler."""
    # Another thread may open a connection while we look.
    with suppress(RuntimeError):
        for connection in list(_OPEN):
            with suppress(Exception):
                connection.interrupt()


def folder() -> Path:
    """Return the folder of the statements: that of the checkout if there is one, otherwise the installed copy."""
    checkout = _HERE.parents[1]
    if (checkout / "pyproject.toml").exists() and (checkout / "sql").is_dir():
        return checkout / "sql"
    return _HERE / "sql"


def statements(kind: str) -> dict[str, str]:
    """Return the statements of one kind (`tables`, `views`, `reports`, `checks`, ...) by name."""
    return dict(read_folder(folder() / kind))


@functools.cache
def read_folder(its: Path) -> dict[str, str]:
    """Return the statements of a folder by name, as they were when it was first read: a publish asks often."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(its.glob("*.sql"))}


def promise(statement: str) -> str:
    """Return the description of a statement: its first line without the comment marks."""
    return statement.split("\n", 1)[0].removeprefix("--").strip()
