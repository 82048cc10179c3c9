"""Which days have a file, by names alone: what a monitor asks every hour of a lake of a million days."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from voxlake.files import storage
from voxlake.lake.layout import ACCOUNTS, DAY_FILE, last_of_month, month_file_name
from voxlake.lake.scan import accounts_in, day_of, listing_of, month_file_in, of_one_folder
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voxlake.lake.layout import Layout
    from voxlake.lake.scan import Listing

_Span = tuple[int, int]
"""The ordinals of days, `[first, end)`."""


class DaySet(Collection[date]):
    """UTC days, held as spans, which are few where most of the days lie side by side."""

    def __init__(self, spans: Iterable[_Span] = ()) -> None:
        self._firsts: list[int] = []
        self._ends: list[int] = []
        for first, end in sorted(spans):
            if self._ends and first <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._firsts.append(first)
                self._ends.append(end)

    def __len__(self) -> int:
        return sum(self._ends) - sum(self._firsts)

    def __iter__(self) -> Iterator[date]:
        spans = zip(self._firsts, self._ends, strict=True)
        return (date.fromordinal(number) for first, end in spans for number in range(first, end))

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.covers(day.toordinal(), day.toordinal() + 1)

    def covers(self, first: int, end: int) -> bool:
        """Return whether all days of a span are here, by their ordinals; no day is looked at."""
        at = bisect_right(self._firsts, first) - 1
        return first >= end or (at >= 0 and end <= self._ends[at])

    @property
    def last(self) -> date | None:
        """The newest of the days."""
        return date.fromordinal(self._ends[-1] - 1) if self._ends else None


class Held(NamedTuple):
    """The days of one stream of one account that have a file, or a place in the file of their month."""

    account_id: int
    stream: str
    days: DaySet


def held_days(layout: Layout, account_ids: Collection[int] | None = None) -> Iterator[Held]:
    """Yield what `scan` finds, without what tells one file from another.

    Raises:
        SettingsError: a folder may not be read.

    """
    listing = listing_of(layout)
    for stream in STREAMS.values():
        table = str(layout.lake / stream.table)
        for account_id in accounts_in(layout, stream.table) if account_ids is None else sorted(account_ids):
            with storage(layout.root, writing=False):
                folder = f"{table}/{ACCOUNTS}{account_id}"
                days = DaySet(of_one_folder(folder, lambda its: _spans(its, listing)))
            if days:
                yield Held(account_id, stream.name, days)


def _spans(folder: str, listing: Listing) -> list[_Span]:
    spans: list[_Span] = []
    for name in listing.names_in(folder):
        day = day_of(name)
        if day is None:
            continue
        number, place = day.toordinal(), f"{folder}/{name}"
        # Only the last day of a month has one of these numbers and a file of the month beside its own.
        if day.day >= 28 and day == last_of_month(day):  # noqa: PLR2004 - the shortest month
            if _exists(f"{place}/{month_file_name(day.day)}", listing):
                spans.append((number - day.day + 1, number + 1))
                continue
            if days := month_file_in(place, day, listing)[0]:
                spans.append((days[0].toordinal(), number + 1))
        if _exists(f"{place}/{DAY_FILE}", listing):
            spans.append((number, number + 1))
    return spans


def _exists(path: str, listing: Listing) -> bool:
    try:
        listing.stamp(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
