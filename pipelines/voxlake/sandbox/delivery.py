"""How a sent message fares: which fate its number has, and which status is seen at which moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .samples import COUNTRIES
from .synthetic_day import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from .synthetic_day import Row

REFUSED = {"00385": 385, "00423": 423, "00506": 506, "00509": 509}
"""Numbers that end like this are refused with this code."""

ENDS = {"00003": "ABORTED", "00004": "REJECTED", "00006": "FAILED", "00007": "EXPIRED", "00008": "UNKNOWN"}
"""Numbers that end like this end like that; all others are DELIVERED, but for STUCK."""

STUCK = "00001"
_TAIL = 5
_GOOD = ("DELIVERED", "UNKNOWN")


class Clock:
    """The clock of deliveries: `speed` times as fast as the server's, and it can be put forward."""

    def __init__(self, now: Callable[[], float], *, speed: float) -> None:
        self._now, self._speed = now, speed
        self._ahead = 0.0

    def now(self) -> float:
        """Tell the time of deliveries; only differences mean anything."""
        return self.of(self._now())

    def of(self, at: float) -> float:
        """Turn a moment of the server's clock into one of this clock, as far ahead as it is now."""
        return at * self._speed + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the clock forward, so that what takes time has taken it."""
        self._ahead += seconds


@dataclass(slots=True)
class Sent(Message):
    """A message that somebody sent: `states` say from which moment of the clock on which fields differ."""

    states: tuple[tuple[float, Row], ...] = ()
    clock: Callable[[], float] = field(default=lambda: 0.0)

    def at(self, now: float) -> Row:  # noqa: ARG002 - the world's clock stands still where this one runs
        """Give the row as the API would at this moment."""
        moment = self.clock()
        reached = [fields for since, fields in self.states if since <= moment]
        return {**self.row, **reached[-1]} if reached else self.row


def price(number: str) -> int | None:
    """Give the price of a part in 1/10000, or None where no route leads; the longest prefix decides."""
    found = max((c for c in COUNTRIES if number.startswith(c[0])), key=lambda c: len(c[0]), default=None)
    return None if found is None else found[1]


def refusal(number: str) -> int | None:
    """Give the code with which a number is refused, if it is one of those."""
    return REFUSED.get(number[-_TAIL:])


def states(row: Row, *, a2p: bool, since: float, takes: float) -> tuple[tuple[float, Row], ...]:
    """Plan the statuses of an accepted message: waiting, on its way, and its end after `takes` seconds."""
    number = row["destination_number"]
    end = ENDS.get(number[-_TAIL:], "DELIVERED")
    good = end in _GOOD
    error = None if good else f"Error send sms to {number} from {row['source_number']} Code = {len(end)}"
    final: dict[str, Any] = {"status_id": 1 if good else 2, "error_message": error}
    if not a2p:
        steps = [(since, {"status_id": 3}), (since + takes, final)]
    else:
        steps = [
            (since, {"status_id": 3, "delivery_status": "QUEUED"}),
            (since + takes / 3, {"status_id": 3, "delivery_status": "DISPATCHED"}),
            (since + takes, {**final, "delivery_status": end}),
        ]
    return tuple(steps[:1] if number[-_TAIL:] == STUCK else steps)
