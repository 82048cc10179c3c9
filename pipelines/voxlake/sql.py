"""The SQL statements shipped with voxlake, one per file, described on the first line; and how queries are stopped."""

from __future__ import annotations

import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.text import visible, width

if TYPE_CHECKING:
    import duckdb

_HERE = Path(__file__).resolve().parent
_OPEN: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()


def interruptible(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return the connection itself; from now on `interrupt_queries` ends what it runs, and it draws no progress bar."""
    # DuckDB draws it on stdout, which belongs to the answer. A second reader of one file in one process finds settings
    # locked by the first, and keeps the bar, which only appears after two seconds.
    if connection.execute("SELECT current_setting('lock_configuration')").fetchall() == [(False,)]:
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


def explain(error: duckdb.Error) -> tuple[str, str]:
    """Return why a statement failed as part of a sentence, and the lines that show where, with the caret; or ''."""
    reason, place, lines = str(error).partition("\n\nLINE ")
    shown, _, caret = lines.rstrip().rpartition("\n")
    if not caret.strip(" ^") and "^" in caret:
        lines = f"{shown.expandtabs(1)}\n{_under(f'LINE {shown}', caret)}"
    return " ".join(reason.split()), f"{place}{lines}".rstrip()


def _under(line: str, caret: str) -> str:
    """Return the line with a caret below the same character as before, when the line is drawn on a terminal.

    DuckDB does not count the columns of a tab, and of what the terminal gets as an escape.
    """
    at, columns = 0, caret.index("^")
    while at < len(line) and (columns > 0 or not _columns(line[at])):
        columns -= _columns(line[at])
        at += 1
    return " " * width(visible(line[:at].expandtabs(1))) + caret.strip()


def _columns(character: str) -> int:
    return 0 if visible(character) != character or character == "\t" else width(character)


def folder() -> Path:
    """Return the folder of the statements: that of the checkout if there is one, otherwise the installed copy."""
    checkout = _HERE.parents[1]
    if (checkout / "pyproject.toml").exists() and (checkout / "sql").is_dir():
        return checkout / "sql"
    return _HERE / "sql"


def statements(kind: str) -> dict[str, str]:
    """Return the statements of one kind (`tables`, `views`, `reports`, `checks`, ...) by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((folder() / kind).glob("*.sql"))}


def promise(statement: str) -> str:
    """Return the description of a statement: its first line without the comment marks."""
    return statement.split("\n", 1)[0].removeprefix("--").strip()
