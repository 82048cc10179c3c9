"""`voxlake audit`: whether lake and database hold what the API has, and the same."""

from __future__ import annotations

import os
import random
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from voxlake.cli.context import day_range, run_context, streams_of
from voxlake.cli.options import api_options, holder, the_clock
from voxlake.cli.output import give, say
from voxlake.cli.signals import stoppable
from voxlake.cli.types import UtcDay
from voxlake.errors import DataError
from voxlake.lake import Lake
from voxlake.pipeline import audit as audit_days
from voxlake.reporting import to_json
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from voxlake.cli.settings import Settings
    from voxlake.pipeline import AuditResult, StreamAudit


@click.command()
@click.argument("stream", type=click.Choice([*STREAMS, "all"]), default="all")
@click.option("--since", type=UtcDay(), metavar="DATE", help="First UTC day. [the oldest day in the lake]")
@click.option("--until", type=UtcDay(end=True), metavar="DATE", help="The UTC day to stop before. [today]")
@click.option("--repair", is_flag=True, help="Read the days that differ again, and audit them again.")
@click.option(
    "--pages", type=click.IntRange(min=0), default=10, show_default=True, help="Pages of each history to reread."
)
@click.option("--seed", type=int, help="Choose the same pages as another audit.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@api_options
def audit(
    settings: Settings,
    stream: str,
    since: date | None,
    until: date | None,
    pages: int,
    seed: int | None,
    form: str,
    *,
    repair: bool,
) -> None:
    """Compare the lake with the API, with the database and with its own checksums; end with 4 if anything differs."""
    days = day_range(since, until, limit=the_clock().now().date())
    lake = Lake(settings.data_dir)
    lake.require()
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed

    def show(found: Sequence[StreamAudit]) -> None:
        if form == "text" and found:
            give("\n".join(map(str, found)))

    with (
        _held(lake, writing=repair or settings.keep_raw),
        stoppable(),
        run_context(settings, lake, workers=settings.jobs) as context,
    ):
        result = audit_days(context, streams_of(stream), days, pages=pages, seed=seed, repair=repair, on_round=show)
    _report(result, context.warehouse.path)
    if form == "json":
        give(to_json(result.to_json()))
    for error in result.errors:
        say(f"voxlake: {error}")
    if any(found.differences for found in result.last_round):
        again = "the lines above say what" if repair else "'voxlake audit --repair' reads these days again"
        say(f"Something {'still ' if repair else ''}differs: {again}.")
    say(f"The pages were chosen by --seed {seed}.")
    sys.exit(result.exit_code)


@contextmanager
def _held(lake: Lake, *, writing: bool) -> Iterator[None]:
    """Hold the lock, so that no run changes files that are compared; a folder that cannot be written needs none."""
    if writing or os.access(lake.root, os.W_OK):
        with lake.locked(holder=holder()):
            yield
        return
    say(f"{lake.root} cannot be written: it is audited without its lock.")
    yield


def _report(result: AuditResult, database: Path) -> None:
    """Print what was repaired, and the state of the lake's folder and of the database at the end."""
    for path, moved in result.moved_out:
        say(f"{path} is not one of voxlake's files: it is {moved} now.")
    if result.repair is not None:
        say(str(result.repair))
    if result.rebuilt:
        say(f"The database was rebuilt: {database}")
    if result.moved_aside:
        say(result.moved_aside)
    for path in result.strays:
        say(
            f"{path} is not one of voxlake's files, and a glob over the lake reads its rows, too:"
            " 'voxlake audit --repair' moves it out."
        )
    if isinstance(result.damage, DataError):
        say(f"voxlake: {result.damage}")
    elif result.damage is not None:
        say(f"voxlake: There is no database {database}: run 'voxlake publish'.")
    for name, problem in result.failed_checks.items():
        say(f"The check {name!r} fails: {problem}")
    for odd in result.warnings:
        say(f"Odd: {odd['messages']:,} {odd['channel']} messages ({odd['warning']}): {odd['promise']}")
