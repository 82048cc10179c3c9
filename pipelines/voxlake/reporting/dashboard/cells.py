"""What the calendars of days share: the states of days, the cells that they are drawn as, and whose days they are."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from voxlake.reporting.dashboard.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.dashboard.sums import Row

STATES = {
    "final": "verified and final",
    "open": "verified, may still change",
    "unverified": "not verified",
    "missing": "missing",
}
"""The states that are drawn, from the best to the worst, in words."""

GLYPHS = {"final": "", "open": "", "unverified": "!", "missing": "\N{MULTIPLICATION SIGN}"}
SQUARE = 16


def streams(figures: Figures) -> Iterator[tuple[str, list[Row]]]:
    """Yield the name of each stream and its days in order, of those that are in one of `STATES`."""
    accounts = {row["account_id"] for row in figures.coverage}
    shown = (row for row in figures.coverage if row["state"] in STATES)
    for (account, stream), rows in groupby(shown, key=lambda row: (row["account_id"], row["stream"])):
        days = list(rows)
        name = "" if account is None or len(accounts) == 1 else f" · {plain(days[0]['account'])}"
        yield f"{stream.upper()}{name}", days


def cell(
    x: float, y: float, state: str, tooltip: str = "", width: float = SQUARE, height: float = SQUARE
) -> dict[str, Any]:
    """Return a rectangle in the colour of a state, with its glyph, where that is wide enough for one, in the middle."""
    return {
        "x": x, "y": y, "x2": x + width, "y2": y + height, "cx": x + width / 2, "cy": y + height / 2 + 1,
        "state": state, "glyph": GLYPHS[state], "tooltip": tooltip or STATES[state], "day": "",
    }  # fmt: skip
