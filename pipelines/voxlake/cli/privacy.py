"""`voxlake privacy`: make the key under which digests stand for numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from voxlake.cli.examples import examples
from voxlake.cli.group import Group
from voxlake.cli.output import give, say
from voxlake.cli.settings import settings_options
from voxlake.privacy import make_key

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings


@click.group(
    cls=Group,
    epilog=examples(
        "voxlake privacy init",
    ),
)
def privacy() -> None:
    """Make the key under which digests stand for numbers."""


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
