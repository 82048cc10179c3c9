"""Limit how many requests run at the same time: fewer while the API says "too fast", more again when it recovers."""

from __future__ import annotations

import threading

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
            self._gate.notify_all()

    def slow_down(self) -> bool:
        """Halve the limit, to one at least; returns whether it is lower now."""
        with self._gate:
            self._successes = 0
            before, self.limit = self.limit, max(1, self.limit // 2)
            return self.limit < before

    def succeeded(self) -> None:
        """Record a success; the limit grows by one after ten in a row."""
        with self._gate:
            self._successes += 1
            if self._successes >= _SUCCESSES and self.limit < self._most:
                self._successes = 0
                self.limit += 1
                self._gate.notify_all()
