"""A ceiling for the requests of a run: whatever the API does, what does not help is not tried for ever."""

from __future__ import annotations

import threading

from voxlake.errors import CeilingReached

FACTOR, SPARE = 3, 50
"""A run asks at most `FACTOR` times what it needs at least, and `SPARE` times more."""


FORGIVEN = 100
"""Requests that the API rejects teach what it does not take: so many of a run do not count."""


class Ceiling:
    """Requests needed and requests made by one run, of which repeats after faults are not counted. Safe for threads.

    At least needed are the pages of the rows that the API counts, and the counts around them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._needed = 0
        self._asked = 0
        self._forgiven = 0

    def reset(self) -> None:
        """Begin a run."""
        with self._lock:
            self._needed = self._asked = self._forgiven = 0

    def forgive(self) -> None:
        """Take back a request that the API rejected."""
        with self._lock:
            if self._forgiven < FORGIVEN:
                self._forgiven += 1
                self._asked -= 1

    def need(self, requests: int) -> None:
        """Add to what the run needs at least."""
        with self._lock:
            self._needed += requests

    def ask(self, requests: int = 1) -> None:
        """Count requests that are about to be made.

        Raises:
            CeilingReached: they are more than anything that helps could take.

        """
        with self._lock:
            if self._asked + requests > FACTOR * self._needed + SPARE:
                raise CeilingReached(
                    f"{self._asked:,} requests were made where {self._needed:,} should do, because the API's replies do"
                    " not fit together: more of them would not help."
                )
            self._asked += requests
