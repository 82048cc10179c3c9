"""How much the API takes at once: requests in flight and requests in a second, for all accounts and for each."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAMES = ("in_flight", "account_in_flight", "rate", "account_rate")


class LimitExceeded(Exception):
    """A request came while another limit was used up."""


@dataclass(slots=True)
class Limits:
    """The limits of a sandbox, None for none; `peak` and `peaks` are the most requests seen in flight.

    `in_flight` and `rate` (requests in a second) hold for all accounts together, `account_in_flight` and
    `account_rate` for each.
    """

    in_flight: int | None = None
    account_in_flight: int | None = None
    rate: int | None = None
    account_rate: int | None = None
    peak: int = 0
    peaks: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    _flying: Counter[int] = field(default_factory=Counter)
    _all: int = 0
    _times: dict[int | None, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def parse(cls, plan: str) -> Self:
        """Parse `in_flight=N,account_in_flight=N,rate=N,account_rate=N`, each of them optional.

        Raises:
            ValueError: a limit is unknown or not a number above 0; the message lists the known ones.

        """
        limits = cls()
        for setting in plan.replace(",", " ").split():
            name, _, value = setting.partition("=")
            if name not in _NAMES or not value.isdecimal() or not int(value):
                raise ValueError(f"{setting!r} is not a limit: use {', '.join(f'{known}=N' for known in _NAMES)}.")
            setattr(limits, name, int(value))
        return limits

    @contextmanager
    def admit(self, account_id: int, now: Callable[[], float]) -> Iterator[None]:
        """Count a request while it is answered; `now` is the server's clock in seconds.

        Raises:
            LimitExceeded: a limit is used up.

        """
        with self._lock:
            if not self._fits(account_id, now()):
                self.refused[account_id] += 1
                raise LimitExceeded
            self._all += 1
            self._flying[account_id] += 1
            self.peak = max(self.peak, self._all)
            self.peaks[account_id] = max(self.peaks[account_id], self._flying[account_id])
        try:
            yield
        finally:
            with self._lock:
                self._all -= 1
                self._flying[account_id] -= 1

    def _fits(self, account_id: int, now: float) -> bool:
        if self.in_flight is not None and self._all >= self.in_flight:
            return False
        if self.account_in_flight is not None and self._flying[account_id] >= self.account_in_flight:
            return False
        rates = [(None, self.rate), (account_id, self.account_rate)]
        limited = [(self._times[key], most) for key, most in rates if most is not None]
        for times, most in limited:
            while times and times[0] <= now - 1:
                times.popleft()
            if len(times) >= most:
                return False
        for times, _ in limited:
            times.append(now)
        return True
