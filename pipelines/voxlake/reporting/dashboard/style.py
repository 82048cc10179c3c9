"""What all charts share: size, colours and the look of axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt

from voxlake.model import midnight
from voxlake.reporting.dashboard.paint import LIGHT, PAGE, Paint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

FONT = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Style:
    """Where a chart is drawn: width in pixels, on a phone or not, and whether it is a picture with its own title."""

    paint: Paint
    width: int
    narrow: bool = False
    picture: bool = False

    @property
    def has_tooltips(self) -> bool:
        """Whether marks have tooltips: not on a phone, which has no pointer, and not in pictures."""
        return not (self.narrow or self.picture)


def on_page(*, half: bool) -> Style:
    """Return the style for the page on a wide screen."""
    return Style(PAGE, 500 if half else 1040)


def on_phone() -> Style:
    """Return the style for the page on a phone."""
    return Style(PAGE, 340, narrow=True)


def as_picture(*, half: bool) -> Style:
    """Return the style for a separate picture."""
    return Style(LIGHT, 640 if half else 1040, picture=True)


def finished(layers: Sequence[alt.Chart], style: Style, *, height: int, title: str) -> alt.LayerChart:
    """Return layers as one chart with the size and look of a style; a picture gets its own title."""
    paint, size = style.paint, 12
    soft: dict[str, Any] = {
        "labelColor": paint.soft,
        "labelFontSize": size,
        "titleColor": paint.soft,
        "titleFontSize": size,
    }
    # All at once: each method that adds to a chart copies it.
    return alt.LayerChart(
        layer=list(layers),
        width=style.width,
        height=height,
        padding=16 if style.picture else 2,
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        background=paint.card if style.picture else "transparent",
        config=alt.Config(
            font=FONT,
            aria=False,
            view=alt.ViewConfig(stroke=None),
            title=alt.TitleConfig(color=paint.ink),
            text=alt.MarkConfig(color=paint.ink, fontSize=size),
            axis=alt.AxisConfig(
                domainColor=paint.line,
                gridColor=paint.line,
                tickColor=paint.line,
                titleFontWeight="normal",
                **soft,
            ),
            legend=alt.LegendConfig(
                orient="top",
                symbolType="square",
                symbolSize=110,
                symbolStrokeWidth=0,
                columnPadding=16,
                titleFontWeight="normal",
                offset=8,
                **{**soft, "labelColor": paint.ink},
            ),
        ),
        title=alt.TitleParams(title, anchor="start", fontSize=17, offset=12) if style.picture else alt.Undefined,
    )


def data(rows: list[dict[str, Any]]) -> alt.InlineData:
    """Return rows as data inside the chart."""
    return alt.InlineData(values=rows)


def ms(day: date) -> int:
    """Return the first instant of a UTC day in milliseconds of Unix time, as charts count."""
    return int(midnight(day).timestamp()) * 1000


def pixels(field: str, length: int, axis: type[alt.X | alt.Y]) -> Any:
    """Return an encoding by pixels from the left or the top, without an axis."""
    domain = [0, length] if axis is alt.X else [length, 0]
    return axis(field, axis=None, scale=alt.Scale(domain=domain, nice=False, zero=False))
