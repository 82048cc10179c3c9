"""Learn what the API's date bounds mean, from a few counts over rows that we already hold.

Nobody knows whether a row at `from_date` or `to_date` counts, or whether the time of day is looked at. Reading asks
wider than the window, whatever the answer; only counting without reading needs to know it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from voxlake.model import DAY, SECOND, Window, midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class DateBounds:
    """Whether rows at `from_date` and at `to_date` count, at `unit` precision (a second or a day)."""

    start: bool
    end: bool
    unit_is_day: bool = False

    def exactly(self, window: Window) -> Window:
        """Give the dates that select exactly `[start, end)`; right for whole days at either precision."""
        return Window(window.start - SECOND * (not self.start), window.end - SECOND * self.end)

    def selects(self, asked: Window) -> Window:
        """Give the span of rows that the two dates of `asked` select."""
        unit = DAY if self.unit_is_day else SECOND
        first, last = (midnight(at.date()) if self.unit_is_day else at for at in (asked.start, asked.end))
        return Window(first + unit * (not self.start), last + unit * self.end)


def learn(
    count: Callable[[Window], int], times: Mapping[datetime, int], days: Mapping[date, int], *, around: date
) -> DateBounds | None:
    """Ask for at most three counts and keep the bounds that explain all of them; None where that stays open.

    `times` says how many rows the two days from `around` hold by second, `days` how many a day holds. A row that
    appeared since makes no bounds fit, or leaves several: then the caller reads the days instead.
    """
    inside = [at for at in times if midnight(around) < at < midnight(around) + DAY - SECOND]
    if not inside:
        return None
    at = sorted(inside)[len(inside) // 2]
    candidates = [DateBounds(*flags) for flags in product((True, False), repeat=3)]
    for asked in (Window(at - SECOND, at), Window(at, at + SECOND), Window(at, at + DAY)):
        told = count(asked)
        candidates = [bounds for bounds in candidates if _predicted(bounds.selects(asked), bounds, times, days) == told]
        # The first count alone may fit by chance.
        if asked.start == at and len({(bounds.start, bounds.end) for bounds in candidates}) == 1:
            return candidates[0]
    return None


def _predicted(span: Window, bounds: DateBounds, times: Mapping[datetime, int], days: Mapping[date, int]) -> int:
    if bounds.unit_is_day:
        return sum(days.get(day, 0) for day in span.days) if span.end > span.start else 0
    return sum(number for at, number in times.items() if span.start <= at < span.end)
