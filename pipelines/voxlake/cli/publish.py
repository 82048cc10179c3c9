"""`voxlake publish`: rebuild the database from the lake, without network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from voxlake import library
from voxlake.cli.examples import examples
from voxlake.cli.options import form_option, lock_option, publishing_of, the_clock, work_options
from voxlake.cli.output import give, say
from voxlake.cli.progress import progress, say_result
from voxlake.cli.recorded import recorded
from voxlake.cli.signals import stoppable
from voxlake.cli.types import UserPath
from voxlake.errors import SettingsError
from voxlake.pipeline import describe_missing
from voxlake.reporting import to_json
from voxlake.text import counted
from voxlake.warehouse import Warehouse, copy_to_postgres

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.cli.settings import Settings


@click.command(
    epilog=examples(
        "voxlake publish",
        "voxlake publish --database linked",
        "voxlake publish --portable copy.duckdb",
    )
)
@form_option
@work_options
@lock_option
@click.option(
    "--portable", "copy", type=UserPath(), metavar="FILE",
    help="Build nothing: write a copy of the published database that needs no other file.",
)  # fmt: skip
@click.option(
    "--postgres", metavar="URI",
    help="Build nothing: bring the copy of the published database in PostgreSQL up to date, in its schema voxlake.",
)  # fmt: skip
def publish(settings: Settings, form: str, copy: Path | None, postgres: str | None) -> None:
    """Rebuild the database from the lake, without network."""
    if copy is not None and postgres is not None:
        raise SettingsError("--portable and --postgres are two copies: ask for one after the other.")
    if postgres is not None:
        _copy_to_postgres(settings, postgres, form)
        return
    if copy is not None:
        with stoppable():
            rows = Warehouse(settings.data_dir).write_copy(copy)
        if form == "json":
            give(to_json({"exit_code": 0, "rows": rows, "database": str(copy)}), form="json")
        say(f"copied {counted(rows, 'row')}: {copy}")
        return
    with recorded(settings, "publish"):
        _publish(settings, form)


def _copy_to_postgres(settings: Settings, uri: str, form: str) -> None:
    with stoppable(), Warehouse(settings.data_dir).reader() as connection:
        done = copy_to_postgres(connection, uri)
    if form == "json":
        give(to_json({"exit_code": 0, "days": done.days, "sent": done.sent, "rows": done.rows}), form="json")
    tables = counted(done.tables, "other table")
    say(f"copied {counted(done.sent, 'row')} of {counted(done.days)} and {tables}: {counted(done.rows, 'row')} there")


def _publish(settings: Settings, form: str) -> None:
    with progress("publish") as shown, stoppable():
        shown.step("building the database")
        done = library.publish(
            settings.data_dir, forget_missing=True, **publishing_of(settings), on_event=shown, clock=the_clock()
        )
    if form == "json":
        give(to_json(done.to_json()), form="json")
    if done.forgotten:
        days = describe_missing(done.forgotten)
        if done.holes:
            say(
                f"{days}: the database is without them; 'voxlake export' reads those again that follow on older days,"
                " 'voxlake backfill' all."
            )
        else:
            say(f"{days}: they are forgotten, and the database is without them; 'voxlake backfill' reads them again.")
    if done.moved_aside:
        say(done.moved_aside)
    say_result(f"published {counted(done.rows, 'row')}: {done.database}", done.exit_code)
