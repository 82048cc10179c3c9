"""`voxlake sandbox`: a look-alike of the API on this machine."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voxlake.cli.examples import examples
from voxlake.cli.group import Group
from voxlake.cli.output import give, say
from voxlake.cli.sandbox_admin import TOKEN_VARIABLE, accounts, advance, condition, inbound
from voxlake.cli.sandbox_options import sandbox_options
from voxlake.cli.signals import EARLY, requested, stoppable
from voxlake.errors import SettingsError
from voxlake.files import temporary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.sandbox import Sandbox


@click.group(
    cls=Group,
    epilog=examples(
        "voxlake sandbox run -- voxlake export",
        'eval "$(voxlake sandbox serve)"',
    ),
)
def sandbox() -> None:
    """Run a local imitation of the Voximplant API."""


STOP = (signal.SIGINT, signal.SIGTERM)
_INTRODUCED = 10


@sandbox.command(
    epilog=examples(
        "voxlake sandbox serve --rows 1000 --days 10 --port 8080",
        "voxlake sandbox serve --accounts 20 --switch order=desc --faults http-503=0.1",
    )
)
@sandbox_options
def serve(build: Callable[[Path], Sandbox], keep: Path | None) -> None:
    """Serve until interrupted; print the URL and a ready credentials file as lines to paste into a shell."""
    # Blocked before the first thread starts, and so in all of them: a signal waits until it is asked for.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    try:
        with _folder(keep) as folder, build(folder) as server:
            for name, value in _variables(server).items():
                give(f"export {name}={shlex.quote(value)}")
            _introduce(server)
            say("Serving until Ctrl-C.")
            signal.sigwait(STOP)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@sandbox.command(
    "run",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=examples(
        "voxlake sandbox run -- voxlake export",
        "voxlake sandbox run --rows 500 --days 5 -- voxlake doctor",
    ),
)
@sandbox_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def sandbox_run(build: Callable[[Path], Sandbox], keep: Path | None, command: tuple[str, ...]) -> None:
    """Run COMMAND against a sandbox of its own, and end with its exit code."""
    started: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        if not started:
            early.append(number)
        # Ctrl-C reaches the command by itself.
        elif number == signal.SIGTERM or sys.stdin is None or not sys.stdin.isatty():
            started[0].send_signal(number)

    with stoppable(EARLY), _folder(keep) as folder, build(folder) as server:
        environ = {k: v for k, v in os.environ.items() if k not in ("VOXIMPLANT_ACCOUNT_ID", "VOXIMPLANT_API_KEY")}
        environ |= _variables(server)
        try:
            for number in STOP:
                signal.signal(number, pass_on)
            if (stopped := requested()) is not None:
                # Its exception was lost on the way, see `voxlake.cli.signals`.
                raise stopped
            process = subprocess.Popen(command, env=environ)
            started.append(process)
            try:
                for missed in early:
                    process.send_signal(missed)
                code = process.wait()
            except BaseException:
                process.terminate()
                raise
        except OSError as error:
            raise SettingsError(
                f"{command[0]!r} cannot be started ({error.strerror}): give a command after --."
            ) from error
    sys.exit(code if code >= 0 else 128 - code)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        # Not by mkdtemp: what it has made would stay where a signal comes before it is known to pass.
        try:
            place = tempfile.gettempdir()
        except FileNotFoundError:
            raise SettingsError(
                "There is no folder for temporary files: set TMPDIR to one that can be written, or give --directory."
            ) from None
        with temporary(Path(place, f"voxlake-sandbox-{secrets.token_hex(8)}")) as folder:
            folder.mkdir(mode=0o700)
            yield folder
        return
    try:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{keep} cannot be made ({error.strerror}): give another --directory.") from error
    yield keep.resolve()


def _introduce(server: Sandbox) -> None:
    """Name the child accounts, where they are few."""
    children = list(server.children.values())
    for child in children[:_INTRODUCED]:
        profile = child.profile
        known = ", ".join(filter(None, (profile.name, profile.currency, profile.time_zone)))
        say(f"Child account {child.account_id}: {known}.")
    if len(children) > _INTRODUCED:
        say(f"{len(children) - _INTRODUCED} more child accounts: 'voxlake sandbox accounts' lists them.")


def _variables(server: Sandbox) -> dict[str, str]:
    """Return what a client needs, as environment variables of voxlake and of the vendor's SDKs."""
    variables = {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    variables[TOKEN_VARIABLE] = server.token
    if server.ca is not None:
        variables |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(server.ca))
    return variables


sandbox.add_command(inbound)
sandbox.add_command(advance)
sandbox.add_command(accounts)
sandbox.add_command(condition)
