"""`voxlake publish`: rebuild the database from the lake, without network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from voxlake import library
from voxlake.cli.options import finality_of, form_option, lock_option, the_clock, work_options
from voxlake.cli.output import give, say
from voxlake.cli.signals import stoppable
from voxlake.pipeline import describe_missing
from voxlake.reporting import to_json
from voxlake.text import counted

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings


@click.command()
@form_option
@work_options
@lock_option
def publish(settings: Settings, form: str) -> None:
    """Rebuild the database from the lake, without network."""
    with stoppable():
        done = library.publish(settings.data_dir, forget_missing=True, **finality_of(settings), clock=the_clock())
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
    say(f"published {counted(done.rows, 'row')}: {done.database}")
