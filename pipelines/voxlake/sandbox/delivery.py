"""The delivery of sent messages: the outcome by destination number, and the status over time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voxlake.sandbox.samples import COUNTRIES
from voxlake.sandbox.synthetic_day import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.sandbox.synthetic_day import Row

REFUSED = {"00385": 385, "00423": 423, "00506": 506, "00509": 509}
"""The error code of a destination number, by its last five digits."""

ENDS = {"00003": "ABORTED", "00004": "REJECTED", "00006": "FAILED", "00007": "EXPIRED", "00008": "UNKNOWN"}
"""The final status of a destination number, by its last five digits; all others but STUCK are DELIVERED."""

STUCK = "00001"
_TAIL = 5
_GOOD = ("DELIVERED", "UNKNOWN")


class DeliveryClock:
    """A clock that runs `speed` times as fast as the server's, and can be moved forward."""

    def __init__(self, now: Callable[[], float], *, speed: float) -> None:
        self._now, self._speed = now, speed
        self._ahead = 0.0

    def now(self) -> float:
        """Return the current reading in seconds; only differences are meaningful."""
        return self.of(self._now())

    def of(self, at: float) -> float:
        """Convert a time of the server's clock to this clock, with its present lead."""
        return at * self._speed + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward, so that pending deliveries complete."""
        self._ahead += seconds


@dataclass(slots=True)
class SentMessage(Message):
    """A message sent by a client; `states` lists changed fields with the time from which they apply."""

    states: tuple[tuple[float, Row], ...] = ()
    clock: Callable[[], float] = field(default=lambda: 0.0)

    def at(self, now: float) -> Row:  # noqa: ARG002 - this message lives by the delivery clock
        """Return the row in its present state."""
        moment = self.clock()
        reached = [fields for since, fields in self.states if since <= moment]
        return {**self.row, **reached[-1]} if reached else self.row


def price(number: str) -> int | None:
    """Return the price of a segment in 1/10000 of the currency, or None without a route; the longest prefix wins."""
    found = max((c for c in COUNTRIES if number.startswith(c[0])), key=lambda c: len(c[0]), default=None)
    return None if found is None else found[1]


def refusal(number: str) -> int | None:
    """Return the error code for a number that is always refused, or None."""
    return REFUSED.get(number[-_TAIL:])


def states(row: Row, *, a2p: bool, since: float, takes: float) -> tuple[tuple[float, Row], ...]:
    """Return the statuses of an accepted message over time: queued, dispatched, and final after `takes` seconds."""
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
