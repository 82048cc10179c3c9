"""`voxlake publish`, `replay`, `status`, `report`, `query`: what is there, without network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voxlake.cli.options import FORMATS, data_options, drawing, holder, now, with_settings
from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from voxlake.settings import Settings


@click.command()
@data_options
@with_settings
def publish(settings: Settings) -> None:
    """Rebuild the database from the lake, without network."""
    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.ledger import Ledger  # noqa: PLC0415
    from voxlake.warehouse import Warehouse  # noqa: PLC0415

    lake = Lake(settings.data_dir)
    if not settings.data_dir.is_dir():
        raise SettingsError(f"There is no data directory {settings.data_dir}: run 'voxlake export' first.")
    with lake.locked(holder=holder()):
        ledger, warehouse = Ledger(lake), Warehouse(lake)
        warehouse.publish(ledger.sound(), settling=settings.settling, anew=True)
        ledger.save()
    click.echo(f"published {sum(part.row_count for part in ledger):,} rows: {warehouse.path}", err=True)


@click.command()
@click.option(
    "--raw", type=click.Path(path_type=Path), metavar="DIR", help="Where the replies are. [raw/ in the data directory]"
)
@click.option("--force", is_flag=True, help="Rebuild days whose files are newer or prove more, too.")
@data_options
@with_settings
def replay(settings: Settings, raw: Path | None, *, force: bool) -> None:
    """Rebuild the lake from the replies that `--keep-raw` kept, without network, and publish the database."""
    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.ledger import Ledger  # noqa: PLC0415
    from voxlake.replay import replay as rebuild  # noqa: PLC0415
    from voxlake.warehouse import Warehouse  # noqa: PLC0415

    lake = Lake(settings.data_dir)
    with lake.locked(holder=holder()):
        ledger = Ledger(lake)
        done = rebuild(raw or settings.data_dir / "raw", lake, ledger, force=force)
        Warehouse(lake).publish(ledger.sound(), settling=settings.settling)
        ledger.save()
    proved = sum(part.verified for part in done.parts)
    click.echo(
        f"{done.replies:,} replies: {sum(part.row_count for part in done.parts):,} rows in {len(done.parts):,} days,"
        f" {proved:,} of them verified; database {Warehouse(lake).path}",
        err=True,
    )
    for cell in done.kept:
        click.echo(
            f"{cell.stream}: {cell.date} stays: its file is newer or proves more; --force rebuilds it.",
            err=True,
        )
    sys.exit(0 if proved == len(done.parts) else 4)


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@data_options
@with_settings
def status(settings: Settings, form: str) -> None:
    """Show which days are final, open, missing or unverified."""
    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.show import as_json, status_text  # noqa: PLC0415
    from voxlake.status import calendars  # noqa: PLC0415
    from voxlake.status import status as look  # noqa: PLC0415
    from voxlake.weeks import legend, weeks  # noqa: PLC0415

    lake, today = Lake(settings.data_dir), now().date()
    found = look(lake, today=today, settling=settings.settling)
    if form == "json":
        click.echo(as_json(found))
        return
    glyphs, colour = drawing()
    width = shutil.get_terminal_size().columns
    drawn = {
        stream: weeks(states, width=width, glyphs=glyphs, colour=colour)
        for stream, states in calendars(lake, today=today, settling=settings.settling).items()
    }
    text = status_text(found, settings.data_dir, drawn)
    click.echo(f"{text}\n{legend(glyphs, colour=colour)}" if drawn else text)


@click.command()
@click.argument("name", required=False)
@click.option("--format", "form", type=click.Choice(FORMATS), default="table")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N rows only.")
@data_options
@with_settings
def report(settings: Settings, name: str | None, form: str, limit: int | None) -> None:
    """Answer a question that many have; without a name, list the questions."""
    from voxlake.statements import promise, statements  # noqa: PLC0415

    reports = statements("reports")
    if name is None:
        width = max(map(len, reports))
        for known, statement in reports.items():
            click.echo(f"{known:<{width}}  {promise(statement)}")
        return
    if name not in reports:
        raise SettingsError(f"There is no report {name!r}: use {', '.join(reports)}.")
    _answer(settings, reports[name], form, limit)


@click.command()
@click.argument("sql")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N rows only.")
@data_options
@with_settings
def query(settings: Settings, sql: str, form: str, limit: int | None) -> None:
    """Ask the database in SQL, read-only."""
    _answer(settings, sql, form, limit)


def _answer(settings: Settings, sql: str, form: str, limit: int | None) -> None:
    import duckdb  # noqa: PLC0415

    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.show import show  # noqa: PLC0415
    from voxlake.warehouse import Warehouse  # noqa: PLC0415

    with Warehouse(Lake(settings.data_dir)).reader() as connection:
        try:
            result = connection.execute(sql)
            names = [column[0] for column in result.description or []]
            rows = result.fetchmany(limit) if limit else result.fetchall()
        except duckdb.Error as error:
            raise SettingsError(
                f"The query failed ({' '.join(str(error).split())}): mend it and run it again."
            ) from error
    click.echo(show(names, rows, form), nl=False)
