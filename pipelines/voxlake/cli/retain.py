"""`voxlake retain`: take away what is older than it is to be kept, without network."""

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
from voxlake.cli.types import Length
from voxlake.reporting import to_json
from voxlake.text import counted

if TYPE_CHECKING:
    from datetime import timedelta

    from voxlake.cli.settings import Settings
    from voxlake.pipeline import RetainResult


@click.command(
    epilog=examples(
        "voxlake retain --older-than 400d --dry-run",
        "voxlake retain --texts-older-than 30d",
    )
)
@click.option("--older-than", type=Length(), metavar="LENGTH", help="Days that ended longer ago, such as 400d.")
@click.option("--texts-older-than", type=Length(), metavar="LENGTH", help="The texts of such days, such as 30d.")
@click.option("--dry-run", is_flag=True, help="Show what would be taken away, and change nothing.")
@form_option
@work_options
@lock_option
def retain(
    settings: Settings, older_than: timedelta | None, texts_older_than: timedelta | None, form: str, *, dry_run: bool
) -> None:
    """Take away days, or texts, that are older than they are to be kept, for good."""
    with nullcontext() if dry_run else recorded(settings, "retain") as record, stoppable():
        done = library.retain(
            settings.data_dir,
            older_than=older_than or settings.retention_older_than,
            texts_older_than=texts_older_than or settings.retention_texts_older_than,
            privacy_key=settings.find_key(),
            dry_run=dry_run,
            **publishing_of(settings),
            clock=the_clock(),
        )
        if record is not None:
            record.take(days=len(done.days), rows_gone=done.rows, rows_changed=done.texts)
            record.take_end(done.exit_code)
    if form == "json":
        give(to_json(done.to_json()), form="json")
    tell(done)
    sys.exit(done.exit_code)


def tell(done: RetainResult) -> None:
    """Write what was taken away, or would be, and what is left."""
    for line in done.left:
        say(line)
    would = "would be" if done.dry_run else "were"
    texts = f", and {counted(done.texts, 'text')}" if done.texts_since else ""
    say(f"{counted(len(done.days))} with {counted(done.rows, 'message')}{texts} {would} taken away.")


def retain_after(settings: Settings) -> int:
    """Do what the settings say after an export, and return the exit code."""
    older, texts = settings.retention_older_than, settings.retention_texts_older_than
    if older is None and texts is None:
        return 0
    done = library.retain(
        settings.data_dir, older_than=older, texts_older_than=texts, privacy_key=settings.find_key(),
        **publishing_of(settings), clock=the_clock(),
    )  # fmt: skip
    if done.days or done.texts or done.left:
        tell(done)
    return done.exit_code
