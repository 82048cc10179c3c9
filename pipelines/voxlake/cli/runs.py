"""`voxlake runs`: the last runs on a data directory, with what they did and how they ended."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import click

from voxlake import library
from voxlake.cli.examples import examples
from voxlake.cli.options import data_options
from voxlake.cli.output import PRINTED, give, screen
from voxlake.lake import MOST, RecordedRun
from voxlake.reporting import render_rows

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings

_SHOWN = 20
_NAMES = tuple(each.name for each in fields(RecordedRun))


@click.command(
    epilog=examples(
        "voxlake runs --limit 5",
        "voxlake runs --format json",
    )
)
@click.option(
    "--limit", type=click.IntRange(1, MOST), default=_SHOWN, show_default=True, metavar="N", help="The newest N runs."
)
@click.option("--format", "form", type=click.Choice(PRINTED), default="table")
@data_options
def runs(settings: Settings, limit: int, form: str) -> None:
    """List the last runs, the newest first, with what they did, asked for and how they ended."""
    found = library.runs(settings.data_dir, limit=limit)
    if form == "json":
        give(render_rows(_NAMES, [list(run.to_json().values()) for run in found], form), nl=False, form=form)
        return
    rows = [[getattr(run, name) for name in _NAMES] for run in found]
    give(render_rows(_NAMES, rows, form, screen=screen()), nl=False, form=form)
