"""One history as one reading asks it: with its filters, and with what is learned of the API on the way."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from voxlake.errors import ApiRejected, CeilingReached
from voxlake.events import Kind
from voxlake.extract.quirks import PAGE_SIZES, RANGE_CODES, ApiQuirks
from voxlake.extract.verify import is_inside, told_apart
from voxlake.model import SECOND, Window
from voxlake.transform import integers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    from voxlake.api import HistoryApi, Output
    from voxlake.model import Page
    from voxlake.transform import Stream

T = TypeVar("T")

PLAUSIBLE = 10**9
"""Rows of a window; a count of more is not believed, and nothing is asked because of it."""

NO_FILTERS: Mapping[str, str] = MappingProxyType({})


class PageSource:
    """Pages and counts of one history; `quirks` is what is known of the API by now, to all threads of a reading.

    `largest_page` is the most rows that a page of a csv piece held, `most_served` those of any page; `requests` is how
    many pages and counts were asked for. With `extra`, requests repeat or refine what was asked before, which ends
    sooner; with `as_json`, pages are asked for as JSON whatever the history asks for: of a small piece, one reply has
    the rows and their count. Rows that come `again` do not raise the ceiling.
    """

    def __init__(self, history: HistoryApi, stream: Stream, quirks: ApiQuirks, filters: Mapping[str, str]) -> None:
        self.stream, self.filters, self.quirks = stream, filters, quirks
        self.largest_page = self.most_served = 0
        # Seconds that are known to be too deep.
        self.deep_seconds = [Window(at, at + SECOND) for at, _ in sorted(quirks.deep_seconds)]
        self.known_deep = quirks.deep_seconds
        self.requests = 0
        self.extra = self.as_json = self.again = False
        self._history = history
        self._span: Window | None = None
        # Rows of the span that are part of the result, and the ids of those that came since.
        self._rows_done = self._rows_needed = 0
        self._came: set[int] = set()
        self._learning = threading.Lock()

    @property
    def is_csv(self) -> bool:
        """Whether pages are csv, which has no count."""
        return self._history.output == "csv" and not self.as_json

    def begin(self, window: Window, *, read_before: int | None = None) -> None:
        """Begin to read a window: its rows are what requests are made for, but for those that were `read_before`."""
        self._span, self._rows_done, self._rows_needed = window, 0, read_before or 0
        self._came.clear()
        self.as_json, self.extra, self.again = False, read_before is not None, False

    def learn(self, **found: Any) -> None:
        """Add to what is known of the API; the names are those of `ApiQuirks`."""
        with self._learning:
            before, self.quirks = self.quirks, self.quirks.merge(ApiQuirks(**found))
        self._history.ceiling.need(self.stream.name, unordered=self.quirks.one_page_windows)
        for name in found:
            value = getattr(self.quirks, name)
            if value != getattr(before, name):
                is_doubt = name == "contradicts"
                clause = "replies of the API contradict each other" if is_doubt else f"the API's {name} is {value}"
                self.tell(Kind.QUIRK_LEARNED, clause, quirk=name, value=value)

    def tell(self, kind: Kind, clause: str, **details: Any) -> None:
        """Emit an event of this history."""
        self._history.events.emit(kind, f"{self.stream.name}: {clause}.", stream=self.stream.name, **details)

    def total(self, asked: Window, filters: Mapping[str, str] = NO_FILTERS) -> int:
        """Return how many rows the API counts between two dates."""
        with self._asking(1):
            return self._history.total(self.stream, asked, filters={**self.filters, **filters})

    def done(self, rows: int, *, until: datetime) -> None:
        """Count rows of a piece that is part of the result; what comes later from before its end is of no more use."""
        with self._learning:
            if self._span is not None:
                self._span = Window(min(until, self._span.end), self._span.end)
            self._rows_done += rows
            self._came.clear()

    def _credit(self, pages: Sequence[Page]) -> None:
        """Raise the ceiling by the rows of the window that came for the first time."""
        more = 0
        with self._learning:
            for page in () if self.again else pages:
                ids = page.table["message_id"]
                if self._span is not None:
                    ids = ids.filter(is_inside(page.table["processed_at"], self._span))
                    self._came.update(
                        hash(repr(its.raw)) for its in page.rejects if its.at is not None and its.at in self._span
                    )
                self._came.update(integers(ids).tolist())
            more = max(0, self._rows_done + len(self._came) - self._rows_needed)
            self._rows_needed += more
        size = max((page.served for page in pages), default=0)
        self.most_served = max(self.most_served, size)
        self._history.ceiling.need(self.stream.name, rows=more, page=size, unordered=self.quirks.one_page_windows)

    def page(self, asked: Window, *, offset: int, filters: Mapping[str, str] = NO_FILTERS) -> Page:
        """Return one page; where the API refuses a first page as too large, try smaller ones and learn the size.

        Raises:
            ApiRejected: the API refuses this page of any size.

        """
        # Another thread may learn the size meanwhile: what counts is what was asked here.
        size = self.quirks.page_size
        try:
            return self._page(asked, offset, size, filters)
        except ApiRejected as error:
            if offset or error.code in RANGE_CODES:
                raise
            for smaller in (smaller for smaller in PAGE_SIZES if smaller < size):
                try:
                    page = self._page(asked, offset, smaller, filters)
                except ApiRejected:
                    continue
                self.learn(page_size=smaller)
                return page
            raise

    def pages(self, asked: Window, *, offsets: range, size: int) -> list[Page]:
        """Return pages that are asked for side by side, up to the first that the API rejects.

        There are none where so many requests at once would go beyond the ceiling: then each has to bring rows before
        the next one is made.
        """
        with suppress(CeilingReached), self._asking(len(offsets)):
            pages = self._history.pages(
                self.stream, asked, offsets=offsets, count=size, filters=self.filters, output=self._output
            )
            pages = [told_apart(page) for page in pages]
            self._credit(pages)
            return pages
        return []

    @property
    def jobs(self) -> int:
        """How many requests may be under way at the same time."""
        return self._history.client.jobs

    def fork(self, window: Window) -> PageSource:
        """Return a source of its own for a window of this one, to read at the same time."""
        source = PageSource(self._history, self.stream, self.quirks, self.filters)
        source.largest_page, source.most_served = self.largest_page, self.most_served
        source.deep_seconds, source.known_deep = list(self.deep_seconds), self.known_deep
        # What has raised the ceiling without being part of the result comes again now, and raises it no more.
        surplus = max(0, self._rows_needed - self._rows_done)
        self._rows_needed -= surplus
        source.begin(window, read_before=surplus)
        source.extra, source.again = self.extra, self.again
        return source

    def join(self, source: PageSource) -> None:
        """Add what a fork has learned, and asked for."""
        with self._learning:
            self.quirks = self.quirks.merge(source.quirks)
            self.deep_seconds += [second for second in source.deep_seconds if second not in self.deep_seconds]
            self.requests += source.requests
            self._rows_needed += source._rows_needed
        self.as_json = source.as_json
        self.largest_page = max(self.largest_page, source.largest_page)
        self.most_served = max(self.most_served, source.most_served)
        self.extra |= source.extra

    def begin_reading(self, read: Callable[[Window], T], window: Window) -> Future[T]:
        """Begin to read a window while others are read."""
        return self._history.begin_reading(read, window)

    def side_by_side(self, ask: Callable[[Window], T], windows: Iterable[Window]) -> Iterator[T]:
        """Call `ask` with several windows at the same time, and yield what it returns in their order."""
        return self._history.side_by_side(ask, windows)

    @property
    def _output(self) -> Output:
        return "csv" if self.is_csv else "json"

    def _page(self, asked: Window, offset: int, size: int, filters: Mapping[str, str]) -> Page:
        every = {**self.filters, **filters}
        with self._asking(1):
            page = told_apart(
                self._history.page(self.stream, asked, offset=offset, count=size, filters=every, output=self._output)
            )
            self._credit([page])
            if not (offset or page.served or page.total or filters or self.extra or self.again):
                # A span without rows is a window that had to be asked for, also where a long survey was cut into many.
                self._history.ceiling.need(self.stream.name, windows=1)
            return page

    @contextmanager
    def _asking(self, number: int) -> Iterator[None]:
        with self._history.ceiling.asking(number, extra=self.extra):
            with self._learning:
                self.requests += number
            yield
