"""Find the day files of a lake, and what shows that one was replaced, for the price of one look at each."""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from voxlake.files import storage
from voxlake.lake.layout import ACCOUNTS, DAY_FILE, DAYS
from voxlake.lake.store import stamp_of
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from voxlake.lake.layout import Layout


class Scanned(NamedTuple):
    """The day files of one stream of one account: the stamp of each by its UTC day, in order."""

    account_id: int
    stream: str
    stamps: dict[date, str]


def scan(layout: Layout, account_ids: Collection[int] | None = None) -> Iterator[Scanned]:
    """Yield the day files of some accounts or of all, by stream and account; the folders of others are not entered.

    Raises:
        SettingsError: a folder may not be read.

    """
    for stream in STREAMS.values():
        table = str(layout.lake / stream.table)
        for account_id in accounts_in(layout, stream.table) if account_ids is None else sorted(account_ids):
            with storage(layout.root, writing=False):
                stamps = _stamps(f"{table}/{ACCOUNTS}{account_id}")
            if stamps:
                yield Scanned(account_id, stream.name, stamps)


def accounts_in(layout: Layout, table: str) -> list[int]:
    """Return the accounts that have a folder of a stream, in order; raises what `scan` raises."""
    with storage(layout.root, writing=False):
        names = _names(layout.lake / table)
    numbers = (layout.account_of(name) for name in names)
    return sorted(number for number in numbers if number is not None)


def _stamps(folder: str) -> dict[date, str]:
    found = {}
    for name in sorted(_names(folder)):
        if not name.startswith(DAYS):
            continue
        try:
            day = date.fromisoformat(name[len(DAYS) :])
        except ValueError:
            continue
        if name == f"{DAYS}{day}":
            try:
                found[day] = stamp_of(os.stat(f"{folder}/{name}/{DAY_FILE}"))  # noqa: PTH116 - three times as fast
            except (FileNotFoundError, NotADirectoryError):
                continue
    return found


def _names(folder: os.PathLike[str] | str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are all that is needed
    except (FileNotFoundError, NotADirectoryError):
        return []
