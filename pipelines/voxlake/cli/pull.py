"""`voxlake pull`: bring the newest database of a bucket to this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from voxlake import library
from voxlake.cli.examples import examples
from voxlake.cli.options import form_option
from voxlake.cli.output import give, say
from voxlake.cli.progress import progress
from voxlake.cli.settings import settings_options
from voxlake.cli.signals import stoppable
from voxlake.cli.types import UserPath
from voxlake.reporting import to_json

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.cli.settings import Settings


@click.command(epilog=examples("voxlake pull --data-dir s3://bucket/sms", "voxlake pull --to /srv/analysts"))
@click.option(
    "--to", type=UserPath(), metavar="DIR", help="The folder that gets voxlake.duckdb. [the working directory]"
)
@form_option
@settings_options("data_dir")
def pull(settings: Settings, to: Path | None, form: str) -> None:
    """Bring the newest database of a data directory in a bucket, only if it changed."""
    with progress("pull") as shown, stoppable():
        shown.step("looking for a newer database")
        done = library.pull(settings.data_dir, to=to)
    if form == "json":
        give(to_json(done.to_json()), form="json")
    news = "brought" if done.is_new else "nothing is newer than"
    say(f"{news} the database that was published at {done.published_at:%Y-%m-%d %H:%M:%S} UTC: {done.database}")
