"""The command line: parse, build the things, call, echo, exit; the only clock and the only environment.

Exit codes: 0 done; 1 a bug; 2 usage or settings; 3 the API refused; 4 data that could not be read or verified;
75 try again later.
"""

from __future__ import annotations

import functools
import os
import random
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from voxlake.errors import SettingsError, VoxlakeError
from voxlake.settings import OUTPUTS, Settings, day, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from voxlake.api import Api
    from voxlake.ledger import Ledger
    from voxlake.streams import Stream

F = TypeVar("F", bound="Callable[..., Any]")
DEFAULT_DAYS = 30
FORMATS = ("table", "csv", "json")


class Group(click.Group):
    """A group whose commands end with the exit code of their error, one sentence on stderr, and no traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was chosen."""
        try:
            return super().invoke(ctx)
        except VoxlakeError as error:
            click.echo(f"voxlake: {error}", err=True)
            ctx.exit(error.exit_code)


def now() -> datetime:
    """Give the time in UTC; the machine's own zone never matters."""
    return datetime.now(tz=UTC)


def data_options(command: F) -> F:
    """Add the settings that say where the data is and when a day is final."""
    for option in (
        click.option("--give-up-days", metavar="N", help="Days after which a status counts as final. [14]"),
        click.option("--settle-hours", metavar="N", help="Hours after a day's end until it can be final. [72]"),
        click.option("--data-dir", metavar="DIR", help="Where lake and database live. [data]"),
    ):
        command = option(command)
    return command


def api_options(command: F) -> F:
    """Add the settings that say how to ask the API."""
    for option in (
        click.option("--patience", metavar="N", help="Seconds to wait out the faults of one request. [180]"),
        click.option("--jobs", metavar="N", help="Windows asked for at the same time. [4]"),
        click.option("--output", metavar="|".join(OUTPUTS), help="What is asked of the API. [json]"),
        click.option("--credentials", metavar="FILE", help="The vendor's credentials.json."),
        click.option("--api-url", metavar="URL", help="The API's address. [the vendor's]"),
    ):
        command = option(command)
    return data_options(command)


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Hand a command its resolved settings in place of the raw flags."""
    names = ("data_dir", "api_url", "credentials", "output", "jobs", "patience", "settle_hours", "give_up_days")

    @functools.wraps(command)
    def resolved(**flags: Any) -> Any:
        chosen = {name: flags.pop(name) for name in names if name in flags}
        return command(resolve(chosen, os.environ, folder=Path.cwd()), **flags)

    return resolved


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="voxlake", message="%(prog)s %(version)s")
def main() -> None:
    """Export the SMS history of a Voximplant account, completely and provably."""


@main.command()
@click.argument("stream", type=click.Choice(["sms", "a2p", "all"]), default="all")
@click.option("--since", metavar="DATE", help="First UTC day. [the oldest day in the lake, else 30 days back]")
@click.option("--until", metavar="DATE", help="The UTC day to stop before. [tomorrow]")
@api_options
@with_settings
def export(settings: Settings, stream: str, since: str | None, until: str | None) -> None:
    """Export everything that is not yet final, and publish the database."""
    first = day(since, "--since") if since else None
    end = day(until, "--until", up=True) if until else None
    if first and end and first >= end:
        raise SettingsError(f"--since {first} does not lie before --until {end}: the end is excluded.")

    def days(ledger: Ledger, stream: Stream, account_id: int) -> Sequence[date]:
        today = now().date()
        oldest = min(ledger.of(account_id, stream.name), default=today - timedelta(days=DEFAULT_DAYS))
        return _span(first or oldest, end, today)

    _run(settings, stream, days, force=False)


@main.command()
@click.argument("stream", type=click.Choice(["sms", "a2p", "all"]), default="all")
@click.option("--from", "first", metavar="DATE", required=True, help="First UTC day.")
@click.option("--to", "end", metavar="DATE", required=True, help="The UTC day to stop before.")
@click.option("--force", is_flag=True, help="Read final days again.")
@api_options
@with_settings
def backfill(settings: Settings, stream: str, first: str, end: str, *, force: bool) -> None:
    """Export the days of [from, to), and publish the database."""
    from_day, to_day = day(first, "--from"), day(end, "--to", up=True)
    if from_day >= to_day:
        raise SettingsError(f"--from {from_day} does not lie before --to {to_day}: the end is excluded.")
    _run(
        settings,
        stream,
        lambda _ledger, _stream, _account: _span(from_day, to_day, now().date()),
        force=force,
    )


def _span(first: date, end: date | None, today: date) -> Sequence[date]:
    """List the days of [first, end) that have begun."""
    from voxlake.plan import span  # noqa: PLC0415 - heavy imports only where they are used

    tomorrow = today + timedelta(days=1)
    return span(first, min(end or tomorrow, tomorrow))


def _run(settings: Settings, stream: str, days: Callable[..., Sequence[date]], *, force: bool) -> None:
    from voxlake.export import export as run  # noqa: PLC0415
    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.streams import STREAMS  # noqa: PLC0415

    api, lake = _api(settings), Lake(settings.data_dir)
    streams = list(STREAMS.values()) if stream == "all" else [STREAMS[stream]]
    with lake.locked(holder=_holder()), _progress() as bar:

        def progress(done: int, planned: int) -> None:
            bar.length = planned
            bar.update(done - bar.pos)

        report = run(
            api,
            lake,
            streams,
            lambda ledger, stream: days(ledger, stream, api.account_id),
            now=now,
            jobs=settings.jobs,
            settle=settings.settle,
            give_up=settings.give_up,
            force=force,
            progress=progress,
        )
        if not sum(stream.days for stream in report.streams):
            progress(1, 1)
    click.echo(str(report), err=True)
    sys.exit(report.exit_code)


def _progress() -> Any:
    """Draw a bar on a terminal, and nothing into a log."""
    return click.progressbar(length=1, label="days", file=sys.stderr, show_pos=True, hidden=not sys.stderr.isatty())


def _api(settings: Settings) -> Api:
    from voxlake.api import Api  # noqa: PLC0415
    from voxlake.auth import ApiKey, ServiceAccount, read_credentials  # noqa: PLC0415

    auth: ApiKey | ServiceAccount
    if settings.credentials is not None:
        auth = read_credentials(settings.credentials, now=time.time)
    elif settings.account_id is not None and settings.api_key is not None:
        auth = ApiKey(settings.account_id, settings.api_key)
    else:
        raise SettingsError(
            "There are no credentials: name the vendor's credentials.json with --credentials or"
            " VOXIMPLANT_CREDENTIALS, or set VOXIMPLANT_ACCOUNT_ID and VOXIMPLANT_API_KEY."
        )
    return Api(
        settings.api_url,
        auth,
        output=settings.output,
        jobs=settings.jobs,
        patience=settings.patience.total_seconds(),
        random=random.random,
    )


def _holder() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}, since {now():%Y-%m-%d %H:%M:%S} UTC"


@main.command()
@data_options
@with_settings
def publish(settings: Settings) -> None:
    """Rebuild the database from the lake, without network."""
    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.ledger import Ledger  # noqa: PLC0415
    from voxlake.warehouse import Warehouse  # noqa: PLC0415

    lake = Lake(settings.data_dir)
    if not settings.data_dir.is_dir():
        raise SettingsError(f"There is no data directory {settings.data_dir}: run 'voxlake export' first.")
    with lake.locked(holder=_holder()):
        ledger, warehouse = Ledger(lake), Warehouse(lake)
        warehouse.publish(list(ledger), settle=settings.settle, give_up=settings.give_up, anew=True)
        ledger.save()
    click.echo(f"published {sum(part.row_count for part in ledger):,} rows: {warehouse.path}", err=True)


@main.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@data_options
@with_settings
def status(settings: Settings, form: str) -> None:
    """Show which days are final, open, missing or unverified."""
    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.show import as_json, status_text  # noqa: PLC0415
    from voxlake.status import status as look  # noqa: PLC0415

    found = look(Lake(settings.data_dir), today=now().date(), settle=settings.settle, give_up=settings.give_up)
    click.echo(as_json(found) if form == "json" else status_text(found, settings.data_dir))


@main.command()
@click.argument("name", required=False)
@click.option("--format", "form", type=click.Choice(FORMATS), default="table")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N rows only.")
@data_options
@with_settings
def report(settings: Settings, name: str | None, form: str, limit: int | None) -> None:
    """Answer a question that many have; without a name, list the questions."""
    from voxlake.statements import promise, statements  # noqa: PLC0415

    reports = statements("reports")
    if name is None:
        width = max(map(len, reports))
        for known, statement in reports.items():
            click.echo(f"{known:<{width}}  {promise(statement)}")
        return
    if name not in reports:
        raise SettingsError(f"There is no report {name!r}: use {', '.join(reports)}.")
    _answer(settings, reports[name], form, limit)


@main.command()
@click.argument("sql")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N rows only.")
@data_options
@with_settings
def query(settings: Settings, sql: str, form: str, limit: int | None) -> None:
    """Ask the database in SQL, read-only."""
    _answer(settings, sql, form, limit)


def _answer(settings: Settings, sql: str, form: str, limit: int | None) -> None:
    import duckdb  # noqa: PLC0415

    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.show import show  # noqa: PLC0415
    from voxlake.warehouse import Warehouse  # noqa: PLC0415

    with Warehouse(Lake(settings.data_dir)).reader() as connection:
        try:
            result = connection.execute(sql)
            names = [column[0] for column in result.description or []]
            rows = result.fetchmany(limit) if limit else result.fetchall()
        except duckdb.Error as error:
            raise SettingsError(
                f"The query failed ({' '.join(str(error).split())}): mend it and run it again."
            ) from error
    click.echo(show(names, rows, form), nl=False)


@main.group(cls=Group)
def sandbox() -> None:
    """Run a local look-alike of the Voximplant API."""


def sandbox_options(command: F) -> F:
    """Add what shapes the sandbox's world and its temper."""
    for option in (
        click.option(
            "--switch",
            "switches",
            multiple=True,
            metavar="NAME=VALUE",
            help="How the unknown is; see docs/sandbox.md.",
        ),
        click.option("--seed", type=int, default=1, show_default=True),
        click.option("--days", type=click.IntRange(1, 36_500), default=60, show_default=True, help="Days up to today."),
        click.option(
            "--rows",
            type=click.IntRange(min=0),
            default=100_000,
            show_default=True,
            help="Messages in both histories.",
        ),
        click.option("--port", type=click.IntRange(0, 65_535), default=0, help="[a free one]"),
    ):
        command = option(command)
    return command


@sandbox.command()
@sandbox_options
def serve(port: int, rows: int, days: int, seed: int, switches: tuple[str, ...]) -> None:
    """Serve until interrupted; print the URL and a ready credentials file."""
    import signal  # noqa: PLC0415
    import tempfile  # noqa: PLC0415
    import threading  # noqa: PLC0415

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with (
        tempfile.TemporaryDirectory(prefix="voxlake-sandbox-") as folder,
        _sandbox(port, rows, days, seed, switches, Path(folder)) as server,
    ):
        click.echo(f"VOXIMPLANT_API_URL={server.url}")
        click.echo(f"VOXIMPLANT_CREDENTIALS={server.credentials}")
        sys.stdout.flush()
        click.echo("Serving until Ctrl-C.", err=True)
        stop.wait()


@sandbox.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@sandbox_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def sandbox_run(
    port: int, rows: int, days: int, seed: int, switches: tuple[str, ...], command: tuple[str, ...]
) -> None:
    """Run COMMAND against a sandbox of its own, and end with its exit code."""
    import subprocess  # noqa: PLC0415
    import tempfile  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory(prefix="voxlake-sandbox-") as folder,
        _sandbox(port, rows, days, seed, switches, Path(folder)) as server,
    ):
        environ = {k: v for k, v in os.environ.items() if k not in ("VOXIMPLANT_ACCOUNT_ID", "VOXIMPLANT_API_KEY")}
        environ |= {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
        try:
            code = subprocess.run(command, env=environ, check=False).returncode
        except OSError as error:
            raise SettingsError(
                f"{command[0]!r} cannot be started ({error.strerror}): give a command after --."
            ) from error
    sys.exit(code if code >= 0 else 128 - code)


def _sandbox(port: int, rows: int, days: int, seed: int, switches: Sequence[str], folder: Path) -> Any:
    from voxlake.sandbox.server import Sandbox  # noqa: PLC0415
    from voxlake.sandbox.switches import Switches  # noqa: PLC0415
    from voxlake.sandbox.world import World  # noqa: PLC0415

    try:
        chosen = Switches.parse(switches)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    world = World(rows=rows, days=days, seed=seed, until=now().date())
    try:
        return Sandbox(world, port=port, switches=chosen, directory=folder)
    except OSError as error:
        raise SettingsError(f"Port {port} cannot be used ({error.strerror}): choose another with --port.") from error
