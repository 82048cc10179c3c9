"""Count the rows of a window once, and cut it into windows that are worth their requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected, Unavailable
from voxlake.extract.quirks import RANGE_CODES, Tail

if TYPE_CHECKING:
    from voxlake.api import HistoryApi
    from voxlake.extract.quirks import ApiQuirks
    from voxlake.model import Window
    from voxlake.transform import Stream

ROWS = {"json": 8_000, "csv": 32_000}
"""Rows of a window that is read at once: below the deepest offset even where a busy day follows quiet ones.

Of csv, one pair of counts goes around several times that.
"""


@dataclass(frozen=True, slots=True)
class Survey:
    """How to read a window: its pieces in the order of time, each with what was counted of exactly that piece.

    That number can stand for the first of the two counts around the piece's csv pages; None where nothing was counted.
    """

    pieces: tuple[tuple[Window, int | None], ...]
    quirks: ApiQuirks


def survey(history: HistoryApi, stream: Stream, window: Window, quirks: ApiQuirks) -> Survey:
    """Cut a window of whole UTC days by its number of rows; a single day is not counted.

    Raises:
        Refused: the account may not read this history.

    """
    pieces: list[tuple[Window, int | None]] = []
    waiting = [window]
    while waiting:
        window = waiting.pop()
        days, asked = len(window.days), Tail().asked(window, quirks)
        if days == 1:
            pieces.append((window, None))
            continue
        if asked.seconds < quirks.longest_window:
            try:
                rows = history.total(stream, asked)
            except Unavailable:
                # Perhaps only for a moment: the smallest windows are the likeliest to be answered.
                pieces += [(piece, None) for piece in window.split(days)]
                continue
            except ApiRejected as error:
                if error.code not in RANGE_CODES:
                    pieces += [(piece, None) for piece in window.split(days)]
                    continue
                quirks = replace(quirks, longest_window=asked.seconds)
            else:
                cut = window.split(-(-rows // ROWS[history.output]) or 1)
                pieces += [(piece, rows if len(cut) == 1 else None) for piece in cut]
                continue
        waiting += reversed(window.split(2))
    return Survey(tuple(pieces), quirks)
