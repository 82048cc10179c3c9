"""Decide what becomes of a piece of a window once it was read: the policy of `reader`, which asks nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from voxlake.extract.verify import counts_end, is_unordered, problem_of, rejects_inside, repeats_from
from voxlake.model import SECOND, Window
from voxlake.transform import integers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.extract.paginate import Reading
    from voxlake.extract.quirks import Tail


SHORTEST = 3
"""Seconds of a window that is read as deep as the API goes before it is cut."""

_LONG, _BESIDE = 1800, timedelta(minutes=7)
_MICROSECONDS = 1_000_000
_DENSE, _DENSE_PART = 10, 0.1
"""Rows of a second that is cut out of a window: so many at least, and that part of what came."""


class State(Enum):
    """What becomes of a piece that was read, and read again where that could help."""

    DONE = auto()
    SPLIT = auto()
    UNSPLITTABLE = auto()


def state_of(reading: Reading, window: Window, *, ignores_time: bool | None) -> State:
    """Decide what becomes of a piece.

    What is not proved is only done with where smaller windows would hold the same, and inside one day, so that it does
    not keep other days from being proved.
    """
    is_within_day = len(window.days) == 1
    is_all = reading.complete and (reading.agrees or reading.is_one_page)
    if is_all and (is_within_day or problem_of(reading, rejects_inside(reading, window)) is None):
        return State.DONE
    if is_within_day and (window.seconds <= SHORTEST or ignores_time):
        return State.UNSPLITTABLE
    return State.SPLIT


def limits_shown_by(before: Sequence[Reading], reading: Reading) -> dict[str, int]:
    """Return what a reading shows of how deep the API goes or counts, by the names of `ApiQuirks`.

    Smaller windows help then. `before` are the earlier readings of the same window.
    """
    if not reading.agrees and is_unordered(reading) and any(is_unordered(earlier) for earlier in before):
        # Only what fits a page can be read.
        return {"deepest_offset": max(page.served for page in reading.pages), "unordered": True}
    if (deepest := repeats_from(reading)) is not None:
        return {"deepest_offset": deepest}
    if counts_end(reading):
        # Smaller windows are counted whole.
        return {"deepest_offset": reading.totals[-1], "largest_total": reading.totals[-1]}
    return {}


def number_of_pieces(reading: Reading, window: Window, *, deepest: int, at_once: int) -> int:
    """Decide into how many pieces to split: days, where there are few rows; where there are many, as many as fit.

    `deepest` is how many rows offsets reach, `at_once` how many can be read between two counts.
    """
    if not reading.totals:
        return 2
    if reading.complete:
        return len(window.days) if reading.is_one_page else 2
    # Half of what can be read at once, because hours differ.
    rows = reading.totals[-1]
    return max(2, -(-2 * rows // (at_once if rows > at_once else deepest)))


def around(deep: Window, window: Window) -> list[Window]:
    """Cut a window around a second that is too deep.

    Readings ask for a second more on either side, so two more seconds are read with it: else it would be in all pieces.
    """
    edges = (window.start, deep.start - SECOND, deep.end + SECOND, window.end)
    within = sorted({min(max(edge, window.start), window.end) for edge in edges})
    pieces = [Window(start, end) for start, end in pairwise(within)]
    return pieces if len(pieces) > 1 else window.split(window.seconds)


def cut(window: Window, pieces: int) -> list[Window]:
    """Cut a window into about equal pieces, long ones beside full hours, at which many messages are sent."""
    found = window.split(pieces)
    if len(window.days) > 1 or window.seconds < _LONG * len(found):
        return found
    edges = [window.start, *(piece.start + _BESIDE for piece in found[1:]), window.end]
    return [Window(start, end) for start, end in pairwise(edges)]


def dense_second(reading: Reading, window: Window) -> Window | None:
    """Return the second of a window that has by far the most of the rows that came; None where rows lie apart."""
    times = [integers(page.table["processed_at"]) // _MICROSECONDS for page in reading.pages]
    if not times:
        return None
    seconds, rows = np.unique(np.concatenate(times), return_counts=True)
    most = int(np.argmax(rows))
    if rows[most] < max(_DENSE, rows.sum() * _DENSE_PART):
        return None
    start = datetime.fromtimestamp(int(seconds[most]), UTC)
    # One that lies at an end of the window is asked for with it.
    return Window(start, start + SECOND) if window.start - SECOND <= start <= window.end else None


def may_move_behind(reading: Reading, window: Window, tail: Tail, *, is_csv: bool = False) -> bool:
    """Whether what moved while a piece was read may lie behind its end, where that is asked for as well.

    A csv of many days is counted again as a whole for each row that comes, so its end is cut off at once.
    """
    is_short = len(window.days) == 1 or (is_csv and len(set(reading.totals)) > 1)
    return is_short and window.end == tail.end and not tail.exact and reading.complete and not reading.agrees
