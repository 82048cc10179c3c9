"""Show in words what a long command does: a line that is drawn again on a terminal, elsewhere one every half minute.

What is known comes from events and from the steps that a command names. Time is that of the clock that is handed in;
a thread that does nothing else makes the line follow it where nothing happens.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from voxlake.cli.log import log_is_shown
from voxlake.cli.options import the_clock
from voxlake.cli.output import draw, say, terminal_width
from voxlake.cli.verbosity import is_quiet
from voxlake.events import Kind
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from voxlake.clock import Clock
    from voxlake.events import Event

EVERY: Final = 30.0
"""Seconds between two lines where there is no terminal."""
_TICK = 1.0
_SURE = 2.0
"""Seconds after which a rate says something."""
_EARLY = 4
"""The attempt from which on trouble is worth a line at once, where there is no terminal."""


class Progress:
    """What a command, named by `what`, does: a listener of events that shows them in words.

    `width` is that of the terminal, None where there is none; `show` takes the line for it, or else a dated one. Safe
    to share between threads.
    """

    def __init__(self, what: str, clock: Clock, *, width: int | None, show: Callable[[str], None]) -> None:
        self._what, self._clock, self._width, self._show = what, clock, width, show
        self._lock = threading.RLock()
        self._began = self._said = clock.time()
        self._doing = "begins"
        self._unit, self._done, self._of = "day", 0, 0
        self._accounts = (0, 0)
        self._rows = self._repeated = 0
        self._trouble: tuple[str, float] | None = None
        self._is_urgent = False

    def __call__(self, event: Event) -> None:
        """Take what an event says, and show it."""
        with self._lock:
            self._take(event)
            self.tick()

    def step(self, doing: str = "", *, done: int = 0, of: int = 0, unit: str = "day") -> None:
        """Show a step that is not an event: what is done, and how many of how many."""
        with self._lock:
            self._doing, self._done, self._of, self._unit = doing, done, of, unit
            self.tick()

    def tick(self) -> None:
        """Show what is so now, where it is time for that."""
        with self._lock:
            now = self._clock.time()
            if self._width is not None:
                self._show(fitting(self.parts(now), self._width))
            elif now - self._said >= EVERY or self._is_urgent:
                self._said, self._is_urgent = now, False
                self._show(f"{self._clock.now():%Y-%m-%d %H:%M:%S} UTC voxlake {fitting(self.parts(now), 1000)}")

    def parts(self, now: float) -> list[tuple[int, str]]:
        """Return what there is to say, in order, each with how much it matters: less than what has a lower number."""
        found = [(5, f"{self._what}:")]
        if self._trouble is not None:
            reason, until = self._trouble
            left = f"trying again for {duration(until - now)}" if until > now else "giving up"
            is_answer = reason.startswith("HTTP")
            return [*found, (1, f"the API answers {reason}," if is_answer else "unreachable,"), (0, left)]
        its = self._counts(now)
        if not its:
            its = [(0, self._doing), (6, duration(now - self._began))]
        elif self._doing:
            its.append((7, self._doing))
        if self._repeated:
            its.append((8, f"{self._repeated:,} repeated"))
        return [*found, *((weight, f"{text},") for weight, text in its[:-1]), its[-1]]

    def _counts(self, now: float) -> list[tuple[int, str]]:
        elapsed = now - self._began
        its: list[tuple[int, str]] = []
        done, of = self._accounts
        if of > 1:
            its.append((0, f"{done:,} of {counted(of, 'account')}"))
        else:
            done, of = self._done, self._of
        if self._done or self._of:
            of_all = f" of {counted(self._of, self._unit)}" if self._of else f" {self._unit}s"
            its.append((0 if not its else 3, f"{self._done:,}{of_all}"))
        if self._rows:
            its.append((2, counted(self._rows, "row")))
        if self._rows and elapsed >= _SURE:
            its.append((4, f"{self._rows / elapsed:,.0f} rows/s"))
        elif self._unit != "day" and self._done and elapsed >= _SURE:
            its.append((4, f"{self._done / elapsed:,.1f} {self._unit}s/s"))
        if 0 < done < of and elapsed >= _SURE:
            its.append((1, f"{duration(elapsed / done * (of - done))} left"))
        return its

    def _take(self, event: Event) -> None:
        details = event.details
        numbers = {name: value for name, value in details.items() if isinstance(value, int | float)}
        if event.kind == Kind.RETRY:
            self._repeated += 1
            until = event.at.timestamp() + numbers.get("left", numbers.get("seconds", 0.0))
            self._is_urgent |= self._trouble is None and numbers.get("attempt", 0) >= _EARLY
            if self._trouble is not None or self._width is not None or numbers.get("attempt", 0) >= _EARLY:
                self._trouble = str(details.get("reason")), until
        elif event.kind == Kind.REQUEST:
            self._trouble = self._trouble if numbers.get("status") != 200 else None  # noqa: PLR2004 - HTTP's "OK"
        elif event.kind == Kind.PLANNED:
            self._doing = "asking the API"
        elif event.kind == Kind.WINDOW_READ:
            self._rows += int(numbers.get("rows", 0))
        elif event.kind == Kind.PROGRESS:
            self._done, self._of = int(numbers["done"]), int(numbers["planned"])
            self._accounts = int(numbers["accounts_done"]), int(numbers["accounts"])
            self._doing = "" if self._done < self._of else "counting and publishing"
        elif event.kind == Kind.LOADED:
            self._done, self._of, self._rows = int(numbers["done"]), int(numbers["planned"]), int(numbers["rows"])
            self._doing = "" if 0 < self._done < self._of else "building the database"
        elif event.kind == Kind.REPLIES_READ:
            self._doing, self._done, self._unit = "reading kept replies", int(numbers["replies"]), "page"
        elif event.kind in {Kind.WAITING, Kind.PUBLISHED, Kind.COMPACTED}:
            self._is_urgent |= event.kind == Kind.WAITING
            self._doing = {
                Kind.WAITING: "waiting for another run that publishes",
                Kind.PUBLISHED: "published",
                Kind.COMPACTED: "compacting",
            }[Kind(event.kind)]


def fitting(parts: Sequence[tuple[int, str]], width: int) -> str:
    """Return the parts that matter most as one line of at most so many columns, in their order."""
    left = list(parts)
    while len(left) > 1 and len(line := " ".join(text for _, text in left)) > width:
        left.remove(max(left, key=lambda part: part[0]))
    line = " ".join(text for _, text in left).rstrip(",")
    return line if len(line) <= width else line[:width]


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units, such as `2 min 10 s`."""
    whole = max(0, round(seconds))
    units = [(whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next((n for n, (number, _) in enumerate(units) if number), len(units) - 1)
    return " ".join(f"{number} {unit}" for number, unit in units[first : first + 2] if number or unit == "s")


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Show the progress of the block on stderr, unless a log is shown there or silence was asked for."""
    width = terminal_width(sys.stderr)
    hidden = log_is_shown() or is_quiet()
    shown = Progress(what, the_clock(), width=width, show=_nothing if hidden else draw if width else say)
    if hidden:
        yield shown
        return
    over = threading.Event()

    def follow() -> None:
        while not over.wait(_TICK):
            shown.tick()

    thread = threading.Thread(target=follow, name="voxlake-progress", daemon=True)
    thread.start()
    try:
        yield shown
    finally:
        over.set()
        thread.join()
        if width is not None:
            draw("")


def say_result(text: str, exit_code: int) -> None:
    """Write what a command did to stderr, unless silence was asked for and all is well."""
    if exit_code or not is_quiet():
        say(text)


def _nothing(_line: str) -> None:
    """Show nothing."""
