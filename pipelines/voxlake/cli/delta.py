"""Bring the Delta tables of the lake up to date: asked for, or because the settings say so after a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake import library
from voxlake.cli.delta_option import DeltaTables
from voxlake.cli.options import finality_of, the_clock
from voxlake.cli.output import say
from voxlake.cli.signals import stoppable
from voxlake.errors import VoxlakeError
from voxlake.text import counted

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings
    from voxlake.warehouse import DeltaCopy


def publish_delta(settings: Settings, *, vacuum_days: int | None = None) -> DeltaCopy:
    """Bring the tables up to date that the settings name, and say what was done; raises what the library raises."""
    uri = None if settings.delta == DeltaTables.default_place else settings.delta
    with stoppable():
        done = library.publish_delta(
            settings.data_dir, uri, vacuum_days=vacuum_days, **finality_of(settings), clock=the_clock()
        )
    new = counted(done.tables, "table")
    say(f"committed {counted(done.sent, 'row')} of {counted(done.days)}, {new} changed: {done.uri}")
    return done


def delta_after(settings: Settings) -> int:
    """Do what the settings say after a run that may have changed the lake, and return the exit code."""
    if settings.delta is None:
        return 0
    try:
        publish_delta(settings)
    except VoxlakeError as error:
        say(f"voxlake: {error}")
        return error.exit_code
    return 0
