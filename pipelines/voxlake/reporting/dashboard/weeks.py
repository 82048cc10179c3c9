"""The calendar of days: weeks side by side on a wide screen, one below the other on a phone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from voxlake.model import DAY
from voxlake.reporting.dashboard.cells import SQUARE, STATES, cell, streams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from voxlake.reporting.dashboard.figures import Figures, Row
    from voxlake.reporting.dashboard.style import Style

_WEEKDAYS = "MTWTFSS"
_WEEK = 7
_WIDEST = SQUARE + 3
_NARROWEST = 12
# A month that begins further to the right would write over the next.
_CROWDED = 18
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


def _fill(block: _Block, cells: list[dict[str, Any]], texts: list[dict[str, Any]], *, narrow: bool) -> None:
    """Add the days of a block, its name, its weekdays, and each month where it begins."""
    texts.append({"x": block.left - (0 if narrow else _LEFT), "y": block.top - 30, "t": block.name})
    for n, letter in enumerate(_WEEKDAYS):
        x, y = (
            (block.left + n * block.pitch + 4, block.top - 10)
            if narrow
            else (block.left - 22, block.top + n * block.pitch + 8)
        )
        texts.append({"x": x, "y": y, "t": letter})
    first = _monday(block.rows[0]["date"])
    months: set[tuple[int, int]] = set()
    beside: dict[int, dict[str, Any]] = {}
    for row in block.rows:
        day = row["date"]
        along, across = (day - first).days // 7 * block.pitch, day.weekday() * block.pitch
        x, y = (across, along) if narrow else (along, across)
        tooltip = f"{day} {block.name}: {STATES[row['state']]}, {row['messages']:,} messages"
        cells.append(cell(block.left + x, block.top + y, row["state"], tooltip, block.pitch - 3, block.pitch - 3))
        month = (day.year, day.month)
        if month not in months and (day.day <= _WEEK or not months):
            name = f"{day:%b}" if months and day.month > 1 else f"{day:%b %y}"
            if narrow:
                # A month that begins in the week of the first day stands in its place.
                if along not in beside:
                    beside[along] = {"x": block.left - 34, "y": block.top + along + 8}
                    texts.append(beside[along])
                beside[along]["t"] = f"{day:%b}"
            elif day.day <= _CROWDED:
                texts.append({"x": block.left + along, "y": block.top - 10, "t": name})
        months.add(month)


def _monday(day: date) -> date:
    return day - DAY * day.weekday()
