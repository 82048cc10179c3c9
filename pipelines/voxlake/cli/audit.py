"""`voxlake audit`: whether lake and database hold what the API has, and the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from voxlake import library
from voxlake.cli.account import accounts_of
from voxlake.cli.delta import delta_after
from voxlake.cli.examples import examples
from voxlake.cli.options import account_option, api_options, lock_option, privacy_of, publishing_of, the_clock
from voxlake.cli.output import give, say
from voxlake.cli.progress import progress, say_result
from voxlake.cli.recorded import recorded
from voxlake.cli.signals import stoppable
from voxlake.cli.types import UtcDay
from voxlake.errors import DataError
from voxlake.library import day_range
from voxlake.reporting import to_json
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from voxlake.cli.settings import Settings
    from voxlake.pipeline import AuditResult, StreamAudit


@click.command(
    epilog=examples(
        "voxlake audit",
        "voxlake audit sms --since 2026-01-01 --until 2026-02-01 --repair",
    )
)
@click.argument("stream", type=click.Choice([*STREAMS, "all"]), default="all")
@click.option("--since", type=UtcDay(), metavar="DATE", help="First UTC day. [every day that was exported]")
@click.option("--until", type=UtcDay(end=True), metavar="DATE", help="The UTC day to stop before. [today]")
@click.option("--repair", is_flag=True, help="Read the days that differ again, and audit them again.")
@click.option(
    "--pages", type=click.IntRange(min=0), default=10, show_default=True, help="Pages of each history to reread."
)
@click.option("--seed", type=int, help="Choose the same pages as another audit.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@api_options
@account_option
@lock_option
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
    today = the_clock().now().date()
    day_range(since, until, today=today, limit=today, names=("--since", "--until"))
    with recorded(settings, "audit"):
        _audit(settings, form, streams=stream, since=since, until=until, pages=pages, seed=seed, repair=repair)


def _audit(settings: Settings, form: str, *, repair: bool, **chosen: Any) -> None:
    accounts = accounts_of(settings)
    labels: dict[int | None, str]
    labels = {its.account_id: its.name or str(its.account_id) for its in accounts} if len(accounts) > 1 else {}

    def show(found: Sequence[StreamAudit]) -> None:
        if form == "text" and found:
            give("\n".join(line for its in found for line in _labelled(str(its), labels.get(its.account_id))))

    with progress("audit") as shown, stoppable():
        result = library.audit(
            accounts, settings.data_dir, jobs=settings.jobs, executor=settings.executor, repair=repair, **chosen,
            on_round=show, on_event=shown, keep_raw=settings.keep_raw, privacy_key=settings.find_key(),
            **publishing_of(settings), **privacy_of(settings),
        )  # fmt: skip
    if not result.locked:
        say(f"{settings.data_dir} cannot be written: it was audited without its lock.")
    _report(result, settings.data_dir / "voxlake.duckdb")
    if form == "json":
        give(to_json(result.findings()), form="json")
    for number, errors in result.account_errors.items() if labels else [(None, result.errors)]:
        for error in errors:
            say(f"voxlake: {labels[number]}: {error}" if number in labels else f"voxlake: {error}")
    if any(found.differences for found in result.last_round):
        again = "the lines above say what" if repair else "'voxlake audit --repair' reads these days again"
        say(f"Something {'still ' if repair else ''}differs: {again}.")
    say_result(f"The pages were chosen by --seed {result.seed}.", result.exit_code)
    copied = delta_after(settings) if repair else 0
    sys.exit(result.exit_code or copied)


def _labelled(text: str, label: str | None) -> list[str]:
    """Return lines that begin with the name of an account, where there are several."""
    return [line if label is None else f"{label}: {line}" for line in text.splitlines()]


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
        say(f"Odd: {odd['messages']:,} {odd['stream']} messages ({odd['warning']}): {odd['promise']}")
