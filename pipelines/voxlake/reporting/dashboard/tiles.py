"""The headline figures, each compared with the same number of days before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from voxlake.reporting.dashboard import words
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlake.reporting.dashboard.figures import Figures, Period, Row

Value = Decimal | float | int | None
UP, DOWN = "▲", "▼"


@dataclass(frozen=True, slots=True)
class Change:
    """A change, the period it is compared with, and whether it is good or bad news ('' for neither)."""

    moved: str
    text: str
    news: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline figure; `exact` has every digit, `week` is the figure and change of its last seven days.

    Beside a delivery rate, `moving` says how much is still on its way.
    """

    name: str
    value: str
    exact: str
    change: Change
    week: tuple[str, Change] | None
    moving: str = ""


_Figure = tuple[str, "Callable[[Row], Value]", int]
"""A name, the figure, and whether more is good (1), bad (-1) or neither (0)."""

_MESSAGES: _Figure = ("Messages", lambda t: int(t["messages"]), 0)
_RATES: Mapping[str, _Figure] = {
    "a2p": ("A2P delivered", lambda t: words.share(t["a2p_arrived"], t["a2p_settled"]), 1),
    "sms": ("SMS sent with success", lambda t: words.share(t["sms_arrived"], t["sms_settled"]), 1),
}
_ERRORS: _Figure = ("Messages with errors", lambda t: int(t["failed"]), -1)


def tiles(figures: Figures) -> list[Tile]:
    """Return the headline figures of a span."""
    found = figures.currencies
    costs: list[_Figure] = [
        (f"Cost, {words.unit(its, alone=len(found) == 1)}", partial(_cost, its), 0) for its in found
    ]
    rates = [
        replace(
            _tile(figures, *rate),
            moving=words.still_moving(figures.whole.totals[f"{its}_moving"], figures.whole.totals[f"{its}_sent"]),
        )
        for its, rate in _RATES.items()
    ]
    return [_tile(figures, *_MESSAGES), *(_tile(figures, *cost) for cost in costs), *rates, _tile(figures, *_ERRORS)]


def _cost(currency: str, totals: Row) -> Value:
    return (totals["costs"] or {}).get(currency)


def _tile(figures: Figures, name: str, of: Callable[[Row], Value], good: int) -> Tile:
    value = of(figures.whole.totals)
    week = figures.week
    return Tile(
        name=name,
        value=_short(value),
        exact=words.as_text(value),
        change=_change(figures.whole, of, good),
        week=(_short(of(week.totals)), _change(week, of, good)) if week else None,
    )


def _short(value: Value) -> str:
    return words.rounded(value) if isinstance(value, Decimal) else words.as_text(value)


def _change(period: Period, of: Callable[[Row], Value], good: int) -> Change:
    """Return the change from the period before: amounts in per cent, shares in percentage points."""
    if period.gap:
        return Change("", period.gap)
    new, old = of(period.totals), of(period.before)
    if new is None or old is None:
        return Change("", "nothing before to compare with")
    before = f"{counted(len(period.span)).removeprefix('1 ')} before"
    if isinstance(new, float):
        moved = (new - float(old)) * 100
        size = f"{abs(moved):.1f}\N{NO-BREAK SPACE}points"
    elif not old:
        return Change("", f"none in the {before}")
    else:
        moved = float((Decimal(new) - Decimal(old)) / Decimal(old)) * 100
        size = f"{abs(moved):,.1f}\N{NARROW NO-BREAK SPACE}%"
    if abs(moved) < 0.05:  # noqa: PLR2004 - reads as 0.0
        return Change("unchanged", f"on the {before}")
    news = {1: "good", -1: "bad"}.get(good * (1 if moved > 0 else -1), "")
    return Change(f"{UP if moved > 0 else DOWN}\N{NO-BREAK SPACE}{size}", f"on the {before}", news)
