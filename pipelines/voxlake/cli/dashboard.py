"""`voxlake dashboard`: the database as a page to look at, and as pictures for a mail or a slide."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voxlake import extras, reporting
from voxlake.cli.answer import choose_scope
from voxlake.cli.examples import examples
from voxlake.cli.options import account_option, data_options, paused_of, the_clock, zone_option
from voxlake.cli.output import check_place, give, say
from voxlake.cli.process import some_home
from voxlake.cli.progress import progress
from voxlake.cli.signals import EARLY, deferred, stoppable
from voxlake.cli.types import UtcDay
from voxlake.cli.verbosity import quiet_option
from voxlake.errors import SettingsError
from voxlake.files import beside, storage, target_of
from voxlake.lake import Lake
from voxlake.text import counted
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from datetime import date

    from voxlake.cli.settings import Settings
    from voxlake.reporting import Extent, Span

DAY = timedelta(days=1)
LONGEST_DEFAULT = 365
LONGEST = 3660


@click.command(
    epilog=examples(
        "voxlake dashboard",
        "voxlake dashboard --from 2026-01-01 --account shop --tz Europe/Berlin --out shop.html",
    )
)
@click.option(
    "--from",
    "first",
    type=UtcDay(),
    metavar="DATE",
    help="First UTC day. [the first in the database, at most a year back]",
)
@click.option(
    "--to", "end", type=UtcDay(end=True), metavar="DATE", help="The UTC day to stop before. [the newest that was over]"
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="[dashboard.html in the data directory]")
@click.option("--png", type=click.Path(path_type=Path), metavar="DIR", help="Draw each chart as a picture, too.")
@data_options
@account_option
@zone_option
@quiet_option
def dashboard(
    settings: Settings, first: date | None, end: date | None, out: Path | None, png: Path | None, tz: str | None
) -> None:
    """Draw messages, cost, delivery, errors and completeness as one HTML page that needs no network."""
    with deferred(), some_home():
        extras.require("dashboard")
    page = out or settings.data_dir / "dashboard.html"
    with progress("dashboard") as shown, stoppable(EARLY), Warehouse(settings.data_dir).reader() as connection:
        scope = choose_scope(connection, settings, tz)
        span = _span(reporting.covered_days(connection, scope), first, end)
        _make_room(page, png)
        shown.step(f"reading {counted(len(span))}")
        gaps = reporting.read_gaps(
            connection,
            Lake(settings.data_dir),
            scope,
            now=the_clock().now(),
            first=first or span.first,
            end=end,
            asked=first is not None,
            paused=paused_of(settings),
        )
        board = reporting.Board(connection, span, scope, gaps)
        shown.step("drawing")
        content = board.html().encode()
    with storage(page.parent):
        _put(page, content)
    give(page)
    for note in scope.notes():
        say(note)
    if png is not None:
        with progress("dashboard") as shown:
            shown.step("drawing pictures")
            for n, (name, picture) in enumerate(board.pictures(), start=1):
                with storage(png):
                    _put(png / name, picture)
                give(png / name)
                shown.step(done=n, unit="picture")


def _span(extent: Extent, first: date | None, end: date | None) -> Span:
    """Choose the days: those asked for, else the newest year of what is there, without a day that is not over."""
    today = the_clock().now().date()
    newest = extent.whole or extent.last or today
    until = min(end or newest + DAY, today + DAY)
    since = first or max(extent.first or until - DAY, until - DAY * LONGEST_DEFAULT)
    span = reporting.Span(since, until)
    if since >= until:
        raise SettingsError(
            f"There is no day from {since} up to {until}, which is excluded: choose a --from before --to and not after"
            " today."
        )
    if len(span) > LONGEST:
        raise SettingsError(f"{len(span):,} days are too many for one page: choose at most {LONGEST:,}.")
    return span


def _make_room(page: Path, png: Path | None) -> None:
    """Find out before anything is drawn that it could not be written."""
    check_place(page)
    if png is not None:
        try:
            with storage(png):
                png.mkdir(parents=True, exist_ok=True)
        except SettingsError:
            raise SettingsError(f"{png} can be no folder: choose another place with --png.") from None


def _put(path: Path, content: bytes) -> None:
    """Write a file whole, so that nobody opens half a page."""
    with beside(path) as aside:
        aside.write_bytes(content)
        aside.replace(target_of(path))
