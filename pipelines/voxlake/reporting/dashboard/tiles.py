"""The headline figures, each compared with the same number of days before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from voxlake.reporting.dashboard import sums, words
from voxlake.reporting.dashboard.changes import Comparison
from voxlake.reporting.dashboard.figures import WEEK
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlake.reporting.dashboard.changes import Change, Value
    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.dashboard.sums import Row

_LONG = 11
"""The characters of a value that is written smaller."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline figure; `below` are lines of small print, `week` is the figure and change of its last seven days."""

    name: str
    value: str
    below: Sequence[str]
    change: Change | None
    week: tuple[str, Change | None] | None

    @property
    def is_long(self) -> bool:
        """Whether the value is written smaller to fit."""
        return len(self.value) > _LONG


@dataclass(frozen=True, slots=True)
class _Figure:
    """A headline: what it is of a row of sums, of which stream, and whether more is good (1), bad (-1) or neither."""

    name: str
    of: Callable[[Row], Value]
    stream: str | None = None
    good: int = 0
    below: Callable[[Row], Sequence[str]] = lambda _: ()


def tiles(figures: Figures) -> list[Tile]:
    """Return the headline figures of a span."""
    alone = len(figures.currencies) == 1
    found = [_Figure("Messages", lambda row: int(row["messages"]), below=_ways)]
    for currency in figures.currencies:
        unit = words.unit(currency, alone=alone)
        price = partial(_price, figures, currency)
        cost = _Figure(f"Cost, {unit}", partial(_cost, figures, currency))
        if alone:
            found += [cost, _Figure(f"Cost per message that arrived, {unit}", price, good=-1)]
        else:
            found.append(replace(cost, below=partial(_each, price)))
    found += [
        _Figure("A2P delivered", sums.rate, "a2p", 1, _moving),
        _Figure("SMS sent with success", sums.rate, "sms", 1, _moving),
        _Figure("Messages with errors", lambda row: int(row["failed"]), good=-1),
    ]
    compared = {stream: Comparison(figures.whole, stream) for stream in (None, "a2p", "sms")}
    weeks = {stream: Comparison(figures.week, stream) for stream in compared} if figures.week else {}
    return [_tile(figure, compared[figure.stream], weeks.get(figure.stream)) for figure in found]


def comparison(figures: Figures) -> str:
    """Return, once for all headline figures, what they are compared with, or why they are not."""
    days = counted(len(figures.span)).removeprefix("1 ")
    whole, week = figures.whole.gap, figures.week.gap if figures.week else None
    if whole and (whole == week or not figures.week):
        return f"Nothing is compared with the days before: {whole}."
    said = f"Changes are against the {days} before"
    if whole:
        said = f"Changes of the last {WEEK} days are against the {WEEK} before; the {days} are not compared: {whole}"
    elif week:
        said += f"; the last {WEEK} days are not compared with those before: {week}"
    elif figures.week:
        said += f", and of the last {WEEK} days against the {WEEK} before"
    return f"{said}. What is not in bold is within the usual spread of days."


def _ways(row: Row) -> Sequence[str]:
    return [f"{row['messages'] - row['received']:,} sent, {row['received']:,} received"]


def _moving(row: Row) -> Sequence[str]:
    return [said] if (said := words.still_moving(row["moving"], row["sent"])) else ()


def _cost(figures: Figures, currency: str, row: Row) -> Value:
    return figures.amount(currency, row["costs"].get(currency, Decimal(0)))


def _price(figures: Figures, currency: str, row: Row) -> Value:
    return figures.price(currency, sums.price(row, currency))


def _each(price: Callable[[Row], Value], row: Row) -> Sequence[str]:
    return [f"{words.as_text(price(row))} for each message that arrived"]


def _tile(figure: _Figure, whole: Comparison, week: Comparison | None) -> Tile:
    return Tile(
        name=figure.name,
        value=words.as_text(figure.of(whole.new)),
        below=figure.below(whole.new),
        change=whole.change(figure.of, figure.good),
        week=(words.as_text(figure.of(week.new)), week.change(figure.of, figure.good)) if week else None,
    )
