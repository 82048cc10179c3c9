"""The arguments that reading takes, too: a UTC day, and the data directory; nothing that speaks HTTP is imported."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, overload

from voxlake.errors import SettingsError
from voxlake.model import DAY, midnight
from voxlake.remote import find_root, refresh, remote_of

if TYPE_CHECKING:
    import os
    from pathlib import Path

Day = date | str
"""A UTC day: a date, an ISO date, or an aware datetime, which is rounded out to a day."""


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
