"""The nightly run for systemd and for cron, as texts: pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

MARK: Final = "# Written by 'voxlake install-timer'. Changes belong into 'systemctl edit', which keeps them."
_HOMES: Final = ("/home", "/root", "/run/user")
_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108 - names of places
_MAILED: Final = 40
"""Lines of the log that cron mails after a night that failed."""

_UNIT: Final = """\
[Unit]
Description=Export the SMS history (voxlake)
Wants=network-online.target
After=network-online.target
# Exit code 75 means: try again later. That is done every 20 minutes, twelve times.
StartLimitIntervalSec=6h
StartLimitBurst=12

[Service]
Type=oneshot
{user}WorkingDirectory={folder}
ExecStart={command}
Restart=on-failure
RestartSec=20min
RestartPreventExitStatus=1 2 3 4 130 143
TimeoutStartSec=20h
Nice=5
UMask=0077

# Nothing but the data can be written, and nothing else be gained.
NoNewPrivileges=true
ProtectSystem=strict
ProtectHome={home}
ReadWritePaths={writable}
PrivateTmp={private_tmp}
LockPersonality=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""
_SYSTEM_ONLY: Final = """\
CapabilityBoundingSet=
PrivateDevices=true
ProtectClock=true
ProtectControlGroups=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectProc=invisible
"""
_TIMER: Final = """\
[Unit]
Description=Export the SMS history every night (voxlake)

[Timer]
OnCalendar=*-*-* {at}:00
RandomizedDelaySec=10min
# A night that the machine slept through is made up for.
Persistent=true

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True, slots=True)
class NightlyRun:
    """What is run every night: the words of the command, in `folder`, at `at` (HH:MM) by the machine's clock.

    `writable` are the folders that it writes to; `user` is who runs it, None for whoever the service manager is.
    """

    command: Sequence[str]
    folder: Path
    writable: Sequence[Path]
    at: str
    user: str | None = None

    def __post_init__(self) -> None:
        for text in (*self.command, str(self.folder), *map(str, self.writable)):
            if not text.isprintable():
                raise SettingsError(f"The path {text!r} has a character that neither cron nor systemd can be given.")


def service_unit(run: NightlyRun, *, for_user: bool) -> str:
    """Return the service; one `for_user` leaves out what only the system's service manager can do."""
    paths = [Path(run.command[0]), run.folder, *run.writable]
    program, *arguments = run.command
    unit = _UNIT.format(
        user="" if for_user or run.user is None else f"User={run.user}\n",
        folder=_specified(str(run.folder)),
        command=" ".join([_word(program), *(_word(argument).replace("$", "$$") for argument in arguments)]),
        home="read-only" if _below(paths, _HOMES) else "true",
        writable=" ".join(_word(str(path)) for path in run.writable),
        # A private one would hide data that lie there.
        private_tmp="false" if _below(paths, _TEMPORARY) else "true",
    )
    return f"{MARK}\n{unit}{'' if for_user else _SYSTEM_ONLY}"


def timer_unit(run: NightlyRun) -> str:
    """Return the timer of a service."""
    return f"{MARK}\n{_TIMER.format(at=run.at)}"


def cron_line(run: NightlyRun, log: Path) -> str:
    """Return the line for a crontab: every night is appended to a log, and cron mails the end of one that failed."""
    hour, minute = run.at.split(":")
    folder, written = (shlex.quote(str(path)) for path in (run.folder, log))
    body = (
        f"cd {folder} && {{ date -u; {shlex.join(run.command)}; }} >>{written} 2>&1"
        f' || {{ echo "voxlake: exit code $?"; tail -n {_MAILED} {written}; }}'
    )
    # What cron would take for the end of the line.
    return f"{int(minute)} {int(hour)} * * *  {body}".replace("%", "\\%")


def _below(paths: Sequence[Path], folders: Sequence[str]) -> bool:
    return any(path.is_relative_to(folder) for path in paths for folder in folders)


def _specified(text: str) -> str:
    return text.replace("%", "%%")


def _word(text: str) -> str:
    """Return a text as one word of a unit file."""
    escaped = _specified(text.replace("\\", "\\\\").replace('"', '\\"'))
    return escaped if text and not set(text) & set(" \t'\"\\;") else f'"{escaped}"'
