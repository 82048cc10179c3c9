"""No reply is its own witness: hold what was read against counts that were asked for on their own.

A reading is made of replies, and a reply that lacks rows and counts without them agrees with itself. So what the days
of a stream gave is added up, and one count over the whole span has to be the same number. Here is what decides, and it
asks nobody; `pipeline.confirm` asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from voxlake.model import DAY, SECOND, Window, midnight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class CountedDay:
    """What one reading gave of a UTC day.

    `window` is the day, or what of it lay in the past; `rows` lay in it, readable or not. `before` and `after` lay
    beside it and came for the dates that were asked for; None where more than the day was asked for at once.
    `at_end` of them lie in the second after the end. With `alone`, one reply is all that speaks for the rows.
    """

    window: Window
    rows: int
    asked_from: datetime
    asked_to: datetime
    before: int | None
    after: int | None
    at_end: int
    alone: bool

    @property
    def date(self) -> date:
        """The UTC day."""
        return self.window.start.date()

    @property
    def in_progress(self) -> bool:
        """Whether the day had not ended when it was read."""
        return self.window.end < midnight(self.date) + DAY


@dataclass(frozen=True, slots=True)
class ClosingSpan:
    """Days without a gap, whose rows one count must be; days between whose readings nothing was asked for twice."""

    days: tuple[CountedDay, ...]

    @property
    def window(self) -> Window:
        """From the first day's begin to the end of what was read of the last."""
        return Window(self.days[0].window.start, self.days[-1].window.end)

    @property
    def rows(self) -> int:
        """How many rows lie in the days."""
        return sum(day.rows for day in self.days)

    @property
    def asked(self) -> Window:
        """The dates to count between: of a day in progress only what was read of it, for more may come."""
        last = self.days[-1]
        return Window(self.days[0].asked_from, last.window.end if last.in_progress else last.asked_to)

    @property
    def asked_wide(self) -> Window:
        """The dates that the reading asked for: an API that looks at whole days shows today only beyond its end."""
        return Window(self.days[0].asked_from, self.days[-1].asked_to)

    def agrees(self, total: int) -> bool:
        """Whether a count between `asked` or `asked_wide` is what was read, with what came from beside the days.

        A day in progress ends at an instant whose own rows the API may count or not.
        """
        last = self.days[-1]
        beyond = {last.after, 0, last.at_end} if last.in_progress else {last.after}
        return total - self.rows - (self.days[0].before or 0) in beyond

    @property
    def looks_back(self) -> bool:
        """Whether known days before these came with them: a count of the same dates is too much like that reply."""
        return self.days[0].asked_from < self.window.start - SECOND

    @property
    def can_be_closed(self) -> bool:
        """Whether it is known which rows came from beside the days."""
        return self.days[0].before is not None and self.days[-1].after is not None


@dataclass(frozen=True, slots=True)
class NarrowDay(ClosingSpan):
    """A day that is asked for from midnight to midnight, because a second more is longer than the API allows.

    `at_start` rows lie in its first second: the API may count these or not.
    """

    at_start: int = 0

    @property
    def asked(self) -> Window:
        """The dates to count between."""
        return self.window

    @property
    def asked_wide(self) -> Window:
        """The same: there is no wider window."""
        return self.window

    def agrees(self, total: int) -> bool:
        """Whether a count between the two midnights is what was read."""
        rest = total - self.rows
        return bool({rest, rest + self.at_start} & {0, self.days[0].after})


@dataclass(frozen=True, slots=True)
class AnchoredSpan:
    """A span with the days up to one beside it that is known to have rows: no count that lacks rows agrees with both.

    `rows` lie in that day, whose date is `day`; `at_edge` of them in its first second, or its last where the day comes
    after the span: the API may count these or not.
    """

    span: ClosingSpan
    day: date
    rows: int
    at_edge: int

    @property
    def asked(self) -> Window:
        """The dates to count between."""
        if self._is_before:
            return Window(midnight(self.day), self.span.asked.end)
        return Window(self.span.asked.start, midnight(self.day) + DAY - SECOND)

    def agrees(self, total: int) -> bool:
        """Whether a count between `asked` is what is known and what was read."""
        rest = total - self.rows - self.span.rows
        return rest in self._beside or rest + self.at_edge in self._beside

    @property
    def most(self) -> int:
        """The largest count that agrees."""
        return self.rows + self.span.rows + max(self._beside)

    @property
    def _beside(self) -> set[int]:
        first, last = self.span.days[0], self.span.days[-1]
        if not self._is_before:
            return {first.before or 0}
        return {last.after or 0, 0, last.at_end} if last.in_progress else {last.after or 0}

    @property
    def _is_before(self) -> bool:
        return self.day < self.span.days[0].date


def anchor_day(span: ClosingSpan, known: Mapping[date, int]) -> date | None:
    """Return the nearest day with rows beside a span, of days whose rows are known without a gap; None without one."""
    first, last = span.days[0].date, span.days[-1].date
    ways = [(first, -DAY)] if span.days[-1].in_progress else [(first, -DAY), (last, DAY)]
    for day, step in ways:
        while (day := day + step) in known:
            if known[day]:
                return day
    return None


def closing_spans(days: Iterable[CountedDay], longest: float, most: float = inf) -> list[ClosingSpan]:
    """Join days that were read into the fewest spans that one count can close.

    Each is shorter than `longest` seconds, and has fewer than `most` rows: the API counts no further.
    """
    spans: list[ClosingSpan] = []
    for run in _runs(sorted(days, key=lambda day: day.window)):
        open_span: list[CountedDay] = []
        for piece in _pieces(run):
            joined = ClosingSpan((*open_span, *piece))
            if open_span and (joined.asked.seconds >= longest or joined.rows >= most):
                spans.append(ClosingSpan(tuple(open_span)))
                open_span = list(piece)
            else:
                open_span += piece
        spans.append(ClosingSpan(tuple(open_span)))
    return spans


def _runs(days: Sequence[CountedDay]) -> Iterator[list[CountedDay]]:
    """Yield days without a gap between them."""
    run = list(days[:1])
    for one, other in pairwise(days):
        if one.window.end != other.window.start:
            yield run
            run = []
        run.append(other)
    if run:
        yield run


def _pieces(run: Sequence[CountedDay]) -> Iterator[list[CountedDay]]:
    """Yield days that were asked for at once, as far as they lie in a run; some may have been read again alone."""
    piece: list[CountedDay] = []
    for day in run:
        if piece and day.before is not None and piece[-1].after is not None:
            yield piece
            piece = []
        piece.append(day)
    if piece:
        yield piece
