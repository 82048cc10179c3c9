"""Learn whether the API's two dates are of the zone of its rows: a row that was just read is asked for at its second.

The reference says that all times are UTC. Were the dates taken in another zone, rows beside the midnights at which a
reading begins and ends would be missing without a sign.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from voxlake.errors import ApiRejected
from voxlake.model import SECOND, Window

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.api import HistoryApi
    from voxlake.transform import Stream

NO_SHIFT: Final = timedelta()
STEP: Final = timedelta(minutes=15)
"""What offsets of time zones are multiples of."""

_FARTHEST = 60
"""Steps to either side; no zone is farther than fourteen hours from UTC."""


class KnownRow(NamedTuple):
    """A message that was read, and the time that its row has."""

    message_id: int
    at: datetime


def learn_shift(history: HistoryApi, stream: Stream, row: KnownRow, other: KnownRow) -> timedelta | None:
    """Return by how much later dates must be asked for than rows have them; zero where they agree.

    That takes one count, of the seconds around `row`. Where that is 0 twice, about ten more find the shift, and
    `other`, a row of another time of day, must confirm it. None is returned where it cannot be learned: the API refuses
    or ignores filters by id, or looks at whole days.

    Raises:
        Refused, Unavailable: what the API's counts raise.

    """
    try:
        around = _counts(history, stream, row, NO_SHIFT, NO_SHIFT)
        if around is False:
            # A reply may be wrong once.
            around = _counts(history, stream, row, NO_SHIFT, NO_SHIFT)
        if around is not False:
            return NO_SHIFT if around else None
        shift = _found(history, stream, row)
        confirmed = shift is not None and _counts(history, stream, other, shift, shift)
    except ApiRejected:
        return None
    return shift if confirmed else None


def _found(history: HistoryApi, stream: Stream, row: KnownRow) -> timedelta | None:
    """Halve the shifts that are possible until one is left; None where none explains that the row is not there."""
    low, high = -_FARTHEST, _FARTHEST
    if not _counts(history, stream, row, low * STEP, high * STEP):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if _counts(history, stream, row, low * STEP, middle * STEP):
            high = middle
        else:
            low = middle
    found = next((n for n in (high, low) if _counts(history, stream, row, n * STEP, n * STEP)), 0)
    return found * STEP or None


def _counts(history: HistoryApi, stream: Stream, row: KnownRow, low: timedelta, high: timedelta) -> bool | None:
    """Return whether the API counts a row between two dates around its own; None where it does not count it alone."""
    asked = Window(row.at + low - SECOND, row.at + high + SECOND)
    total = history.total(stream, asked, filters={"message_id": str(row.message_id)})
    return bool(total) if total <= 1 else None
