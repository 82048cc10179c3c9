"""What `voxlake report` and `voxlake query` share: run a query and print or write its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.cli.output import check_place, give, say, screen
from voxlake.cli.signals import EARLY, stoppable
from voxlake.reporting import choose_format, query_text, write_answer
from voxlake.text import counted
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    import duckdb

    from voxlake.cli.settings import Settings


def put_answer(
    settings: Settings,
    sql: str,
    bound: Mapping[str, Any],
    form: str | None,
    out: Path | None,
    limit: int | None,
    span: tuple[date | None, date | None] | None = None,
) -> None:
    """Run a query on the database and print or write its rows; `span` holds the days of a report."""
    choose_format(form, out)
    if out is not None:
        check_place(out)
    with stoppable(EARLY), Warehouse(settings.data_dir).reader() as connection:
        put_rows(connection, sql, bound, form, out, limit)
        if span is not None:
            _warn(connection, *span)


def _warn(connection: duckdb.DuckDBPyConnection, first: date | None, end: date | None) -> None:
    """Warn on stderr of days in a report that may lack messages."""
    ((number, oldest, newest),) = connection.execute(
        "SELECT count(DISTINCT date), min(date), max(date) FROM coverage"
        " WHERE NOT verified AND ($1::DATE IS NULL OR date >= $1) AND ($2::DATE IS NULL OR date < $2)",
        [first, end],
    ).fetchall()
    if number:
        say(
            f"{counted(number)} of {oldest} to {newest} {'is' if number == 1 else 'are'} not verified, so messages may"
            " be missing: 'voxlake status' says why."
        )


def put_rows(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    form: str | None,
    out: Path | None,
    limit: int | None,
) -> None:
    """Put what a query answers to stdout or into a file, in the form that was chosen."""
    form = choose_format(form, out)
    if out is None:
        give(query_text(connection, sql, bound, form=form, limit=limit, screen=screen()), nl=False, form=form)
        return
    check_place(out)
    rows = write_answer(connection, sql, bound, form=form, limit=limit, path=out)
    say(f"{counted(rows, 'row')}: {out}")
