"""Charts over the days: messages, cost, delivery rate; days that are missing or not verified are shaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from voxlake.model import Window
from voxlake.reporting.dashboard.figures import UNREAD
from voxlake.reporting.dashboard.style import DAY_MS, Style, data, finished, ms
from voxlake.reporting.dashboard.words import as_text, share
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from voxlake.reporting.dashboard.figures import Figures, Row, Span

CHANNELS = {name: name.upper() for name in STREAMS}
_BAR = 0.86 * DAY_MS
_NOON = DAY_MS // 2
_HEIGHT = 230
_THINNEST = 2.0
_DOTTED = 62
_MONTHS = 130
_TICKED = 14
_FEW = 6


def stacked(figures: Figures, style: Style, *, of: Callable[[Row], Any], title: str) -> alt.LayerChart:
    """Draw a figure of the channels stacked, one bar a day; where bars would be hairlines, as one stepped area."""
    bars = len(figures.span) * _THINNEST < style.width
    by_day: dict[date, dict[str, Any]] = {day: {} for day in figures.span}
    for row in figures.daily:
        by_day[row["date"]][row["channel"]] = of(row)
    rows = []
    left = _NOON - _BAR / 2 if bars else 0
    last: dict[str, dict[str, Any]] = {}
    for day, values in by_day.items():
        ends = {True: 0.0, False: 0.0}  # refunds hang below the line
        for channel, name in CHANNELS.items():
            value = values.get(channel, 0)
            bottom = ends[value >= 0]
            top = ends[value >= 0] = bottom + float(value)
            if value or not bars:
                last[channel] = {"x": ms(day) + left, "x2": ms(day) + left + _BAR, "c": name, "y": bottom, "y2": top}
                if style.has_tooltips:
                    last[channel]["tooltip"] = f"{day} · {name}: {as_text(value)}"
                rows.append(last[channel])
    y = alt.Y("y:Q", title=None, axis=_values(), scale=alt.Scale(zero=True))
    base = alt.Chart(data(rows))
    if bars:
        tip = {"description": "tooltip:N"} if style.has_tooltips else {}
        marks = base.mark_bar(aria=style.has_tooltips, cornerRadius=0).encode(x2="x2:Q", **tip)
    else:
        rows += [{**row, "x": row["x"] + DAY_MS} for row in last.values()]
        marks = base.mark_area(interpolate="step-after")
    drawn = marks.encode(x=_time(figures.span, style), y=y, y2="y2:Q", color=_channels(figures, style))
    return finished([*_shades(figures, style), drawn], style, height=_HEIGHT, title=title)


def arriving(figures: Figures, style: Style, *, title: str) -> alt.LayerChart:
    """Draw the delivery rate as one line a channel, broken where nothing was sent."""
    rates = {(row["date"], row["channel"]): share(row["arrived"], row["settled"]) for row in figures.daily}
    rows = [
        {
            "x": ms(day) + _NOON,
            "c": name,
            "y": rates.get((day, channel)),
            "tooltip": f"{day} · {name}: {as_text(rates.get((day, channel)))}",
        }
        for channel, name in CHANNELS.items()
        for day in figures.span
        if channel in {row["channel"] for row in figures.daily}
    ]
    known = [rate for rate in rates.values() if rate is not None]
    low = max(0.0, int(min(known, default=0) * 20 - 0.5) / 20)
    encoded = {
        "x": _time(figures.span, style),
        "y": alt.Y("y:Q", title=None, axis=_values("%"), scale=alt.Scale(domain=[low, 1], zero=False)),
        "color": _channels(figures, style, symbolType="stroke", symbolSize=220, symbolStrokeWidth=3),
    }
    base = alt.Chart(data(rows))
    lines = base.mark_line(strokeWidth=2, strokeJoin="round").encode(**encoded)
    layers = [*_shades(figures, style, "open"), *_shades(figures, style), lines]
    if style.has_tooltips or len(figures.span) <= _DOTTED:
        seen = len(figures.span) <= _DOTTED
        dots = base.mark_circle(aria=style.has_tooltips, size=34, opacity=1 if seen else 0).transform_filter(
            "isValid(datum.y)"
        )
        layers.append(dots.encode(**encoded, **({"description": "tooltip:N"} if style.has_tooltips else {})))
    return finished(layers, style, height=_HEIGHT, title=title)


def _shades(figures: Figures, style: Style, *states: str) -> Iterable[alt.Chart]:
    """Shade the days in some states, missing and unverified by default, neighbouring days as one."""
    windows = Window.joining(figures.in_state(*states or UNREAD))
    if not windows:
        return []
    rows = [{"x": int(w.start.timestamp()) * 1000, "x2": int(w.end.timestamp()) * 1000} for w in windows]
    paint = style.paint.open if states else style.paint.missing
    shade = alt.Chart(data(rows)).mark_rect(fill=paint, fillOpacity=0.2, stroke=paint, strokeOpacity=0.6)
    return [shade.encode(x=_time(figures.span, style), x2="x2:Q")]


def _time(span: Span, style: Style) -> alt.X:
    """Return the time axis; few days get empty ones beside them, so that their bars stay bars."""
    months = len(span) > _MONTHS
    beside = max(0, _FEW - len(span)) * DAY_MS // 2
    each = [ms(day) + _NOON for day in span] if len(span) <= _TICKED else alt.Undefined
    return alt.X(
        "x:T",
        title=None,
        scale=alt.Scale(type="utc", domain=[ms(span.first) - beside, ms(span.end) + beside], nice=False),
        axis=alt.Axis(
            format="%b %Y" if months else "%-d %b",
            tickCount=min(len(span), 4 if style.narrow else 12),
            grid=False,
            labelOverlap="greedy",
            labelFlush=True,
            values=each,
        ),
    )


def _values(form: str = "~s") -> alt.Axis:
    zero = "datum.value === 0 ? '0' : datum.label" if form == "~s" else "datum.label"
    return alt.Axis(format=form, labelExpr=zero, tickCount=5, domain=False, ticks=False, labelPadding=6)


def _channels(figures: Figures, style: Style, **legend: Any) -> alt.Color:
    known = {row["channel"] for row in figures.daily}
    here = [channel for channel in CHANNELS if channel in known]
    return alt.Color(
        "c:N",
        title=None,
        scale=alt.Scale(domain=[CHANNELS[c] for c in here], range=[getattr(style.paint, c) for c in here]),
        legend=alt.Legend(**legend),
    )
