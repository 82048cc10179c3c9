"""A seeded plan of faults: each request draws at most one, the same for the same seed and request number."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import Self

CODES = (1, 2, 4, 162, 314, 340, 416, 515)
KINDS = {
    **{f"code-{code}": f"error {code} in the body" for code in CODES},
    "expired": "error 456: the token has expired",
    "http-401": "a gateway refuses with 401",
    "http-403": "the same with 403",
    "http-429": "too many requests",
    "http-429-after": "too many requests, with Retry-After in seconds",
    "http-429-date": "too many requests, with Retry-After as a date",
    "http-500": "an empty gateway error",
    "http-502": "an HTML gateway error",
    "http-503": "the same with Retry-After",
    "html": "HTTP 200 with an HTML page",
    "empty": "HTTP 200 without a body",
    "cut": "the connection is closed in the middle of the body",
    "short": "a Content-Length that is too small",
    "reset": "the connection is reset before the reply",
    "lost": "the request is executed, then the connection is reset before the reply",
    "lost-502": "the request is executed, and the reply is an HTML gateway error",
    "stall": "no reply for `seconds`, then the connection is closed",
    "drip": "a reply sent byte by byte for `seconds`",
    "half": "half of the rows, with the full total_count",
    "half-both": "half of the rows, with half of the total_count",
    "none": "no rows, with a total_count of 0",
    "insert": "right after the reply, a new message appears in the requested window",
}
_NUMBERS = ("seed", "first", "seconds", "wait")


@dataclass(slots=True)
class Faults:
    """Fault rates (0 to 1) by kind, and their parameters.

    Only the `first` requests can fail; `seconds` is the length of a stall, `wait` the value of Retry-After. `injected`
    counts the faults so far.
    """

    rates: dict[str, float] = field(default_factory=dict)
    seed: int = 1
    first: int | None = None
    seconds: float = 90
    wait: int = 1
    injected: int = 0
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def parse(cls, plan: str) -> Self:
        """Parse `kind=rate,...,seed=N,first=N`.

        Raises:
            ValueError: a kind or value is unknown; the message lists the known ones.

        """
        faults = cls()
        for setting in plan.replace(",", " ").split():
            name, _, value = setting.partition("=")
            try:
                number = float(value)
            except ValueError:
                raise ValueError(
                    f"The fault {name!r} cannot be {value!r}: use a number, for example {name}=0.1."
                ) from None
            if name in _NUMBERS and number >= 0:
                setattr(faults, name, number if name == "seconds" else int(number))
            elif name in KINDS and 0 <= number <= 1:
                faults.rates[name] = number
            elif name in KINDS:
                raise ValueError(f"The fault {name!r} cannot be {value!r}: use a rate from 0 to 1.")
            else:
                raise ValueError(f"Unknown fault {name!r}: use {', '.join([*KINDS, *_NUMBERS])}.")
        return faults

    def draw(self) -> str | None:
        """Return the kind of fault for the next request, or None."""
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
                    self.injected += 1
                return kind
        return None
