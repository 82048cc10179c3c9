"""`voxlake privacy`: make the key under which digests stand for numbers, and treat what is stored."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from voxlake import library
from voxlake.cli.examples import examples
from voxlake.cli.group import Group
from voxlake.cli.options import form_option, lock_option, publishing_of, the_clock, work_options
from voxlake.cli.output import give, say
from voxlake.cli.settings import settings_options
from voxlake.cli.signals import stoppable
from voxlake.privacy import make_key
from voxlake.reporting import to_json
from voxlake.text import counted

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings


@click.group(
    cls=Group,
    epilog=examples(
        "voxlake privacy init",
        "voxlake privacy apply",
    ),
)
def privacy() -> None:
    """Make the key under which digests stand for numbers, and treat what is stored as the settings say."""


@privacy.command(
    "init",
    epilog=examples(
        "voxlake privacy init",
        "voxlake privacy init --config /srv/sms/voxlake.toml",
    ),
)
@settings_options("data_dir")
def init(settings: Settings) -> None:
    """Make a random key in a new file that only its owner can read; an existing file is never replaced."""
    key = make_key(settings.key_path, data_dir=settings.data_dir)
    give(f"{settings.key_path}")
    say(
        f"The privacy key {key.id} was made: keep a copy where the data is not, because without it no number can be"
        " found by its digest any more."
    )


@privacy.command(
    "apply",
    epilog=examples(
        "voxlake privacy apply --dry-run",
        "voxlake privacy apply",
    ),
)
@click.option("--dry-run", is_flag=True, help="Show what would be treated, and change nothing.")
@form_option
@work_options
@lock_option
def apply(settings: Settings, form: str, *, dry_run: bool) -> None:
    """Treat what is stored as [privacy] says, remove archived replies, and publish the database anew."""
    with stoppable():
        done = library.apply_privacy(
            settings.data_dir,
            settings.find_policy(),
            dry_run=dry_run,
            privacy_key=settings.find_key(),
            **publishing_of(settings),
            clock=the_clock(),
        )
    if form == "json":
        give(to_json(done.to_json()), form="json")
    for line in (*done.notes, *done.left):
        say(line)
    what = (
        f"{counted(done.days)}, {counted(done.files, 'other file')} and {counted(done.archives, 'archive')} of replies"
    )
    say(f"{what} {'would be' if dry_run else 'were'} treated as [privacy] says; archives are removed.")
    sys.exit(done.exit_code)
