"""`voxlake publish`: rebuild the database from the lake, without network."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from voxlake import library
from voxlake.cli.delta import delta_after, publish_delta
from voxlake.cli.examples import examples
from voxlake.cli.options import DATA, LOG, form_option, lock_option, publishing_of, the_clock
from voxlake.cli.output import give, say
from voxlake.cli.progress import progress, say_result
from voxlake.cli.recorded import recorded
from voxlake.cli.settings import settings_options
from voxlake.cli.signals import stoppable
from voxlake.cli.types import UserPath, WholeNumber
from voxlake.errors import SettingsError
from voxlake.pipeline import describe_missing
from voxlake.reporting import to_json
from voxlake.text import counted
from voxlake.warehouse import LEAST_DAYS, Warehouse, copy_to_postgres

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.cli.settings import Settings


@click.command(
    epilog=examples(
        "voxlake publish",
        "voxlake publish --database linked",
        "voxlake publish --portable copy.duckdb",
        "voxlake publish --postgres postgresql://reporting@db.example.com/warehouse",
        "voxlake publish --delta s3://bucket/sms",
    )
)
@form_option
@settings_options(
    *DATA, "database", "delta", LOG,
    delta="Build nothing: bring the Delta tables of the lake up to date, in delta/ in the data directory or at URI.",
)  # fmt: skip
@lock_option
@click.option(
    "--portable", "copy", type=UserPath(), metavar="FILE",
    help="Build nothing: write a copy of the published database that needs no other file.",
)  # fmt: skip
@click.option(
    "--postgres", metavar="URI",
    help="Build nothing: bring the copy of the published database in PostgreSQL up to date, in its schema voxlake.",
)  # fmt: skip
@click.option(
    "--delta-vacuum", type=WholeNumber(LEAST_DAYS, 36_500), metavar="DAYS",
    help="Then remove what only versions of the tables need that were replaced so many days ago.",
)  # fmt: skip
def publish(settings: Settings, form: str, copy: Path | None, postgres: str | None, delta_vacuum: int | None) -> None:
    """Rebuild the database from the lake, without network."""
    is_delta = click.get_current_context().get_parameter_source("delta") is ParameterSource.COMMANDLINE
    if is_delta + (copy is not None) + (postgres is not None) > 1:
        raise SettingsError("--portable, --postgres and --delta are copies: ask for one after the other.")
    if delta_vacuum is not None and not (is_delta and settings.delta):
        raise SettingsError("--delta-vacuum removes old files of Delta tables: give --delta, too.")
    if is_delta and settings.delta:
        with recorded(settings, "publish"):
            _copy_to_delta(settings, form, delta_vacuum)
        return
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


def _copy_to_delta(settings: Settings, form: str, vacuum_days: int | None) -> None:
    done = publish_delta(settings, vacuum_days=vacuum_days)
    if form == "json":
        its = {"days": done.days, "sent": done.sent, "rows": done.rows, "tables": done.tables, "uri": done.uri}
        give(to_json({"exit_code": 0, **its}), form="json")


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
    if code := delta_after(settings):
        sys.exit(code)
