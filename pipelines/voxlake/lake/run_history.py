"""The history of runs, `runs.jsonl`: a line is appended when a run begins and when it ends, and nothing is rewritten.

The lines of a run have its random `run` in common, and a later one adds to what an earlier one says. So a crash costs
no more than the line in the making, no lock is needed to write one, and a run that another one keeps out of the data
directory is recorded, too. A run lives as long as it holds a file in `locks/`: what has not ended, and holds none, was
killed. After `MOST` runs the file becomes `runs.1.jsonl`, in place of the one before.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Final

from voxlake.errors import VoxlakeError
from voxlake.files import make
from voxlake.locks import held_by_file, is_held, is_locked_by_file, waiting
from voxlake.remote import bring_runs, remote_of, share_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.lake.layout import Layout

MOST: Final = 1000
"""How many runs are remembered."""

KILLED: Final = "it was killed, or its machine stopped: it did not say how it ended"
RUNNING: Final = "it is still running"

_NO_END: Final = {"exit_code": None, "finished_at": None, "seconds": None}
_LAST_LINE: Final = b'"ended": true'
_LIVES: Final = "record-"
"""How the files in `locks/` begin that runs hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """What is known of one run; times are UTC.

    `account_id` and `account`, its name or number, are None where it worked on several accounts, or on all there are.
    `days` are those of all streams. `rows_new`, `rows_changed` and `rows_gone` are against the files before, and
    `least_requests` how many would have sufficed. Where `exit_code` is None, the run was killed or still lives, and
    `problem` says which; else `problem` is a short sentence where something was wrong. What is None is not known.
    """

    started_at: datetime
    finished_at: datetime | None = None
    command: str
    account_id: int | None = None
    account: str | None = None
    accounts: int | None = None
    days: int | None = None
    rows_new: int | None = None
    rows_changed: int | None = None
    rows_gone: int | None = None
    requests: int | None = None
    least_requests: int | None = None
    retries: int | None = None
    seconds: float | None = None
    exit_code: int | None = None
    problem: str | None = None
    version: str

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`, times in ISO 8601."""
        return {name: _text(value) if isinstance(value, datetime) else value for name, value in asdict(self).items()}


class LivingRun:
    """A run that is being recorded. What cannot be written is left out: no run fails for its history."""

    def __init__(self, history: RunHistory) -> None:
        self._history = history
        self._run = secrets.token_hex(8)
        self._file: IO[bytes] | None = None
        self._is_begun = False
        self._written: dict[str, Any] = {}

    def begin(self, **known: Any) -> None:
        """Record that the run has begun, once; nothing where there is no data directory yet."""
        if not self._is_begun and self._history.has_place():
            self._is_begun = True
            self._file = self._history.begin(self._run)
            self.note(**known)
            self._history.share()

    def note(self, **known: Any) -> None:
        """Record what is known by now, by the names of `RecordedRun`; nothing where the run was not begun."""
        news = {name: value for name, value in known.items() if (name, value) not in self._written.items()}
        if self._is_begun and news:
            self._history.append({"run": self._run, **news})
            self._written |= news

    def end(self, **known: Any) -> None:
        """Record how the run has ended."""
        self.begin()
        self.note(**known, ended=True)
        self._history.share()
        if self._file is not None:
            self._history.leave(self._run, self._file)


class RunHistory:
    """The runs of a data directory, the last `MOST` of them at least."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def runs(self, *, limit: int = MOST) -> list[RecordedRun]:
        """Return the last runs, the oldest first; none where there are none, or the history cannot be read."""
        return [run for run, _ in self._known(settled=False)][-limit:]

    def settled(self) -> list[RecordedRun]:
        """Return those of the last runs of which it is known how they end, also one that has only to publish."""
        return [run for run, is_settled in self._known(settled=True) if is_settled][-MOST:]

    def share(self) -> None:
        """Put what is new in the store where the data directory is in one, and bring what others have put there."""
        if (remote := remote_of(self._layout.root)) is not None:
            with suppress(OSError, VoxlakeError), waiting(self._layout.locks / "runs"):
                share_runs(remote, (self._layout.earlier_runs, self._layout.runs))

    def has_place(self) -> bool:
        """Return whether there is a data directory to record a run in: none is made for that."""
        layout = self._layout
        with suppress(OSError):
            return layout.lake.is_dir() or layout.index.exists() or layout.lock.exists()
        return False

    def begin(self, run: str) -> IO[bytes] | None:
        """Make room for one more run, record those that were killed, and return the file that this one holds."""
        layout = self._layout
        try:
            with waiting(layout.locks / "runs"):
                self._rotate()
                self._record_killed()
                return _hold(layout.locks / f"{_LIVES}{run}")
        except (OSError, VoxlakeError):
            return None

    def leave(self, run: str, file: IO[bytes]) -> None:
        """Give up the file that says that a run lives."""
        with suppress(OSError):
            (self._layout.locks / f"{_LIVES}{run}").unlink(missing_ok=True)
            file.close()

    def append(self, line: dict[str, Any]) -> None:
        """Append a line in one write, after the end of whatever a crash has left of an earlier one."""
        values = {name: _text(value) if isinstance(value, datetime) else value for name, value in line.items()}
        data = f"\n{json.dumps(values, ensure_ascii=False)}\n".encode(errors="backslashreplace")
        with suppress(OSError):
            opened = os.open(self._layout.runs, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                os.write(opened, data)
                os.fsync(opened)
            finally:
                os.close(opened)

    def _known(self, *, settled: bool) -> list[tuple[RecordedRun, bool]]:
        """Return all runs in the order in which they began, each with whether it is known how it ends.

        With `settled`, how it is to end counts as how it ended.
        """
        merged: dict[str, dict[str, Any]] = {}
        remote = remote_of(self._layout.root)
        if remote is not None:
            with suppress(OSError, VoxlakeError), waiting(self._layout.locks / "runs"):
                bring_runs(remote, (self._layout.earlier_runs, self._layout.runs))
        for line in self._lines():
            merged.setdefault(line["run"], {}).update(line)
        living = set() if all(its.get("ended") for its in merged.values()) else self._living()
        found = []
        for run, its in merged.items():
            is_known = bool(its.get("ended"))
            lives = not is_known and (run in living or (remote is not None and remote.is_held_elsewhere()))
            if settled and lives:
                is_known = its.get("exit_code") is not None
            if not is_known:
                its |= {**_NO_END, "problem": RUNNING if lives else KILLED}
            with suppress(ValueError, TypeError, LookupError):
                found.append((_recorded(its), is_known or not lives))
        return sorted(found, key=lambda one: one[0].started_at)

    def _lines(self) -> Iterator[dict[str, Any]]:
        for path in (self._layout.earlier_runs, self._layout.runs):
            with suppress(OSError):
                for line in path.read_bytes().splitlines():
                    with suppress(ValueError, RecursionError):
                        said = json.loads(line) if line else None
                        if isinstance(said, dict) and isinstance(said.get("run"), str):
                            yield said

    def _living(self) -> set[str]:
        """Return the runs that live."""
        layout = self._layout
        if is_locked_by_file(layout.root):
            # Nobody can see who lives; whoever holds the directory does.
            return {path.name.removeprefix(_LIVES) for path in self._held()} if held_by_file(layout.lock) else set()
        return {path.name.removeprefix(_LIVES) for path in self._held() if is_held(path)}

    def _held(self) -> list[Path]:
        with suppress(OSError):
            return [path for path in self._layout.locks.iterdir() if path.name.startswith(_LIVES)]
        return []

    def _record_killed(self) -> None:
        living = self._living()
        for path in self._held():
            run = path.name.removeprefix(_LIVES)
            if run not in living:
                self.append({"run": run, **_NO_END, "problem": KILLED, "ended": True})
                path.unlink(missing_ok=True)

    def _rotate(self) -> None:
        """Begin a new file where this one has enough runs, so that there are always at least `MOST` in both."""
        path = self._layout.runs
        with suppress(FileNotFoundError):
            if path.read_bytes().count(_LAST_LINE) >= MOST:
                path.replace(self._layout.earlier_runs)


def _hold(path: Path) -> IO[bytes]:
    """Make a file, and hold its lock where there are any: whoever looks whether it is held does so for a moment."""
    make(path.parent)
    file = path.open("xb", buffering=0)
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _recorded(its: dict[str, Any]) -> RecordedRun:
    """Return a run from what its lines say; raises ValueError, TypeError or LookupError where that is not of ours."""
    values: dict[str, Any] = {each.name: its.get(each.name) for each in fields(RecordedRun)}
    values["started_at"] = datetime.fromisoformat(its["started_at"]).astimezone(UTC)
    values["command"], values["version"] = str(its["command"]), str(its["version"])
    if values["finished_at"] is not None:
        values["finished_at"] = datetime.fromisoformat(values["finished_at"]).astimezone(UTC)
    for name in ("account", "problem"):
        values[name] = None if values[name] is None else str(values[name])
    for name in _COUNTS:
        values[name] = None if values[name] is None else int(values[name])
    values["seconds"] = None if values["seconds"] is None else float(values["seconds"])
    return RecordedRun(**values)


_COUNTS: Final = (
    "account_id", "accounts", "days", "rows_new", "rows_changed", "rows_gone", "requests", "least_requests", "retries",
    "exit_code",
)  # fmt: skip
