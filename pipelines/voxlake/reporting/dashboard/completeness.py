"""The calendar of verified days: weeks side by side on a wide screen, one below the other on a phone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import altair as alt

from voxlake.model import DAY
from voxlake.reporting.dashboard.style import Style, data, finished, pixels
from voxlake.reporting.dashboard.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from voxlake.reporting.dashboard.figures import Figures, Row

STATES = {
    "final": "verified and final",
    "open": "verified, may still change",
    "unverified": "not verified",
    "missing": "missing",
}
_GLYPHS = {"final": "", "open": "", "unverified": "!", "missing": "\N{MULTIPLICATION SIGN}"}
_WEEKDAYS = "MTWTFSS"
_WEEK = 7
_WIDEST = 19
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


def calendar(figures: Figures, style: Style, *, title: str) -> alt.LayerChart:
    """Return a chart of each day of each stream in the colour of its state; unverified days also have a glyph."""
    inner = style.width - 2 * (16 if style.picture else 2)
    legend = list(_legend(style))
    blocks, height = _down(figures, legend) if style.narrow else _across(figures, inner, legend)
    cells = list(legend)
    texts = [{"x": cell["x"] + 21, "y": cell["y"] + 8, "t": STATES[cell["state"]]} for cell in legend]
    for block in blocks:
        _fill(block, cells, texts, narrow=style.narrow)
    paint = style.paint
    base = alt.Chart(data(cells))
    tip = {"description": "tooltip:N"} if style.has_tooltips else {}
    at = {"x": pixels("x:Q", inner, alt.X), "y": pixels("y:Q", height, alt.Y)}
    squares = base.mark_rect(cornerRadius=3 if style.picture else 0, aria=style.has_tooltips).encode(
        **at,
        x2="x2:Q",
        y2="y2:Q",
        color=alt.Color(
            "state:N",
            legend=None,
            scale=alt.Scale(domain=list(STATES), range=[getattr(paint, state) for state in STATES]),
        ),
        **tip,
    )
    glyphs = (
        base.mark_text(fontSize=13, fontWeight="bold", color=paint.onfinal, baseline="middle")
        .transform_filter("datum.glyph")
        .encode(x=pixels("cx:Q", inner, alt.X), y=pixels("cy:Q", height, alt.Y), text="glyph:N")
    )
    words = alt.Chart(data(texts)).mark_text(align="left", baseline="middle", color=paint.soft, fontSize=12)
    layers = [squares, glyphs, words.encode(**at, text="t:N")]
    return finished(layers, style, height=height + (32 + 33 if style.picture else 4), title=title)


def _legend(style: Style) -> Iterator[dict[str, Any]]:
    """Yield the legend's cells: the four states in one row, or in two on a phone."""
    for n, state in enumerate(STATES):
        if style.narrow:
            yield _cell(165 * (n % 2), 22 * (n // 2), state)
        else:
            yield _cell((0, 160, 365, 480)[n], 0, state)


def _across(figures: Figures, inner: int, legend: list[dict[str, Any]]) -> tuple[list[_Block], int]:
    """Return each stream with as many weeks side by side as fit, and the height.

    Where streams are short, several stand side by side, those of an account next to each other.
    """
    weeks = (figures.span.end - DAY - _monday(figures.span.first)).days // 7 + 1
    pitch = max(_NARROWEST, min(_WIDEST, (inner - _LEFT) // weeks))
    room = (inner - _LEFT) // pitch
    streams = list(_streams(figures))
    wide = max([_LEFT + weeks * pitch, *(_LETTER * len(name) for name, _ in streams)]) + _GAP
    across = max(1, inner // wide)
    across -= across % 2 if across > 1 else 0
    tall, top = _HEAD + 7 * pitch + 10, int(legend[-1]["y2"]) + 12
    blocks: list[_Block] = []
    for name, rows in streams:
        first = _monday(rows[0]["date"])
        for _, folded in groupby(rows, key=lambda row: (row["date"] - first).days // 7 // room):
            line, column = divmod(len(blocks), across)
            blocks.append(_Block(name, list(folded), _LEFT + column * wide, top + line * tall + _HEAD, pitch))
    return blocks, top + -(-len(blocks) // across) * tall


def _down(figures: Figures, legend: list[dict[str, Any]]) -> tuple[list[_Block], int]:
    """Return blocks for a phone: two streams side by side, weeks downwards."""
    blocks: list[_Block] = []
    top, height = int(legend[-1]["y2"]) + 12, 0
    for n, (name, rows) in enumerate(_streams(figures)):
        if n and n % 2 == 0:
            top, height = top + height + 12, 0
        blocks.append(_Block(name, rows, 34 + n % 2 * 170, top + _HEAD))
        weeks = (rows[-1]["date"] - _monday(rows[0]["date"])).days // 7 + 1
        height = max(height, _HEAD + weeks * _WIDEST)
    return blocks, top + height


def _streams(figures: Figures) -> Iterator[tuple[str, list[Row]]]:
    accounts = {row["account_id"] for row in figures.coverage}
    shown = (row for row in figures.coverage if row["state"] in STATES)
    for (account, stream), rows in groupby(shown, key=lambda row: (row["account_id"], row["stream"])):
        days = list(rows)
        name = "" if account is None or len(accounts) == 1 else f" · {plain(days[0]['account'])}"
        yield f"{stream.upper()}{name}", days


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
        cells.append(_cell(block.left + x, block.top + y, row["state"], tooltip, block.pitch - 3))
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


def _cell(x: int, y: int, state: str, tooltip: str = "", size: int = _WIDEST - 3) -> dict[str, Any]:
    return {
        "x": x, "y": y, "x2": x + size, "y2": y + size, "cx": x + size / 2, "cy": y + size / 2 + 1,
        "state": state, "glyph": _GLYPHS[state], "tooltip": tooltip or STATES[state],
    }  # fmt: skip


def _monday(day: date) -> date:
    return day - DAY * day.weekday()
