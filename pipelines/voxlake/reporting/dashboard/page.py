"""The page: one file without scripts that loads nothing, written by templates that escape every text."""

from __future__ import annotations

from functools import cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from voxlake.reporting.dashboard import draw, style, words
from voxlake.reporting.dashboard.cells import STATES
from voxlake.reporting.dashboard.notice import calm, notice
from voxlake.reporting.dashboard.paint import DARK, LIGHT
from voxlake.reporting.dashboard.tiles import comparison, tiles
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.reporting.dashboard.blocks import Panel
    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.gaps import Gaps

_TILES = 5
"""Headline figures side by side, at most."""


def page(figures: Figures, panels: Sequence[Panel], gaps: Gaps) -> str:
    """Return the page as HTML, made at the time as of which the gaps are."""
    found = tiles(figures) if figures.messages else []
    return (
        _templates()
        .get_template("page.html")
        .render(
            figures=figures,
            panels=panels,
            charts={panel.name: _charts(panel) for panel in panels},
            calm=list(calm(figures, gaps)),
            notice=notice(figures, gaps),
            tiles=found,
            columns=ceil(len(found) / ceil(len(found) / _TILES)) if found else 1,
            comparison=comparison(figures),
            light=LIGHT.css(),
            dark=DARK.css(),
            made=gaps.now,
            units=_units(figures),
        )
    )


@cache
def _templates() -> Environment:
    """Return the templates of the page: all that they are given is escaped, but for the charts, which are markup."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"text": words.as_text, "counted": counted, "percent": _percent}
    environment.globals |= {"STATES": STATES}
    return environment


def _charts(panel: Panel) -> Sequence[str]:
    """Return the charts of a panel that is drawn as such, for a wide screen and for a phone."""
    if not panel.rows or panel.draw is None or panel.ranks or panel.table or panel.calendars:
        return ()
    styles = {"wide": style.on_page(half=panel.half), "narrow": style.on_phone()}
    return [draw.svg(panel.draw, its, kind=kind, label=panel.summary) for kind, its in styles.items()]


def _percent(share: float) -> str:
    """Return a share of 1 as a length in CSS."""
    return f"{share:.1%}".replace(".0%", "%")


def _units(figures: Figures) -> str:
    """Return in which zone days lie, and in which unit amounts are."""
    days = (
        "All days and hours are UTC"
        if figures.scope.tz == "UTC"
        else f"Days and hours are {figures.clock}, but which days are complete is known of UTC days"
    )
    currencies = figures.currencies
    if currencies == [""]:
        return f"{days}, amounts are in the account's currency, which is not known."
    named = ", ".join(words.unit(currency, alone=False) for currency in currencies)
    return f"{days}, amounts are in {named}{'' if len(currencies) == 1 else ', and never added up across currencies'}."
