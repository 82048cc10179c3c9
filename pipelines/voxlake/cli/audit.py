"""`voxlake audit`: whether lake and database hold what the API has, and the same."""

from __future__ import annotations

import os
import random
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from voxlake.cli.options import (
    api_and_archive,
    api_options,
    days_of,
    holder,
    keeping,
    say,
    stoppable,
    the_clock,
)
from voxlake.cli.output import give
from voxlake.cli.types import UtcDay
from voxlake.errors import DataError, gravest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from voxlake.cli.settings import Settings
    from voxlake.errors import VoxlakeError
    from voxlake.lake import Lake, Manifest
    from voxlake.pipeline.audit import Audit
    from voxlake.transform import Stream
    from voxlake.warehouse import Warehouse


@click.command()
@click.argument("stream", type=click.Choice(["sms", "a2p", "all"]), default="all")
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
    from voxlake.lake import Lake, Manifest  # noqa: PLC0415
    from voxlake.pipeline.audit import audit as look  # noqa: PLC0415
    from voxlake.pipeline.export import Run  # noqa: PLC0415
    from voxlake.transform import STREAMS  # noqa: PLC0415
    from voxlake.warehouse import Warehouse  # noqa: PLC0415

    clock = the_clock()
    (api, archive), lake = api_and_archive(settings), Lake(settings.data_dir)
    lake.require()
    streams = list(STREAMS.values()) if stream == "all" else [STREAMS[stream]]
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    warehouse = Warehouse(lake.root)
    with _held(settings, lake, writing=repair or settings.keep_raw), keeping(archive), stoppable():
        manifest = Manifest(lake)
        days = {one: _days(manifest, api.account_id, one, since, until) for one in streams}
        strays, damage = lake.strays(), warehouse.damage()

        def audited(
            manifest: Manifest, days: Mapping[Stream, Sequence[date]]
        ) -> tuple[list[Audit], list[VoxlakeError]]:
            known = None if damage else warehouse
            found = look(
                api, lake, manifest, days, warehouse=known, pages=pages, seed=seed, jobs=settings.jobs, now=clock.now()
            )
            rounds.append(found[0])
            if form != "json" and found[0]:
                give("\n".join(map(str, found[0])))
            return found

        rounds: list[list[Audit]] = []
        audits, errors = audited(manifest, days)
        differing = {STREAMS[a.stream]: sorted({d.date for d in a.differences}) for a in audits if a.differences}
        if repair:
            _move_out(lake, strays)
            if differing:
                run = Run(api, lake, list(differing), now=clock.now)
                with run.pool(settings.jobs):
                    report = run.repair(differing, finality=settings.finality)
                say(str(report))
                damage = warehouse.damage()
                audits, more = audited(run.manifest, differing)
                errors += [*report.all_errors, *more]
            elif damage:
                done = warehouse.publish(manifest.sound(), lake.path, finality=settings.finality, rebuild=True)
                manifest.save()
                say(f"The database was built anew: {warehouse.path}")
                if done.moved_aside:
                    say(done.moved_aside)
            strays, damage = lake.strays(), warehouse.damage()
        sound = _examined(warehouse, strays, damage)
    if form == "json":
        _give_json(rounds)
    _tell_trouble(audits, errors, repair=repair)
    say(f"The pages were chosen by --seed {seed}.")
    codes = {error.exit_code for error in errors} | (set() if sound else {DataError.exit_code})
    sys.exit(gravest(codes | {4 for found in audits if found.differences or found.unread}))


@contextmanager
def _held(settings: Settings, lake: Lake, *, writing: bool) -> Iterator[None]:
    """Hold the lock, so that no run changes files that are compared; a folder that cannot be written needs none."""
    if writing or os.access(settings.data_dir, os.W_OK):
        with lake.locked(holder=holder()):
            yield
        return
    say(f"{settings.data_dir} cannot be written: it is audited without its lock.")
    yield


def _move_out(lake: Lake, strays: Sequence[Path]) -> None:
    """Take out of the lake what is not ours; it is somebody's, so it is kept."""
    for path in strays:
        kept = lake.move_out(path)
        say(f"{path} is none of voxlake's files: it is {kept} now.")


def _examined(warehouse: Warehouse, strays: Sequence[Path], damage: VoxlakeError | None) -> bool:
    """Run every check and warning over the whole database, and tell what does not belong; a warning is only told."""
    for path in strays:
        say(
            f"{path} is none of voxlake's files, and a glob over the lake reads its rows, too:"
            " 'voxlake audit --repair' moves it out.",
        )
    if damage is not None:
        none = f"There is no database {warehouse.path}: run 'voxlake publish'."
        say(f"voxlake: {damage if isinstance(damage, DataError) else none}")
        return False
    broken = warehouse.failed_checks()
    for name, told in broken.items():
        say(f"The check {name!r} fails: {told}")
    for odd in warehouse.warnings():
        say(f"Odd: {odd['messages']:,} {odd['channel']} messages ({odd['warning']}): {odd['promise']}")
    return not broken and not strays


def _tell_trouble(audits: Sequence[Audit], errors: Sequence[VoxlakeError], *, repair: bool) -> None:
    """Say what went wrong, and what to do about days that differ."""
    for error in errors:
        say(f"voxlake: {error}")
    if any(found.differences for found in audits):
        again = "the lines above say what" if repair else "'voxlake audit --repair' reads these days again"
        say(f"Something {'still ' if repair else ''}differs: {again}.")


def _give_json(rounds: Sequence[Sequence[Audit]]) -> None:
    """Print one list of what was found before and after a repair."""
    from voxlake.reporting import to_json  # noqa: PLC0415

    give(to_json([found.to_json() | {"repaired": n > 0} for n, audits in enumerate(rounds) for found in audits]))


def _days(
    manifest: Manifest, account_id: int, stream: Stream, since: date | None, until: date | None
) -> Sequence[date]:
    today = the_clock().now().date()
    return days_of(since, until, default=manifest.oldest(account_id, stream.name) or today, end=today)
