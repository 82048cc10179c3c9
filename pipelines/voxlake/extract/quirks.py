"""What a run learns of the API that no documentation says, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

PAGE_SIZES = (1000, 500, 300, 200, 100, 50)
"""How many rows to ask for at once, largest first: where the API refuses one size, the next is tried."""

DEEPEST_OFFSET = 10_000
"""The sibling history of calls refuses larger offsets, so no history is asked for deeper than this."""


@dataclass(frozen=True, slots=True)
class ApiQuirks:
    """What was learned of one stream of one account; a run merges what its tasks return.

    `page_size` is how many rows to ask for at once; `deepest_offset` the offset from which on nothing is asked for;
    `longest_window` the shortest span in seconds that the API refused as too long. `ignores_time` says whether the
    API looks at the date alone in a bound, so that no window inside a day can be selected (None: not known yet);
    `day_bounds` is the number of the pair of `bounds_of_day` that selects a day of such an API.
    """

    page_size: int = PAGE_SIZES[0]
    deepest_offset: int = DEEPEST_OFFSET
    longest_window: float = inf
    ignores_time: bool | None = None
    day_bounds: int | None = None

    def merge(self, other: ApiQuirks) -> ApiQuirks:
        """Return what both know: the stricter of two limits; of `day_bounds`, what `other` says if it says anything."""
        known = [value for value in (self.ignores_time, other.ignores_time) if value is not None]
        return ApiQuirks(
            page_size=min(self.page_size, other.page_size),
            deepest_offset=min(self.deepest_offset, other.deepest_offset),
            longest_window=min(self.longest_window, other.longest_window),
            ignores_time=any(known) if known else None,
            day_bounds=self.day_bounds if other.day_bounds is None else other.day_bounds,
        )


NOTHING_LEARNED: Final = ApiQuirks()
"""What is known of an API before it was asked anything."""
