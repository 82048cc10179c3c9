"""`voxlake sandbox`: a look-alike of the API on this machine."""

from __future__ import annotations

import functools
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxlake.cli.group import Group
from voxlake.cli.options import the_clock
from voxlake.cli.output import give, say
from voxlake.cli.sandbox_admin import TOKEN_VARIABLE, advance, inbound
from voxlake.cli.signals import EARLY, requested, stoppable
from voxlake.errors import SettingsError
from voxlake.files import temporary
from voxlake.sandbox import (
    SENDERS,
    AccountConfig,
    Behaviour,
    Faults,
    Sandbox,
    World,
    read_balance,
    read_phones,
    read_roles,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@click.group(cls=Group)
def sandbox() -> None:
    """Run a local imitation of the Voximplant API."""


def sandbox_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a sandbox; the command gets a function that builds it in a folder."""

    @functools.wraps(command)
    def shaped(**flags: Any) -> Any:
        chosen = {name: flags.pop(name) for name in _NAMES}
        return command(build=functools.partial(_sandbox, chosen), keep=flags.pop("directory"), **flags)

    shaped_command: Callable[..., Any] = shaped
    for option in reversed(_OPTIONS):
        shaped_command = option(shaped_command)
    return shaped_command


STOP = (signal.SIGINT, signal.SIGTERM)
_WORLD = (
    click.option("--port", type=click.IntRange(0, 65_535), default=0, help="[a free one]"),
    click.option(
        "--rows", type=click.IntRange(0, 10**9), default=100_000, show_default=True, help="Messages in both histories."
    ),
    click.option("--days", type=click.IntRange(1, 36_500), default=60, show_default=True, help="Days up to today."),
    click.option("--seed", type=int, default=1, show_default=True),
    click.option(
        "--faults",
        default="",
        metavar="PLAN",
        help="Failures to rehearse, like 'reset=0.1,http-429=0.05,first=500'; see docs/sandbox.md.",
    ),
    click.option(
        "--switch", "switches", multiple=True, metavar="NAME=VALUE", help="Undocumented behaviour; see docs/sandbox.md."
    ),
)
_ACCOUNT = (
    click.option(
        "--role",
        "roles",
        multiple=True,
        metavar="ROLE",
        help="A role of the service account, like Supervisor. [Owner and CallsSMS]",
    ),
    click.option(
        "--phone",
        "phones",
        multiple=True,
        metavar="NUMBER=STATE",
        help="A rented number: enabled, disabled or unsupported. [five of them]",
    ),
    click.option(
        "--sender", "senders", multiple=True, metavar="ID", help="A SenderID that is installed. [six of them]"
    ),
    click.option("--balance", default="1000", show_default=True, metavar="AMOUNT", help="The balance of the account."),
    click.option(
        "--delivery",
        type=click.FloatRange(min=0),
        default=30,
        show_default=True,
        metavar="SECONDS",
        help="Time from sending a message to its final status.",
    ),
    click.option(
        "--speed",
        type=click.FloatRange(min=0, min_open=True),
        default=1,
        show_default=True,
        metavar="N",
        help="Speed of the delivery clock relative to the real one.",
    ),
    click.option("--callback-url", metavar="URL", help="Where inbound messages are posted."),
    click.option("--callback-salt", default="", metavar="TEXT", help="The salt in the hash of callbacks."),
    click.option("--store-inbound", is_flag=True, help="Store the texts of inbound messages in the history."),
)
_PLACE = (
    click.option(
        "--state", type=click.Path(path_type=Path), metavar="FILE", help="Keep messages and settings across restarts."
    ),
    click.option("--tls", is_flag=True, help="Serve https with a certificate of its own."),
    click.option(
        "--directory",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Where credentials and certificate are kept for the next start. [a folder that is removed at the end]",
    ),
)
_OPTIONS = (*_WORLD, *_ACCOUNT, *_PLACE)
_NAMES = (
    "port", "rows", "days", "seed", "faults", "switches", "roles", "phones", "senders", "balance", "delivery", "speed",
    "callback_url", "callback_salt", "store_inbound", "state", "tls",
)  # fmt: skip


@sandbox.command()
@sandbox_options
def serve(build: Callable[[Path], Sandbox], keep: Path | None) -> None:
    """Serve until interrupted; print the URL and a ready credentials file as lines to paste into a shell."""
    # Blocked before the first thread starts, and so in all of them: a signal waits until it is asked for.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    try:
        with _folder(keep) as folder, build(folder) as server:
            for name, value in _variables(server).items():
                give(f"export {name}={shlex.quote(value)}")
            say("Serving until Ctrl-C.")
            signal.sigwait(STOP)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@sandbox.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
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


def _variables(server: Sandbox) -> dict[str, str]:
    """Return what a client needs, as environment variables of voxlake and of the vendor's SDKs."""
    variables = {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    variables[TOKEN_VARIABLE] = server.token
    if server.ca is not None:
        variables |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(server.ca))
    return variables


def _sandbox(chosen: dict[str, Any], folder: Path) -> Sandbox:
    clock = the_clock()
    try:
        config = AccountConfig(
            roles=read_roles(chosen["roles"]),
            phones=read_phones(chosen["phones"]),
            senders=chosen["senders"] or SENDERS,
            balance=read_balance(chosen["balance"]),
            delivery=chosen["delivery"],
            speed=chosen["speed"],
            callback_url=chosen["callback_url"],
            callback_salt=chosen["callback_salt"],
            store_inbound=chosen["store_inbound"],
        )
        behaviour, faults = Behaviour.parse(chosen["switches"]), Faults.parse(chosen["faults"])
        world = World(rows=chosen["rows"], days=chosen["days"], seed=chosen["seed"], until=clock.now().date())
        return Sandbox(
            world,
            port=chosen["port"],
            behaviour=behaviour,
            faults=faults,
            directory=folder,
            now=clock.time,
            config=config,
            state=chosen["state"],
            tls=chosen["tls"],
        )
    except ValueError as error:
        raise SettingsError(str(error)) from error
    except OSError as error:
        if error.filename is not None:
            raise SettingsError(f"{error.filename} cannot be used ({error.strerror}): name another file.") from error
        raise SettingsError(
            f"Port {chosen['port']} cannot be used ({error.strerror}): choose another with --port."
        ) from error


sandbox.add_command(inbound)
sandbox.add_command(advance)
