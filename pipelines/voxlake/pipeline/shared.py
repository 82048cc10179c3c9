"""What the accounts of one run share in its process: places for windows, progress, and whether the run is stopped."""

from __future__ import annotations

import threading
from dataclasses import dataclass


class RunStopped(BaseException):
    """The run is being stopped: a thread that works for one of its accounts ends, and nobody waits for its result."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Days that are done and planned, of the accounts that were begun, and accounts that are done, of all."""

    done: int
    planned: int
    accounts_done: int
    accounts: int


class Shared:
    """The state of a run of `accounts`; with `several`, at most `windows` are read at the same time, and one by each.

    `behind` is by how many seconds the API's clock is behind the machine's, a number that is not above 0: as far as all
    accounts agree, for a wrong clock of one says nothing of the others. Safe to share between threads.
    """

    def __init__(self, accounts: int = 1, windows: int = 0, *, several: bool = False) -> None:
        self.accounts, self.several = accounts, several
        self._windows = windows
        self._running = 0
        self._lock = threading.Lock()
        self._days: dict[int, tuple[int, int]] = {}
        self._done = self._planned = self._accounts_done = 0
        self._stopping = False
        self._behind: float | None = None

    def begin_window(self, own: int) -> bool:
        """Return whether an account that reads `own` windows may begin another, which then counts as begun.

        Each may read one: an account that the API slows down must not keep the places of all others.
        """
        with self._lock:
            if self.several and own and self._running >= self._windows:
                return False
            self._running += 1
            return True

    def end_window(self) -> None:
        """Record that a window was read."""
        with self._lock:
            self._running -= 1

    def advance(self, account_id: int, done: int, planned: int) -> Progress:
        """Record how many days of an account are done and planned; returns that of all accounts."""
        with self._lock:
            before = self._days.get(account_id, (0, 0))
            self._days[account_id] = done, planned
            self._done += done - before[0]
            self._planned += planned - before[1]
            return self._progress()

    def end_account(self, clock_offset: float | None) -> Progress:
        """Record that an account is done, with what its replies said of the API's clock: seconds that it is ahead."""
        with self._lock:
            self._accounts_done += 1
            if clock_offset is not None:
                behind = min(clock_offset, 0.0)
                self._behind = behind if self._behind is None else max(self._behind, behind)
            return self._progress()

    @property
    def behind(self) -> float:
        """By how many seconds the API's clock is behind; 0 while no account knows."""
        return self._behind or 0.0

    def _progress(self) -> Progress:
        return Progress(self._done, max(self._done, self._planned), self._accounts_done, self.accounts)

    def stop(self) -> None:
        """End the threads that work for accounts, each at its next step."""
        self._stopping = True

    def check(self) -> None:
        """Raise RunStopped where the run is being stopped."""
        if self._stopping:
            raise RunStopped
