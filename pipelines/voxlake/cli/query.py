"""`voxlake query`: ask the database in SQL, read-only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voxlake.cli.answer import Question, put_answer
from voxlake.cli.examples import examples
from voxlake.cli.options import DATA, account_option, answer_options, zone_option
from voxlake.cli.settings import settings_options
from voxlake.errors import SettingsError
from voxlake.reporting import load_saved_queries, report_macros, scope_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.cli.settings import Settings


class _Sql(click.Command):
    """A command whose argument may start with an SQL comment, which is not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Prepend a blank to arguments that start with `--` and a blank, or that have several lines."""
        comments = (arg.startswith("--") and (arg[2:3].isspace() or "\n" in arg) for arg in args)
        return super().parse_args(ctx, [f" {arg}" if it else arg for arg, it in zip(args, comments, strict=True)])


@click.command(
    cls=_Sql,
    epilog=examples(
        'voxlake query "SELECT status, count(*) FROM messages GROUP BY ALL"',
        'voxlake query "FROM report_sender_weeks() WHERE change < -2"',
        'voxlake query "FROM coverage WHERE NOT verified" --format csv --out days.csv',
    ),
)
@click.argument("sql")
@zone_option
@answer_options
@settings_options(*DATA, "reports_dir")
@account_option
def query(
    settings: Settings,
    sql: str,
    tz: str | None,
    form: str | None,
    out: Path | None,
    limit: int | None,
) -> None:
    """Ask the database in SQL, read-only.

    SQL is the query itself, @FILE for a file that has it, or - for standard input.

    Every report is there as a table macro, such as report_daily(since := DATE '2026-01-01').
    """
    sql = _read(sql)
    # `$accounts` and `$tz` stand for what --account and --tz say.
    bound = scope_parameters(sql)
    for flag, name, value in (("--account", "accounts", settings.wanted), ("--tz", "tz", tz)):
        if value and name not in bound:
            raise SettingsError(f"The query does not look at {flag}: use ${name} in it, or leave {flag} out.")
    macros: Sequence[str] = ()
    if "report_" in sql.lower():
        macros = list(report_macros(load_saved_queries(settings.reports_dir).values()).values())
    put_answer(settings, Question(sql, bound, tz, macros=macros), form, out, limit)


def _read(sql: str) -> str:
    """Return the query: as it was given, or from the file or the standard input that stands for it."""
    if sql.strip() == "-":
        return sys.stdin.read().removeprefix("\ufeff")
    if not sql.startswith("@"):
        return sql
    path = Path(sql[1:])
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise SettingsError(f"The query cannot be read from {path} ({reason}): name a file of SQL after @.") from error
