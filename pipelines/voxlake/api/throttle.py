"""How many requests run at the same time: fewer when the API says "too fast", more again when it stays calm."""

from __future__ import annotations

import threading

_CALM = 10


class AdaptiveLimiter:
    """A gate that lets at most `limit` requests through at once; `limit` halves on trouble and recovers by one."""

    def __init__(self, most: int) -> None:
        self.limit = most
        self._most = most
        self._running = 0
        self._calm = 0
        self._gate = threading.Condition()

    def __enter__(self) -> None:
        with self._gate:
            self._gate.wait_for(lambda: self._running < self.limit)
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._gate:
            self._running -= 1
            self._gate.notify_all()

    def too_fast(self) -> None:
        """Halve what runs at the same time."""
        with self._gate:
            self._calm = 0
            self.limit = max(1, self.limit // 2)

    def well(self) -> None:
        """Allow one more after a while without trouble."""
        with self._gate:
            self._calm += 1
            if self._calm >= _CALM and self.limit < self._most:
                self._calm = 0
                self.limit += 1
                self._gate.notify_all()
