"""Which days are complete: each day of each stream in the colour of its state, or of a long span each run of days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from voxlake.reporting.dashboard.blocks import Drawing
from voxlake.reporting.dashboard.cells import STATES, cell, streams
from voxlake.reporting.dashboard.figures import UNREAD
from voxlake.reporting.dashboard.style import Style, data, finished, on_phone, pixels
from voxlake.reporting.dashboard.weeks import draw_stream, draw_weeks
from voxlake.reporting.dashboard.years import draw_stream_years, draw_years, runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.dashboard.sums import Row

_LONGEST, _MOST = 400, 1500
"""The days of the longest span, and the days of all its streams, that are drawn one by one."""

_WIDTHS, _PHONE = (502, 1036), 336
"""The width of a calendar that has half of the page or all of it, and of the one for a phone, in pixels."""

_LISTED = 1000
"""The rows of the table, at most."""


def calendar(figures: Figures, style: Style, *, title: str) -> alt.LayerChart:
    """Return a chart of the days of each stream in the colours of their states; unverified days also have a glyph."""
    inner = style.width - 2 * (16 if style.picture else 2)
    cells = list(_legend(style))
    texts = [{"x": square["x"] + 21, "y": square["y"] + 8, "t": STATES[square["state"]]} for square in cells]
    draw = draw_years if is_long(figures) else draw_weeks
    days, words, height = draw(figures, style, inner, int(cells[-1]["y2"]) + 12)
    cells += days
    texts += words
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
    written = alt.Chart(data(texts)).mark_text(align="left", baseline="middle", color=paint.soft, fontSize=12)
    layers = [squares, glyphs, written.encode(**at, text="t:N")]
    return finished(layers, style, height=height + (32 + 33 if style.picture else 4), title=title)


def drawings(figures: Figures) -> tuple[list[Drawing], Drawing]:
    """Return the calendars for the page: one for each stream on a wide screen, and one of all for a phone."""
    found = list(streams(figures))
    span = figures.span
    if is_long(figures):
        width = _WIDTHS[len(found) <= 2]  # noqa: PLR2004 - two streams of one account
        wide = [draw_stream_years(name, rows, span, width) for name, rows in found]
        cells, texts, height = draw_years(figures, on_phone(), _PHONE, 0)
    else:
        wide = [draw_stream(name, rows, span, _WIDTHS) for name, rows in found]
        cells, texts, height = draw_weeks(figures, on_phone(), _PHONE, 0)
    return wide, Drawing(_PHONE, height, cells, texts)


def is_long(figures: Figures) -> bool:
    """Return whether there are too many days to draw them one by one."""
    return len(figures.span) > _LONGEST or sum(row["state"] in STATES for row in figures.coverage) > _MOST


def table(figures: Figures) -> tuple[Sequence[str], list[Sequence[Any]], str]:
    """Return the head and the rows of what is drawn, and a sentence about what is left out of them, if anything is."""
    names = ("messages here", "counted by the API")
    if not is_long(figures):
        rows: list[Sequence[Any]] = [
            (*_whose(row), STATES[row["state"]], row["messages"], row["counted"])
            for row in figures.coverage
            if row["state"] in STATES
        ]
        return ("day, UTC", "stream", "account", "state", *names), rows, ""
    found = [(days[0], run) for _, days in streams(figures) for run in runs(days)]
    left_out = ""
    if len(found) > _LISTED:
        left_out = (
            f"Of {len(found):,} spans of days, the table has the newest {_LISTED:,} that are not verified or missing;"
            " 'voxlake status' has all."
        )
        doubted = [its for its in found if its[1].state in UNREAD]
        found = sorted(doubted, key=lambda its: its[1].span.first)[-_LISTED:]
    listed: list[Sequence[Any]] = [
        (str(run.span), *_whose(row)[1:], STATES[run.state], len(run.span), run.messages, run.counted)
        for row, run in found
    ]
    return ("days, UTC", "stream", "account", "state", "days", *names), listed, left_out


def _whose(row: Row) -> tuple[Any, str, Any]:
    return row["date"], row["stream"].upper(), "all" if row["account_id"] is None else row["account"]


def _legend(style: Style) -> Iterator[dict[str, Any]]:
    """Yield the legend's cells: the four states in one row, or in two on a phone."""
    for n, state in enumerate(STATES):
        if style.narrow:
            yield cell(165 * (n % 2), 22 * (n // 2), state)
        else:
            yield cell((0, 160, 365, 480)[n], 0, state)
