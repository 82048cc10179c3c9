"""`voxlake report`: answer one of the saved queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from voxlake.cli.answer import put_answer, put_rows
from voxlake.cli.options import EARLY, answer_options, data_options, stoppable, with_settings
from voxlake.cli.output import give
from voxlake.errors import SettingsError
from voxlake.settings import day

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from voxlake.reporting import SavedQuery
    from voxlake.settings import Settings


@click.command()
@click.argument("name", required=False)
@click.option("--from", "first", metavar="DATE", help="First UTC day. [everything]")
@click.option("--to", "end", metavar="DATE", help="The UTC day to stop before. [everything]")
@click.option("--number", metavar="NUMBER", help="Messages from or to this number or SenderID alone.")
@answer_options
@click.option("--reports-dir", metavar="DIR", help="A folder of your own reports, one query a .sql file.")
@data_options
@with_settings
def report(
    settings: Settings,
    name: str | None,
    first: str | None,
    end: str | None,
    number: str | None,
    form: str | None,
    out: Path | None,
    limit: int | None,
) -> None:
    """Answer a question that many have; without a name, list the questions."""
    from voxlake.reporting import bind_parameters, load_saved_queries  # noqa: PLC0415

    known = load_saved_queries(settings.reports_dir)
    if name is None:
        chosen = {"--from": first, "--to": end, "--number": number, "--limit": limit}
        if unused := [flag for flag, value in chosen.items() if value is not None]:
            raise SettingsError(f"The list of reports does not look at {', '.join(unused)}: name a report, too.")
        _list(known.values(), form, out)
        return
    if name not in known:
        usable = ", ".join(each.name for each in known.values() if each.problem is None)
        raise SettingsError(f"There is no report {name!r}: use {usable}.")
    days = (day(first, "--from") if first else None, day(end, "--to", up=True) if end else None)
    if days[0] and days[1] and days[0] >= days[1]:
        raise SettingsError(f"--from {days[0]} does not lie before --to {days[1]}: the end is excluded.")
    bound = bind_parameters(known[name], first=days[0], end=days[1], number=number)
    put_answer(settings, known[name].sql, bound, form, out, limit, span=days)


def _list(known: Collection[SavedQuery], form: str | None, out: Path | None) -> None:
    if form is None and out is None:
        width = max(len(each.name) for each in known)
        give("\n".join(f"{each.name:<{width}}  {each.promise}" for each in known))
        return
    import duckdb  # noqa: PLC0415 - the plain list needs no database

    columns = {"name": [each.name for each in known], "description": [each.promise for each in known]}
    with stoppable(told=EARLY), duckdb.connect() as connection:
        put_rows(
            connection, "SELECT unnest($name) AS name, unnest($description) AS description", columns, form, out, None
        )
