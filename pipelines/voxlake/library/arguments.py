"""The arguments that runs share: UTC days, streams, the data directory, and when a day is final."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, overload

from voxlake.errors import SettingsError
from voxlake.model import DAY, FinalityPolicy, midnight
from voxlake.pipeline import DayRange
from voxlake.remote import find_root, refresh, remote_of
from voxlake.text import did_you_mean
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path

    from voxlake.transform import Stream

Day = date | str
"""A UTC day: a date, an ISO date, or an aware datetime, which is rounded out to a day."""

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


@overload
def utc_day(value: Day, name: str, *, end: bool = False) -> date: ...
@overload
def utc_day(value: Day | None, name: str, *, end: bool = False) -> date | None: ...
def utc_day(value: Day | None, name: str, *, end: bool = False) -> date | None:
    """Return the UTC day that an argument means; a time is rounded down to one, or up for an `end`.

    Raises:
        SettingsError: it is not a day, or a time without a zone.

    """
    if value is None:
        return None
    found: date | str = value
    if isinstance(value, str):
        try:
            found = date.fromisoformat(value) if len(value) <= len("2026-01-01") else datetime.fromisoformat(value)
        except ValueError:
            raise SettingsError(f"{name} {value!r} is not a UTC day: use a date, or YYYY-MM-DD.") from None
    if not isinstance(found, date):
        raise SettingsError(f"{name} {value!r} is not a UTC day: use a date, or YYYY-MM-DD.")
    if not isinstance(found, datetime):
        return found
    if found.tzinfo is None:
        raise SettingsError(f"{name} {value} has no time zone: use a date, or a time with a zone.")
    at = found.astimezone(UTC)
    return at.date() + (DAY if end and at != midnight(at.date()) else timedelta(0))


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


def find_folder(data_dir: str | os.PathLike[str]) -> Path:
    """Return the path of a data directory, `~` being the user's home; of one in a store that of its working directory.

    What was committed there meanwhile is brought first.

    Raises:
        SettingsError: it is a URL that cannot be used, or the store refuses.
        StoreUnavailable: the store could not be reached in time, and nothing is known of it here.

    """
    root = find_root(data_dir)
    if (remote := remote_of(root)) is not None:
        refresh(remote)
    return root


def finality(settle_hours: float, give_up_days: float) -> FinalityPolicy:
    """Return when a day is final: verified some hours after its end, or some days old.

    Raises:
        SettingsError: one of them is negative.

    """
    for name, value in (("settle_hours", settle_hours), ("give_up_days", give_up_days)):
        if not value >= 0:
            raise SettingsError(f"{name} is {value!r}: give a number of at least 0.")
    return FinalityPolicy(timedelta(hours=settle_hours), timedelta(days=give_up_days))
