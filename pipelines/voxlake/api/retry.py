"""Decide whether and when a failed request is sent again: values and pure functions, without clock or network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

INTERNAL = frozenset({1, 2, 4})
"""The codes of a fault inside the API. Source: the vendor's list of errors, as below."""
MAYBE_DONE = INTERNAL | {14}
"""The codes after which a request may have been executed: 14 is a fault of the SMS gateway, behind the API."""
_OK, _TOO_MANY = 200, 429


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one request failed, where the next may succeed.

    `reason` is for people; `label` stands for it in logs, where it holds words from outside. `wait` is the pause in
    seconds that the server asked for, 0 where it asked for none. `too_fast`: a rate limit refused the request.
    `denied`: it was answered by HTTP 401 or 403, `elsewhere`: by what is not the API. `not_executed`: the request
    certainly had no effect, see `certainly_not_done`.
    """

    reason: str
    wait: float = 0.0
    too_fast: bool = False
    denied: bool = False
    not_executed: bool = False
    elsewhere: bool = False
    label: str | None = None

    @property
    def loggable(self) -> str:
        """The reason without words from outside, which may hold anything."""
        return self.label or self.reason


def certainly_not_done(*, left: bool, status: int | None = None, code: int | None = None) -> bool:
    """Whether a request certainly had no effect, so that sending it again cannot do something twice.

    `left` is whether a byte of it may have left this machine; `status` the HTTP status, and `code` the code of the
    error that came with status 200, where there was one. Once it has left, only the API itself can say that it did
    nothing: by a code that is not one of a failure inside of it, or by HTTP 429, its limit of requests. Any other
    status can be that of a proxy, which says nothing about what the API did.
    """
    if not left or status == _TOO_MANY:
        return True
    return status == _OK and code is not None and code not in MAYBE_DONE


class FaultError(Exception):
    """Carries a `Fault` from where it happens to where it is decided what to do about it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


class Final(Enum):
    """Why a request is not sent again."""

    OUTCOME_UNKNOWN = auto()
    """It must not be executed twice, and may have been executed."""
    DENIED = auto()
    """It was denied so often that the denial counts as final."""
    ELSEWHERE = auto()
    """The server is not the API."""
    OUT_OF_PATIENCE = auto()
    """The next attempt would come after the time that one call may take."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one call is attempted.

    `patience` bounds the seconds of a call with all its repetitions. `delays` are the longest pauses in seconds after
    the first attempts, of which the last one repeats. `denials` is the number of denied attempts that is final.
    """

    patience: float = 180.0
    delays: tuple[float, ...] = (0.5, 1, 2, 4, 8, 15, 30, 60)
    denials: int = 3

    def pause(self, fault: Fault, *, attempt: int, jitter: float) -> float:
        """Return the seconds to wait after an attempt (1, 2, ...): half to all of its delay, or what the server asks.

        `jitter` (0 to 1) spreads the clients of a server that recovers.
        """
        delay = self.delays[min(attempt, len(self.delays)) - 1]
        return max(fault.wait, delay * (0.5 + jitter / 2))

    def decide(self, fault: Fault, *, attempt: int, left: float, once: bool, jitter: float) -> float | Final:
        """Return the seconds to wait before the next attempt, or why there is none.

        `attempt` is the number of the one that failed, `left` the seconds of patience that remain, `once` whether the
        request must not be executed twice.
        """
        if once and not fault.not_executed:
            return Final.OUTCOME_UNKNOWN
        if fault.elsewhere:
            return Final.ELSEWHERE
        if fault.denied and attempt >= self.denials:
            return Final.DENIED
        pause = self.pause(fault, attempt=attempt, jitter=jitter)
        return Final.OUT_OF_PATIENCE if pause > left else pause
