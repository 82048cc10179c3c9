"""Walk the pages of one window, and prove that none was missed.

The API documents neither the order of rows nor the bounds of dates, and rows move while they are paged. So we ask
wide, count the distinct ids and compare with the `total_count` of every reply: only where all agree is a window
verified. Where they don't, it is read again, then cut in time, and at the end said to be unverified.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import product, starmap
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from voxlake.errors import Declined
from voxlake.model import DAY, SECOND, Batch, Page, Window, midnight
from voxlake.normalise import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.api import Api
    from voxlake.streams import Stream

READINGS = 3
PIECE = 5_000
"""Rows that a piece of a cut window should hold: half of what offsets reach, because hours differ."""

_PAGES = (1000, 500, 100, 50)
_EVER = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_RANGE_CODES = frozenset({123, 569})


@dataclass(slots=True)
class Limits:
    """What a run has learned of the API, shared by its threads.

    `page` is how many rows it gives at once, `deepest` the offset up to which it is asked: the sibling history refuses
    more than 10,000, so larger windows are cut in time from the start. `coarse` says by stream whether it ignores the
    time of day in bounds, which makes cuts inside a day useless.
    """

    page: int = _PAGES[0]
    deepest: int = 10_000
    coarse: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class _Reading:
    """One walk over the pages of a window, with every total that the API gave on the way."""

    pages: list[Page]
    totals: list[int]
    complete: bool = True
    stopped_at: int | None = None

    @cached_property
    def ids(self) -> int:
        """How many distinct messages came."""
        chunks = [chunk for page in self.pages for chunk in page.table["message_id"].chunks]
        return int(pc.count_distinct(pa.chunked_array(chunks, pa.int64())).as_py())

    @property
    def rejects(self) -> int:
        """How many rows could not be read."""
        return sum(len(page.rejects) for page in self.pages)

    @property
    def is_one_answer(self) -> bool:
        """Whether one page gave all that there was to get, so that smaller windows would say the same."""
        return len(self.pages) <= 1 and self.stopped_at is None

    @property
    def agrees(self) -> bool:
        """Whether everything that was told and everything that came is one number."""
        return self.complete and set(self.totals) == {self.ids + self.rejects}


def fetch(api: Api, stream: Stream, window: Window, *, limits: Limits) -> Iterator[Batch]:
    """Yield the rows of a window as batches in the order of time, each proved or said to be unproved.

    A proved batch spans whole days or lies within one; an unproved one always lies within one. A window that ends
    inside a day ends now: it is asked for without that end, so that a coarse bound cannot hide the day.

    Raises:
        Declined, Refused, Unavailable: what `Api.call` raises.

    """
    now = window.end if window.end != midnight(window.end.date()) else None
    yield from _Walker(api, stream, limits, now).fetch(window)


class _Walker:
    """One history, read window by window; `now` is where the window in progress ends."""

    def __init__(self, api: Api, stream: Stream, limits: Limits, now: datetime | None) -> None:
        self._api, self._stream, self._limits, self._now = api, stream, limits, now

    def fetch(self, window: Window) -> Iterator[Batch]:
        """Read a window, or cut it and read its pieces."""
        try:
            reading = self._read(window)
        except Declined as error:
            if error.code not in _RANGE_CODES or window.seconds == 1:
                raise
            reading = None
        if reading is not None and reading.complete and (reading.agrees or reading.is_one_answer):
            batch = self._batch(reading, window)
            if batch.verified or len(window.days) == 1:
                yield batch
                return
        if len(window.days) == 1 and (window.seconds == 1 or (reading is not None and self._coarse(reading, window))):
            yield self._floor(window)
            return
        for piece in window.split(_pieces(reading, window)):
            yield from self.fetch(piece)

    def _read(self, window: Window) -> _Reading:
        """Walk a bounded number of times until the counts agree."""
        for attempt in range(READINGS):
            reading = self._walk(window, ahead=not attempt)
            if reading.agrees or not reading.complete or reading.stopped_at is not None:
                break
        if reading.stopped_at is not None and not reading.agrees:
            self._limits.deepest = min(self._limits.deepest, reading.stopped_at)
        return reading

    def _coarse(self, reading: _Reading, window: Window) -> bool:
        """Learn, before the first cut inside a day, whether the API looks at the time of day at all.

        If it does, the seconds around the first and the last row that came cannot both count as many as all of them.
        """
        known = self._limits.coarse.get(self._stream.name)
        if known is not None:
            return known
        times = self._sample(reading, midnight(window.start.date()))
        if not times:
            return False
        told = [self._api.total(self._stream, Window(at - SECOND, at + SECOND)) for at in (min(times), max(times))]
        coarse = not any(told) or (min(told) >= len(times) and max(times) - min(times) > 2 * SECOND)
        # Between the two, rows that appear meanwhile leave it open.
        if coarse or min(told) < len(times):
            self._limits.coarse[self._stream.name] = coarse
        return coarse

    def _sample(self, reading: _Reading, start: datetime) -> list[datetime]:
        """Give times of distinct rows inside a day: of those that came, or else of some that are asked for."""
        # Beside a midnight, the seconds around a row lie in two days.
        inside = Window(start + 2 * SECOND, start + DAY - 2 * SECOND)
        times = _times(reading.pages, inside)
        if times:
            return times
        # The days beside it may have come first. Whatever bounds mean, one of these pairs selects this day alone.
        for asked in starmap(Window, product((start, start - SECOND), (start + DAY, start + DAY - SECOND))):
            deep = min(self._api.total(self._stream, asked) // 2, self._limits.deepest - self._limits.page)
            for offset in sorted({0, max(deep, 0)}):
                if times:
                    return times
                with suppress(Declined):
                    times = _times([self._page(asked, offset=offset)], inside)
        return times

    def _floor(self, window: Window) -> Batch:
        """Read what cannot be cut in time: as deep as the API goes, then by the values of the stream's own column."""
        batch = self._batch(self._walk(window, floor=True), window)
        if batch.verified:
            return batch
        readings = [
            self._walk(window, floor=True, ahead=False, **{self._stream.own: value}) for value in self._stream.filters
        ]
        told = self._api.total(self._stream, self._asked(window))
        totals = [sum(reading.totals[-1] for reading in readings), told]
        merged = self._batch(_Reading([page for reading in readings for page in reading.pages], totals), window)
        if merged.verified:
            return merged
        best = max((batch, merged), key=lambda b: b.table.num_rows)
        problem = f"{window} holds more rows than the API gives out: {best.problem}"
        return Batch(window, best.table, best.total, best.rejects, problem)

    def _batch(self, reading: _Reading, window: Window) -> Batch:
        tables = [page.table for page in reading.pages] or [self._stream.wire.empty_table()]
        table = normalise(tables, stream=self._stream, window=window)
        rejects = tuple(r for page in reading.pages for r in page.rejects if r.at is None or r.at in window)
        problem = f"{len(rejects)} rows could not be read" if rejects else None
        if not reading.agrees:
            told = " then ".join(map(str, dict.fromkeys(reading.totals)))
            problem = f"{reading.ids} messages were read where the API counts {told}"
        if problem is None:
            return Batch(window, table, table.num_rows)
        return Batch(window, table, max(reading.totals[-1] - (reading.ids - table.num_rows), 0), rejects, problem)

    def _walk(self, window: Window, *, floor: bool = False, ahead: bool = False, **filters: str) -> _Reading:
        """Read all pages once; not complete where offsets would go too deep and the window can still be cut.

        With `ahead`, the first page tells which others to ask for at the same time.
        """
        asked = self._asked(window)
        csv = self._api.output == "csv"
        totals = [self._api.total(self._stream, asked, **filters)] if csv else []
        if csv and (reading := self._under_one_count(window, totals[0], floor=floor)):
            return reading
        pages: list[Page] = []
        offset, stopped_at = 0, None
        while not pages or offset < totals[-1]:
            if totals and not floor and totals[-1] > self._limits.deepest and pages:
                return _Reading(pages, totals, complete=False)
            try:
                page = self._page(asked, offset=offset, **filters)
            except Declined:
                if not pages:
                    raise
                stopped_at = offset
                break
            if page.total is not None:
                totals.append(page.total)
            if pages and not page.served:
                stopped_at = offset if _full(pages) else None
                break
            pages.append(page)
            if not page.served:
                break
            offset = offset + page.served if len(pages) > 1 or not ahead else self._ahead(asked, pages, totals)
        if csv:
            totals.append(self._api.total(self._stream, asked, **filters))
        return _Reading(pages, totals, stopped_at=stopped_at)

    def _under_one_count(self, window: Window, total: int, *, floor: bool) -> _Reading | None:
        """Read days of csv piece by piece, each up to its last page, and count only around them all; None for few rows.

        A csv page tells no total, so to count around each piece would take two requests more for a handful of pages.
        """
        if not total:
            return _Reading([], [total])
        if floor or total <= self._limits.deepest or len(window.days) == 1:
            return None
        pages: list[Page] = []
        half = max(self._limits.deepest // 2, 1)
        for piece in window.split(-(-total // half)):
            largest = max((page.served for page in pages), default=0)
            found = self._to_the_end(self._asked(piece), largest)
            if found is None:
                return _Reading(pages, [total], complete=False)
            # What was asked for overlaps inside; at the ends of the window, what was counted lies beyond.
            span = Window(
                _EVER.start if piece.start == window.start else piece.start,
                _EVER.end if piece.end == window.end else piece.end,
            )
            pages += [_within(page, span) for page in found]
        reading = _Reading(pages, [total, self._api.total(self._stream, self._asked(window))])
        # Where something moves, to read all of it again would cost more than to count around each piece after all.
        return reading if reading.agrees else replace(reading, complete=False)

    def _to_the_end(self, asked: Window, largest: int) -> list[Page] | None:
        """Read pages up to one that holds less than the largest; None where that would go deeper than offsets reach."""
        pages: list[Page] = []
        offset = 0
        while offset < self._limits.deepest:
            try:
                page = self._page(asked, offset=offset)
            except Declined:
                if not pages:
                    raise
                return None
            pages.append(page)
            offset += page.served
            largest = max(largest, page.served)
            if not page.served or page.served < largest:
                return pages
        return None

    def _page(self, asked: Window, *, offset: int, **filters: str) -> Page:
        """Ask for one page; where the API refuses the first as too large, learn how large it may be."""
        # Another thread may learn it meanwhile: what counts is what was asked here.
        size = self._limits.page
        try:
            return self._api.page(self._stream, asked, offset=offset, count=size, **filters)
        except Declined as error:
            if offset or error.code in _RANGE_CODES:
                raise
            for smaller in [smaller for smaller in _PAGES if smaller < size]:
                try:
                    page = self._api.page(self._stream, asked, offset=offset, count=smaller, **filters)
                except Declined:
                    continue
                self._limits.page = min(self._limits.page, smaller)
                return page
            raise

    def _ahead(self, asked: Window, pages: list[Page], totals: list[int]) -> int:
        """Add all pages behind the first, asked for at the same time, and give the offset behind the last."""
        size, total = pages[0].served, totals[-1]
        if not (size < total <= self._limits.deepest and _full(pages)):
            return size
        others = self._api.pages(self._stream, asked, offsets=range(size, total, size), count=size)
        pages += [page for page in others if page.served]
        totals += [page.total for page in others if page.total is not None]
        return size * (1 + len(others))

    def _asked(self, window: Window) -> Window:
        """Widen a window so that no row of it can be missed, whether its bounds count or not."""
        end = midnight(window.end.date()) + DAY if window.end == self._now else window.end
        return Window(window.start - SECOND, end)


def _times(pages: Sequence[Page], inside: Window) -> list[datetime]:
    """Give the times of the distinct messages of pages that lie in a window."""
    rows = pa.concat_tables([page.table.select(["message_id", "processed_at"]) for page in pages])
    distinct = dict(zip(*(rows[name].to_pylist() for name in rows.column_names), strict=True))
    return [at for at in distinct.values() if at in inside]


def _within(page: Page, span: Window) -> Page:
    """Give the rows of a page that lie in a span, and the rejects that may."""
    at = page.table["processed_at"]
    start, end = (pa.scalar(edge, at.type) for edge in (span.start, span.end))
    table = page.table.filter(pc.and_(pc.greater_equal(at, start), pc.less(at, end)))
    return replace(page, table=table, rejects=tuple(r for r in page.rejects if r.at is None or r.at in span))


def _pieces(reading: _Reading | None, window: Window) -> int:
    """Say in how many pieces a window is read next: days, where it has few rows; as many as fit, where it has many."""
    if reading is None:
        return 2
    if reading.complete:
        return len(window.days) if reading.is_one_answer else 2
    return max(2, -(-reading.totals[-1] // PIECE))


def _full(pages: Sequence[Page]) -> bool:
    """Whether the last page held as much as a page does, so that what ended the walk was its depth, not the rows.

    Nobody limits pages to 227 rows: a limit is a round number.
    """
    last = pages[-1].served
    return last >= max(_PAGES[-1], *(page.served for page in pages)) and last % 10 == 0
