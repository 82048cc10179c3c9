"""One UTC day of one history: columns are generated at once from a seed, rows only on request."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from voxlake.sandbox.samples import COUNTRIES, ERRORS, OWN_NUMBERS, SENDERS, TEXTS
from voxlake.sandbox.segments import segment_count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

Row = dict[str, Any]
Indices = Any  # an index array or a slice of one
SECONDS = 86_400
IDS_PER_DAY = 10**7
_EPOCH = date(1970, 1, 1).toordinal()
FIRST_ID_DAY = date(2000, 1, 1).toordinal()
# Quiet at night, busy from nine to nine.
_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 12, 16, 18, 18, 17, 17, 18, 18, 17, 16, 15, 14, 11, 7, 4, 2)
_SETTLING = 48 * 3600
_BLOCK = 16


def midnight(day: date) -> int:
    """Return the first second of a UTC day, in Unix time."""
    return (day.toordinal() - _EPOCH) * SECONDS


@dataclass(slots=True)
class Message:
    """A message in its final state, its fields `before` that, and when it is `shown`; times are UTC seconds."""

    row: Row
    before: Row | None = None
    settles: int = 0
    shown: int = 0

    def at(self, now: float) -> Row:
        """Return the row as the API would report it at a time in UTC seconds."""
        return {**self.row, **self.before} if self.before is not None and now < self.settles else self.row


class Day(Protocol):
    """Messages in order of time; `seconds`, `ids` and `shown` are arrays of the same length."""

    seconds: NDArray[np.int64]
    ids: NDArray[np.int64]
    shown: NDArray[np.int64]

    def messages(self, indices: Indices) -> list[Message]:
        """Return the messages at these positions."""


class EditedDay:
    """A day that was edited: a plain list of messages."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = sorted(messages, key=lambda m: (m.row["processed_at"], m.row["message_id"]))
        self.seconds = np.array([int(m.row["processed_at"].timestamp()) for m in self._messages], np.int64)
        self.ids = np.array([m.row["message_id"] for m in self._messages], np.int64)
        self.shown = np.array([m.shown for m in self._messages], np.int64)

    def messages(self, indices: Indices) -> list[Message]:
        """Return the messages at these positions."""
        return [self._messages[i] for i in np.arange(len(self._messages))[indices].tolist()]


class SeededDay:
    """A day determined by seed, stream, date and number of messages; ids are determined by the date.

    `numbers` are the account's, as many as in `OWN_NUMBERS`.
    """

    def __init__(
        self,
        seed: int,
        stream: str,
        day: date,
        count: int,
        *,
        late: float = 0,
        numbers: tuple[str, ...] = OWN_NUMBERS,
    ) -> None:
        rng = np.random.default_rng(random.Random(f"{seed}/{stream}/{day}").getrandbits(64))
        self._sms = stream == "sms"
        self._mine = numbers if self._sms else SENDERS
        self._start = midnight(day)
        self.seconds = self._start + _times(rng, count)
        places = np.arange(count) // _BLOCK * _BLOCK
        shuffled = np.lexsort((rng.random(count), places))
        self.ids = (day.toordinal() - FIRST_ID_DAY) * IDS_PER_DAY + 1 + shuffled.astype(np.int64)
        order = np.lexsort((self.ids, self.seconds))
        self.ids, self.seconds = self.ids[order], self.seconds[order]
        # A share of `late` rows becomes visible only hours after their date.
        self.shown = self.seconds + (rng.random(count) < late) * rng.integers(1, 6 * 3600, count)
        self._country = rng.integers(0, len(COUNTRIES), count, np.int8)
        self._number = rng.integers(0, 10**8, count, np.int32)
        self._ours = rng.integers(0, len(self._mine), count, np.int8)
        self._text = rng.integers(-len(TEXTS) // 3, len(TEXTS), count, np.int8)  # below 0: not stored
        self._n = rng.integers(1000, 1_000_000, count, np.int32)
        self._inbound = rng.random(count) < 0.3
        self._fails = rng.random(count) < 0.04
        self._transaction = rng.random(count) < 0.9
        settles = np.where(rng.random(count) < 0.2, rng.integers(60, _SETTLING, count), 0)
        self._settles = self.seconds + settles
        self._columns = (
            self.ids, self.seconds, self.shown, self._country, self._number, self._ours, self._text, self._n,
            self._inbound, self._fails, self._transaction, self._settles,
        )  # fmt: skip

    def messages(self, indices: Indices) -> list[Message]:
        """Return the messages at these positions."""
        columns = [column[indices].tolist() for column in self._columns]
        return [self._message(*values) for values in zip(*columns, strict=True)]

    def _message(
        self, message_id: int, second: int, shown: int, country: int, number: int, ours: int, text: int, n: int,
        inbound: bool, fails: bool, transaction: bool, settles: int,
    ) -> Message:  # fmt: skip
        _, price, head, digits = COUNTRIES[country]
        theirs = f"{head}{number % 10**digits:0{digits}d}"
        mine = self._mine[ours]
        inbound = inbound and self._sms
        fails = fails and not inbound
        body = TEXTS[text].format(n=n) if text >= 0 else None
        billed = _billed(text, len(str(n))) if body else 1
        # Now and then one segment too many is billed, so that an audit of the segments has something to find.
        billed += n % 250 == 7
        fragments = 0 if fails and n % 2 else billed
        row: Row = {
            "message_id": message_id,
            "source_number": theirs if inbound else mine,
            "destination_number": mine if inbound else theirs,
            "fragments": fragments,
            # A failed row can carry a cost.
            "cost": Decimal(0 if inbound else price * max(fragments, fails)).scaleb(-4),
            "status_id": 2 if fails else 1,
            "error_message": ERRORS[n % len(ERRORS)].format(to=theirs, by=mine) if fails else None,
            "processed_at": datetime.fromtimestamp(second, UTC),
            "transaction_id": second * 1000 + n % 1000 if transaction or not self._sms else None,
            "text": body,
        }
        if self._sms:
            row["direction"] = "IN" if inbound else "OUT"
            before: Row = {"status_id": 3, "error_message": None}
        else:
            row["delivery_status"] = ("FAILED", "REJECTED", "EXPIRED", "ABORTED")[n % 4] if fails else "DELIVERED"
            if not fails and n % 50 == 0:
                row["delivery_status"] = "UNKNOWN"
            before = {"status_id": 3, "error_message": None, "delivery_status": ("QUEUED", "DISPATCHED")[n % 2]}
        return Message(row, None if inbound else before, settles, shown)


def _times(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Return sorted seconds of a day: hours by weight, a burst, both ends of the day, and two in the same second."""
    weights = np.array(_HOURS) / sum(_HOURS)
    seconds = rng.choice(24, count, p=weights) * 3600 + rng.integers(0, 3600, count)
    burst = rng.random(count) < 0.1
    seconds[burst] = rng.integers(0, SECONDS - 300) + rng.integers(0, 300, int(burst.sum()))
    seconds.sort()
    if count > 3:
        seconds[0], seconds[-1] = 0, SECONDS - 1
        seconds[count // 2] = seconds[count // 2 - 1]
    return seconds.astype(np.int64)


@lru_cache
def _billed(template: int, digits: int) -> int:
    """Return the billed segments of a sample text with a number of that many digits."""
    return segment_count(TEXTS[template].format(n="0" * digits))
