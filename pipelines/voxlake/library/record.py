"""Record runs in the history of a data directory: what was run, what came of it, and how it ended."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from voxlake.errors import (
    AlreadyRunning,
    ApiRejected,
    CeilingReached,
    CredentialsRefused,
    DataError,
    ExecutorFailed,
    OutcomeUnknown,
    Refused,
    SettingsError,
    StorageFull,
    StoreUnavailable,
    Unavailable,
    VoxlakeError,
)
from voxlake.events import Kind
from voxlake.lake import Layout, LivingRun, RecordedRun, RunHistory
from voxlake.text import counted
from voxlake.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from voxlake.clock import Clock
    from voxlake.events import Event, Listener
    from voxlake.pipeline import ExportResult, Run, StreamResult

_PLAIN: Final[Mapping[type[BaseException], str]] = {
    SettingsError: "a setting or an argument cannot be used",
    CredentialsRefused: "the API refused the credentials, or they lack a role",
    Refused: "the account may not do this",
    ApiRejected: "the API rejected a request",
    CeilingReached: "the API's replies do not fit together",
    DataError: "data could not be read or verified",
    OutcomeUnknown: "the outcome of a request is unknown",
    Unavailable: "the API could not be reached in time",
    AlreadyRunning: "another run is working there",
    ExecutorFailed: "the executor failed",
    StorageFull: "the data directory cannot be written",
    StoreUnavailable: "the object store could not be reached in time",
}
_INTERRUPTED: Final = (130, 143)
"""The exit codes after Ctrl-C and SIGTERM."""

_current: ContextVar[RunRecord | None] = ContextVar("voxlake_run", default=None)


class RunRecord:
    """What is known of a run while it works; it is a listener of the events of that run."""

    def __init__(self, folder: Path, command: str, clock: Clock) -> None:
        self.folder = folder
        self.outcome: RecordedRun | None = None
        self._clock = clock
        self._living = LivingRun(RunHistory(Layout(folder)))
        self._began = clock.time()
        self._known: dict[str, Any] = {"started_at": clock.now(), "command": command, "version": __version__}
        self._totals: dict[str, Callable[[], int]] = {"requests": lambda: 0, "least_requests": lambda: 0}
        self._days: set[tuple[int | None, str | None, object]] = set()
        self._refreshed = self._retries = self._new = self._changed = self._gone = 0
        self._problems: list[str] = []
        self._exit_code = 0

    def begin(self) -> None:
        """Record that the run has begun, once there is a data directory."""
        self._living.begin(**self._known)

    def work_on(self, accounts: Iterable[tuple[int, str | None]]) -> None:
        """Record which accounts the run works on, by number and name."""
        its = list(accounts)
        known: dict[str, Any] = {"accounts": len(its)}
        if len(its) == 1:
            ((number, name),) = its
            known |= {"account_id": number, "account": name or str(number)}
        self._known |= known
        self._living.note(**known)

    def count(self, run: Run) -> None:
        """Take the numbers of requests from a run that asks the API."""
        self._totals = {"requests": run.requests, "least_requests": run.least_requests}

    def hear(self, event: Event) -> None:
        """Count what happens."""
        details = event.details
        if event.kind == Kind.RETRY:
            self._retries += 1
        elif event.kind in {Kind.DAY_VERIFIED, Kind.DAY_NOT_VERIFIED}:
            self._days.add((event.account_id, event.stream, details.get("day")))
            self._new += _whole(details.get("new"))
            self._changed += _whole(details.get("changed"))
            self._gone += _whole(details.get("gone"))
        elif event.kind == Kind.PUBLISHED and self._known["command"] == "publish":
            self.take(days=details.get("days"))
        elif event.kind == Kind.REFRESHED:
            self._refreshed += _whole(details.get("days"))
            self._changed += _whole(details.get("changed"))

    def hearing(self, listener: Listener | None) -> Listener:
        """Return who hears of events for this record, and for another listener."""

        def hear(event: Event) -> None:
            self.hear(event)
            if listener is not None:
                listener(event)

        return hear

    def take(self, **known: Any) -> None:
        """Take what is known better than by events, by the names of `RecordedRun`."""
        self._known |= known

    def take_export(self, result: ExportResult) -> None:
        """Take what an export did."""
        streams = result.streams
        self.take(
            days=sum(max(stream.days, len(stream.day_files)) for stream in streams),
            rows_new=sum(stream.new for stream in streams),
            rows_changed=sum(stream.changed for stream in streams),
            rows_gone=sum(stream.gone for stream in streams),
        )
        self.take_end(result.exit_code, result.all_errors, streams)

    def take_end(
        self, exit_code: int, errors: Iterable[VoxlakeError] = (), streams: Sequence[StreamResult] = ()
    ) -> None:
        """Take how the run ends, and what was wrong."""
        self._exit_code, self._problems = exit_code, _problems(errors, streams)

    def settle(self) -> None:
        """Record how the run ends if nothing happens any more: it publishes what it knows of itself, too."""
        self._living.note(**self._so_far(self._exit_code))

    def end(self, exit_code: int | None = None, problem: str | None = None) -> None:
        """Record how the run has ended: with what was taken, unless an exit code is given."""
        known = self._so_far(self._exit_code if exit_code is None else exit_code, problem)
        self.outcome = RecordedRun(**known)
        self._living.end(**known)

    def _so_far(self, exit_code: int, problem: str | None = None) -> dict[str, Any]:
        requests = self._totals["requests"]()
        counted_by_events = {
            "days": len(self._days) + self._refreshed,
            "rows_new": self._new,
            "rows_changed": self._changed,
            "rows_gone": self._gone,
        }
        return {
            **counted_by_events,
            **self._known,
            "finished_at": self._clock.now(),
            "requests": requests,
            "least_requests": min(self._totals["least_requests"](), requests),
            "retries": self._retries,
            "seconds": round(self._clock.time() - self._began, 3),
            "exit_code": exit_code,
            "problem": (problem or "; ".join(self._problems) or _nameless(exit_code)) if exit_code else None,
        }


@contextmanager
def recorded(
    folder: Path, command: str, *, clock: Clock, code_of: Callable[[BaseException], int] | None = None
) -> Iterator[RunRecord]:
    """Record what is done in the block as one run on a data directory; a block within it adds to the same record.

    Its exit code is what the record has taken, or that of what leaves the block, which `code_of` may know better.
    """
    outer = _current.get()
    if outer is not None and outer.folder == folder and outer.outcome is None:
        yield outer
        return
    record = RunRecord(folder, command, clock)
    record.begin()
    token = _current.set(record)
    try:
        yield record
    except BaseException as error:
        code = (code_of or exit_code_of)(error)
        record.end(code, _problem(error, code))
        raise
    else:
        record.end()
    finally:
        _current.reset(token)


def exit_code_of(error: BaseException) -> int:
    """Return the exit code with which a program ends that an exception leaves."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED[0]
    code = getattr(error, "exit_code", 1)
    return code if isinstance(code, int) else 1


def _problem(error: BaseException, code: int) -> str | None:
    """Return what was wrong, without a word from outside; None where the record knows, or nothing was."""
    if isinstance(error, SystemExit):
        return None
    if isinstance(error, VoxlakeError):
        return plain(error)
    return _nameless(code) if code in _INTERRUPTED else f"unexpected: {type(error).__name__}"


def _nameless(code: int) -> str | None:
    if code in _INTERRUPTED:
        return "it was interrupted"
    return "something differs or is not verified" if code == DataError.exit_code else None


def plain(error: BaseException) -> str:
    """Return what an error means in a few words of ours: its own sentence may quote the API, or hold a number."""
    return next((_PLAIN[kind] for kind in type(error).__mro__ if kind in _PLAIN), type(error).__name__)


def _problems(errors: Iterable[BaseException], streams: Sequence[StreamResult]) -> list[str]:
    found = list(dict.fromkeys(map(plain, errors)))
    if unverified := sum(len(stream.unverified) for stream in streams):
        found.append(f"{counted(unverified)} not verified")
    if rejects := sum(stream.rejects for stream in streams):
        found.append(f"{counted(rejects, 'row')} could not be read")
    return found


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
