"""`voxlake publish`: rebuild the database from the lake, without network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from voxlake.cli.options import data_options, holder
from voxlake.cli.output import say
from voxlake.cli.signals import stoppable
from voxlake.lake import Lake
from voxlake.pipeline import describe_missing
from voxlake.pipeline import publish as publish_lake
from voxlake.text import counted
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings


@click.command()
@data_options
def publish(settings: Settings) -> None:
    """Rebuild the database from the lake, without network."""
    lake, warehouse = Lake(settings.data_dir), Warehouse(settings.data_dir)
    lake.require()
    with lake.locked(holder=holder()), stoppable():
        done = publish_lake(lake, warehouse, finality=settings.finality)
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
    say(f"published {counted(done.rows, 'row')}: {warehouse.path}")
