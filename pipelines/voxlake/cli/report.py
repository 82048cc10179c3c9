"""`voxlake report`: answer one of the saved queries."""

from __future__ import annotations

from datetime import date
from textwrap import fill
from typing import TYPE_CHECKING

import click
import duckdb

from voxlake.cli.answer import Question, put_answer, put_rows
from voxlake.cli.examples import examples
from voxlake.cli.options import DATA, account_option, answer_options, zone_option
from voxlake.cli.output import give, say, screen
from voxlake.cli.settings import settings_options
from voxlake.cli.signals import EARLY, stoppable
from voxlake.cli.types import UtcDay
from voxlake.cli.verbosity import is_quiet, quiet_option
from voxlake.errors import SettingsError
from voxlake.model import DAY
from voxlake.reporting import bind_parameters, flags_of, load_saved_queries
from voxlake.sql import interruptible
from voxlake.text import meant

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from voxlake.cli.settings import Settings
    from voxlake.reporting import SavedQuery


_ASKED = "voxlake.report"
"""The key in a context's `meta` under which the first argument is kept."""
_OF_A_DAY = "why"
"""The report that is made for one day: five lines for each day of years are rarely what was wanted."""


class _Report(click.Command):
    """A command whose help is that of a report where one of voxlake's is named first."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember the first argument: click shows the help before it reads arguments."""
        ctx.meta[_ASKED] = args[0] if args else ""
        return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the report answers, what it looks at and an example, or the help of the command."""
        query = load_saved_queries(None).get(ctx.meta.get(_ASKED, ""))
        if query is None:
            super().format_help(ctx, formatter)
            return
        formatter.write_usage(f"{ctx.command_path} {query.name}", "[DAY] [OPTIONS]")
        for text in (
            query.promise,
            f"It takes DAY, {', '.join(flags_of(query))}; 'voxlake report --help' explains them.",
        ):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(text)
        with formatter.section("Example"):
            formatter.write(f"{'':{formatter.current_indent}}{query.example}\n")


@click.command(
    cls=_Report,
    epilog=examples(
        "voxlake report",
        "voxlake report daily --from 2026-01-01 --to 2026-02-01",
        "voxlake report why 2026-01-05",
        "voxlake report monthly-cost --account shop --tz account --out cost.xlsx",
    ),
)
@click.argument("name", required=False)
@click.argument("day", type=UtcDay(), required=False)
@click.option("--from", "first", type=UtcDay(), metavar="DATE", help="First day, in UTC or --tz. [everything]")
@click.option("--to", "end", type=UtcDay(end=True), metavar="DATE", help="The day to stop before. [everything]")
@click.option("--number", metavar="NUMBER", help="Only messages from or to this number or SenderID.")
@zone_option
@quiet_option
@answer_options
@settings_options(*DATA, "reports_dir")
@account_option
def report(
    settings: Settings,
    name: str | None,
    day: date | None,
    first: date | None,
    end: date | None,
    number: str | None,
    tz: str | None,
    form: str | None,
    out: Path | None,
    limit: int | None,
) -> None:
    """Run a ready-made report; without a name, list them all.

    'voxlake report NAME --help' shows which options a report takes, and an example.

    DAY stands for --from that day and --to the next. On a terminal and in a pipe, the table of one of voxlake's reports
    leaves out columns that do not fit, and says which; every other format has them all.
    """
    known = load_saved_queries(settings.reports_dir)
    if name is None:
        scope = {"--account": settings.wanted or None, "--tz": tz}
        chosen = {"--from": first, "--to": end, "--number": number, **scope, "--limit": limit}
        if unused := [flag for flag, value in chosen.items() if value is not None]:
            raise SettingsError(f"The list of reports does not look at {', '.join(unused)}: name a report, too.")
        _list(known.values(), form, out)
        return
    if name not in known:
        usable = ", ".join(each.name for each in known.values() if each.problem is None)
        way = "'voxlake report' lists them" if (near := meant(name, known)) else f"use {usable}"
        raise SettingsError(f"There is no report {name!r}{near}: {way}.")
    if day is not None:
        if first or end:
            raise SettingsError(f"{day} and --from or --to are two spans: leave one out.")
        first, end = day, None if day == date.max else day + DAY
    if first and end and first >= end:
        raise SettingsError(f"--from {first} is not before --to {end}: the end is excluded.")
    query = known[name]
    bound = bind_parameters(query, first=first, end=end, number=number, accounts=settings.wanted, tz=tz)
    question = Question(
        query.sql,
        bound,
        tz,
        first,
        end,
        of_days=True,
        shipped=query.shipped,
        spare=query.spare,
        if_empty=query.if_empty,
    )
    put_answer(settings, question, form, out, limit)
    if name == _OF_A_DAY and not (first or end or limit or is_quiet()):
        say(f"No day was named, so this is every day: 'voxlake report {name} 2026-01-05' shows one.")


def _line(name: str, promise: str) -> str:
    """Return a name and what it answers: folded below itself on a terminal with room for that, else on one line."""
    if (width := screen() or 0) < 2 * len(name):
        return f"{name}{promise}"
    return fill(promise, width, initial_indent=name, subsequent_indent=" " * len(name), break_on_hyphens=False)


def _list(known: Collection[SavedQuery], form: str | None, out: Path | None) -> None:
    if form is None and out is None:
        width = max(len(each.name) for each in known)
        give("\n".join(_line(f"{each.name:<{width}}  ", each.promise) for each in known))
        return
    columns = {"name": [each.name for each in known], "description": [each.promise for each in known]}
    with stoppable(EARLY), interruptible(duckdb.connect()) as connection:
        put_rows(
            connection, "SELECT unnest($name) AS name, unnest($description) AS description", columns, form, out, None
        )
