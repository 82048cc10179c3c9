"""`voxlake install-timer`: a nightly run by systemd, or the line for cron."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from voxlake.cli.examples import examples
from voxlake.cli.output import give, say
from voxlake.cli.program import program
from voxlake.cli.settings import settings_options
from voxlake.cli.types import origin
from voxlake.cli.units import MARK, NightlyRun, cron_line, service_unit, timer_unit
from voxlake.errors import SettingsError, StorageFull
from voxlake.files import beside, make, put, target_of
from voxlake.places import explain, usable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlake.cli.settings import Settings

_SYSTEM: Final = Path("/etc/systemd/system")
_BOOTED: Final = Path("/run/systemd/system")
_LINKED: Final = ("lake", "tmp", "warehouse", "rejects", "raw")
_HANDED_ON: Final = ("data_dir", "work_dir", "credentials", "api_url")


def _name(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if not value.replace("-", "").replace("_", "").isalnum() or not value.isascii():
        raise SettingsError(f"--name is {value!r}: use letters, digits, - and _.")
    return value


@click.command(
    "install-timer",
    epilog=examples(
        "voxlake install-timer --user",
        "voxlake install-timer --config /srv/sms/voxlake.toml --run-as voxlake --nightly-at 02:30",
        "voxlake install-timer --print",
        "voxlake install-timer --cron",
    ),
)
@click.option("--user", is_flag=True, help="Install it for yourself, without root.")
@click.option("--print", "printing", is_flag=True, help="Write nothing: print service and timer.")
@click.option("--cron", is_flag=True, help="Write nothing: print the line for 'crontab -e'.")
@click.option("--run-as", metavar="USER", help="Who runs it, in place of root. [the owner of the data directory]")
@click.option("--name", default="voxlake", show_default=True, callback=_name, help="What service and timer are called.")
@settings_options("data_dir", "credentials", "api_url", "nightly_at")
def install_timer(settings: Settings, run_as: str | None, name: str, *, user: bool, printing: bool, cron: bool) -> None:
    """Export every night: install a systemd service and its timer, or print them, or the line for cron.

    The service may write to the data directory and nowhere else, and is tried again while the API cannot be reached. It
    needs no variables: settings come from the file, and what was given as a flag or a variable now is written into it.
    """
    folder = settings.file.absolute().parent
    data = _data_dir(settings, folder)
    run = NightlyRun(
        command=_command(settings, folder, data),
        folder=folder,
        writable=_writable(data),
        at=settings.nightly_at,
        user=None if user else _who(run_as, data),
    )
    _check_credentials(settings, writing=not (printing or cron))
    if cron:
        give(cron_line(run, folder / f"{name}.log"))
        return
    place = Path.home() / ".config" / "systemd" / "user" if user else _SYSTEM
    units = {
        place / f"{name}.service": service_unit(run, for_user=user),
        place / f"{name}.timer": timer_unit(run),
    }
    if printing:
        give("\n".join(f"# {path}\n{text}" for path, text in units.items()), nl=False)
        return
    _install(units, data)
    _start(f"{name}.timer", user=user)


def _data_dir(settings: Settings, folder: Path) -> Path:
    """Return the data directory: where a file names it, it begins in the folder of the file, as the service does."""
    source = click.get_current_context().get_parameter_source("data_dir")
    here = source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    data = settings.data_dir
    return usable(data.absolute() if here or data.is_absolute() else folder / data)


def _command(settings: Settings, folder: Path, data: Path) -> list[str]:
    """Return the words of the nightly command; what is not in the file stands there as flags."""
    ctx = click.get_current_context()
    words = [*program(), "export"]
    if settings.file.exists():
        words += ["--config", str(folder / settings.file.name)]
    values = {
        "data_dir": settings.address or data,
        "work_dir": settings.work_dir,
        "credentials": settings.credentials,
        "api_url": settings.api_url,
    }
    for name in _HANDED_ON:
        source = ctx.get_parameter_source(name)
        if source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT) and values[name] is not None:
            value = values[name]
            words += [f"--{name.replace('_', '-')}", str(value.absolute() if isinstance(value, Path) else value)]
    return words


def _writable(data: Path) -> list[Path]:
    """Return the data directory, and where links in it lead to."""
    found = [data]
    for name in _LINKED:
        target = (data / name).resolve()
        if target.exists() and not target.is_relative_to(data.resolve()):
            found.append(target)
    return found


def _who(run_as: str | None, data: Path) -> str | None:
    """Return who is to run the service; None for root.

    Raises:
        SettingsError: there is no such user.

    """
    if run_as is not None:
        try:
            return pwd.getpwnam(run_as).pw_name
        except KeyError:
            raise SettingsError(f"There is no user {run_as!r}: make one with 'useradd --system {run_as}'.") from None
    there = next(path for path in (data, *data.parents) if path.exists())
    owner = there.stat().st_uid
    if owner == 0:
        return None
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


def _check_credentials(settings: Settings, *, writing: bool) -> None:
    """Warn that a nightly run would have no credentials; refuse to install one.

    Raises:
        SettingsError: that, where it is to be installed.

    """
    if settings.sections or settings.credentials is not None:
        return
    if settings.api_key is not None:
        ctx = click.get_current_context()
        variable = next(origin(param, ctx) for param in ctx.command.params if param.name == "api_key")
        problem = f"{variable} reaches neither cron nor systemd: 'voxlake init' stores the key in a file."
    else:
        problem = "The nightly run would have no credentials: name them in voxlake.toml, with 'voxlake init'."
    if writing:
        raise SettingsError(problem)
    say(f"voxlake: {problem}")


def _install(units: Mapping[Path, str], data: Path) -> None:
    """Make the data directory, and write the unit files.

    Raises:
        SettingsError: a file is in the way that is not ours.
        StorageFull: they cannot be written.

    """
    for path in units:
        if path.exists() and not path.read_text(errors="replace").startswith(MARK):
            raise SettingsError(f"{path} was not written by voxlake: move it away, or choose another --name.")
    try:
        if not data.exists():
            make(data)
            data.chmod(0o700)
        for path, text in units.items():
            make(path.parent)
            with beside(path) as aside:
                aside.write_text(text)
                aside.chmod(0o644)
                put(aside, target_of(path))
            say(f"{path} is written.")
    except PermissionError as error:
        raise StorageFull(
            f"{error.filename} cannot be written ({error.strerror}): run as root, or install for yourself with --user."
        ) from None
    except OSError as error:
        raise explain(error, data) or error from error


def _start(timer: str, *, user: bool) -> None:
    """Start the timer, where systemd is at work; else say how."""
    systemctl = ["systemctl", *(["--user"] if user else [])]
    commands = [[*systemctl, "daemon-reload"], [*systemctl, "enable", "--now", timer]]
    done: Callable[[list[str]], bool] = lambda words: subprocess.run(words, check=False).returncode == 0  # noqa: E731
    if _BOOTED.is_dir() and shutil.which("systemctl") and all(done(words) for words in commands):
        say(f"{timer} is started: 'systemctl {'--user ' if user else ''}list-timers {timer}' shows when it comes.")
    else:
        say("systemd was not reached here. Start the timer with:")
        give("\n".join(" ".join(words) for words in commands))
    if user:
        say(f"So that it runs while you are logged out: loginctl enable-linger {pwd.getpwuid(os.getuid()).pw_name}")
