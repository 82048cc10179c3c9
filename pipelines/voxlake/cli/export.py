"""`voxlake export` and `voxlake backfill`: bring days into the lake."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from voxlake.cli.options import (
    api_and_archive,
    api_options,
    days_of,
    holder,
    keeping,
    leave,
    progress_bar,
    say,
    stoppable,
    the_clock,
)
from voxlake.cli.output import give
from voxlake.cli.types import UtcDay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from voxlake.cli.settings import Settings
    from voxlake.lake import Manifest
    from voxlake.transform import Stream

DEFAULT_DAYS = 30


@click.command()
@click.argument("stream", type=click.Choice(["sms", "a2p", "all"]), default="all")
@click.option(
    "--since", type=UtcDay(), metavar="DATE", help="First UTC day. [the oldest day in the lake, else 30 days back]"
)
@click.option("--until", type=UtcDay(end=True), metavar="DATE", help="The UTC day to stop before. [tomorrow]")
@click.option("--dry-run", is_flag=True, help="Say what would be asked, and ask nothing.")
@api_options
def export(settings: Settings, stream: str, since: date | None, until: date | None, *, dry_run: bool) -> None:
    """Export everything that is not yet final, and publish the database."""
    clock = the_clock()

    def days(manifest: Manifest, stream: Stream, account_id: int) -> Sequence[date]:
        today = clock.now().date()
        oldest = manifest.oldest(account_id, stream.name) or today - timedelta(days=DEFAULT_DAYS)
        return days_of(since, until, default=oldest, end=today + timedelta(days=1))

    days_of(since, until, default=clock.now().date(), end=clock.now().date())
    _run(settings, stream, days, force=False, dry_run=dry_run)


@click.command()
@click.argument("stream", type=click.Choice(["sms", "a2p", "all"]), default="all")
@click.option("--from", "first", type=UtcDay(), metavar="DATE", required=True, help="First UTC day.")
@click.option("--to", "end", type=UtcDay(end=True), metavar="DATE", required=True, help="The UTC day to stop before.")
@click.option("--force", is_flag=True, help="Read final days again.")
@click.option("--dry-run", is_flag=True, help="Say what would be asked, and ask nothing.")
@api_options
def backfill(settings: Settings, stream: str, first: date, end: date, *, force: bool, dry_run: bool) -> None:
    """Export the days of [from, to), and publish the database."""
    today = the_clock().now().date()
    days = days_of(first, end, default=today, end=today + timedelta(days=1), names=("--from", "--to"))
    _run(settings, stream, lambda _manifest, _stream, _account: days, force=force, dry_run=dry_run)


def _run(settings: Settings, stream: str, days: Callable[..., Sequence[date]], *, force: bool, dry_run: bool) -> None:
    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.pipeline.export import Run  # noqa: PLC0415
    from voxlake.pipeline.export import export as run  # noqa: PLC0415
    from voxlake.transform import STREAMS  # noqa: PLC0415

    (api, archive), lake = api_and_archive(settings), Lake(settings.data_dir)
    streams = list(STREAMS.values()) if stream == "all" else [STREAMS[stream]]
    if dry_run:
        from voxlake.reporting import render_plan  # noqa: PLC0415

        plans = Run(api, lake, streams, now=the_clock().now).plan(
            lambda manifest, stream: days(manifest, stream, api.account_id), finality=settings.finality, force=force
        )
        give(
            "\n".join(
                render_plan(stream.name, plan.read, [day_file.key.date for day_file in plan.probe], plan.final)
                for stream, plan in plans.items()
            )
        )
        return
    manifest: Manifest | None = None
    with lake.locked(holder=holder()), keeping(archive), progress_bar() as bar, stoppable(bar.render_finish):

        def chosen(known: Manifest, stream: Stream) -> Sequence[date]:
            nonlocal manifest
            manifest = known
            return days(known, stream, api.account_id)

        def progress(done: int, planned: int) -> None:
            bar.length = planned
            bar.update(done - bar.pos)

        report = run(
            api,
            lake,
            streams,
            chosen,
            now=the_clock().now,
            jobs=settings.jobs,
            finality=settings.finality,
            force=force,
            progress=progress,
        )
        if not sum(stream.days for stream in report.streams):
            progress(1, 1)
    say(str(report))
    if manifest is not None and manifest.missing:
        from voxlake.pipeline.result import describe_missing  # noqa: PLC0415

        told = describe_missing(manifest.missing)
        say(f"{told}: 'voxlake export' without dates reads them again, 'voxlake publish' forgets them.")
    leave(report.exit_code)
