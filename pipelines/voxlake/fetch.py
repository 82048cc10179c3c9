"""Walk the pages of one window, and prove that none was missed.

The API documents neither the order of rows nor the bounds of dates, and rows move while they are paged. So we ask
wide, count the distinct ids and compare with the `total_count` of every reply: only where all agree is a window
verified. Where they don't, it is read again, then cut in halves, and at the end said to be unverified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from voxlake.errors import Declined
from voxlake.model import DAY, SECOND, Batch, Page, Window
from voxlake.normalise import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.api import Api
    from voxlake.streams import Stream

READINGS = 3
_PAGES = (1000, 500, 100, 50)
_RANGE_CODES = frozenset({123, 569})


@dataclass(slots=True)
class Limits:
    """What a run has learned of the API, shared by its threads: rows in a page, and the deepest offset to ask for.

    The sibling history refuses offsets above 10,000, so larger windows are cut in time from the start.
    """

    page: int = _PAGES[0]
    deepest: int = 10_000


@dataclass(frozen=True, slots=True)
class _Reading:
    """One walk over the pages of a window, with every total that the API gave on the way."""

    pages: list[Page]
    totals: list[int]
    stopped_at: int | None = None

    @property
    def ids(self) -> int:
        """How many distinct messages came."""
        chunks = [chunk for page in self.pages for chunk in page.table["message_id"].chunks]
        return int(pc.count_distinct(pa.chunked_array(chunks, pa.int64())).as_py())

    @property
    def rejects(self) -> int:
        """How many rows could not be read."""
        return sum(len(page.rejects) for page in self.pages)

    @property
    def agrees(self) -> bool:
        """Whether everything that was told and everything that came is one number."""
        return set(self.totals) == {self.ids + self.rejects}


def fetch(api: Api, stream: Stream, window: Window, *, limits: Limits) -> Iterator[Batch]:
    """Yield the rows of a window as batches in the order of time, each proved or said to be unproved.

    A proved batch spans whole days or lies within one; an unproved one always lies within one.
    """
    batch = _read(api, stream, window, limits)
    if batch is not None:
        yield batch
    elif window.seconds > 1:
        for half in window.halves():
            yield from fetch(api, stream, half, limits=limits)
    else:
        yield _by_filter(api, stream, window, limits)


def _read(api: Api, stream: Stream, window: Window, limits: Limits) -> Batch | None:
    """Read a window a bounded number of times until the counts agree; None where it must be cut first."""
    reading = None
    for _ in range(READINGS):
        try:
            reading = _walk(api, stream, window, limits)
        except Declined as error:
            if error.code in _RANGE_CODES and window.seconds > DAY.total_seconds():
                return None
            raise
        if reading is None or reading.agrees:
            break
    if reading is None:
        return None
    if not reading.agrees:
        if reading.stopped_at is not None:
            limits.deepest = min(limits.deepest, reading.stopped_at)
        if len(reading.pages) > 1:
            return None
    batch = _batch(reading, stream, window)
    return batch if batch.verified or len(window.days) == 1 else None


def _by_filter(api: Api, stream: Stream, second: Window, limits: Limits) -> Batch:
    """Read one second that holds too many rows by the values of the stream's own column, as far as that goes."""
    pages: list[Page] = []
    totals = 0
    for value in stream.filters:
        reading = _walk(api, stream, second, limits, floor=True, **{stream.own: value})
        assert reading is not None  # noqa: S101 - the floor is not cut
        pages += reading.pages
        totals += reading.totals[-1]
    told = api.total(stream, _asked(second))
    merged = _Reading(pages, [totals, told])
    batch = _batch(merged, stream, second)
    if batch.verified:
        return batch
    problem = f"one second ({second}) holds more rows than the API gives out: {batch.problem}"
    return Batch(second, batch.table, batch.total, batch.rejects, problem)


def _batch(reading: _Reading, stream: Stream, window: Window) -> Batch:
    tables = [page.table for page in reading.pages] or [stream.wire.empty_table()]
    table = normalise(tables, stream=stream, window=window)
    rejects = tuple(r for page in reading.pages for r in page.rejects if r.at is None or r.at in window)
    problem = None
    if rejects:
        problem = f"{len(rejects)} rows could not be read"
    if not reading.agrees:
        told = " then ".join(map(str, dict.fromkeys(reading.totals)))
        problem = f"{reading.ids} messages were read where the API counts {told}"
    if problem is None:
        return Batch(window, table, table.num_rows)
    return Batch(window, table, max(reading.totals[-1] - (reading.ids - table.num_rows), 0), rejects, problem)


def _walk(
    api: Api, stream: Stream, window: Window, limits: Limits, *, floor: bool = False, **filters: str
) -> _Reading | None:
    """Read all pages once; None where offsets would go too deep and the window can still be cut."""
    asked = _asked(window)
    totals = [api.total(stream, asked, **filters)] if api.output == "csv" else []
    if totals == [0]:
        return _Reading([], totals)
    pages: list[Page] = []
    offset, stopped_at = 0, None
    while not pages or offset < totals[-1]:
        try:
            page = _page(api, stream, asked, limits, offset=offset, **filters)
        except Declined:
            if not pages:
                raise
            stopped_at = offset
            break
        pages.append(page)
        if page.total is not None:
            totals.append(page.total)
        if not floor and totals[-1] > limits.deepest:
            return None
        if not page.served:
            stopped_at = offset or None
            break
        offset += page.served
    if api.output == "csv":
        totals.append(api.total(stream, asked, **filters))
    return _Reading(pages, totals, stopped_at)


def _page(api: Api, stream: Stream, asked: Window, limits: Limits, *, offset: int, **filters: str) -> Page:
    """Ask for one page; where the API refuses the first as too large, learn how large it may be."""
    try:
        return api.page(stream, asked, offset=offset, count=limits.page, **filters)
    except Declined as error:
        if offset or error.code in _RANGE_CODES:
            raise
        for smaller in (size for size in _PAGES if size < limits.page):
            try:
                page = api.page(stream, asked, offset=offset, count=smaller, **filters)
            except Declined:
                continue
            limits.page = smaller
            return page
        raise


def _asked(window: Window) -> Window:
    """Widen a window so that no row of it can be missed, whether its bounds count or not."""
    return Window(window.start - SECOND, window.end)
