"""What a run learns of the API that no documentation says, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product, starmap
from math import inf
from typing import TYPE_CHECKING, Final

from voxlake.model import DAY, SECOND, Window, midnight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

TOO_OLD = 123
"""The error code of an invalid range of dates, which a window may be that begins too long ago."""

RANGE_CODES = frozenset({TOO_OLD, 569})
"""Error codes of a span of time that the API does not like; source: the vendor's list of error codes."""

PAGE_SIZES = (1000, 500, 300, 200, 100, 50)
"""How many rows to ask for at once, largest first: where the API refuses one size, the next is tried."""

DEEPEST_OFFSET = 10_000
"""The history of calls is documented to refuse larger offsets, so no history is asked for deeper than this."""

EXACT_COUNTS = 1
"""The `count_step` of counts that say how many rows there are."""

PAGE_COUNTS = 10**9
"""The `count_step` of counts that say how many rows a page has."""


@dataclass(frozen=True, slots=True)
class ApiQuirks:
    """What was learned of one stream of one account; a run merges what its tasks return.

    `page_size` is how many rows to ask for at once; `deepest_offset` the offset from which on nothing is asked for;
    `longest_window` the shortest span in seconds that the API refused as too long. `ignores_time` says whether the
    API looks only at the date in a bound, so that no window inside a day can be selected (None: not known yet);
    `day_bounds` is the number of the pair of `bounds_of_day` that selects a day of such an API. `largest_total` is how
    far the API counts. With `contradicts`, two of its replies did not fit together although nothing explains it. By
    less than `count_step` rows a count may be off: 1 where it is exact, 0 where nothing has cast a doubt on it, and
    `PAGE_COUNTS` where it says how many rows a page has. With `unordered`, it has another order for every page, so that
    only a window that fits one can be read. `deep_seconds` are seconds that hold more rows than the API
    gives out in any way, each with how many it counted around it. With `no_look_back`, a page of days that are known
    lacked some of their rows, or was refused.
    """

    page_size: int = PAGE_SIZES[0]
    deepest_offset: int = DEEPEST_OFFSET
    longest_window: float = inf
    ignores_time: bool | None = None
    day_bounds: int | None = None
    largest_total: float = inf
    contradicts: bool = False
    count_step: int = 0
    unordered: bool = False
    deep_seconds: frozenset[tuple[datetime, int]] = frozenset()
    no_look_back: bool = False

    @property
    def counts_prove(self) -> bool:
        """Whether counts can prove that no row is missing."""
        return self.count_step <= EXACT_COUNTS

    @property
    def one_page_windows(self) -> bool:
        """Whether each page has to be a window of its own, and can be."""
        return self.unordered and self.ignores_time is False

    def merge(self, other: ApiQuirks) -> ApiQuirks:
        """Return what both know: the stricter of two limits, and of `day_bounds` what `other` knows, if anything.

        That the API ignores the time of day outweighs that it does not: windows that are too large are said to be
        unproved, windows that select nothing are not.
        """
        known = [value for value in (self.ignores_time, other.ignores_time) if value is not None]
        return ApiQuirks(
            page_size=min(self.page_size, other.page_size),
            deepest_offset=min(self.deepest_offset, other.deepest_offset),
            longest_window=min(self.longest_window, other.longest_window),
            ignores_time=any(known) if known else None,
            day_bounds=self.day_bounds if other.day_bounds is None else other.day_bounds,
            largest_total=min(self.largest_total, other.largest_total),
            contradicts=self.contradicts or other.contradicts,
            count_step=max(self.count_step, other.count_step),
            unordered=self.unordered or other.unordered,
            deep_seconds=frozenset({**dict(self.deep_seconds), **dict(other.deep_seconds)}.items()),
            no_look_back=self.no_look_back or other.no_look_back,
        )


NOTHING_LEARNED: Final = ApiQuirks()
"""What is known of an API before it was asked anything."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a reading ends inside a day, if it does: bounds of whole days would hide that day's rows.

    With `exact`, only what lies before the end is asked for, once it is known that the API looks at the time of day.
    """

    end: datetime | None = None
    exact: bool = False

    @classmethod
    def of(cls, window: Window, *, exact: bool = False) -> Tail:
        """Return the tail of a window."""
        return cls(None if window.end == midnight(window.end.date()) else window.end, exact)

    def asked(self, window: Window, quirks: ApiQuirks) -> Window:
        """Return the dates to ask for so that no row of a window is missed, whether rows at the bounds count or not."""
        is_exact = self.exact and quirks.ignores_time is False
        wide = window.end == self.end and not is_exact
        return Window(window.start - SECOND, midnight(window.end.date()) + DAY if wide else window.end)


def bounds_of_day(day: date) -> Iterator[Window]:
    """Yield four pairs of dates; to an API that ignores the time of day, one of them is this UTC day alone.

    Which one it is depends on whether `from_date` and `to_date` count, so it is the same for every day.
    """
    start = midnight(day)
    return starmap(Window, product((start, start - SECOND), (start + DAY, start + DAY - SECOND)))
