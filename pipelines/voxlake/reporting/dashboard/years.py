"""The calendar of a long span: a line a year for each stream, in which neighbouring days of one state are one piece.

It is as large as there are changes of state, whatever the number of days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Any

from voxlake.model import DAY
from voxlake.reporting.dashboard.blocks import Drawing
from voxlake.reporting.dashboard.cells import STATES, cell, streams
from voxlake.reporting.dashboard.spans import Span
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.dashboard.style import Style
    from voxlake.reporting.dashboard.sums import Row

_DAYS = 366
_LEAP = date(2024, 1, 1)
"""The first day of a year that has every day that one can have."""
_LEFT, _GAP = 40, 28
_BAND, _LINE, _HEAD = 14, 18, 40
_SEEN = 2.5
"""Pixels of the narrowest piece that a reader sees: where a day has less, several share a piece."""
_LONGEST_NAME = 66
"""Pixels of the longest name of a month."""
_GLYPH = 11
"""Pixels between two glyphs, at least."""
_RANKS = {state: rank for rank, state in enumerate(STATES)}


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring days of a stream, of which `days` are in a state and none in a worse one."""

    span: Span
    state: str
    days: int
    messages: int
    counted: int | None

    def __str__(self) -> str:
        where = "" if len(self.span) == 1 else f"{counted(self.days)} "
        return f"{where}{STATES[self.state]}, {self.messages:,} messages"


def runs(rows: Sequence[Row], *, slot: int = 1) -> list[Run]:
    """Return the days of a stream as runs, in which so many days as a `slot` has stay together."""
    found: list[Run] = []
    for _, its in groupby(rows, key=lambda row: (row["date"].year, _place(row["date"]) // slot)):
        run = _slot(list(its))
        last = found[-1] if found else None
        if last is not None and (last.state, last.span.end) == (run.state, run.span.first):
            found[-1] = replace(
                last,
                span=Span(last.span.first, run.span.end),
                days=last.days + run.days,
                messages=last.messages + run.messages,
                counted=_sum((last.counted, run.counted)),
            )
        else:
            found.append(run)
    return found


def _slot(days: Sequence[Row]) -> Run:
    state = max((row["state"] for row in days), key=_RANKS.__getitem__)
    return Run(
        Span(days[0]["date"], days[-1]["date"] + DAY),
        state,
        sum(row["state"] == state for row in days),
        sum(row["messages"] for row in days),
        _sum(row.get("counted") for row in days),
    )


def draw_years(
    figures: Figures, style: Style, inner: int, top: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """Return the cells and the texts of a calendar below `top`, and where it ends, in pixels."""
    found = list(streams(figures))
    across = 1 if style.narrow or len(found) <= 2 else 2  # noqa: PLR2004 - two streams of one account
    width = (inner - _GAP * (across - 1)) / across
    cells: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    tall = _tall(figures.span)
    for n, (name, rows) in enumerate(found):
        line, column = divmod(n, across)
        _stream(name, rows, figures.span, column * (width + _GAP), top + line * tall, width, cells, texts)
    return cells, texts, top + ceil(len(found) / across) * tall


def draw_stream_years(name: str, rows: Sequence[Row], span: Span, width: int) -> Drawing:
    """Return the calendar of one stream on a wide screen."""
    cells: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    _stream(name, rows, span, 0, 0, width, cells, texts)
    return Drawing(width, _tall(span), cells, texts)


def _years(span: Span) -> range:
    return range(span.first.year, (span.end - DAY).year + 1)


def _tall(span: Span) -> int:
    return _HEAD + len(_years(span)) * _LINE + 8


def _stream(
    name: str,
    rows: Sequence[Row],
    span: Span,
    left: float,
    upper: int,
    width: float,
    cells: list[dict[str, Any]],
    texts: list[dict[str, Any]],
) -> None:
    """Add the lines of one stream, with its name and the months above them."""
    pitch = (width - _LEFT) / _DAYS
    texts.append({"x": left, "y": upper + 8, "t": name})
    for month in range(1, 13):
        first = date(_LEAP.year, month, 1)
        x = round(left + _LEFT + _place(first) * pitch, 1)
        full = pitch * 28 >= _LONGEST_NAME
        texts.append({"x": x, "y": upper + _HEAD - 10, "t": f"{first:%B}" if full else f"{first:%b}"})
    for number, year in enumerate(_years(span)):
        y = upper + _HEAD + number * _LINE
        texts.append({"x": left, "y": y + _BAND / 2 + 1, "t": str(year)})
        its = [row for row in rows if row["date"].year == year]
        cells += _band(its, name, left + _LEFT, y, pitch)


def _band(rows: Sequence[Row], name: str, left: float, y: float, pitch: float) -> Iterator[dict[str, Any]]:
    """Yield the pieces of the days of one year."""
    free = left - _GLYPH
    for run in runs(rows, slot=ceil(_SEEN / pitch)):
        first, end = _place(run.span.first), _place(run.span.end - DAY) + 1
        piece = cell(
            round(left + first * pitch, 1),
            y,
            run.state,
            f"{run.span} {name}: {run}",
            round(max(_SEEN, (end - first) * pitch), 1),
            _BAND,
        )
        if piece["cx"] - free < _GLYPH:
            piece["glyph"] = ""
        elif piece["glyph"]:
            free = piece["cx"]
        yield piece


def _place(day: date) -> int:
    """Return which day of a leap year it is, from 0."""
    return (day.replace(year=_LEAP.year) - _LEAP).days


def _sum(numbers: Any) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
