"""`voxlake status`: which days are there, and in which state."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import click

from voxlake.cli.options import data_options, drawing, the_clock
from voxlake.cli.output import give
from voxlake.errors import DataError

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@data_options
def status(settings: Settings, form: str) -> None:
    """Show which days are final, open, missing or unverified."""
    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.pipeline.status import calendars  # noqa: PLC0415
    from voxlake.pipeline.status import status as look  # noqa: PLC0415
    from voxlake.reporting import draw_calendar, draw_legend, render_status, to_json  # noqa: PLC0415
    from voxlake.warehouse import Warehouse  # noqa: PLC0415

    lake, today = Lake(settings.data_dir), the_clock().now().date()
    warnings: list[dict[str, Any]] = []
    damage: DataError | None = None
    try:
        warnings = Warehouse(lake.root).warnings()
    except DataError as error:
        damage = error
    found = look(lake, today=today, finality=settings.finality, warnings=warnings)
    if form == "json":
        give(to_json(found))
    else:
        glyphs, colour = drawing()
        width = shutil.get_terminal_size().columns
        drawn = {
            stream: draw_calendar(states, width=width, glyphs=glyphs, colour=colour)
            for stream, states in calendars(lake, today=today, finality=settings.finality).items()
        }
        text = render_status(found, settings.data_dir, drawn)
        give(f"{text}\n{draw_legend(glyphs, colour=colour)}" if drawn else text)
    if damage is not None:
        # A damaged database takes nothing away from the lake, so that is told first.
        raise damage
