"""`voxlake replay`: rebuild the lake from the replies that were kept, without network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voxlake import library
from voxlake.cli.account import account_ids_of
from voxlake.cli.delta import delta_after
from voxlake.cli.examples import examples
from voxlake.cli.options import (
    account_option,
    form_option,
    lock_option,
    privacy_of,
    publishing_of,
    the_clock,
    work_options,
)
from voxlake.cli.output import give, say
from voxlake.cli.progress import progress, say_result
from voxlake.cli.recorded import recorded
from voxlake.cli.signals import stoppable
from voxlake.pipeline import describe_missing
from voxlake.reporting import to_json
from voxlake.text import counted

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings


def accounts_wanted(settings: Settings) -> set[int] | None:
    """Return the accounts that are wanted, None for all; a number may be of an account that only the replies know."""
    numbers = {text for text in settings.wanted if text.isdecimal()}
    named = account_ids_of(settings, [text for text in settings.wanted if text not in numbers])
    return {*map(int, numbers), *(named or ())} if settings.wanted else None


@click.command(
    epilog=examples(
        "voxlake replay",
        "voxlake replay --raw /backup/raw --account shop",
    )
)
@click.option(
    "--raw", type=click.Path(path_type=Path), metavar="DIR", help="Where the replies are. [raw/ in the data directory]"
)
@click.option("--force", is_flag=True, help="Rebuild days whose files are newer or prove more, too.")
@form_option
@work_options
@lock_option
@account_option
def replay(settings: Settings, raw: Path | None, form: str, *, force: bool) -> None:
    """Rebuild the lake from the replies that `--keep-raw` kept, without network, and publish the database."""
    with recorded(settings, "replay"):
        _replay(settings, raw, form, force=force)


def _replay(settings: Settings, raw: Path | None, form: str, *, force: bool) -> None:
    with progress("replay") as shown, stoppable():
        done = library.replay(
            settings.data_dir,
            raw=raw,
            accounts=accounts_wanted(settings),
            force=force,
            privacy_key=settings.find_key(),
            **publishing_of(settings),
            on_event=shown,
            **privacy_of(settings),
            clock=the_clock(),
        )
    if form == "json":
        give(to_json(done.to_json()), form="json")
    if done.moved_aside:
        say(done.moved_aside)
    say_result(
        f"{done.replies:,} replies: {counted(done.rows, 'row')} in {counted(len(done.day_files))},"
        f" {done.verified:,} of them verified; database {done.database}",
        done.exit_code,
    )
    for path in done.torn:
        say(f"{path}: its last reply is torn, as after a kill, and was skipped.")
    for key in done.kept:
        say(f"{key.stream}: {key.date} stays: its file is newer or proves more; --force rebuilds it.")
    if done.missing:
        say(f"{describe_missing(done.missing)}: 'voxlake export' reads them again, 'voxlake publish' forgets them.")
    copied = delta_after(settings)
    sys.exit(done.exit_code or copied)
