"""Ctrl-C and SIGTERM: an exception in the main thread, so that every `finally` runs; a second signal ends the process.

Python runs a signal's handler in the main thread, between two of its instructions. What the handler raises there can be
lost on its way up: DuckDB turns it into a RuntimeError, an import of an extension module into an ImportError, and a
destructor prints it and goes on. So the request is also remembered: `requested()` is asked where errors are answered.
And DuckDB, when nothing but an exception ends its query, waits for ever for its own threads in half of all cases (seen
with 2.0.1): so open queries are interrupted first, see `voxlake.sql.interruptible`.

A stop takes at most `GRACE` seconds. What has not ended by then, and threads that still wait for the network after
everything else has been cleaned up, end with the process: see docs/decisions/0010-tricks-that-stay.md.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

from voxlake.sql import interrupt_queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

GRACE: Final = 5.0
"""Seconds from a signal to the end of the process, whatever hangs."""
AGAIN: Final = 0.05
"""Seconds until an exception that was lost in a destructor is raised once more."""
EARLY: Final = "Stopped by {signal} before the end."
RESUMABLE: Final = "Stopped by {signal}: what is in the lake stays; run the same command again to go on."

ANEW: Final = "Stopped by {signal}: what is in the lake stays; the same command reads all of its days once more."


class Stopped(BaseException):
    """A signal asked the command to stop; the text is the sentence for the user."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class _Request:
    """What the process was asked for; signals belong to a process, so there is one of these."""

    stopped: Stopped | None = None
    announced = deferred = lost = False

    def forget(self) -> None:
        """Begin anew, for the next command line of the same process."""
        self.stopped = None
        self.announced = self.deferred = self.lost = False


_request = _Request()


def requested() -> Stopped | None:
    """Return the stop that a signal asked for, whatever has become of its exception; None where there was no signal."""
    return _request.stopped


def announce(stopped: Stopped) -> None:
    """Write the sentence to stderr, once, and past all buffers: what was interrupted may be the writing of a line."""
    if not _request.announced:
        _request.announced = True
        with suppress(OSError, AttributeError, ValueError):
            os.write(sys.stderr.fileno(), f"voxlake: {stopped}\n".encode(errors="backslashreplace"))


@contextmanager
def handled() -> Iterator[None]:
    """Handle signals for a whole command line; a caller's own handlers are left alone, and Python's are put back.

    Who was started to ignore a signal, as a shell does with what it runs in the background, goes on ignoring it.
    """
    _request.forget()
    known = set(threading.enumerate())
    usual: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    ours = threading.current_thread() is threading.main_thread()
    taken = [number for number, handler in usual.items() if ours and signal.getsignal(number) is handler]
    hook = sys.unraisablehook
    for number in taken:
        signal.signal(number, _handler(EARLY))
    sys.unraisablehook = lambda lost: _note_lost(lost, hook)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number in taken:
            # A process that ends takes no more signals; only a caller that goes on gets Python's own handlers back.
            signal.signal(number, signal.SIG_IGN if _request.announced else usual[number])
        if _request.stopped is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if _request.announced and any(not t.daemon for t in set(threading.enumerate()) - known):
                _end(_request.stopped)


@contextmanager
def stoppable(message: str = RESUMABLE, *, interrupted: int = 128 + signal.SIGINT) -> Iterator[None]:
    """Print `message` if a signal ends the block; `interrupted` is the exit code after Ctrl-C."""
    handler = _handler(message, interrupted=interrupted)
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def deferred() -> Iterator[None]:
    """Delay signals until the end of a short block, such as imports."""
    _request.deferred = True
    try:
        yield
    finally:
        _request.deferred = False
    if _request.stopped is not None:
        raise _request.stopped


def _handler(message: str, *, interrupted: int = 128 + signal.SIGINT) -> Callable[[int, FrameType | None], None]:
    def stop(number: int, _frame: FrameType | None) -> None:
        if _request.stopped is not None:
            _end(_request.stopped)
        code = interrupted if number == signal.SIGINT else 128 + number
        _request.stopped = Stopped(message.format(signal=signal.Signals(number).name), code)
        interrupt_queries()
        signal.signal(signal.SIGALRM, _alarm)
        signal.setitimer(signal.ITIMER_REAL, GRACE)
        if not _request.deferred:
            raise _request.stopped

    return stop


def _note_lost(lost: sys.UnraisableHookArgs, hook: Callable[[sys.UnraisableHookArgs], object]) -> None:
    """Raise a stop that fell into a destructor once more, a moment later."""
    if not isinstance(lost.exc_value, Stopped):
        hook(lost)
        return
    _request.lost = True
    signal.setitimer(signal.ITIMER_REAL, AGAIN)


def _alarm(_number: int, _frame: FrameType | None) -> None:
    stopped = _request.stopped
    if stopped is None:
        return
    if not _request.lost:
        _end(stopped)
    _request.lost = False
    signal.setitimer(signal.ITIMER_REAL, GRACE)
    raise stopped


def _end(stopped: Stopped) -> NoReturn:
    """End the process here and now, as kill -9 would: nothing that voxlake writes is ever found half done."""
    announce(stopped)
    with suppress(OSError, AttributeError, ValueError, RuntimeError):
        sys.stdout.flush()
    os._exit(stopped.exit_code)
