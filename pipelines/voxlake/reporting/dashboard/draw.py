"""Render a chart as SVG in the page's colours and font, or as PNG; nothing is fetched, and no script remains."""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import vl_convert
from altair.utils.schemapi import debug_mode

if TYPE_CHECKING:
    from collections.abc import Callable

    import altair as alt

    from voxlake.reporting.dashboard.style import Style

    Draw = Callable[[Style], alt.LayerChart]

_NAMESPACE = "http://www.w3.org/2000/svg"
_SCALE = 2
_ALONE = Lock()
"""Whether the chart library checks is the same for all threads: two that change it at once would leave it changed."""
# Attributes for Vega's own runtime, and those that the root or the style sheet sets once.
_LONG = re.compile(r"-?\d+\.\d\d+(?:e-\d+)?")
_PLACES = ("d", "transform", "x2", "y2")
_IDLE = {"pointer-events", "role", "aria-hidden", "aria-roledescription", "class", "font-family"}


def svg(draw: Draw, style: Style, *, kind: str, label: str) -> str:
    """Return inline SVG, read aloud as one picture called `label`; descriptions of marks become tooltips."""
    ET.register_namespace("", _NAMESPACE)
    root = ET.fromstring(vl_convert.vegalite_to_svg(specification(draw, style), allowed_base_urls=[]))  # noqa: S314 - ours
    width, height = root.get("width", "0"), root.get("height", "0")
    _tidy(root)
    root.attrib = {"class": kind, "viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": label}
    root.attrib["style"] = f"max-width:{width}px"
    return ET.tostring(root, encoding="unicode")


def png(draw: Draw, style: Style) -> bytes:
    """Return a PNG for a mail or a slide, at twice the size on screen."""
    return bytes(vl_convert.vegalite_to_png(specification(draw, style), scale=_SCALE, allowed_base_urls=[]))


def specification(draw: Draw, style: Style, *, checked: bool = False) -> dict[str, Any]:
    """Return what a chart is in Vega-Lite; `checked` has the chart library compare it with its schema.

    That takes longer than all the rest, and depends on our code alone: a test checks every kind of chart.
    """
    with _ALONE, debug_mode(checked):
        spec: dict[str, Any] = draw(style).to_dict(validate=checked)
    return spec


def _tidy(element: ET.Element) -> None:
    """Remove attributes without effect, half of the size, and turn labels of marks into tooltips."""
    tooltip = element.attrib.pop("aria-label", None)
    element.attrib = {
        name: _LONG.sub(_short, value) if name in _PLACES else value
        for name, value in element.attrib.items()
        if name not in _IDLE and (name, value) not in {("opacity", "1"), ("transform", "translate(0,0)")}
    }
    for child in list(element):
        _tidy(child)
        if not len(child) and not child.text and (child.tag.endswith("}g") or _invisible(child)):
            element.remove(child)
    if tooltip:
        ET.SubElement(element, f"{{{_NAMESPACE}}}title").text = tooltip


def _short(number: re.Match[str]) -> str:
    """Round to a tenth of a pixel."""
    return f"{float(number[0]):.1f}".removesuffix(".0")


def _invisible(element: ET.Element) -> bool:
    return element.tag.endswith("}path") and (
        element.get("d", "") in ("", "M0,0h0v0h0Z") or not {"fill", "stroke"} & element.attrib.keys()
    )
