"""A seeded plan of bad luck: each request draws at most one fault, the same for the same seed and number."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import Self

CODES = (1, 2, 4, 162, 314, 340, 416, 515)
KINDS = {
    **{f"code-{code}": f"error {code} in the body" for code in CODES},
    "expired": "error 456: the token has expired",
    "http-401": "a gateway forbids it",
    "http-403": "the same, in another way",
    "http-429": "too many requests",
    "http-429-after": "the same with Retry-After in seconds",
    "http-429-date": "the same with Retry-After as a date",
    "http-500": "an empty error of the gateway",
    "http-502": "an HTML error of the gateway",
    "http-503": "the same with Retry-After",
    "html": "HTTP 200 with a page of HTML",
    "empty": "HTTP 200 without a body",
    "cut": "the connection ends in the middle of the body",
    "short": "a Content-Length that is too small",
    "reset": "the connection is reset before the reply",
    "lost": "the request is done, then the connection is reset before the reply",
    "lost-502": "the request is done, and the reply is an HTML error of the gateway",
    "stall": "no reply for `seconds`, then the connection ends",
    "drip": "a reply that comes byte by byte for `seconds`",
    "half": "only half of the rows, under the full total_count",
    "none": "no rows, under a total_count of 0",
    "insert": "right after the reply, a message appears in the window that was asked for",
}
_NUMBERS = ("seed", "first", "seconds", "wait")


@dataclass(slots=True)
class Faults:
    """Rates (0 to 1) by kind, and how bad it gets.

    Only the `first` requests are hit; `seconds` is how long a stall lasts, `wait` what Retry-After asks for. `struck`
    counts the faults so far.
    """

    rates: dict[str, float] = field(default_factory=dict)
    seed: int = 1
    first: int | None = None
    seconds: float = 90
    wait: int = 1
    struck: int = 0
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def parse(cls, plan: str) -> Self:
        """Read `kind=rate,...,seed=N,first=N`; a ValueError says in a sentence what is known."""
        faults = cls()
        for setting in plan.replace(",", " ").split():
            name, _, value = setting.partition("=")
            try:
                number = float(value)
            except ValueError:
                raise ValueError(f"The fault {name!r} is {value!r}: give a number, like {name}=0.1.") from None
            if name in _NUMBERS and number >= 0:
                setattr(faults, name, number if name == "seconds" else int(number))
            elif name in KINDS and 0 <= number <= 1:
                faults.rates[name] = number
            elif name in KINDS:
                raise ValueError(f"The fault {name!r} is {value!r}: give a rate from 0 to 1.")
            else:
                raise ValueError(f"There is no fault {name!r}: use {', '.join([*KINDS, *_NUMBERS])}.")
        return faults

    def draw(self) -> str | None:
        """Give the fault of the next request, or None."""
        with self._lock:
            self._number += 1
            number = self._number
        if not self.rates or (self.first is not None and number > self.first):
            return None
        at = random.Random(f"{self.seed}/{number}").random()
        for kind, rate in self.rates.items():
            at -= rate
            if at < 0:
                with self._lock:
                    self.struck += 1
                return kind
        return None
