"""Options and values that several commands share: settings as flags, the form of an answer, days, the clock."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from voxlake.cli.output import say
from voxlake.cli.settings import settings_options
from voxlake.files import make
from voxlake.locks import break_locks
from voxlake.modes import find_readers, tighten
from voxlake.remote import remote_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.cli.settings import Settings
    from voxlake.clock import Clock


F = TypeVar("F", bound="Callable[..., Any]")
DATA = ("data_dir", "settle_hours", "give_up_days")
LOG = "log_format"
API = ("api_url", "insecure_http", "credentials", "patience", "timeout")
MOST_ROWS = 10**12
"""More rows than any answer has; DuckDB counts to about 10**19."""
FORMATS = ("table", "csv", "json", "parquet", "xlsx")


def the_clock() -> Clock:
    """Return the clock that the running command was started with; to be called where the command runs, in no thread."""
    clock: Clock = click.get_current_context().obj
    return clock


data_options = settings_options(*DATA)
"""Settings for a command that looks at the data."""
work_options = settings_options(*DATA, "database", LOG)
"""Settings for a command that changes the data without the API."""
api_options = settings_options(*DATA, "database", *API, "output", "jobs", "executor", "keep_raw", "compact", LOG)
"""Settings for a command that exports from the API."""


def answer_options(command: F) -> F:
    """Add what decides how an answer looks and where it goes."""
    for option in (
        click.option("--limit", type=click.IntRange(1, MOST_ROWS), metavar="N", help="The first N rows only."),
        click.option(
            "--out",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Write to a file; its ending chooses the format: .txt, .csv, .json, .parquet or .xlsx.",
        ),
        click.option("--format", "form", type=click.Choice(FORMATS), help="[table, or by the ending of --out]"),
    ):
        command = option(command)
    return command


def zone_option(command: F) -> F:
    """Add the choice of the zone whose days are meant."""
    return click.option(
        "--tz", metavar="ZONE", help="The days of this zone, or of each account's own: 'account'. [UTC]"
    )(command)


def secure(settings: Settings) -> None:
    """Restrict the data that is there to its owner and the group of the settings, and say so where others had it."""
    readers = find_readers(settings.files_group)
    if tightened := tighten(settings.data_dir, readers):
        others = (
            "nobody but their owner reads them" if readers.name is None else f"its owner and {readers.name} read it"
        )
        found = "1 file or folder" if tightened == 1 else f"{tightened:,} files and folders"
        say(f"{found} of {settings.data_dir} could be read by others: from now on {others}.")
    if readers.gid is not None:
        # A first run makes it; what is made in it belongs to the group.
        make(settings.data_dir)
        tighten(settings.data_dir, readers)


def lock_option(command: F) -> F:
    """Add the flag that removes a lock file, for a command whose first argument is the settings.

    Such a command writes to the data directory, which is made `secure` first.
    """

    @functools.wraps(command)
    def unlocking(settings: Settings, *arguments: Any, break_lock: bool, **rest: Any) -> Any:
        if break_lock:
            for owner in break_locks(settings.data_dir):
                say(f"The lock file of {owner} was removed.")
            remote = remote_of(settings.data_dir)
            if remote is not None and (holder := remote.break_lease()) is not None:
                say(f"The lease of {holder} was taken away.")
        secure(settings)
        return command(settings, *arguments, **rest)

    option = click.option(
        "--break-lock", is_flag=True, help="Remove the lock file, or the lease in a bucket, of a run that is dead."
    )
    decorated: Any = option(unlocking)
    return decorated  # type: ignore[no-any-return] # what click's decorators return


def account_option(command: F) -> F:
    """Add the choice of accounts, for a command whose first argument is the settings: they hold it as `wanted`."""

    @functools.wraps(command)
    def choosing(settings: Settings, *arguments: Any, wanted: tuple[str, ...], **rest: Any) -> Any:
        return command(replace(settings, wanted=wanted), *arguments, **rest)

    option = click.option(
        "--account",
        "wanted",
        multiple=True,
        metavar="NAME|ID",
        help="This account alone, or those of a pattern such as 'shop*'; repeatable. [all]",
    )
    decorated: Any = option(choosing)
    return decorated  # type: ignore[no-any-return] # what click's decorators return


def finality_of(settings: Settings) -> dict[str, Any]:
    """Return the settings that say when a day is final, as the runs take them."""
    return {"settle_hours": settings.settle_hours, "give_up_days": settings.give_up_days}


def paused_of(settings: Settings) -> set[int]:
    """Return the accounts that the settings switch off, as far as these name their numbers: they may be old."""
    return {number for section in settings.sections.values() if not section.enabled for number in section.ids}


def publishing_of(settings: Settings) -> dict[str, Any]:
    """Return the settings of a run that publishes, as it takes them: those of `finality_of`, and of the database."""
    return {**finality_of(settings), "database": settings.database}


def privacy_of(settings: Settings) -> dict[str, Any]:
    """Return how a run that writes rows treats them, as it takes it; that replies are not kept then is said."""
    policy = settings.find_policy()
    if settings.keep_raw and not policy.keeps_all:
        say("voxlake: Replies are not kept, because [privacy] treats what they hold: keep_raw has no effect.")
    return {"privacy": policy}


def form_option(command: F) -> F:
    """Add the choice between sentences and the whole result as JSON."""
    return click.option(
        "--format", "form", type=click.Choice(["text", "json"]), default="text", help="json: the result on stdout."
    )(command)
