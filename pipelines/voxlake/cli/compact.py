"""`voxlake compact`: bring months that are final into one file each, without network."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from voxlake import library
from voxlake.cli.examples import examples
from voxlake.cli.options import account_option, finality_of, form_option, lock_option, the_clock, work_options
from voxlake.cli.output import give, say
from voxlake.cli.progress import progress
from voxlake.cli.recorded import recorded
from voxlake.cli.replay import accounts_wanted
from voxlake.cli.signals import stoppable
from voxlake.reporting import to_json
from voxlake.text import counted

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings


@click.command(
    epilog=examples(
        "voxlake compact --dry-run",
        "voxlake compact --account shop",
    )
)
@click.option("--dry-run", is_flag=True, help="Show what would become of which months, and write nothing.")
@form_option
@work_options
@lock_option
@account_option
def compact(settings: Settings, form: str, *, dry_run: bool) -> None:
    """Bring the days of months that are final into one file a month, without network."""
    if dry_run:
        _compact(settings, form, dry_run=True)
        return
    with recorded(settings, "compact"):
        _compact(settings, form, dry_run=False)


def _compact(settings: Settings, form: str, *, dry_run: bool) -> None:
    with progress("compact") as shown, stoppable():
        shown.step("looking for months")
        done = library.compact(
            settings.data_dir,
            accounts=accounts_wanted(settings),
            dry_run=dry_run,
            **finality_of(settings),
            on_event=shown,
            clock=the_clock(),
        )
    if form == "json":
        give(to_json(done.to_json()), form="json")
    for month in done.left:
        say(f"account {month.account_id}, {month.stream}: {month.month:%Y-%m} keeps a file a day: {month.left}")
    for error in done.errors:
        if str(error) not in {month.left for month in done.left}:
            say(f"voxlake: {error}")
    days = counted(sum(month.days for month in done.months))
    would = "would lie" if dry_run else "lie"
    say(f"{counted(len(done.months), 'month')} of {days} {would} in one file each: {done.fewer:,} files fewer.")
    sys.exit(done.exit_code)
