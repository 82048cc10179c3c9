"""How a figure moved against the same number of days before, and whether that is more than it moves by itself."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from statistics import fmean, variance
from typing import TYPE_CHECKING

from voxlake.reporting.dashboard.figures import WEEK
from voxlake.reporting.dashboard.sums import added

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from voxlake.reporting.dashboard.figures import Period
    from voxlake.reporting.dashboard.spans import Span
    from voxlake.reporting.dashboard.sums import Row

Value = Decimal | float | int | None
UP, DOWN = "▲", "▼"
_CLEAR = 2
"""Standard errors that a change needs to be clear."""
_LEAST = 5
"""Days of each period with a figure, at least, from which its spread is known."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change in words; `clear` where it is more than chance, and `news` if that is good or bad ('' for neither)."""

    moved: str
    clear: bool = False
    news: str = ""

    @property
    def kind(self) -> str:
        """How it is written: as good or bad news, as neither, or small because it is within what chance does."""
        return (self.news or "plain") if self.clear else "noise"


class Comparison:
    """The sums of a period and of the one before, of one stream or of both, and of each of their days."""

    def __init__(self, period: Period, stream: str | None = None) -> None:
        self._comparable, self._span = not period.gap, period.span
        self.new, self._days = self._sums(period.days, period.span, stream)
        self.old, self._earlier = self._sums(period.earlier, period.span.before, stream)

    @staticmethod
    def _sums(rows: Iterable[Row], span: Span, stream: str | None) -> tuple[Row, list[Row]]:
        days: dict[date, list[Row]] = {day: [] for day in span}
        for row in rows:
            if stream in (None, row["stream"]):
                days[row["date"]].append(row)
        sums = [added(its) for its in days.values()]
        return added(sums), sums

    def change(self, of: Callable[[Row], Value], good: int) -> Change | None:
        """Return how a figure moved: amounts in per cent, shares in points; None where nothing can be compared.

        `good` says whether more is good (1), bad (-1) or neither (0).
        """
        new, old = of(self.new), of(self.old)
        if not self._comparable or new is None or old is None or (not old and not isinstance(new, float)):
            return None
        error = noise([of(row) for row in self._days], [of(row) for row in self._earlier])
        is_mean = of(added([])) is None
        return told(new, old, good, error if is_mean or error is None else error * len(self._span))


def told(new: Decimal | float, old: Decimal | float, good: int, error: float | None) -> Change:
    """Return the change between two figures in words; it is clear if it is more than twice its standard error."""
    moved = float(new) - float(old)
    if isinstance(new, float):
        shown, unit = moved * 100, "\N{NO-BREAK SPACE}points"
    else:
        shown, unit = moved / abs(float(old)) * 100, "\N{NARROW NO-BREAK SPACE}%"
    if abs(shown) < 0.05:  # noqa: PLR2004 - reads as 0.0
        return Change("unchanged")
    news = {1: "good", -1: "bad"}.get(good * (1 if moved > 0 else -1), "")
    clear = error is not None and abs(moved) > _CLEAR * error
    return Change(f"{UP if moved > 0 else DOWN}\N{NO-BREAK SPACE}{abs(shown):,.1f}{unit}", clear, news)


def noise(new: Sequence[Value], old: Sequence[Value]) -> float | None:
    """Return the standard error of the difference of the means of two periods of days; None if it is not known.

    Where the periods are whole weeks, a day is compared with the one of the same weekday, so that a weekend is no
    spread. Days without the figure, such as a rate where nothing was sent, count for nothing.
    """
    if len(new) % WEEK == 0:
        pairs = [float(n) - float(o) for n, o in zip(new, old, strict=True) if n is not None and o is not None]
        return sqrt(variance(pairs) / len(pairs)) if len(pairs) >= _LEAST else None
    spread = 0.0
    for values in (new, old):
        known = [float(value) for value in values if value is not None]
        if len(known) < _LEAST:
            return None
        spread += variance(known, fmean(known)) / len(known)
    return sqrt(spread)


def noise_of_sums(days: int, *periods: tuple[float, float]) -> float | None:
    """Return the same of two sums over so many days each, of which the sums and those of the squares are known."""
    if days < _LEAST:
        return None
    return sqrt(sum(max(0.0, squares - total * total / days) / (days - 1) * days for total, squares in periods))
