"""`voxlake export` and `voxlake backfill`: bring days into the lake."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from voxlake.cli.context import day_range, run_context, streams_of
from voxlake.cli.options import api_options, holder, the_clock
from voxlake.cli.output import give, progress_bar, say
from voxlake.cli.signals import stoppable
from voxlake.cli.types import UtcDay
from voxlake.lake import Lake
from voxlake.model import DAY
from voxlake.pipeline import describe_missing, plan_export, windows_at_once
from voxlake.pipeline import export as export_days
from voxlake.reporting import render_plan
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from datetime import date

    from voxlake.cli.settings import Settings
    from voxlake.pipeline import DayRange
    from voxlake.transform import Stream


@click.command()
@click.argument("stream", type=click.Choice([*STREAMS, "all"]), default="all")
@click.option(
    "--since", type=UtcDay(), metavar="DATE", help="First UTC day. [the oldest day in the lake, else 30 days back]"
)
@click.option("--until", type=UtcDay(end=True), metavar="DATE", help="The UTC day to stop before. [tomorrow]")
@click.option("--dry-run", is_flag=True, help="Show the plan without sending a request.")
@api_options
def export(settings: Settings, stream: str, since: date | None, until: date | None, *, dry_run: bool) -> None:
    """Export everything that is not yet final, and publish the database."""
    days = day_range(since, until, limit=the_clock().now().date() + DAY)
    _run(settings, streams_of(stream), days, force=False, dry_run=dry_run)


@click.command()
@click.argument("stream", type=click.Choice([*STREAMS, "all"]), default="all")
@click.option("--from", "first", type=UtcDay(), metavar="DATE", required=True, help="First UTC day.")
@click.option("--to", "end", type=UtcDay(end=True), metavar="DATE", required=True, help="The UTC day to stop before.")
@click.option("--force", is_flag=True, help="Read final days again.")
@click.option("--dry-run", is_flag=True, help="Show the plan without sending a request.")
@api_options
def backfill(settings: Settings, stream: str, first: date, end: date, *, force: bool, dry_run: bool) -> None:
    """Export the days of [from, to), and publish the database."""
    days = day_range(first, end, limit=the_clock().now().date() + DAY, names=("--from", "--to"))
    _run(settings, streams_of(stream), days, force=force, dry_run=dry_run)


def _run(settings: Settings, streams: list[Stream], days: DayRange, *, force: bool, dry_run: bool) -> None:
    lake, workers = Lake(settings.data_dir), windows_at_once(settings.jobs)
    if dry_run:
        with run_context(settings, lake, workers=workers) as context:
            plans = plan_export(context, streams, days, force=force)
        lines = (render_plan(s.name, plan.read, plan.probe_days, plan.final) for s, plan in plans.items())
        give("\n".join(lines))
        return
    with lake.locked(holder=holder()), progress_bar() as bar, stoppable():

        def show(done: int, planned: int) -> None:
            bar.length = planned
            bar.update(done - bar.pos)

        with run_context(settings, lake, workers=workers, on_progress=show) as context:
            result = export_days(context, streams, days, force=force)
        if not sum(stream.days for stream in result.streams):
            show(1, 1)
    say(str(result))
    if result.missing:
        days_missing = describe_missing(result.missing)
        say(f"{days_missing}: 'voxlake export' without dates reads them again, 'voxlake publish' forgets them.")
    sys.exit(result.exit_code)
