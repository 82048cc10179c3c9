"""Charts without a time axis: a heat map of the week, and bars below their names."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import altair as alt

from voxlake.reporting.dashboard.figures import SKIPPED
from voxlake.reporting.dashboard.style import Style, data, finished, pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.reporting.dashboard.figures import Figures

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ROW = 40
_COARSE = 14
_EACH = 600
"""Pixels of a heat map that names each hour, at least; a narrower one names every third."""


def average_hours(figures: Figures) -> dict[tuple[int, int], float]:
    """Return the average messages by weekday (0 is Monday) and hour, over the days that are in the database."""
    there = {row["date"] for row in figures.coverage if row["state"] not in ("missing", SKIPPED)}
    days = Counter(day.weekday() for day in there)
    sums = {(row["weekday"] - 1, row["hour"]): row["messages"] for row in figures.hours}
    return {(d, h): sums.get((d, h), 0) / days[d] for d in range(7) for h in range(24) if days[d]}


def week(figures: Figures, style: Style, *, title: str) -> alt.LayerChart:
    """Return a heat map of hour by weekday, darker for more messages."""
    averages = average_hours(figures)
    rows = [
        {
            "h": f"{h:02d}",
            "d": WEEKDAYS[d],
            "n": n,
            "tooltip": f"{WEEKDAYS[d]} {h:02d}:00, {figures.clock}: {n:,.1f} messages an hour",
        }
        for (d, h), n in averages.items()
    ]
    most = max(averages.values(), default=0) or 1
    tip = {"description": "tooltip:N"} if style.has_tooltips else {}
    cells = (
        alt.Chart(data(rows))
        .mark_rect(aria=style.has_tooltips)
        .encode(
            x=alt.X(
                "h:O",
                title=f"hour, {figures.clock}",
                scale=alt.Scale(domain=[f"{h:02d}" for h in range(24)], paddingInner=0.06),
                axis=alt.Axis(
                    labelAngle=0,
                    domain=False,
                    ticks=False,
                    values=[f"{h:02d}" for h in range(0, 24, 3 if style.width < _EACH else 1)],
                ),
            ),
            y=alt.Y(
                "d:O",
                title=None,
                sort=list(WEEKDAYS),
                scale=alt.Scale(domain=list(WEEKDAYS), paddingInner=0.06),
                axis=alt.Axis(domain=False, ticks=False, labelPadding=6),
            ),
            color=alt.Color(
                "n:Q",
                title="messages an hour, on average",
                scale=alt.Scale(type="quantize", domain=[0, most], range=style.paint.heat, nice=False),
                legend=alt.Legend(
                    format=".1f" if most < _COARSE else ",.0f",
                    titleOrient="top",
                    titleLimit=0,
                    gradientLength=300,
                ),
            ),
            **tip,
        )
    )
    return finished([cells], style, height=270 if style.narrow else 260, title=title)


def bars(rows: Sequence[tuple[str, float, str]], style: Style, *, title: str) -> alt.LayerChart:
    """Return a chart of (name, number, text): a line of text over each bar, so that long names fit a phone."""
    inner = style.width - 2 * (16 if style.picture else 2)
    height = _ROW * len(rows)
    most = max((number for _, number, _ in rows), default=0) or 1
    values: list[dict[str, Any]] = [
        {
            "name": name, "said": said, "zero": 0, "all": inner, "x": max(1, inner * number / most),
            "text": _ROW * n + 20, "top": _ROW * n + 25, "end": _ROW * n + 33, "tooltip": f"{name}: {said}",
        }
        for n, (name, number, said) in enumerate(rows)
    ]  # fmt: skip
    base = alt.Chart(data(values))
    room = inner - 7 * max((len(said) for _, _, said in rows), default=0) - 12
    zero, text = pixels("zero:Q", inner, alt.X), pixels("text:Q", height, alt.Y)
    top = pixels("top:Q", height, alt.Y)
    tip = {"description": "tooltip:N"} if style.has_tooltips else {}
    names = base.mark_text(align="left", baseline="alphabetic", limit=room).encode(x=zero, y=text, text="name:N")
    sums = base.mark_text(align="right", baseline="alphabetic", color=style.paint.soft).encode(
        x=pixels("all:Q", inner, alt.X), y=text, text="said:N"
    )
    tracks = base.mark_rect(color=style.paint.track, cornerRadius=4).encode(x=zero, x2="all:Q", y=top, y2="end:Q")
    drawn = base.mark_rect(color=style.paint.bar, cornerRadius=4, aria=style.has_tooltips).encode(
        x=zero, x2="x:Q", y=top, y2="end:Q", **tip
    )
    return finished([tracks, drawn, names, sums], style, height=_inner(height, style), title=title)


def _inner(height: int, style: Style) -> int:
    """Return the height with what padding and title take."""
    return height + (32 + 33 if style.picture else 4)
