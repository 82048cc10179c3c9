"""`voxlake forget`: erase a person, by a phone number, from everything below the data directory."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from voxlake import library
from voxlake.cli.examples import examples
from voxlake.cli.options import form_option, lock_option, publishing_of, the_clock, work_options
from voxlake.cli.output import give, say
from voxlake.cli.recorded import recorded
from voxlake.cli.signals import stoppable
from voxlake.reporting import to_json
from voxlake.text import counted

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings
    from voxlake.pipeline import ForgetResult


@click.command(
    epilog=examples(
        "voxlake forget --number 447700900123 --dry-run",
        "voxlake forget --number +447700900123 --anonymise",
    )
)
@click.option("--number", required=True, metavar="N", help="The number, however it is written.")
@click.option("--anonymise", is_flag=True, help="Keep its messages, without the number and what was written.")
@click.option("--dry-run", is_flag=True, help="Show what would be erased, and change nothing.")
@form_option
@work_options
@lock_option
def forget(settings: Settings, number: str, form: str, *, anonymise: bool, dry_run: bool) -> None:
    """Erase every message from or to a number, and every mention of it, for good; and write a certificate."""
    with nullcontext() if dry_run else recorded(settings, "forget") as record, stoppable():
        done = library.forget(
            settings.data_dir,
            number,
            privacy_key=settings.find_key(),
            anonymise=anonymise,
            dry_run=dry_run,
            **publishing_of(settings),
            clock=the_clock(),
        )
        if record is not None:
            gone = 0 if done.kind == "anonymise" else done.rows
            changed = done.rows - gone
            record.take(days=sum(len(its["dates"]) for its in done.days), rows_gone=gone, rows_changed=changed)
            record.take_end(done.exit_code)
    if form == "json":
        give(to_json(done.text or done.to_json()), form="json")
    elif done.text:
        give(to_json(done.text))
    _tell(done)
    sys.exit(done.exit_code)


def _tell(done: ForgetResult) -> None:
    """Write what was done, or would be, and what is left."""
    for line in done.left:
        say(line)
    if done.nothing:
        say("Nothing of this number is left.")
        return
    what = "made anonymous" if done.kind == "anonymise" else "erased"
    days = counted(sum(len(its["dates"]) for its in done.days))
    files = counted(len(done.files), "file")
    mentions = counted(done.mentions, "mention")
    if done.dry_run:
        say(f"{counted(done.rows, 'message')} and {mentions} in {days} would be {what}; {files} hold the number.")
        return
    say(f"{counted(done.rows, 'message')} and {mentions} in {days} were {what}; {files} were written again.")
    if done.replies_removed:
        say(
            f"{done.replies_removed:,} archived replies could not be rewritten and were removed: the days that they"
            " proved cannot be rebuilt by 'voxlake replay'."
        )
    if done.certificate is not None:
        say(f"The certificate is {done.certificate}.")
