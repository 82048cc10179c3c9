"""Learn by how much counts may be off, where they disagree with rows that were read: a few more counts tell."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from math import gcd
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected, CountOfPage
from voxlake.extract.quirks import EXACT_COUNTS, PAGE_COUNTS
from voxlake.model import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_STEPS = (1000, 100, 10)
_PIECES, _DIFFERENT = 4, 2
_WIDER = (1, 7, 30)


def learn_count_step(total: Callable[[Window], int], asked: Window, *rows: int) -> int:
    """Return the `count_step` of an API that counts otherwise than it gave rows between two dates.

    `rows` is how many came, with doubles and without. Counts of one row where more are known are those of a page, as
    are equal counts of pages where a longer window must have more. Rounded are counts that are near, and multiples of
    ten like several other ones. All else is 1: counts of what was not given. 0 is returned where too few different
    counts came to tell.

    Raises:
        Refused, Unavailable: what the API's counts raise.

    """
    try:
        count = total(asked)
    except CountOfPage as error:
        return PAGE_COUNTS if _is_always(error, total, asked) else EXACT_COUNTS
    except ApiRejected:
        return 0
    if count != 1 and not _step_of(count, near=rows):
        return EXACT_COUNTS
    seen = {count}
    for window in _other_windows(asked):
        with suppress(ApiRejected):
            seen.add(total(window))
        # A count of 1 may be one of 0 with which a row came.
        rounded = seen - {0, 1}
        if any(other % _STEPS[-1] for other in rounded):
            return EXACT_COUNTS
        if len(rounded) >= _DIFFERENT:
            return next(step for step in _STEPS if gcd(*rounded) % step == 0)
    return PAGE_COUNTS if count == 1 < min(rows) and seen <= {0, 1} else 0


def may_be_inexact(totals: Iterable[int], pages: Iterable[int]) -> bool:
    """Whether counts look rounded, or like the number of rows of one of the pages."""
    largest = max(pages, default=0)
    return any(not total % _STEPS[-1] or total <= largest for total in totals)


def _step_of(count: int, *, near: tuple[int, ...]) -> int:
    """Return the largest step of which a count may be the rounding of a number; 0 where there is none."""
    rounded = count if count > 1 else 0
    return next((step for step in _STEPS if rounded % step == 0 and any(abs(rounded - n) < step for n in near)), 0)


def _is_always(error: CountOfPage, total: Callable[[Window], int], asked: Window) -> bool:
    """Whether what the API counts for a longer window is the same page; if that cannot be asked for, it may be."""
    try:
        total(Window(asked.start - timedelta(days=_WIDER[-1]), asked.end))
    except CountOfPage as other:
        return str(other) == str(error)
    except ApiRejected:
        return True
    return False


def _other_windows(asked: Window) -> Iterator[Window]:
    yield from asked.split(_PIECES)
    for days in _WIDER:
        yield Window(asked.start - timedelta(days=days), asked.end)
        yield Window(asked.start - timedelta(days=days), asked.start)
