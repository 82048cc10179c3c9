"""What `voxlake report` and `voxlake query` share: run a query and print or write its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.cli.output import check_place, give, say, screen
from voxlake.cli.signals import EARLY, stoppable
from voxlake.lake import Lake
from voxlake.library import known_accounts, select
from voxlake.reporting import choose_format, query_pieces, read_scope, write_answer
from voxlake.text import counted
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    import duckdb

    from voxlake.cli.settings import Settings
    from voxlake.reporting import Scope


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its parameters, and the zone that `--tz` names; `span` holds the days of a report.

    Of a `shipped` report, no column says whose a row is where the database has one account.
    """

    sql: str
    bound: Mapping[str, Any]
    tz: str | None = None
    span: tuple[date | None, date | None] | None = None
    shipped: bool = False

    @property
    def needs_scope(self) -> bool:
        """Whether the answer depends on which accounts there are, so that an earlier version's database has none."""
        return self.shipped or bool(self.bound.keys() & {"accounts", "tz"})


def put_answer(settings: Settings, question: Question, form: str | None, out: Path | None, limit: int | None) -> None:
    """Run a query on the database and print or write its rows, and say what they may lack."""
    choose_format(form, out)
    if out is not None:
        check_place(out)
    with stoppable(EARLY), Warehouse(settings.data_dir).reader() as connection:
        if not question.needs_scope:
            put_rows(connection, question.sql, question.bound, form, out, limit)
            scope = None
        else:
            scope = choose_scope(connection, settings, question.tz)
            report_of = scope if question.shipped else None
            put_rows(connection, question.sql, scope.bind(question.bound), form, out, limit, report_of)
            for note in scope.notes(question.sql):
                say(note)
        if question.span is not None:
            _warn(connection, *question.span, scope)


def choose_scope(connection: duckdb.DuckDBPyConnection, settings: Settings, tz: str | None) -> Scope:
    """Return the accounts of the database that `--account` means, all where it names none, and the zone.

    Raises:
        SettingsError: there is no such account or zone, or an earlier version published the database.

    """
    scope = read_scope(connection, tz)
    if not settings.wanted:
        return scope
    # A name in the settings may be another one than the API's.
    known = [*known_accounts(Lake(settings.data_dir), settings.sections), *scope.names()]
    return scope.narrowed(select(settings.wanted, known))


def _warn(
    connection: duckdb.DuckDBPyConnection, first: date | None, end: date | None, scope: Scope | None = None
) -> None:
    """Warn on stderr of UTC days that a report looks at and that may lack messages."""
    ((number, oldest, newest),) = connection.execute(
        "SELECT count(DISTINCT date), min(date), max(date) FROM coverage"
        " WHERE NOT verified AND ($1::DATE IS NULL OR date >= $1::DATE - $3::INTEGER)"
        " AND ($2::DATE IS NULL OR date < $2::DATE + $3::INTEGER)"
        " AND ($4::BIGINT[] IS NULL OR list_contains($4, account_id))",
        [first, end, 0 if scope is None or scope.tz == "UTC" else 1, None if scope is None else scope.account_ids],
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
    report_of: Scope | None = None,
) -> None:
    """Put what a query answers to stdout or into a file, in the form that was chosen."""
    form = choose_format(form, out)
    if out is None:
        for text in query_pieces(connection, sql, bound, form=form, limit=limit, screen=screen(), report_of=report_of):
            give(text, nl=False, form=form)
        return
    check_place(out)
    rows = write_answer(connection, sql, bound, form=form, limit=limit, path=out, report_of=report_of)
    say(f"{counted(rows, 'row')}: {out}")
