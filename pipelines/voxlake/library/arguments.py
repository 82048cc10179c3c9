"""The arguments that runs share: ranges of UTC days, streams, and when a day is final."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voxlake.errors import SettingsError
from voxlake.library.inputs import utc_day
from voxlake.model import FinalityPolicy
from voxlake.pipeline import DayRange
from voxlake.text import did_you_mean
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from voxlake.library.inputs import Day
    from voxlake.transform import Stream

_FIRST_YEAR = 2000


def day_range(
    since: Day | None, until: Day | None, *, today: date, limit: date, names: tuple[str, str] = ("since", "until")
) -> DayRange:
    """Return the UTC days `[since, until)`, with an end that is at most `limit`.

    Raises:
        SettingsError: the range is empty, in the future, or older than any message.

    """
    first, end = utc_day(since, names[0]), utc_day(until, names[1], end=True)
    if first and end and first >= end:
        raise SettingsError(f"{names[0]} {first} is not before {names[1]} {end}: the end is excluded.")
    if first and first > today:
        raise SettingsError(f"{names[0]} {first} is in the future: the last UTC day is {today}.")
    if first and first.year < _FIRST_YEAR:
        raise SettingsError(f"{names[0]} {first} is older than any message: use a day from {_FIRST_YEAR} on.")
    return DayRange(first, min(end or limit, limit))


def find_streams(names: str | Iterable[str]) -> list[Stream]:
    """Return the streams of these names, each once; `all` names every one.

    Raises:
        SettingsError: there is no such stream, or none is named.

    """
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in STREAMS and name != "all":
            raise SettingsError(f"There is no stream {name!r}: {did_you_mean(str(name), STREAMS)}")
    if not wanted:
        raise SettingsError(f"No stream is named: use {', '.join(STREAMS)}.")
    return list(STREAMS.values()) if "all" in wanted else [STREAMS[name] for name in dict.fromkeys(wanted)]


def finality(settle_hours: float, give_up_days: float) -> FinalityPolicy:
    """Return when a day is final: verified some hours after its end, or some days old.

    Raises:
        SettingsError: one of them is negative.

    """
    for name, value in (("settle_hours", settle_hours), ("give_up_days", give_up_days)):
        if not value >= 0:
            raise SettingsError(f"{name} is {value!r}: give a number of at least 0.")
    return FinalityPolicy(timedelta(hours=settle_hours), timedelta(days=give_up_days))
