"""What `voxlake report` and `voxlake query` share: run a query and print or write its rows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from voxlake.cli.options import paused_of, the_clock
from voxlake.cli.output import check_place, give, say, screen
from voxlake.cli.signals import EARLY, stoppable
from voxlake.cli.verbosity import is_quiet
from voxlake.errors import SettingsError
from voxlake.lake import Lake
from voxlake.library import known_accounts, select
from voxlake.reporting import (
    choose_format,
    number_note,
    query_pieces,
    read_gaps,
    read_scope,
    report_table,
    set_digest,
    write_answer,
)
from voxlake.text import counted
from voxlake.warehouse import Warehouse, set_today

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from voxlake.cli.settings import Settings
    from voxlake.reporting import Scope


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its parameters, and the zone that `--tz` names.

    With `of_days` it is a report of the days `[first, end)`. Of a `shipped` one, no column says whose a row is where
    the database has one account, a table that is too wide leaves out the columns in `spare`, and `if_empty` says what
    one without rows means. `macros` are statements that make what the query uses.
    """

    sql: str
    bound: Mapping[str, Any]
    tz: str | None = None
    first: date | None = None
    end: date | None = None
    of_days: bool = False
    shipped: bool = False
    spare: Sequence[str] = ()
    if_empty: str = ""
    macros: Sequence[str] = ()

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
        set_today(connection, the_clock().now().date())
        for statement in question.macros:
            # A report of the user's may be wrong, and the query may be about another one.
            with suppress(duckdb.Error):
                connection.execute(statement)
        number = question.bound.get("number")
        key = settings.find_key() if number is not None else None
        set_digest(connection, number, key)
        if not question.needs_scope:
            put_rows(connection, question.sql, question.bound, form, out, limit)
            scope = None
        else:
            scope = choose_scope(connection, settings, question.tz)
            bound = scope.bind(question.bound)
            if question.shipped and out is None and choose_format(form, out) == "table":
                _put_table(connection, question, bound, limit, scope)
            else:
                report_of = scope if question.shipped else None
                put_rows(connection, question.sql, bound, form, out, limit, report_of)
            for note in scope.notes(question.sql):
                say(note)
        asked = question.bound if scope is None else scope.bind(question.bound)
        if number is not None and (missed := number_note(connection, asked, has_key=key is not None)):
            say(missed)
        say_gaps(connection, settings, question, scope)


def _put_table(
    connection: duckdb.DuckDBPyConnection,
    question: Question,
    bound: Mapping[str, Any],
    limit: int | None,
    scope: Scope,
) -> None:
    """Print a report as a table that fits, and say which columns it leaves out for that."""
    text, left_out, rows = report_table(
        connection, question.sql, bound, limit=limit, spare=question.spare, screen=screen(), report_of=scope
    )
    give(text, nl=False, form="table")
    if not rows and question.if_empty and question.bound.get("number") is None and not is_quiet():
        say(question.if_empty)
    elif left_out and not is_quiet():
        say(f"The table is too narrow for {', '.join(left_out)}: --format csv has every column.")


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


def say_gaps(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    question: Question | None = None,
    scope: Scope | None = None,
) -> None:
    """Write to stderr what is stale, missing or not verified, and which days of a report are still settling."""
    asked = question or Question("", {})
    try:
        gaps = read_gaps(
            connection,
            Lake(settings.data_dir),
            scope or read_scope(connection),
            now=the_clock().now(),
            first=asked.first,
            end=asked.end,
            paused=paused_of(settings),
        )
    except SettingsError as problem:
        say(str(problem))
        return
    for sentence in gaps.sentences() if asked.of_days and not is_quiet() else gaps.trouble():
        say(sentence)


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
