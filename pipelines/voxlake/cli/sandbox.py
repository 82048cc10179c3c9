"""`voxlake sandbox`: a look-alike of the API on this machine."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxlake.cli.options import Group, now
from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlake.sandbox.server import Sandbox


@click.group(cls=Group)
def sandbox() -> None:
    """Run a local look-alike of the Voximplant API."""


def sandbox_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what shapes the sandbox's world and its temper; the command gets a function that builds it in a folder."""

    @functools.wraps(command)
    def shaped(port: int, rows: int, days: int, seed: int, faults: str, switches: Sequence[str], **others: Any) -> Any:
        return command(functools.partial(_sandbox, port, rows, days, seed, faults, switches), **others)

    shaped_command: Callable[..., Any] = shaped
    for option in (
        click.option(
            "--switch",
            "switches",
            multiple=True,
            metavar="NAME=VALUE",
            help="How the unknown is; see docs/sandbox.md.",
        ),
        click.option(
            "--faults",
            default="",
            metavar="PLAN",
            help="Bad luck to rehearse, like 'reset=0.1,http-429=0.05,first=500'; see docs/sandbox.md.",
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
        shaped_command = option(shaped_command)
    return shaped_command


@sandbox.command()
@sandbox_options
def serve(build: Callable[[Path], Sandbox]) -> None:
    """Serve until interrupted; print the URL and a ready credentials file."""
    import signal  # noqa: PLC0415
    import tempfile  # noqa: PLC0415
    import threading  # noqa: PLC0415

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with (
        tempfile.TemporaryDirectory(prefix="voxlake-sandbox-") as folder,
        build(Path(folder)) as server,
    ):
        click.echo(f"VOXIMPLANT_API_URL={server.url}")
        click.echo(f"VOXIMPLANT_CREDENTIALS={server.credentials}")
        sys.stdout.flush()
        click.echo("Serving until Ctrl-C.", err=True)
        stop.wait()


@sandbox.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@sandbox_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def sandbox_run(build: Callable[[Path], Sandbox], command: tuple[str, ...]) -> None:
    """Run COMMAND against a sandbox of its own, and end with its exit code."""
    import subprocess  # noqa: PLC0415
    import tempfile  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory(prefix="voxlake-sandbox-") as folder,
        build(Path(folder)) as server,
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


def _sandbox(port: int, rows: int, days: int, seed: int, faults: str, switches: Sequence[str], folder: Path) -> Sandbox:
    from voxlake.sandbox.faults import Faults  # noqa: PLC0415
    from voxlake.sandbox.server import Sandbox  # noqa: PLC0415
    from voxlake.sandbox.switches import Switches  # noqa: PLC0415
    from voxlake.sandbox.world import World  # noqa: PLC0415

    try:
        chosen, plan = Switches.parse(switches), Faults.parse(faults)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    world = World(rows=rows, days=days, seed=seed, until=now().date())
    try:
        return Sandbox(world, port=port, switches=chosen, faults=plan, directory=folder)
    except OSError as error:
        raise SettingsError(f"Port {port} cannot be used ({error.strerror}): choose another with --port.") from error
