"""Limit how many requests run at the same time: fewer while the API says "too fast", more again when it recovers."""

from __future__ import annotations

import threading

_SEVERAL = 3
"""So many accounts that are too fast for the API at the same time, and it is not one account that is meant."""

_SUCCESSES = 10
"""After this many successes without a rate limit, one more request may run."""


class AdaptiveLimiter:
    """A context manager that lets at most `limit` threads in at the same time, and others wait.

    `limit` begins at `most`, halves with `slow_down`, and grows by one after some calls of `succeeded`.
    """

    def __init__(self, most: int) -> None:
        self.limit = most
        self._most = most
        self._running = 0
        self._successes = 0
        self._gate = threading.Condition()

    def __enter__(self) -> None:
        with self._gate:
            self._gate.wait_for(lambda: self._running < self.limit)
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._gate:
            self._running -= 1
            # One place is free, for one thread: to wake them all would cost each of them a look.
            self._gate.notify()

    def slow_down(self) -> bool:
        """Halve the limit, to one at least; returns whether it is lower now."""
        with self._gate:
            self._successes = 0
            before, self.limit = self.limit, max(1, self.limit // 2)
            return self.limit < before

    def lower(self, limit: int) -> bool:
        """Take a limit, of one at least, where it is lower; returns whether it is."""
        with self._gate:
            self._successes = 0
            before, self.limit = self.limit, min(self.limit, limit)
            return self.limit < before

    def succeeded(self) -> None:
        """Record a success; the limit grows by one after ten in a row."""
        with self._gate:
            self._successes += 1
            if self._successes >= _SUCCESSES and self.limit < self._most:
                self._successes = 0
                self.limit += 1
                self._gate.notify()


class SharedLimiter(AdaptiveLimiter):
    """The limit over all accounts of a run. It adapts to a limit that the API has for all of them together.

    That is what "too fast" means where several accounts hear it within a few replies; what one account hears is its
    own affair, and left to its own limiter.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._too_fast: set[int] = set()
        self._in_a_row = 0

    def slow_down_for(self, account_id: int) -> bool:
        """Record that an account was too fast; returns whether the limit of all is lower now."""
        with self._gate:
            self._too_fast.add(account_id)
            self._in_a_row = 0
            if len(self._too_fast) < _SEVERAL:
                return False
            self._too_fast.clear()
        return self.slow_down()

    def succeeded(self) -> None:
        """Record a success; after some in a row, who was too fast before them is forgotten."""
        super().succeeded()
        with self._gate:
            self._in_a_row += 1
            if self._in_a_row >= _SUCCESSES:
                self._too_fast.clear()
