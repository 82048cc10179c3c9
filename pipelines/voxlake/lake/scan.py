"""Find the day files of a lake, and what shows that one was replaced, for the price of one look at each."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from voxlake.files import storage
from voxlake.lake.layout import ACCOUNTS, DAY_FILE, DAYS, days_of_month_file, last_of_month
from voxlake.lake.store import stamp_of
from voxlake.remote import remote_of
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from voxlake.lake.layout import Layout

T = TypeVar("T")

_LOOKS = 20
"""How often the folder of an account is looked at again while others take its place."""


class Listing(Protocol):
    """Who knows what folders hold: the file system, or the catalogue of a store."""

    def names_in(self, folder: os.PathLike[str] | str) -> list[str]:
        """Return what a folder has; nothing where there is none."""

    def stamp(self, path: os.PathLike[str] | str) -> str:
        """Return what differs after a file was replaced. Raises FileNotFoundError where there is none."""


class _Here:
    """The folders of this machine."""

    @staticmethod
    def names_in(folder: os.PathLike[str] | str) -> list[str]:
        return names_in(folder)

    @staticmethod
    def stamp(path: os.PathLike[str] | str) -> str:
        return stamp_of(os.stat(path))  # noqa: PTH116 - three times as fast


_HERE: Final = _Here()


def listing_of(layout: Layout) -> Listing:
    """Return who knows what the folders of a data directory hold."""
    return remote_of(layout.root) or _HERE


class Scanned(NamedTuple):
    """The days of one stream of one account: the stamp of the file of each by its UTC day, in order.

    `in_months` are the days whose rows lie in the file of their month, the stamp of which is theirs.
    """

    account_id: int
    stream: str
    stamps: dict[date, str]
    in_months: frozenset[date]


def scan(layout: Layout, account_ids: Collection[int] | None = None) -> Iterator[Scanned]:
    """Yield the day files of some accounts or of all, by stream and account; the folders of others are not entered.

    Raises:
        SettingsError: a folder may not be read.

    """
    listing = listing_of(layout)
    for stream in STREAMS.values():
        table = str(layout.lake / stream.table)
        for account_id in accounts_in(layout, stream.table) if account_ids is None else sorted(account_ids):
            with storage(layout.root, writing=False):
                folder = f"{table}/{ACCOUNTS}{account_id}"
                stamps, in_months = of_one_folder(folder, lambda its: _stamps(its, listing))
            if stamps:
                yield Scanned(account_id, stream.name, stamps, in_months)


def accounts_in(layout: Layout, table: str) -> list[int]:
    """Return the accounts that have a folder of a stream, in order; raises what `scan` raises."""
    with storage(layout.root, writing=False):
        names = listing_of(layout).names_in(layout.lake / table)
    numbers = (layout.account_of(name) for name in names)
    return sorted(number for number in numbers if number is not None)


def of_one_folder(folder: str, look: Callable[[str], T]) -> T:
    """Return what a look at the folder of an account finds.

    Where another folder takes its place meanwhile, because months were compacted, that one is looked at.
    """
    for _ in range(_LOOKS):
        before = _inode(folder)
        found = look(folder)
        if _inode(folder) == before:
            break
    return found


def _stamps(folder: str, listing: Listing) -> tuple[dict[date, str], frozenset[date]]:
    """Return the stamps of the days in the folder of an account, and which of them lie in the file of their month."""
    found: dict[date, str] = {}
    months: dict[date, str] = {}
    for name in sorted(listing.names_in(folder)):
        day = day_of(name)
        if day is None:
            continue
        with suppress(FileNotFoundError, NotADirectoryError):
            found[day] = listing.stamp(f"{folder}/{name}/{DAY_FILE}")
        if day == last_of_month(day):
            days, file = month_file_in(f"{folder}/{name}", day, listing)
            if days:
                with suppress(FileNotFoundError, NotADirectoryError):
                    months |= dict.fromkeys(days, listing.stamp(f"{folder}/{name}/{file}"))
    if not months:
        return found, frozenset()
    found |= months
    return dict(sorted(found.items())), frozenset(months)


def month_file_in(folder: str, last: date, listing: Listing) -> tuple[list[date], str]:
    """Return the days whose rows the file of a month has, and its name; none where the folder has no such file."""
    for name in sorted(listing.names_in(folder), reverse=True):
        if days := days_of_month_file(last, name):
            return days, name
    return [], ""


def day_of(folder: str) -> date | None:
    """Return the day whose folder has this name; None for another name."""
    if not folder.startswith(DAYS):
        return None
    try:
        day = date.fromisoformat(folder[len(DAYS) :])
    except ValueError:
        return None
    return day if folder[len(DAYS) :] == day.isoformat() else None


def _inode(folder: str) -> int:
    try:
        return os.stat(folder).st_ino  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return 0


def names_in(folder: os.PathLike[str] | str) -> list[str]:
    """Return what a folder has; nothing where there is none."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are all that is needed
    except (FileNotFoundError, NotADirectoryError):
        return []
