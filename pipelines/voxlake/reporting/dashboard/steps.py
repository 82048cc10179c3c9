"""The steps in which a span is drawn: days, or where there are too many of them weeks, months or quarters of a year."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from voxlake.model import DAY
from voxlake.reporting.dashboard.figures import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from voxlake.reporting.dashboard.figures import Row

MOST_DAYS = 92
"""The days of the longest span that is drawn day by day, which any quarter of a year is."""

MOST = 60
"""The steps of a chart of a longer span, at most."""

_UNITS: Mapping[str, Callable[[date], date]] = {
    "week": lambda day: day - DAY * day.weekday(),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
}
"""Where the step of a day begins."""

_LONGEST = "quarter"
"""Sixty of them are more days than a page shows."""

_SUMS = ("messages", "sent", "settled", "arrived", "moving")


@dataclass(frozen=True, slots=True)
class Step:
    """The days of a step that lie in the span that is drawn; `whole` says whether all of its days do."""

    days: Span
    whole: bool = True

    def __str__(self) -> str:
        return str(self.days)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The steps of a span, each a `unit` of time, and what is to be drawn of each step and stream.

    The rows are those of `sql/dashboard/daily.sql`, added up; their keys are the number of the step and the stream.
    """

    unit: str
    steps: Sequence[Step]
    rows: Mapping[tuple[int, str], Row]

    @property
    def streams(self) -> set[str]:
        """The streams that have a row."""
        return {stream for _, stream in self.rows}

    @property
    def partial(self) -> list[Step]:
        """The steps that the span cuts: the first and the last, if any."""
        return [step for step in self.steps if not step.whole]


def timeline(span: Span, daily: Iterable[Row]) -> Timeline:
    """Return the rows of the days of a span by step and stream."""
    unit, steps = _steps(span)
    of_day = {day: number for number, step in enumerate(steps) for day in step.days}
    rows: dict[tuple[int, str], Row] = {}
    for row in daily:
        key = (of_day[row["date"]], row["stream"])
        rows[key] = _added(rows[key], row) if key in rows else row
    return Timeline(unit, steps, rows)


def _steps(span: Span) -> tuple[str, list[Step]]:
    if len(span) <= MOST_DAYS:
        return "day", [Step(Span(day, day + DAY)) for day in span]
    found = ((unit, list(_cut(span, begin))) for unit, begin in _UNITS.items())
    return next(((unit, steps) for unit, steps in found if len(steps) <= MOST or unit == _LONGEST))


def _cut(span: Span, begin: Callable[[date], date]) -> Iterator[Step]:
    for first, its in groupby(span, key=begin):
        *_, last = days = list(its)
        yield Step(Span(days[0], last + DAY), whole=days[0] == first and begin(last + DAY) != first)


def _added(one: Row, other: Row) -> dict[str, Any]:
    costs = dict(one["costs"])
    for currency, cost in other["costs"].items():
        costs[currency] = costs.get(currency, 0) + cost
    return {**one, **{name: one[name] + other[name] for name in _SUMS}, "costs": costs}
