"""What a run tells while it works: events for whoever listens, and for the logger `voxlake`.

An event says what is so; nothing that voxlake does depends on one. It holds counts, days, codes and names of streams,
and never a phone number, a text, a message id or a secret.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.clock import Clock

Level = Literal["debug", "info", "warning"]
Scalar = str | int | float | bool | None

LOGGER: Final = logging.getLogger("voxlake")
"""The logger of all events; silent until a program configures logging. A record's `event` is the `Event`."""
LOGGER.addHandler(logging.NullHandler())

LEVELS: Final[Mapping[Level, int]] = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}

_NEVER = logging.CRITICAL + 1
_LONG_NUMBER = re.compile(r"\+?\d{7,}", re.ASCII)
"""What could be a phone number or an id; counts are written with commas."""


class Kind(StrEnum):
    """The kinds of events."""

    RUN_STARTED = "run-started"
    PLANNED = "planned"
    SURVEYED = "surveyed"
    REQUEST = "request"
    RETRY = "retry"
    SLOWED = "slowed"
    REREAD = "reread"
    SPLIT = "split"
    QUIRK_LEARNED = "quirk-learned"
    WINDOW_READ = "window-read"
    DAY_VERIFIED = "day-verified"
    DAY_NOT_VERIFIED = "day-not-verified"
    DAYS_DOUBTED = "days-doubted"
    MESSAGES_GONE = "messages-gone"
    MESSAGES_MOVED = "messages-moved"
    REFRESHED = "refreshed"
    FAILED = "failed"
    PROGRESS = "progress"
    WAITING = "waiting"
    REPLIES_READ = "replies-read"
    LOADED = "loaded"
    PUBLISHED = "published"
    COMPACTED = "compacted"
    NOT_COMPACTED = "not-compacted"
    AUDITED = "audited"
    AUDIT_DIFFERENCE = "audit-difference"
    RUN_ENDED = "run-ended"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a kind of event stands for, and the names of its details."""

    level: Level
    meaning: str
    details: tuple[str, ...]


KINDS: Final[Mapping[Kind, Declaration]] = {
    Kind.RUN_STARTED: Declaration("info", "A run begins.", ("run",)),
    Kind.PLANNED: Declaration(
        "info", "What the run does with the days of a stream.", ("read", "refresh", "final", "first", "last")
    ),
    Kind.SURVEYED: Declaration("debug", "Days were cut into windows to read.", ("days", "windows", "first", "last")),
    Kind.REQUEST: Declaration("debug", "A reply came.", ("method", "status", "bytes", "seconds")),
    Kind.RETRY: Declaration(
        "warning", "A request failed and is sent again after a pause.",
        ("method", "reason", "attempt", "seconds", "left"),
    ),
    Kind.SLOWED: Declaration(
        "info", 'The API said "too fast": fewer requests run at once.', ("requests_at_once", "all_accounts")
    ),
    Kind.REREAD: Declaration("debug", "Rows and counts did not agree: a window is read again.", ("start", "end")),
    Kind.SPLIT: Declaration("info", "A window is read in smaller pieces.", ("start", "end", "pieces")),
    Kind.QUIRK_LEARNED: Declaration("info", "Something undocumented was learned of the API.", ("quirk", "value")),
    Kind.WINDOW_READ: Declaration(
        "info", "A window was read to its end.", ("first", "last", "days", "rows", "requests", "seconds")
    ),
    Kind.DAY_VERIFIED: Declaration(
        "info", "The file of a complete day is in place.", ("day", "rows", "new", "changed", "gone")
    ),
    Kind.DAY_NOT_VERIFIED: Declaration(
        "warning", "The file of a day is in place, and the day is not proved complete.",
        ("day", "rows", "rejects", "reason"),
    ),
    Kind.DAYS_DOUBTED: Declaration(
        "warning", "A count of its own disagrees with days that were read.", ("days", "first", "last")
    ),
    Kind.MESSAGES_GONE: Declaration(
        "warning", "The API does not report messages any more that were exported before.", ("day", "messages", "kept")
    ),
    Kind.MESSAGES_MOVED: Declaration(
        "info", "Messages lie on other days now, which are read, too.", ("days", "first", "last")
    ),
    Kind.REFRESHED: Declaration(
        "info", "Days verified earlier were compared with the API's counts.", ("days", "changed", "stale")
    ),
    Kind.FAILED: Declaration("warning", "Some or all days of a stream could not be read.", ("error", "code")),
    Kind.PROGRESS: Declaration("debug", "Days are done.", ("done", "planned", "accounts_done", "accounts")),
    Kind.WAITING: Declaration("warning", "Another run publishes, and is waited for.", ()),
    Kind.REPLIES_READ: Declaration("debug", "Kept replies were read, for a replay.", ("replies",)),
    Kind.LOADED: Declaration("debug", "Days were loaded into the next database.", ("done", "planned", "rows")),
    Kind.PUBLISHED: Declaration("info", "The database is published.", ("days", "rows", "seconds")),
    Kind.COMPACTED: Declaration("info", "Months that are final lie in one file each now.", ("months", "days")),
    Kind.NOT_COMPACTED: Declaration("warning", "Months that are final keep a file a day.", ("reason",)),
    Kind.AUDITED: Declaration(
        "info", "A stream was audited.", ("days", "counted", "files", "pages", "rows", "differences")
    ),
    Kind.AUDIT_DIFFERENCE: Declaration("warning", "An audit found a day that differs.", ("day", "reason")),
    Kind.RUN_ENDED: Declaration("info", "A run has ended.", ("run", "exit_code", "requests", "seconds")),
}  # fmt: skip
"""Every kind of event; `docs/events.md` has the same table."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has just happened: `at` is UTC, `message` one sentence, `details` the same for programs.

    `account_id` is None for what concerns the whole run.
    """

    kind: str
    at: datetime
    message: str
    level: Level
    stream: str | None = None
    details: Mapping[str, Scalar] = field(default_factory=dict)
    account_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the same as a JSON object, its time in ISO 8601."""
        time = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "time": time,
            "level": self.level,
            "kind": self.kind,
            "message": self.message,
            "account_id": self.account_id,
            "stream": self.stream,
            "details": dict(self.details),
        }


Listener = Callable[[Event], None]
"""What is called with each event, one at a time, in the thread in which it happens."""


class Emitter:
    """Hands events to listeners and to the logger `voxlake`; safe to share between threads.

    Listeners are called one at a time, so that none needs a lock of its own. What a listener raises is logged, once,
    and changes nothing else. A copy that was pickled keeps its events for `drain`, and its original takes them with
    `forward`. Without a clock nobody hears of anything.
    """

    def __init__(self, clock: Clock | None, *listeners: Listener) -> None:
        self._clock, self._listeners = clock, listeners
        self._failed: set[int] = set()
        self._lock = threading.RLock()
        self._account_id: int | None = None
        self._prefix = ""

    def __reduce__(self) -> tuple[Callable[..., Emitter], tuple[Any, ...]]:
        """Travel as the clock, the level from which on anyone listens here, and what is said of the account."""
        return _buffer, (self._clock, self.least, self._account_id, self._prefix)

    def of(self, account_id: int | None, *, named: bool = False) -> Emitter:
        """Return an emitter of the same listeners for one account, `named` in each sentence; None: for the run."""
        its = Emitter(self._clock, *self._listeners)
        its._failed, its._lock, its._account_id = self._failed, self._lock, account_id
        its._prefix = f"{account_id}: " if named else ""
        return its

    @property
    def least(self) -> int:
        """The lowest level of `logging` of which anyone wants to know."""
        if self._clock is None:
            return _NEVER
        return logging.DEBUG if self._listeners else LOGGER.getEffectiveLevel()

    def seconds(self) -> float:
        """Return the time in seconds, to measure how long something takes; 0 without a clock."""
        return 0.0 if self._clock is None else self._clock.time()

    def emit(self, kind: Kind, message: str, *, stream: str | None = None, **details: Scalar | date) -> None:
        """Emit an event, if anyone wants to know; `message` is one sentence."""
        level = KINDS[kind].level
        if self._clock is not None and LEVELS[level] >= self.least:
            safe = {name: _safe(value) for name, value in details.items()}
            said = f"{self._prefix}{masked(message)}"
            self._take(Event(str(kind), self._clock.now(), said, level, stream, safe, self._account_id))

    def forward(self, events: Iterable[Event]) -> None:
        """Hand on what happened in another process."""
        for event in events:
            self._take(event)

    def drain(self) -> tuple[Event, ...]:
        """Return what happened in this process and nobody heard of: nothing, but in a copy."""
        return ()

    def _take(self, event: Event) -> None:
        LOGGER.log(LEVELS[event.level], "%s", event.message, extra={"event": event})
        with self._lock:
            for number, listener in enumerate(self._listeners):
                try:
                    listener(event)
                except Exception as error:  # noqa: BLE001 - whoever listens must not be able to end a run
                    if number not in self._failed:
                        self._failed.add(number)
                        LOGGER.warning("A listener of events raised %s; the run goes on.", type(error).__name__)


class _Buffer(Emitter):
    """An emitter in another process: keeps its events from a level on, for its original."""

    def __init__(self, clock: Clock | None, least: int) -> None:
        super().__init__(clock)
        self._least = least
        self._events: list[Event] = []

    @property
    def least(self) -> int:
        """The lowest level of which the original wants to know."""
        return self._least

    def drain(self) -> tuple[Event, ...]:
        """Return what happened in this process since the last time."""
        with self._lock:
            events, self._events = tuple(self._events), []
        return events

    def _take(self, event: Event) -> None:
        with self._lock:
            self._events.append(event)


def _buffer(clock: Clock | None, least: int, account_id: int | None, prefix: str) -> Emitter:
    found = _Buffer(clock, least)
    found._account_id, found._prefix = account_id, prefix  # noqa: SLF001 - one class in two processes
    return found


SILENT: Final = Emitter(None)
"""An emitter of which nobody hears anything."""


def _safe(value: Scalar | date) -> Scalar:
    """Return a detail as a JSON scalar without long numbers in a text; a time is written in ISO 8601."""
    if isinstance(value, date):
        return value.isoformat().replace("+00:00", "Z")
    return masked(value) if isinstance(value, str) else value


def masked(text: str) -> str:
    """Return a text with an ellipsis in place of numbers that could be those of phones or messages."""
    return _LONG_NUMBER.sub("…", text)
