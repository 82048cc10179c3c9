"""The calendar of days: weeks side by side on a wide screen, one below the other on a phone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from voxlake.model import DAY
from voxlake.reporting.dashboard.blocks import Drawing
from voxlake.reporting.dashboard.cells import SQUARE, STATES, cell, streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.dashboard.spans import Span
    from voxlake.reporting.dashboard.style import Style
    from voxlake.reporting.dashboard.sums import Row

_WEEKDAYS = "MTWTFSS"
_WIDEST = SQUARE + 3
_NARROWEST = 12
_BROADEST, _TALLEST, _DATED = 92, 26, 22
"""Pixels of the widest and the highest cell with what is left free beside it, and of one that has room for a date."""
_LEFT = 26
_GAP, _LETTER = 24, 7
_HEAD = 38


@dataclass(frozen=True, slots=True)
class _Block:
    """Adjacent weeks of one stream, and the position of their top left corner in pixels."""

    name: str
    rows: Sequence[Row]
    left: int
    top: int
    pitch: int = _WIDEST
    wide: int = 0

    @property
    def across(self) -> int:
        """How far apart cells are from left to right: as far as downwards, unless they are wider."""
        return self.wide or self.pitch


def draw_weeks(
    figures: Figures, style: Style, inner: int, top: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """Return the cells and the texts of a calendar below `top`, and where it ends, in pixels."""
    blocks, height = _down(figures, top) if style.narrow else _across(figures, inner, top)
    cells: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    for block in blocks:
        _fill(block, cells, texts, narrow=style.narrow)
    return cells, texts, height


def _across(figures: Figures, inner: int, top: int) -> tuple[list[_Block], int]:
    """Return each stream with as many weeks side by side as fit, and the height.

    Where streams are short, several stand side by side, those of an account next to each other.
    """
    weeks = (figures.span.end - DAY - _monday(figures.span.first)).days // 7 + 1
    pitch = max(_NARROWEST, min(_WIDEST, (inner - _LEFT) // weeks))
    room = (inner - _LEFT) // pitch
    found = list(streams(figures))
    wide = max([_LEFT + weeks * pitch, *(_LETTER * len(name) for name, _ in found)]) + _GAP
    across = max(1, inner // wide)
    across -= across % 2 if across > 1 else 0
    tall = _HEAD + 7 * pitch + 10
    blocks: list[_Block] = []
    for name, rows in found:
        first = _monday(rows[0]["date"])
        for _, folded in groupby(rows, key=lambda row: (row["date"] - first).days // 7 // room):
            line, column = divmod(len(blocks), across)
            blocks.append(_Block(name, list(folded), _LEFT + column * wide, top + line * tall + _HEAD, pitch))
    return blocks, top + -(-len(blocks) // across) * tall


def _down(figures: Figures, top: int) -> tuple[list[_Block], int]:
    """Return blocks for a phone: two streams side by side, weeks downwards."""
    blocks: list[_Block] = []
    height = 0
    for n, (name, rows) in enumerate(streams(figures)):
        if n and n % 2 == 0:
            top, height = top + height + 12, 0
        blocks.append(_Block(name, rows, 34 + n % 2 * 170, top + _HEAD))
        weeks = (rows[-1]["date"] - _monday(rows[0]["date"])).days // 7 + 1
        height = max(height, _HEAD + weeks * _WIDEST)
    return blocks, top + height


def draw_stream(name: str, rows: Sequence[Row], span: Span, widths: Sequence[int]) -> Drawing:
    """Return the calendar of one stream on a wide screen, in the first of some widths that has room for its weeks.

    Few weeks have wide cells, with the day of the month in them.
    """
    weeks = (span.end - DAY - _monday(span.first)).days // 7 + 1
    width = next((its for its in widths if (its - _LEFT) // weeks >= _WIDEST), widths[-1])
    wide = max(_NARROWEST, min(_BROADEST, (width - _LEFT) // weeks))
    block = _Block(name, rows, _LEFT, _HEAD, max(_NARROWEST, min(_TALLEST, wide)), wide)
    cells: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    _fill(block, cells, texts, narrow=False, since=_monday(span.first))
    return Drawing(width, _HEAD + 7 * block.pitch, cells, texts)


def _fill(
    block: _Block, cells: list[dict[str, Any]], texts: list[dict[str, Any]], *, narrow: bool, since: date | None = None
) -> None:
    """Add the days of a block, its name, its weekdays, and each month where it begins."""
    texts.append({"x": block.left - (0 if narrow else _LEFT), "y": block.top - 30, "t": block.name})
    for n, letter in enumerate(_WEEKDAYS):
        x, y = (
            (block.left + n * block.pitch + 4, block.top - 10)
            if narrow
            else (block.left - 22, block.top + n * block.pitch + block.pitch // 2 - 1)
        )
        texts.append({"x": x, "y": y, "t": letter})
    first = since or _monday(block.rows[0]["date"])
    begun: dict[date, int] = {}
    seen: set[int] = set()
    for row in block.rows:
        day = row["date"]
        week = (day - first).days // 7
        x, y = (day.weekday(), week) if narrow else (week, day.weekday())
        x, y = x * block.across, y * block.pitch
        tooltip = f"{day} {block.name}: {STATES[row['state']]}, {row['messages']:,} messages"
        square = cell(block.left + x, block.top + y, row["state"], tooltip, block.across - 3, block.pitch - 3)
        if block.across >= _DATED:
            square["day"] = day.day
        cells.append(square)
        if week not in seen:
            begun.setdefault(day.replace(day=1), week)
            seen.add(week)
    texts += _months_down(block, begun) if narrow else _months_across(block, begun)


def _months_across(block: _Block, begun: Mapping[date, int]) -> Iterator[dict[str, Any]]:
    """Yield the name of each month above the first week that begins in it, in full where there is room before the next.

    The year stands above, where it begins.
    """
    lefts = {month: block.left + week * block.across for month, week in begun.items()}
    ends = [*list(lefts.values())[1:], None]
    free = block.left - _LEFT + _LETTER * (len(block.name) + 2)
    for number, ((month, left), end) in enumerate(zip(lefts.items(), ends, strict=True)):
        names = (f"{month:%B}", f"{month:%b}")
        if room := [name for name in names if end is None or _LETTER * (len(name) + 1) <= end - left]:
            yield {"x": left, "y": block.top - 10, "t": room[0]}
        if (month.month == 1 or not number) and left >= free:
            yield {"x": left, "y": block.top - 30, "t": f"{month.year}"}


def _months_down(block: _Block, begun: Mapping[date, int]) -> Iterator[dict[str, Any]]:
    """Yield the name of each month left of the first week that begins in it."""
    for month, week in begun.items():
        yield {"x": block.left - 34, "y": block.top + week * block.pitch + 8, "t": f"{month:%b}"}


def _monday(day: date) -> date:
    return day - DAY * day.weekday()
