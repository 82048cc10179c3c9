"""Charts over the days: messages, cost, delivery rate; days that are missing or not verified are shaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt

from voxlake.model import Window
from voxlake.reporting.dashboard.figures import UNREAD
from voxlake.reporting.dashboard.style import DAY_MS, Style, data, finished, ms
from voxlake.reporting.dashboard.words import as_text, share, still_moving
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.dashboard.spans import Span, Step
    from voxlake.reporting.dashboard.steps import Timeline

STREAM_NAMES = {name: name.upper() for name in STREAMS}
_GAP = 0.14
"""The share of a step that its bar leaves free."""
_FAINT = 0.45
"""The opacity of the bar of a step that is not whole."""
_NOON = DAY_MS // 2
_HEIGHT = 230
_DOTTED = 62
_MONTHS = 130
_YEARS = 2000
_TICKED = 14
_BESIDE = 2
"""Shaded days with less than so many pixels between them are shaded as one."""
_FEW = 6


@dataclass(frozen=True, slots=True)
class Series:
    """What is stacked: its name, its colour by the name in `Paint`, and a value for each step; received hang below."""

    name: str
    paint: str
    values: Sequence[Decimal | int]
    below: bool = False


def stacked(
    figures: Figures, timeline: Timeline, style: Style, *, series: Sequence[Series], title: str
) -> alt.LayerChart:
    """Draw figures stacked, one bar a step, lighter where the span has only some of its days."""
    rows = []
    for number, step in enumerate(timeline.steps):
        ends = {True: 0.0, False: 0.0}  # what is received and refunds hang below the line
        left, right = _sides(step)
        for its in series:
            value = its.values[number]
            up = (value >= 0) is not its.below
            bottom = ends[up]
            top = ends[up] = bottom + (abs(float(value)) if up else -abs(float(value)))
            if value:
                bar = {"x": left, "x2": right, "c": its.name, "y": bottom, "y2": top, "o": 1 if step.whole else _FAINT}
                if style.has_tooltips:
                    bar["tooltip"] = f"{step} · {its.name}: {as_text(value)}"
                rows.append(bar)
    mirrored = any(its.below for its in series)
    y = alt.Y("y:Q", title=None, axis=_values(mirrored=mirrored), scale=alt.Scale(zero=True))
    tip = {"description": "tooltip:N"} if style.has_tooltips else {}
    drawn = (
        alt.Chart(data(rows))
        .mark_bar(aria=style.has_tooltips, cornerRadius=0)
        .encode(
            x=_time(figures.span, style),
            x2="x2:Q",
            y=y,
            y2="y2:Q",
            color=_colours({its.name: its.paint for its in series}, style),
            opacity=alt.Opacity("o:Q", scale=None, legend=None),
            **tip,
        )
    )
    return finished([*_shades(figures, style), drawn], style, height=_HEIGHT, title=title)


def _sides(step: Step) -> tuple[float, float]:
    """Return where the bar of a step begins and ends, in milliseconds."""
    free = _GAP / 2 * len(step.days) * DAY_MS
    return ms(step.days.first) + free, ms(step.days.end) - free


def arriving(figures: Figures, timeline: Timeline, style: Style, *, title: str) -> alt.LayerChart:
    """Draw the delivery rate as one line a stream, broken where nothing was sent."""
    rates = {key: share(row["arrived"], row["settled"]) for key, row in timeline.rows.items()}
    rows = [
        {
            "x": (ms(step.days.first) + ms(step.days.end)) // 2,
            "c": name,
            "y": rates.get((number, stream)),
            "tooltip": f"{step} · {name}: {as_text(rates.get((number, stream)))}{_way(timeline, number, stream)}",
        }
        for stream, name in STREAM_NAMES.items()
        for number, step in enumerate(timeline.steps)
        if stream in timeline.streams
    ]
    known = [rate for rate in rates.values() if rate is not None]
    low = max(0.0, int(min(known, default=0) * 20 - 0.5) / 20)
    paints = {name: stream for stream, name in STREAM_NAMES.items() if stream in timeline.streams}
    encoded = {
        "x": _time(figures.span, style),
        "y": alt.Y("y:Q", title=None, axis=_values("%"), scale=alt.Scale(domain=[low, 1], zero=False)),
        "color": _colours(paints, style, symbolType="stroke", symbolSize=220, symbolStrokeWidth=3),
    }
    base = alt.Chart(data(rows))
    lines = base.mark_line(strokeWidth=2, strokeJoin="round").encode(**encoded)
    layers = [*_shades(figures, style, "open"), *_shades(figures, style), lines]
    if style.has_tooltips or len(timeline.steps) <= _DOTTED:
        seen = len(timeline.steps) <= _DOTTED
        dots = base.mark_circle(aria=style.has_tooltips, size=34, opacity=1 if seen else 0).transform_filter(
            "isValid(datum.y)"
        )
        layers.append(dots.encode(**encoded, **({"description": "tooltip:N"} if style.has_tooltips else {})))
    return finished(layers, style, height=_HEIGHT, title=title)


def _way(timeline: Timeline, number: int, stream: str) -> str:
    """Return how much of a step and stream is still on its way, after a comma, if anything is."""
    row = timeline.rows.get((number, stream))
    moving = "" if row is None else still_moving(row["moving"], row["sent"])
    return moving and f", {moving}"


def _shades(figures: Figures, style: Style, *states: str) -> Iterable[alt.Chart]:
    """Shade the days in some states, missing and unverified by default, neighbouring days as one."""
    windows = Window.joining(figures.in_state(*states or UNREAD))
    if not windows:
        return []
    rows: list[dict[str, int]] = []
    close = _BESIDE * len(figures.span) * DAY_MS / style.width
    for window in windows:
        first, end = int(window.start.timestamp()) * 1000, int(window.end.timestamp()) * 1000
        if rows and first - rows[-1]["x2"] < close:
            rows[-1]["x2"] = end
        else:
            rows.append({"x": first, "x2": end})
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
            format="%Y" if len(span) > _YEARS else "%b %Y" if months else "%-d %b",
            tickCount=min(len(span), 4 if style.narrow else 12),
            grid=False,
            labelOverlap="greedy",
            labelFlush=True,
            values=each,
        ),
    )


def _values(form: str = "~s", *, mirrored: bool = False) -> alt.Axis:
    """Return the axis of values; where what is received hangs below the line, nothing has a minus."""
    label = "replace(datum.label, '\\u2212', '')" if mirrored else "datum.label"
    zero = f"datum.value === 0 ? '0' : {label}" if form == "~s" else label
    return alt.Axis(format=form, labelExpr=zero, tickCount=5, domain=False, ticks=False, labelPadding=6)


def _colours(paints: Mapping[str, str], style: Style, **legend: Any) -> alt.Color:
    return alt.Color(
        "c:N",
        title=None,
        scale=alt.Scale(domain=list(paints), range=[getattr(style.paint, its) for its in paints.values()]),
        legend=alt.Legend(**legend),
    )
