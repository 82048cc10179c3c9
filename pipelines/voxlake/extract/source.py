"""One history as one reading asks it: with its filters, and with what is learned of the API on the way."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from voxlake.errors import ApiRejected
from voxlake.events import Kind
from voxlake.extract.quirks import PAGE_SIZES, RANGE_CODES, ApiQuirks
from voxlake.extract.verify import told_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from voxlake.api import HistoryApi
    from voxlake.model import Page, Window
    from voxlake.transform import Stream

T = TypeVar("T")

PLAUSIBLE = 10**9
"""Rows of a window; a count of more is not believed, and nothing is asked because of it."""

NO_FILTERS: Mapping[str, str] = MappingProxyType({})


class PageSource:
    """Pages and counts of one history; `quirks` is what is known of the API by now, to all threads of a reading.

    `largest_page` is the most rows that a page of a csv piece held; `requests` is how many pages and counts were asked
    for.
    """

    def __init__(self, history: HistoryApi, stream: Stream, quirks: ApiQuirks, filters: Mapping[str, str]) -> None:
        self.stream, self.filters, self.quirks = stream, filters, quirks
        self.is_csv = history.output == "csv"
        self.largest_page = 0
        # Seconds that are known to be too deep.
        self.deep_seconds: list[Window] = []
        self.requests = 0
        self._history = history
        self._needed = 0
        self._most = 0
        self._served = 0
        self._pages_done = 0
        self._learning = threading.Lock()

    def learn(self, **found: Any) -> None:
        """Add to what is known of the API; the names are those of `ApiQuirks`."""
        with self._learning:
            before, self.quirks = self.quirks, self.quirks.merge(ApiQuirks(**found))
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
        self._count_requests(1)
        with self._forgiving():
            total = self._history.total(self.stream, asked, filters={**self.filters, **filters})
        self._need(total, 0)
        return total

    def expect(self, total: int) -> None:
        """Count the pages of the rows that were counted before as needed."""
        self._need(total, 0)

    def done(self, pages: Sequence[Page], *, is_part: bool = False) -> None:
        """Count pages that are part of the result as needed, and of a part of a window the reply that led to it."""
        self._pages_done += (sum(bool(page.served) for page in pages) or 1) + is_part
        self._need(0, 0)

    def _need(self, total: int, served: int) -> None:
        """Raise the ceiling by the requests that this reading turns out to need at least."""
        with self._learning:
            self._served = max(self._served, served)
            self._most = max(self._most, total if total <= PLAUSIBLE else 0)
            pages = max(-(-self._most // (self._served or self.quirks.page_size)), self._pages_done, 1)
            more = pages + 2 * self.is_csv - self._needed
            if more > 0:
                self._needed += more
                self._history.ceiling.need(more)

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
        """Return pages that are asked for side by side, up to the first that the API rejects."""
        self._count_requests(len(offsets))
        pages = self._history.pages(self.stream, asked, offsets=offsets, count=size, filters=self.filters)
        return [told_apart(page) for page in pages]

    def side_by_side(self, ask: Callable[[Window], T], windows: Iterable[Window]) -> Iterator[T]:
        """Call `ask` with several windows at the same time, and yield what it returns in their order."""
        return self._history.side_by_side(ask, windows)

    def _page(self, asked: Window, offset: int, size: int, filters: Mapping[str, str]) -> Page:
        self._count_requests(1)
        every = {**self.filters, **filters}
        with self._forgiving():
            page = told_apart(self._history.page(self.stream, asked, offset=offset, count=size, filters=every))
        self._need(page.total or 0, page.served)
        return page

    @property
    def most_served(self) -> int:
        """The most rows that a page held so far."""
        return self._served

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except ApiRejected:
            self._history.ceiling.forgive()
            raise

    def _count_requests(self, number: int) -> None:
        self._history.ceiling.ask(number)
        with self._learning:
            self.requests += number
