"""The time, as an argument: whoever starts the program hands it one clock, and tests hand it theirs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final, Protocol


class Clock(Protocol):
    """What tells the time, and lets it pass."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""

    def time(self) -> float:
        """Return the time in seconds since 1970-01-01 00:00:00 UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait for this many seconds."""


class SystemClock:
    """The machine's own clock; its time zone never matters."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        return datetime.now(tz=UTC)

    def time(self) -> float:
        """Return the time in seconds since 1970-01-01 00:00:00 UTC."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait for this many seconds."""
        time.sleep(seconds)


SYSTEM: Final = SystemClock()
