"""Spans of days, and the steps in which they are drawn: days, or calendar weeks, months, quarters or years."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from voxlake.model import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

CHART_DAYS, CHART_STEPS = 92, 60
"""The days of the longest span that charts show day by day, as any quarter of a year is; else their steps at most."""

SMALL_DAYS = 40
"""The same for small bars and for what unfolds below a row."""

MONTHS = 36
"""The months that a table lists, at most; of more, it lists quarters, or years."""

_UNITS: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - DAY * day.weekday(),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda day: day.replace(month=1, day=1),
}
"""Where the step of a day begins; the names are those of DuckDB's `date_trunc`, which agrees."""


@dataclass(frozen=True, slots=True)
class Span:
    """UTC days, `[first, end)`."""

    first: date
    end: date

    def __len__(self) -> int:
        return (self.end - self.first).days

    def __iter__(self) -> Iterator[date]:
        return (self.first + DAY * n for n in range(len(self)))

    def __str__(self) -> str:
        last = self.end - DAY
        return f"{self.first}" if len(self) == 1 else f"{self.first} to {last}"

    @property
    def before(self) -> Span:
        """The same number of days, just before."""
        return Span(self.first - DAY * len(self), self.first)


@dataclass(frozen=True, slots=True)
class Step:
    """The days of a step that lie in the span that is drawn; `whole` says whether all of its days do.

    `begin` is the first day of the step, also where that lies before the span.
    """

    days: Span
    begin: date
    whole: bool = True

    def __str__(self) -> str:
        return str(self.days)


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps of a span, each a `unit` of time."""

    unit: str
    steps: Sequence[Step]


def chart_steps(span: Span) -> Steps:
    """Return the steps of charts over time."""
    return _fewest(span, ("week", "month", "quarter"), days=CHART_DAYS, most=CHART_STEPS)


def small_steps(span: Span) -> Steps:
    """Return the steps of small bars, and of what unfolds below a row."""
    return _fewest(span, ("week", "month", "quarter"), days=SMALL_DAYS, most=CHART_STEPS)


def month_steps(span: Span) -> Steps:
    """Return months, or of a long span quarters or years."""
    return _fewest(span, ("month", "quarter", "year"), most=MONTHS)


def _fewest(span: Span, units: Sequence[str], *, days: int = 0, most: int) -> Steps:
    if len(span) <= days:
        return Steps("day", list(_cut(span, "day")))
    found = (Steps(unit, list(_cut(span, unit))) for unit in units)
    return next(its for its in found if len(its.steps) <= most or its.unit == units[-1])


def _cut(span: Span, unit: str) -> Iterator[Step]:
    begin = _UNITS[unit]
    for first, its in groupby(span, key=begin):
        *_, last = days = list(its)
        yield Step(Span(days[0], last + DAY), first, whole=days[0] == first and begin(last + DAY) != first)
