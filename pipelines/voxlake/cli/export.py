"""`voxlake export` and `voxlake backfill`: bring days into the lake."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from voxlake import library
from voxlake.cli.account import accounts_of
from voxlake.cli.delta import delta_after
from voxlake.cli.examples import examples
from voxlake.cli.options import (
    account_option,
    api_options,
    finality_of,
    form_option,
    lock_option,
    privacy_of,
    publishing_of,
    the_clock,
)
from voxlake.cli.output import give, say
from voxlake.cli.progress import progress, say_result
from voxlake.cli.recorded import recorded
from voxlake.cli.retain import retain_after
from voxlake.cli.signals import ANEW, RESUMABLE, stoppable
from voxlake.cli.types import UtcDay
from voxlake.library import day_range
from voxlake.model import DAY
from voxlake.pipeline import describe_missing
from voxlake.reporting import render_plan, to_json
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from voxlake.cli.settings import Settings
    from voxlake.library import Account


@click.command(
    epilog=examples(
        "voxlake export",
        "voxlake export sms --since 2026-01-01",
        "voxlake export --account 'shop*' --jobs 8 -v",
        "voxlake export --dry-run",
    )
)
@click.argument("stream", type=click.Choice([*STREAMS, "all"]), default="all")
@click.option(
    "--since", type=UtcDay(), metavar="DATE", help="First UTC day. [where exports begin: at first 30 days back]"
)
@click.option("--until", type=UtcDay(end=True), metavar="DATE", help="The UTC day to stop before. [tomorrow]")
@click.option("--dry-run", is_flag=True, help="Show the plan without sending a request.")
@form_option
@api_options
@account_option
@lock_option
def export(
    settings: Settings, stream: str, since: date | None, until: date | None, form: str, *, dry_run: bool
) -> None:
    """Export everything that is not yet final, and publish the database."""
    _check_days(since, until, names=("--since", "--until"))
    _run(settings, form, dry_run=dry_run, streams=stream, since=since, until=until)


@click.command(
    epilog=examples(
        "voxlake backfill --from 2025-01-01 --to 2025-04-01",
        "voxlake backfill a2p --from 2025-03-01 --to 2025-03-02 --force",
    )
)
@click.argument("stream", type=click.Choice([*STREAMS, "all"]), default="all")
@click.option("--from", "first", type=UtcDay(), metavar="DATE", required=True, help="First UTC day.")
@click.option("--to", "end", type=UtcDay(end=True), metavar="DATE", required=True, help="The UTC day to stop before.")
@click.option("--force", is_flag=True, help="Read final days again.")
@click.option("--dry-run", is_flag=True, help="Show the plan without sending a request.")
@form_option
@api_options
@account_option
@lock_option
def backfill(settings: Settings, stream: str, first: date, end: date, form: str, *, force: bool, dry_run: bool) -> None:
    """Export the days of [from, to), and publish the database."""
    _check_days(first, end, names=("--from", "--to"))
    _run(settings, form, dry_run=dry_run, streams=stream, since=first, until=end, force=force)


def _check_days(first: date | None, end: date | None, *, names: tuple[str, str]) -> None:
    """Refuse days that cannot be exported by the names of their flags."""
    today = the_clock().now().date()
    day_range(first, end, today=today, limit=today + DAY, names=names)


def _planned(settings: Settings, accounts: Sequence[Account], chosen: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the plan says of each stream, after the name of the account where there are several."""
    for account in accounts:
        plans = library.plan(account, settings.data_dir, **chosen, **finality_of(settings))
        label = "" if len(accounts) == 1 else f"{account.name or account.account_id}: "
        for name, its in plans.items():
            yield label + render_plan(name, its.read, its.probe_days, its.final)


def _run(settings: Settings, form: str, *, dry_run: bool, **chosen: Any) -> None:
    if dry_run:
        give("\n".join(_planned(settings, accounts_of(settings, ask=False), chosen)))
        return
    with recorded(settings, "backfill" if "force" in chosen else "export"):
        _export(settings, form, chosen)


def _export(settings: Settings, form: str, chosen: dict[str, Any]) -> None:
    accounts = accounts_of(settings)
    run = library.backfill if "force" in chosen else library.export
    resumed = ANEW if chosen.get("force") else RESUMABLE
    with progress("backfill" if "force" in chosen else "export") as shown, stoppable(resumed):
        result = run(
            accounts,
            settings.data_dir,
            **chosen,
            jobs=settings.jobs,
            executor=settings.executor,
            on_event=shown,
            keep_raw=settings.keep_raw,
            compact=settings.compact,
            privacy_key=settings.find_key(),
            **publishing_of(settings),
            **privacy_of(settings),
        )
    if form == "json":
        give(to_json(result.to_json()), form="json")
    say_result(str(result), result.exit_code)
    if result.missing:
        days_missing = describe_missing(result.missing)
        say(f"{days_missing}: 'voxlake export' without dates reads them again, 'voxlake publish' forgets them.")
    copied = delta_after(settings)
    retained = retain_after(settings)
    sys.exit(result.exit_code or retained or copied)
