"""`voxlake publish`, `replay`, `status`, `report`, `query`: what is there, without network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxlake.cli.options import (
    EARLY,
    answer_options,
    data_options,
    drawing,
    holder,
    say,
    stoppable,
    the_clock,
    with_settings,
)
from voxlake.cli.output import check_place, give
from voxlake.errors import DataError, SettingsError
from voxlake.settings import day

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    import duckdb

    from voxlake.lake.manifest import Manifest
    from voxlake.reporting.saved_queries import SavedQuery
    from voxlake.settings import Settings


@click.command()
@data_options
@with_settings
def publish(settings: Settings) -> None:
    """Rebuild the database from the lake, without network."""
    from voxlake.lake.day_file import Lake  # noqa: PLC0415
    from voxlake.lake.manifest import Manifest  # noqa: PLC0415
    from voxlake.text import counted  # noqa: PLC0415
    from voxlake.warehouse.publish import Warehouse  # noqa: PLC0415

    lake = Lake(settings.data_dir)
    lake.require()
    with lake.locked(holder=holder()), stoppable():
        manifest, warehouse = Manifest(lake), Warehouse(lake)
        warehouse.publish(manifest.sound(), finality=settings.finality, anew=True)
        told = _forgotten(manifest) if manifest.lost else ""
        manifest.save()
    if told:
        say(told)
    if warehouse.moved:
        say(warehouse.moved)
    say(f"published {counted(sum(day_file.row_count for day_file in manifest), 'row')}: {warehouse.path}")


def _forgotten(manifest: Manifest) -> str:
    """Forget the days whose files are gone, and say so; those between others stay missing, as any hole."""
    told, gone = manifest.told_lost(), set(manifest.lost)
    manifest.lost.clear()
    first = {day_key: manifest.oldest(day_key.account_id, day_key.stream) for day_key in gone}
    if any(oldest is not None and oldest < day_key.date for day_key, oldest in first.items()):
        return (
            f"{told}: the database is without them; 'voxlake export' reads those again that follow on older days,"
            " 'voxlake backfill' all."
        )
    return f"{told}: they are forgotten, and the database is without them; 'voxlake backfill' reads them again."


@click.command()
@click.option(
    "--raw", type=click.Path(path_type=Path), metavar="DIR", help="Where the replies are. [raw/ in the data directory]"
)
@click.option("--force", is_flag=True, help="Rebuild days whose files are newer or prove more, too.")
@data_options
@with_settings
def replay(settings: Settings, raw: Path | None, *, force: bool) -> None:
    """Rebuild the lake from the replies that `--keep-raw` kept, without network, and publish the database."""
    from voxlake.lake.day_file import Lake  # noqa: PLC0415
    from voxlake.lake.manifest import Manifest  # noqa: PLC0415
    from voxlake.lake.reply_archive import kept  # noqa: PLC0415
    from voxlake.pipeline.replay import replay as rebuild  # noqa: PLC0415
    from voxlake.text import counted  # noqa: PLC0415
    from voxlake.warehouse.publish import Warehouse  # noqa: PLC0415

    lake, folder = Lake(settings.data_dir), raw or settings.data_dir / "raw"
    kept(folder)
    with lake.locked(holder=holder()), stoppable():
        manifest, warehouse = Manifest(lake), Warehouse(lake)
        done = rebuild(folder, lake, manifest, force=force)
        warehouse.publish(manifest.sound(), finality=settings.finality)
        manifest.save()
    if warehouse.moved:
        say(warehouse.moved)
    proved, rows = (
        sum(day_file.verified for day_file in done.day_files),
        sum(day_file.row_count for day_file in done.day_files),
    )
    say(
        f"{done.replies:,} replies: {counted(rows, 'row')} in {counted(len(done.day_files))},"
        f" {proved:,} of them verified; database {warehouse.path}"
    )
    for path in done.torn:
        say(f"{path}: its last reply is torn, as after a kill, and was passed over.")
    for day_key in done.kept:
        say(f"{day_key.stream}: {day_key.date} stays: its file is newer or proves more; --force rebuilds it.")
    if manifest.lost:
        say(f"{manifest.told_lost()}: 'voxlake export' reads them again, 'voxlake publish' forgets them.")
    sys.exit(0 if proved == len(done.day_files) else 4)


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@data_options
@with_settings
def status(settings: Settings, form: str) -> None:
    """Show which days are final, open, missing or unverified."""
    from voxlake.lake.day_file import Lake  # noqa: PLC0415
    from voxlake.pipeline.status import calendars  # noqa: PLC0415
    from voxlake.pipeline.status import status as look  # noqa: PLC0415
    from voxlake.reporting.calendar import legend, weeks  # noqa: PLC0415
    from voxlake.reporting.formats import as_json, status_text  # noqa: PLC0415
    from voxlake.warehouse.publish import Warehouse  # noqa: PLC0415

    lake, today = Lake(settings.data_dir), the_clock().now().date()
    warnings: list[dict[str, Any]] = []
    damage: DataError | None = None
    try:
        warnings = Warehouse(lake).oddities()
    except DataError as error:
        damage = error
    found = look(lake, today=today, finality=settings.finality, warnings=warnings)
    if form == "json":
        give(as_json(found))
    else:
        glyphs, colour = drawing()
        width = shutil.get_terminal_size().columns
        drawn = {
            stream: weeks(states, width=width, glyphs=glyphs, colour=colour)
            for stream, states in calendars(lake, today=today, finality=settings.finality).items()
        }
        text = status_text(found, settings.data_dir, drawn)
        give(f"{text}\n{legend(glyphs, colour=colour)}" if drawn else text)
    if damage is not None:
        # A damaged database takes nothing away from the lake, so that is told first.
        raise damage


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
    from voxlake.reporting.saved_queries import parameters, reports  # noqa: PLC0415

    known = reports(settings.reports_dir)
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
    bound = parameters(known[name], first=days[0], end=days[1], number=number)
    _answer(settings, known[name].sql, bound, form, out, limit, span=days)


def _list(known: Collection[SavedQuery], form: str | None, out: Path | None) -> None:
    if form is None and out is None:
        width = max(len(each.name) for each in known)
        give("\n".join(f"{each.name:<{width}}  {each.promise}" for each in known))
        return
    import duckdb  # noqa: PLC0415 - the plain list needs no database

    columns = {"name": [each.name for each in known], "description": [each.promise for each in known]}
    with stoppable(told=EARLY), duckdb.connect() as connection:
        _give(connection, "SELECT unnest($name) AS name, unnest($description) AS description", columns, form, out, None)


class _Sql(click.Command):
    """A command whose argument may begin with a comment of SQL, which is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put a line before what begins with `--` and then a blank, or goes on in another line."""
        comments = (arg.startswith("--") and (arg[2:3].isspace() or "\n" in arg) for arg in args)
        return super().parse_args(ctx, [f"\n{arg}" if it else arg for arg, it in zip(args, comments, strict=True)])


@click.command(cls=_Sql)
@click.argument("sql")
@answer_options
@data_options
@with_settings
def query(settings: Settings, sql: str, form: str | None, out: Path | None, limit: int | None) -> None:
    """Ask the database in SQL, read-only."""
    _answer(settings, sql, {}, form, out, limit)


@click.command()
def schema() -> None:
    """Describe every table, view, column and report, as Markdown."""
    from voxlake.warehouse.ddl import markdown  # noqa: PLC0415

    give(markdown(), nl=False)


def _answer(
    settings: Settings,
    sql: str,
    bound: Mapping[str, Any],
    form: str | None,
    out: Path | None,
    limit: int | None,
    span: tuple[date | None, date | None] | None = None,
) -> None:
    from voxlake.lake.day_file import Lake  # noqa: PLC0415
    from voxlake.reporting.formats import form_of  # noqa: PLC0415
    from voxlake.warehouse.publish import Warehouse  # noqa: PLC0415

    form_of(form, out)
    if out is not None:
        check_place(out)
    with stoppable(told=EARLY), Warehouse(Lake(settings.data_dir)).reader() as connection:
        _give(connection, sql, bound, form, out, limit)
        if span is not None:
            _warn(connection, *span)


def _warn(connection: duckdb.DuckDBPyConnection, first: date | None, end: date | None) -> None:
    """Say where the figures of a report may lack messages."""
    from voxlake.text import counted  # noqa: PLC0415

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


def _give(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    form: str | None,
    out: Path | None,
    limit: int | None,
) -> None:
    """Put what a query answers to stdout or into a file, in the form that was chosen."""
    from voxlake.reporting.formats import form_of  # noqa: PLC0415
    from voxlake.reporting.query import answer, written  # noqa: PLC0415
    from voxlake.text import counted  # noqa: PLC0415

    form = form_of(form, out)
    if out is None:
        give(answer(connection, sql, bound, form=form, limit=limit), nl=False)
        return
    check_place(out)
    rows = written(connection, sql, bound, form=form, limit=limit, path=out)
    say(f"{counted(rows, 'row')}: {out}")
