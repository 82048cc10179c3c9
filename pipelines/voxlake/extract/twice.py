"""Read a window of an API whose counts prove nothing: to its end, until two readings give the same messages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.errors import ApiRejected
from voxlake.extract.paginate import Reading, looks_capped
from voxlake.extract.verify import gives_more_than_asked, ids_inside, is_again

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlake.extract.source import PageSource
    from voxlake.model import Page, Window

ATTEMPTS = 4
"""How often a piece is read until two readings in a row agree."""

_OF_NOTHING = 2
"""How many readings have to agree with one that gave nothing."""


class Repeated:
    """Readings of one window, held against one another; `held` are the ids that are proved of it already, if any."""

    def __init__(self, window: Window, held: Any | None) -> None:
        self._window, self._before, self._rejects = window, held, 0
        self._agreeing = 0

    def add(self, reading: Reading) -> bool:
        """Add a reading, and return whether enough of them gave the same messages."""
        ids = np.unique(ids_inside(reading, self._window))
        same = self._before is not None and np.array_equal(ids, self._before) and self._rejects == len(reading.rejects)
        self._agreeing = self._agreeing + 1 if same else 0
        self._before, self._rejects = ids, len(reading.rejects)
        return self._agreeing >= (1 if ids.size else _OF_NOTHING)


def read_twice(
    source: PageSource, piece: Window, asked: Window, *, held: Any | None, again: Callable[[], None]
) -> Reading:
    """Read a piece until two readings gave the same messages, a bounded number of times; `asked` are the dates for it.

    `held` are the ids that are proved of it already, if any; `again` is called before it is read once more.
    """
    readings = Repeated(piece, held)
    for attempt in range(ATTEMPTS):
        if attempt:
            again()
        reading = to_the_end(source, asked)
        if gives_more_than_asked(reading):
            source.learn(ignores_time=True)
        if not reading.complete:
            break
        if readings.add(reading):
            return replace(reading, repeated=True)
        if attempt and len(reading.pages) > 1 and reading.ids < reading.rows:
            # Rows in the place of others: in another order for every page, only what fits one can be read.
            source.learn(deepest_offset=source.most_served, unordered=True)
            return replace(reading, complete=False)
    return reading


def to_the_end(source: PageSource, asked: Window) -> Reading:
    """Read pages until one shows that there are no more, whatever the API counts: a shorter one, or none behind it.

    It is not complete where a page as large as pages get was the last that was given, or that may be asked for: what
    ended it was perhaps the depth.

    Raises:
        ApiRejected: the API refuses the first page.

    """
    pages: list[Page] = []
    offset = 0
    while offset < source.quirks.deepest_offset:
        try:
            page = source.page(asked, offset=offset)
        except ApiRejected:
            if not pages:
                raise
            if is_deep := _is_full(source, pages):
                source.learn(deepest_offset=offset)
            return Reading(pages, [], complete=not is_deep, asked=asked)
        if not page.served:
            return Reading(pages, [], complete=not pages or not _is_full(source, pages), asked=asked)
        if pages and is_again(pages[-1], page):
            source.learn(deepest_offset=offset)
            break
        pages.append(page)
        offset += page.served
        if page.served < source.most_served:
            return Reading(pages, [], asked=asked)
        if len(pages) == 1 and looks_capped(pages) and _is_too_deep(source, asked):
            break
    return Reading(pages, [], complete=False, asked=asked)


def _is_full(source: PageSource, pages: Sequence[Page]) -> bool:
    return looks_capped(pages) and pages[-1].served >= source.most_served


def _is_too_deep(source: PageSource, asked: Window) -> bool:
    """Whether there is a row as deep as pages are asked for: one request, where to go there takes many."""
    try:
        return bool(source.page(asked, offset=source.quirks.deepest_offset).served)
    except ApiRejected:
        return False
