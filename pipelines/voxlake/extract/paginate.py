"""Walk the pages of one window once, and keep what came and what was told on the way.

Nothing is proved here: `fetch` compares the two, and reads again, or cuts, where they differ.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from voxlake.errors import ApiRejected
from voxlake.extract.quirks import PAGE_SIZES, ApiQuirks
from voxlake.model import DAY, SECOND, Page, Window, midnight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlake.api import HistoryApi
    from voxlake.model import Reject
    from voxlake.transform import Stream

RANGE_CODES = frozenset({123, 569})
"""What the API says of a span of time that it does not like."""

_EVER = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_AT_ONCE = 5
"""So many times what offsets reach is counted at once at most: until then, csv stays in memory."""


@dataclass(frozen=True)
class Reading:
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

    @cached_property
    def rejects(self) -> list[Reject]:
        """The distinct rows that could not be read: one may come with two pages, as others do."""
        return list({repr(reject.raw): reject for page in self.pages for reject in page.rejects}.values())

    @property
    def is_one_answer(self) -> bool:
        """Whether one page gave all that there was to get, so that smaller windows would say the same."""
        return len(self.pages) <= 1 and self.stopped_at is None

    @property
    def agrees(self) -> bool:
        """Whether everything that was told and everything that came is one number."""
        return self.complete and set(self.totals) == {self.ids + len(self.rejects)}


class Pager:
    """The pages of one history; `end` is where a window ends inside a day.

    What lies behind that end is left out only with `exact`, and once it is known that the API looks at the time of day.
    """

    def __init__(
        self,
        history: HistoryApi,
        stream: Stream,
        quirks: ApiQuirks,
        end: datetime | None,
        *,
        filters: Mapping[str, str],
    ) -> None:
        self._api, self._stream, self.quirks, self._end, self._filters = history, stream, quirks, end, filters
        self.exact = False
        self.counted: tuple[Window, int] | None = None
        self._largest = 0
        self._learning = threading.Lock()

    def learn(self, **found: Any) -> None:
        """Add to what is known of the API; the threads of one window share it."""
        with self._learning:
            self.quirks = self.quirks.merge(ApiQuirks(**found))

    def total(self, asked: Window, **filters: str) -> int:
        """Ask how many rows the API counts between two dates."""
        return self._api.total(self._stream, asked, filters={**self._filters, **filters})

    @property
    def most(self) -> int:
        """How many rows can be read between two counts."""
        return self.quirks.deepest_offset * (_AT_ONCE if self._api.output == "csv" else 1)

    def walk(
        self,
        window: Window,
        *,
        asked: Window | None = None,
        floor: bool = False,
        ahead: bool = False,
        **filters: str,
    ) -> Reading:
        """Read all pages once; not complete where offsets would go too deep and the window can still be cut.

        With `ahead`, the first page tells which others to ask for at the same time. `asked` is what to ask for, if not
        the window a little wider.
        """
        asked = asked or self.asked(window)
        csv = self._api.output == "csv"
        totals = [self._count_before(asked, **filters)] if csv else []
        if csv and (reading := self._under_one_count(window, asked, totals[0], floor=floor, **filters)):
            return reading
        pages: list[Page] = []
        offset, stopped_at = 0, None
        behind = False
        while not pages or offset < totals[-1] or not (behind or self._ends(pages)):
            behind = bool(pages) and offset >= totals[-1]
            if totals and not floor and totals[-1] >= self.quirks.deepest_offset and pages:
                return Reading(pages, totals, complete=False)
            try:
                page = self.page(asked, offset=offset, **filters)
            except ApiRejected:
                if not pages:
                    raise
                stopped_at = None if behind else offset
                break
            if page.total is not None:
                totals.append(page.total)
            if pages and not page.served:
                stopped_at = offset if not behind and _full(pages) else None
                break
            pages.append(page)
            if not page.served:
                break
            offset = offset + page.served if len(pages) > 1 or not ahead else self._ahead(asked, pages, totals)
        if csv:
            totals.append(self.total(asked, **filters))
        return Reading(pages, totals, stopped_at=stopped_at)

    def _count_before(self, asked: Window, **filters: str) -> int:
        if self.counted is not None and not filters and self.counted[0] == asked:
            (_, counted), self.counted = self.counted, None
            return counted
        return self.total(asked, **filters)

    def _under_one_count(
        self, window: Window, asked: Window, total: int, *, floor: bool, **filters: str
    ) -> Reading | None:
        """Read csv piece by piece, each up to its last page, and count only around them all; None for few rows.

        A csv page tells no total, so to count around each piece would take two requests more for a handful of pages.
        """
        if not total:
            return Reading([], [total, self.total(asked, **filters)])
        deepest, days = self.quirks.deepest_offset, len(window.days)
        if self.exact and self.asked(window).end != window.end:
            # That was the count of a day, of which this is perhaps a small part.
            return None
        # A day that is deeper than offsets reach is cut inside, which must not be tried before bounds are known.
        if days > 1 and 2 * total > days * deepest and self.quirks.ignores_time is None:
            return None
        if floor or not deepest < total <= self.most or not self._divides(window):
            return None
        found: dict[Window, list[Page]] = {}
        waiting = window.split(-(-2 * total // deepest))
        while waiting:
            pieces, waiting = waiting, []
            for piece, its in zip(
                pieces, self._api.side_by_side(self._to_the_end, map(self.asked, pieces)), strict=True
            ):
                if its is not None:
                    found[piece] = its
                elif self._divides(piece, surely=True):
                    waiting += piece.split(2)
                else:
                    return Reading([], [total], complete=False)
        # What was asked for overlaps inside; at the ends of the window, what was counted lies beyond.
        starts = [_EVER.start, *sorted(piece.start for piece in found)[1:], _EVER.end]
        pages = [
            _within(page, Window(*span))
            for piece, span in zip(sorted(found), pairwise(starts), strict=True)
            for page in found[piece]
        ]
        reading = Reading(pages, [total, self.total(self.asked(window))])
        if reading.agrees and days == 1:
            # Pieces of a day whose rows add up to more than one piece can give.
            self.learn(ignores_time=False)
        # Where something moves, to read all of it again would cost more than to count around each piece after all.
        return reading if reading.agrees else replace(reading, complete=False)

    def _divides(self, window: Window, *, surely: bool = False) -> bool:
        """Whether a smaller window would hold fewer rows; inside a day that takes an API that looks at the time."""
        coarse = surely if self.quirks.ignores_time is None else self.quirks.ignores_time
        return len(window.days) > 1 or (window.seconds > 1 and not coarse)

    def _to_the_end(self, asked: Window) -> list[Page] | None:
        """Read pages up to one that holds less than the largest; None where that would go deeper than offsets reach."""
        pages: list[Page] = []
        offset = 0
        while offset < self.quirks.deepest_offset:
            try:
                page = self.page(asked, offset=offset)
            except ApiRejected:
                if not pages:
                    raise
                self.learn(deepest_offset=offset)
                return None
            pages.append(page)
            offset += page.served
            self._largest = max(self._largest, page.served)
            if not page.served or page.served < self._largest:
                return pages
        return None

    def page(self, asked: Window, *, offset: int, **filters: str) -> Page:
        """Ask for one page; where the API refuses the first as too large, learn how large it may be."""
        # Another thread may learn it meanwhile: what counts is what was asked here.
        size = self.quirks.page_size
        try:
            return self._api.page(self._stream, asked, offset=offset, count=size, filters={**self._filters, **filters})
        except ApiRejected as error:
            if offset or error.code in RANGE_CODES:
                raise
            for smaller in [smaller for smaller in PAGE_SIZES if smaller < size]:
                try:
                    page = self._api.page(
                        self._stream, asked, offset=offset, count=smaller, filters={**self._filters, **filters}
                    )
                except ApiRejected:
                    continue
                self.learn(page_size=smaller)
                return page
            raise

    def _ends(self, pages: Sequence[Page]) -> bool:
        """Whether the last page had room left; behind a full one, more may lie than the API counts."""
        return pages[-1].served < (max(page.served for page in pages) if len(pages) > 1 else self.quirks.page_size)

    def _ahead(self, asked: Window, pages: list[Page], totals: list[int]) -> int:
        """Add all pages behind the first, asked for at the same time, and give the offset behind the last."""
        size, total = pages[0].served, totals[-1]
        if not (size < total < self.quirks.deepest_offset and _full(pages)):
            return size
        others = self._api.pages(
            self._stream, asked, offsets=range(size, total, size), count=size, filters=self._filters
        )
        pages += [page for page in others if page.served]
        totals += [page.total for page in others if page.total is not None]
        return size * (1 + len(others))

    def asked(self, window: Window) -> Window:
        """Widen a window so that no row of it can be missed, whether its bounds count or not.

        Where it ends inside a day, a coarse bound would hide that day.
        """
        exact = self.exact and self.quirks.ignores_time is False
        wide = window.end == self._end and not exact
        return Window(window.start - SECOND, midnight(window.end.date()) + DAY if wide else window.end)


def widened(window: Window) -> Window:
    """Return the dates to ask for so that no row of whole days is missed, whether rows at the bounds count or not."""
    return Window(window.start - SECOND, window.end)


def within(times: pa.ChunkedArray, span: Window) -> pa.ChunkedArray:
    """Mark the times that lie in a span."""
    start, end = (pa.scalar(edge, times.type) for edge in (span.start, span.end))
    return pc.and_(pc.greater_equal(times, start), pc.less(times, end))


def _within(page: Page, span: Window) -> Page:
    """Give the rows of a page that lie in a span, and the rejects that may."""
    table = page.table.filter(within(page.table["processed_at"], span))
    return replace(page, table=table, rejects=tuple(r for r in page.rejects if r.at is None or r.at in span))


def _full(pages: Sequence[Page]) -> bool:
    """Whether the last page held as much as a page does, so that what ended the walk was its depth, not the rows.

    Nobody limits pages to 227 rows: a limit is a round number.
    """
    last = pages[-1].served
    return last >= max(PAGE_SIZES[-1], *(page.served for page in pages)) and last % 10 == 0
