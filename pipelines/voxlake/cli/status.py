"""`voxlake status`: which days are there, and in which state."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import click

from voxlake import library
from voxlake.cli.account import account_ids_of
from voxlake.cli.options import account_option, data_options, finality_of, the_clock
from voxlake.cli.output import drawing, give, screen
from voxlake.reporting import draw_calendar, draw_legend, render_status, to_json
from voxlake.text import visible

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@data_options
@account_option
def status(settings: Settings, form: str) -> None:
    """Show which days are final, open, missing or unverified."""
    accounts = account_ids_of(settings)
    found = library.status(settings.data_dir, accounts=accounts, **finality_of(settings), clock=the_clock())
    if form == "json":
        give(to_json(found.to_json()), form="json")
    else:
        glyphs, colour = drawing()
        width = shutil.get_terminal_size().columns
        drawn = {
            stream: draw_calendar(states, width=width, glyphs=glyphs, colour=colour)
            for stream, states in found.calendars.items()
        }
        shown = visible if screen() else str
        text = render_status(found.to_json(), settings.data_dir, drawn, shown=shown)
        give(f"{text}\n{draw_legend(glyphs, colour=colour)}" if drawn else text, form="painted")
    if found.damage is not None:
        # A damaged database takes nothing away from the lake, so that is shown first.
        raise found.damage
