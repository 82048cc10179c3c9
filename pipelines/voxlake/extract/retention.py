"""Find the oldest day that the API gives, where it refuses those before: not because a window is long, but old.

Nothing is documented of how long the vendor keeps the histories, nor of what it answers beyond that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected
from voxlake.model import SECOND, Window, midnight

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.transform import Stream

_SHORT = timedelta(hours=1)
"""A window that is too long for no API that has one."""


def oldest_day(history: HistoryApi, stream: Stream, days: Sequence[date], *, today: date) -> date | None:
    """Return the first of some UTC days, or else the first after them, that the API gives; it refused all of them once.

    `days` follow one another. None is returned where it was not their age: the first of them is given alone, or not
    even today is. That takes two requests, or else at most 2 + log2 of the days from the first of `days` to today.

    Raises:
        Refused, Unavailable: what the API's counts raise.

    """
    first = days[0]
    if _gives(history, stream, first):
        return None
    given = days[-1] if days[-1] > first and _gives(history, stream, days[-1]) else today
    if given == today and (today <= first or not _gives(history, stream, today)):
        return None
    refused = first.toordinal()
    known = given.toordinal()
    while known - refused > 1:
        middle = (known + refused) // 2
        if _gives(history, stream, first.fromordinal(middle)):
            known = middle
        else:
            refused = middle
    return first.fromordinal(known)


def _gives(history: HistoryApi, stream: Stream, day: date) -> bool:
    """Return whether the API counts the beginning of a UTC day, asked for as a reading of that day asks."""
    start = midnight(day)
    try:
        history.total(stream, Window(start - SECOND, start + _SHORT))
    except ApiRejected:
        return False
    return True
