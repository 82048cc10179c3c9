"""Learn what the API's date bounds mean, from a few counts over rows that are already known.

No documentation says whether a row at `from_date` or `to_date` counts, or whether the time of day is looked at. Reading
asks for more than the window, whatever the answer; only counting without reading needs to know it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING

from voxlake.errors import DataError
from voxlake.model import DAY, SECOND, Window, midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from voxlake.api import HistoryApi
    from voxlake.transform import Stream

CALIBRATION = 3
"""The most counts that learning the bounds takes."""

NONE: Mapping[date, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DateBounds:
    """Whether rows at `from_date` and at `to_date` count, to the second or, with `unit_is_day`, to the day."""

    start: bool
    end: bool
    unit_is_day: bool = False

    def exactly(self, window: Window) -> Window:
        """Return the two dates to ask for that select exactly `[start, end)`; right for whole UTC days."""
        return Window(window.start - SECOND * (not self.start), window.end - SECOND * self.end)

    def selects(self, asked: Window) -> Window:
        """Return the half-open span whose rows the API selects for the two dates of `asked`."""
        unit = DAY if self.unit_is_day else SECOND
        first, last = (midnight(at.date()) if self.unit_is_day else at for at in (asked.start, asked.end))
        return Window(first + unit * (not self.start), last + unit * self.end)


def learn_bounds(
    history: HistoryApi,
    stream: Stream,
    rows_by_day: Mapping[date, int],
    times: Callable[[date], Mapping[datetime, int]],
    surplus: Mapping[date, int] = NONE,
    forgotten: Mapping[date, int] = NONE,
) -> DateBounds | None:
    """Learn the bounds from the newest days with rows; None where these cannot tell.

    `rows_by_day` is how many rows the API counts of each UTC day; `times` counts the messages of one day by second, and
    is called for two days at most. `surplus` is how many rows it counts of a day beyond the messages, `forgotten` how
    many messages whose times are not known, because they were erased. A DataError that `times` raises is taken for
    "cannot tell".

    Raises:
        Refused, Unavailable, ApiRejected: what the API's counts raise.

    """
    filled = [day for day, rows in rows_by_day.items() if rows]
    pairs = [day for day in filled if day + DAY in rows_by_day]
    around = max(pairs or filled, key=lambda day: (not _near(forgotten, day), day), default=None)
    if around is None:
        return None
    known: Counter[datetime] = Counter()
    try:
        for day in (around, around + DAY):
            if day in rows_by_day:
                known.update(times(day))
        return learn(
            lambda asked: history.total(stream, asked),
            known,
            rows_by_day,
            around=around,
            surplus=_near(surplus, around),
            forgotten=_near(forgotten, around),
        )
    except DataError:
        return None


def learn(
    count: Callable[[Window], int],
    times: Mapping[datetime, int],
    days: Mapping[date, int],
    *,
    around: date,
    surplus: int = 0,
    forgotten: int = 0,
) -> DateBounds | None:
    """Ask for at most three counts, and return the one kind of bounds that explains them all; None where none does.

    `times` is how many rows the two days from `around` hold by second, `days` how many a day holds; up to `surplus` of
    those that `times` has are counted once more, and up to `forgotten` at times that it has not. A row that appeared
    since makes no bounds fit, or leaves several: then the caller reads the days instead.
    """
    inside = [at for at in times if midnight(around) < at < midnight(around) + DAY - SECOND]
    if not inside:
        return None
    # Which rows are counted twice is not known: a row without others beside it leaves no doubt about itself.
    apart = [at for at in inside if surplus and not (at - SECOND in times or at + SECOND in times)]
    at = sorted(apart or inside)[len(apart or inside) // 2]
    candidates = [DateBounds(*flags) for flags in product((True, False), repeat=3)]
    for asked in (Window(at - SECOND, at), Window(at, at + SECOND), Window(at, at + DAY)):
        total = count(asked)
        candidates = [
            bounds
            for bounds in candidates
            if _explains(bounds, asked, total, times, days, surplus=surplus, forgotten=forgotten)
        ]
        # The first count alone may fit by chance.
        if asked.start == at and len({(bounds.start, bounds.end) for bounds in candidates}) == 1:
            return candidates[0]
    return None


def _explains(
    bounds: DateBounds,
    asked: Window,
    total: int,
    times: Mapping[datetime, int],
    days: Mapping[date, int],
    *,
    surplus: int,
    forgotten: int,
) -> bool:
    """Whether a count may be `total` with these bounds; which rows are counted twice is known of whole days only."""
    rows = _expected(bounds.selects(asked), bounds, times, days)
    if bounds.unit_is_day:
        return rows == total
    return rows <= total <= rows + (surplus if rows else 0) + forgotten


def _near(numbers: Mapping[date, int], day: date) -> int:
    """Return what a day and the one after it have together."""
    return sum(numbers.get(its, 0) for its in (day, day + DAY))


def _expected(span: Window, bounds: DateBounds, times: Mapping[datetime, int], days: Mapping[date, int]) -> int:
    """Return how many rows a count of `span` would give, if the bounds were these."""
    if bounds.unit_is_day:
        return sum(days.get(day, 0) for day in span.days) if span.end > span.start else 0
    return sum(number for at, number in times.items() if span.start <= at < span.end)
