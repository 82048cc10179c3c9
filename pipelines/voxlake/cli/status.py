"""`voxlake status`: which days are there, and in which state."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxlake import library
from voxlake.cli.account import account_ids_of
from voxlake.cli.examples import examples
from voxlake.cli.options import account_option, data_options, finality_of, paused_of, the_clock
from voxlake.cli.output import check_place, drawing, give, screen
from voxlake.cli.types import Length
from voxlake.errors import SettingsError
from voxlake.files import beside, storage, target_of
from voxlake.reporting import draw_calendar, draw_legend, render_metrics, render_status, to_json
from voxlake.text import counted, visible

if TYPE_CHECKING:
    from datetime import timedelta

    from voxlake.cli.settings import Settings


@click.command(
    epilog=examples(
        "voxlake status",
        "voxlake status --check --max-age 26h",
        "voxlake status --account shop --format json",
    )
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "prometheus"]),
    default="text",
    help="prometheus: metrics for a monitor.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --format prometheus: put a file in place of the one before, whole.",
)
@click.option("--check", is_flag=True, help="Only say what is wrong, for a monitor: see the exit codes.")
@click.option(
    "--max-age",
    type=Length(),
    default="26h",
    show_default=True,
    metavar="LENGTH",
    help="With --check: how long ago an export of each account must have ended well.",
)
@data_options
@account_option
def status(settings: Settings, form: str, out: Path | None, check: bool, max_age: timedelta) -> None:
    """Show which days are final, open, missing or unverified.

    With --check, the exit code is 0 where all is well, 4 where days are missing or not verified, 5 where nothing is
    wrong but the age, and 2 where there is no export.
    """
    if out is not None and form != "prometheus":
        raise SettingsError("--out is for --format prometheus: add it, or redirect stdout.")
    if form == "prometheus":
        _measure(settings, out, max_age, check=check)
        return
    if check:
        _check(settings, form, max_age)
        return
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
        text = render_status(found.to_json(), settings.address or settings.data_dir, drawn, shown=shown)
        give(f"{text}\n{draw_legend(glyphs, colour=colour)}" if drawn else text, form="painted")
    if found.damage is not None:
        # A damaged database takes nothing away from the lake, so that is shown first.
        raise found.damage


def _watched(settings: Settings, max_age: timedelta) -> dict[str, Any]:
    """Return what is to be looked at, and how old it may be."""
    chosen = {
        "max_age": max_age,
        "accounts": account_ids_of(settings),
        "paused": paused_of(settings),
        "clock": the_clock(),
    }
    return chosen | finality_of(settings)


def _measure(settings: Settings, out: Path | None, max_age: timedelta, *, check: bool) -> None:
    """Write metrics to stdout, or to a file that a collector may read at any moment."""
    if out is not None:
        check_place(out)
    samples, found = library.metrics(settings.data_dir, **_watched(settings, max_age))
    text = render_metrics(samples)
    if out is None:
        give(text, nl=False)
    else:
        with storage(out.parent), beside(out) as aside:
            aside.write_text(text, encoding="utf-8")
            aside.replace(target_of(out))
    if check and found.exit_code:
        click.get_current_context().exit(found.exit_code)


def _check(settings: Settings, form: str, max_age: timedelta) -> None:
    found = library.health(settings.data_dir, **_watched(settings, max_age))
    if form == "json":
        give(to_json(found.to_json()), form="json")
    else:
        lines = [problem.message for problem in found.problems]
        age = f", the newest export that ended well did so at {found.last_good_run} UTC" if found.last_good_run else ""
        give("\n".join(lines) or f"All is well: {counted(found.accounts, 'account')}{age}.", form="text")
    if found.exit_code:
        click.get_current_context().exit(found.exit_code)
