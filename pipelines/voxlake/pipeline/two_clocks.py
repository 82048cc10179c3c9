"""The time by two clocks, this machine's and the API's: what is not over by both of them is not over.

A day that is stamped later than it was read would be final before its last messages came. So wherever a run asks what
time it is, the earlier clock counts, and a machine whose clock is hopelessly wrong exports nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from voxlake.api import HistoryApi
    from voxlake.clock import Clock

HOPELESS: Final = timedelta(days=180)
"""A machine whose clock differs by more from the API's is not asked what time it is."""


def offset(history: HistoryApi) -> timedelta:
    """Return how far the API's clock is ahead of this machine's; zero where they agree or no reply has come yet."""
    return timedelta(seconds=history.clock_offset or 0)


def earlier(clock: Clock, history: HistoryApi) -> datetime:
    """Return the time in UTC, by this machine's clock or the API's, whichever is earlier."""
    return clock.now() + min(offset(history), timedelta())


def require_usable_clock(clock: Clock, history: HistoryApi) -> None:
    """Make sure, as soon as a reply shows the API's time, that the two clocks are not years apart.

    Raises:
        SettingsError: they are.

    """
    difference = offset(history)
    if abs(difference) > HOPELESS:
        now = clock.now()
        raise SettingsError(
            f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC and the API's {now + difference:%Y-%m-%d %H:%M}: set"
            " the clock, then run the same command again."
        )


def describe_offset(history: HistoryApi) -> str | None:
    """Return a sentence about two clocks that differ notably; None where they do not."""
    difference = offset(history)
    if not difference:
        return None
    way = "behind" if difference > timedelta() else "ahead of"
    apart = abs(difference)
    length = f"{apart.days} days" if apart.days > 1 else f"{apart // timedelta(minutes=1):,} minutes"
    return f"This machine's clock is {length} {way} the API's, and the earlier one counted: set the clock."
