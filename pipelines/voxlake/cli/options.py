"""What the commands share: settings as flags, credentials, the clock, and the answer to an error."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from voxlake.cli.settings import settings_options
from voxlake.clock import SYSTEM, Clock
from voxlake.errors import SettingsError, VoxlakeError
from voxlake.files import clear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date
    from types import FrameType

    from voxlake.api import Archive, Credentials, HistoryApi
    from voxlake.cli.settings import Settings
    from voxlake.lake import ReplyArchive

F = TypeVar("F", bound="Callable[..., Any]")
_FIRST_YEAR = 2000
EARLY = "Stopped by {signal} before the end."
DATA = ("data_dir", "settle_hours", "give_up_days")
API = ("api_url", "credentials", "patience", "timeout")
FORMATS = ("table", "csv", "json", "parquet", "xlsx")


class Group(click.Group):
    """A group whose commands end with the exit code of their error, one sentence on stderr, and no traceback."""

    def main(self, *args: Any, clock: Clock = SYSTEM, **kwargs: Any) -> Any:
        """Run the whole of the command line by this clock; from now on Ctrl-C is no error either."""
        # Left alone is whoever chose to hear nothing, as a shell does for what it starts in the background.
        ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ours = ours and threading.current_thread() is threading.main_thread()
        if ours:
            signal.signal(signal.SIGINT, _stop(EARLY))
        try:
            return super().main(*args, obj=clock, **kwargs)
        finally:
            # Whoever calls this from a program gets Python's own back.
            if ours:
                signal.signal(signal.SIGINT, signal.default_int_handler)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments of the group itself."""
        with _answered(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was chosen."""
        with _answered(ctx):
            return super().invoke(ctx)


@contextmanager
def _answered(ctx: click.Context) -> Iterator[None]:
    """Turn an error into its sentence and its exit code; a group that is called bare shows its help."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        command = (error.ctx or ctx).command_path
        say(f"voxlake: {error.format_message().rstrip('.')}; see '{command} --help'.")
        ctx.exit(error.exit_code)
    except VoxlakeError as error:
        say(f"voxlake: {error}")
        ctx.exit(error.exit_code)
    except BrokenPipeError:
        # Who reads has enough; what is left in the buffers would be told as an error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        ctx.exit(0)


def the_clock() -> Clock:
    """Return the clock that the running command was started with; to be called where the command runs, in no thread."""
    clock: Clock = click.get_current_context().obj
    return clock


data_options = settings_options(*DATA)
"""Settings for a command that looks at the data."""
api_options = settings_options(*DATA, *API, "output", "jobs", "keep_raw")
"""Settings for a command that exports from the API."""


def answer_options(command: F) -> F:
    """Add what decides how an answer looks and where it goes."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N rows only."),
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


def progress_bar() -> Any:
    """Draw a bar on a terminal, and nothing into a log."""
    return click.progressbar(length=1, label="days", file=sys.stderr, show_pos=True, hidden=not sys.stderr.isatty())


@contextmanager
def stoppable(
    finish: Callable[[], object] = lambda: None,
    *,
    told: str = "Stopped by {signal}: what is in the lake stays; run the same command again to go on.",
    interrupted: int = 128 + signal.SIGINT,
) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end a run at once: like kill -9, they find nothing half done, and threads may hang."""
    stop = _stop(told, finish, interrupted=interrupted)
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(
    told: str, finish: Callable[[], object] = lambda: None, *, interrupted: int = 128 + signal.SIGINT
) -> Callable[[int, FrameType | None], None]:
    """Make what ends the process when a signal comes.

    An exception in its place could be taken for another by whatever it falls into: DuckDB makes a RuntimeError of it,
    an import an ImportError, and a destructor prints it and goes on.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        for deaf in (signal.SIGINT, signal.SIGTERM):
            signal.signal(deaf, signal.SIG_IGN)
        # What is interrupted may be the very writing of a line, which cannot be begun again inside of itself.
        with suppress(Exception):
            finish()
        clear()
        with suppress(OSError, AttributeError, ValueError):
            line = f"voxlake: {told.format(signal=signal.Signals(number).name)}\n"
            os.write(sys.stderr.fileno(), line.encode(errors="backslashreplace"))
        os._exit(interrupted if number == signal.SIGINT else 128 + number)

    return stop


def leave(code: int) -> NoReturn:
    """End at once: Python would take apart for a tenth of a second what the system takes anyway."""
    with suppress(OSError, AttributeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def say(text: str) -> None:
    """Talk on stderr; if nobody listens any more, what was done stays done."""
    with suppress(OSError):
        click.echo(text, err=True)


def drawing() -> tuple[Mapping[str, str], bool]:
    """Choose the glyphs that stdout can write, and colour on a terminal whose owner has not set NO_COLOR."""
    from voxlake.reporting import ASCII_GLYPHS, GLYPHS  # noqa: PLC0415

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    try:
        "".join(GLYPHS.values()).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return ASCII_GLYPHS, colour
    return GLYPHS, colour


def credentials_of(settings: Settings) -> Credentials:
    """Read the credentials of the account that the settings name."""
    from voxlake.api import ApiKey, read_credentials  # noqa: PLC0415

    if settings.credentials is not None:
        return read_credentials(settings.credentials, clock=the_clock())
    if settings.account_id is not None and settings.api_key is not None:
        return ApiKey(settings.account_id, settings.api_key)
    raise SettingsError(
        "There are no credentials: name the vendor's credentials.json with --credentials or"
        " VOXIMPLANT_CREDENTIALS, or set VOXIMPLANT_ACCOUNT_ID and VOXIMPLANT_API_KEY."
    )


def api_of(settings: Settings, credentials: Credentials | None = None, archive: Archive | None = None) -> HistoryApi:
    """Build the client of the account that the settings name."""
    import random  # noqa: PLC0415

    from voxlake.api import ApiClient, HistoryApi  # noqa: PLC0415

    client = ApiClient(
        settings.api_url,
        credentials or credentials_of(settings),
        jobs=settings.jobs,
        patience=settings.patience,
        timeout=settings.timeout,
        clock=the_clock(),
        random=random.random,
        archive=archive,
    )
    return HistoryApi(client, output="csv" if settings.output == "csv" else "json")


def api_and_archive(settings: Settings) -> tuple[HistoryApi, ReplyArchive | None]:
    """Build the client, and where the settings want it an archive of its replies; the first reply creates its file."""
    from voxlake.lake import Layout, ReplyArchive  # noqa: PLC0415

    credentials = credentials_of(settings)
    if not settings.keep_raw:
        return api_of(settings, credentials), None
    archive = ReplyArchive(Layout(settings.data_dir), credentials.account_id, clock=the_clock())
    return api_of(settings, credentials, archive), archive


@contextmanager
def keeping(archive: ReplyArchive | None) -> Iterator[None]:
    """Close the archive at the end of the block; the caller holds the lock."""
    try:
        yield
    finally:
        if archive is not None:
            archive.close()


def days_of(
    since: date | None, until: date | None, *, default: date, end: date, names: tuple[str, str] = ("--since", "--until")
) -> list[date]:
    """List the UTC days from `since`, or a default, up to `until`, but not beyond `end`, which is excluded."""
    from voxlake.pipeline.plan import span  # noqa: PLC0415 - heavy imports only where they are used

    if since and until and since >= until:
        raise SettingsError(f"{names[0]} {since} is not before {names[1]} {until}: the end is excluded.")
    today = the_clock().now().date()
    if since and since > today:
        raise SettingsError(f"{names[0]} {since} is in the future: the last UTC day is {today}.")
    if since and since.year < _FIRST_YEAR:
        raise SettingsError(f"{names[0]} {since} is older than any message: use a day from {_FIRST_YEAR} on.")
    return span(since or default, min(until or end, end))


def holder() -> str:
    """Say who holds the lock."""
    return f"process {os.getpid()} on {os.uname().nodename}, since {the_clock().now():%Y-%m-%d %H:%M:%S} UTC"
