"""Request pages of the two histories: one at a time, or several side by side."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from voxlake.api.ceiling import Ceiling
from voxlake.api.errors import ApiAnswerError, checked
from voxlake.errors import ApiRejected, CountOfPage
from voxlake.transform import BrokenReplyError, decode_csv, decode_json, pages_of_json, parse_json, total_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from voxlake.api.transport import ApiClient
    from voxlake.events import Emitter
    from voxlake.model import DecimalMark, Page, Window
    from voxlake.transform import Stream

T = TypeVar("T")
Output = Literal["json", "csv"]

_NO_FILTERS: Mapping[str, str] = MappingProxyType({})
_ASKED = 2
"""How often a count is asked for that comes without the row that was asked for with it."""

_SMALLEST_PAGE = 50
"""Rows; a page that an API limits holds this many at least, and a round number."""

_SMALL = 4096
"""Bytes of a JSON reply that is decoded on arrival: an error, or few rows."""


class HistoryApi:
    """The two history methods of one account, whose pages are requested in `output`: json or csv.

    `filters` are further parameters of a method, like `source_number`; whatever is asked counts under `ceiling`. By
    `shifts`, a stream is asked for later dates than its rows have, which by the reference are UTC in both; `marks` are
    the decimal marks of amounts that its replies showed; both are by the name of a stream. Every method raises what
    `ApiClient.call` raises. Safe to share between threads; a copy that was pickled has threads and connections of its
    own.
    """

    def __init__(self, client: ApiClient, *, output: Output = "json") -> None:
        self.client, self.output = client, output
        self.ceiling = Ceiling()
        self.unreadable_csv: str | None = None
        # Its threads start when they are first needed.
        self._threads = ThreadPoolExecutor(client.jobs, thread_name_prefix="voxlake-page")
        # Of their own, because these may wait for pages that others ask for, and readings for either.
        self._windows = ThreadPoolExecutor(client.jobs, thread_name_prefix="voxlake-window")
        self._readings = ThreadPoolExecutor(client.jobs, thread_name_prefix="voxlake-reading")
        # Decoding replies takes ten times their size in memory, and more at once than processors gains nothing.
        self.shifts: dict[str, timedelta] = {}
        self.marks: dict[str, DecimalMark] = {}
        self._decoding = threading.Semaphore(os.cpu_count() or 1)

    def __reduce__(self) -> tuple[Callable[..., HistoryApi], tuple[Any, ...]]:
        """Travel as the client, the output format, and what is known of the API."""
        return _rebuilt, (self.client, self.output, dict(self.shifts), dict(self.marks), self.ceiling)

    @property
    def account_id(self) -> int:
        """The account whose histories these are."""
        return self.client.account_id

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self.client.requests

    @property
    def events(self) -> Emitter:
        """Who hears of what happens."""
        return self.client.events

    @property
    def clock_offset(self) -> float | None:
        """By how many seconds the API's clock is ahead of the client's; None before its first reply with a date."""
        return self.client.clock_offset

    def close(self) -> None:
        """End the threads, after the requests under way, and close the connections."""
        self._readings.shutdown(cancel_futures=True)
        self._windows.shutdown(cancel_futures=True)
        self._threads.shutdown(cancel_futures=True)
        self.client.close()

    def page(
        self,
        stream: Stream,
        window: Window | None,
        *,
        offset: int,
        count: int,
        filters: Mapping[str, str] = _NO_FILTERS,
        output: Output | None = None,
    ) -> Page:
        """Return up to `count` rows from `offset`, in the order of the API; a csv page has no total.

        Another `output` than that of the history can be asked for. Without a window, no dates are sent: what the API
        gives then is not documented.

        A csv page whose last line does not end is requested again, and where it is the same again, as JSON: a csv that
        is cut inside the last field of its last row is still a valid csv, however often it comes, and an empty reply
        may be what an API sends for no rows, or beyond its deepest offset. Of JSON it can be seen whether it is whole.

        A csv that cannot be read with certainty, twice in the same way, is not guessed at: that page and all after it
        are requested as JSON, and `unreadable_csv` says why.
        """
        with self.ceiling.asking():
            return self._page(stream, window, offset, count, filters, output or self.output)

    def _page(
        self, stream: Stream, window: Window | None, offset: int, count: int, filters: Mapping[str, str], output: Output
    ) -> Page:
        as_json = self._parameters(stream, window, offset, count, "json", filters)
        if output == "json" or self.unreadable_csv is not None:
            return self._json_page(stream, as_json)
        page = self._csv_page(stream, self._parameters(stream, window, offset, count, "csv", filters))
        if page is not None and not page.rejects:
            return page
        self.ceiling.made(1)
        sure = self._json_page(stream, as_json)
        if page is not None and len(sure.rejects) < len(page.rejects):
            self.unreadable_csv = page.rejects[0].reason
        return sure

    def total(self, stream: Stream, window: Window | None, *, filters: Mapping[str, str] = _NO_FILTERS) -> int:
        """Return how many rows match; one row is requested, as JSON, because a csv tells no total.

        Without a window, no dates are sent. A count above 0 that comes without that row contradicts itself: it is asked
        for once more.

        Raises:
            CountOfPage: the API ignores that one row was requested, and its total is that of a full page, as if there
                were no other: it proves nothing.

        """
        total = 0
        for _ in range(_ASKED):
            with self.ceiling.asking():
                total, is_alone = self.client.call(
                    stream.method,
                    self._parameters(stream, window, 0, 1, "json", filters),
                    lambda body: _counted(checked(parse_json(body))),
                    roles=stream.roles,
                )
            if not (total and is_alone):
                break
        return total

    def pages(
        self,
        stream: Stream,
        window: Window,
        *,
        offsets: Sequence[int],
        count: int,
        filters: Mapping[str, str] = _NO_FILTERS,
        output: Output | None = None,
    ) -> list[Page]:
        """Return the pages from several offsets, requested side by side, up to the first that the API rejects.

        JSON replies are decoded together, which costs fewer calls than one by one.
        """
        form = output or self.output
        ask = partial(self._page_or_body, stream, window, count=count, filters=filters, output=form)
        with self.ceiling.asking(len(offsets)):
            futures = [self._threads.submit(ask, offset=offset) for offset in offsets]
            wait(futures)
        rejected = (n for n, future in enumerate(futures) if isinstance(future.exception(), ApiRejected))
        replies = [future.result() for future in futures[: next(rejected, None)]]
        decoded = iter(self._decoded([reply for reply in replies if isinstance(reply, bytes)], stream))
        pages = (next(decoded) if isinstance(reply, bytes) else reply for reply in replies)
        # What cannot be decoded after all is a transient fault, which `page` waits out.
        return [
            page or self._page(stream, window, offset, count, filters, form)
            for offset, page in zip(offsets, pages, strict=False)
        ]

    def begin_reading(self, read: Callable[[Window], T], window: Window) -> Future[T]:
        """Begin to read a window, for which pages and windows may be asked side by side in turn."""
        return self._readings.submit(read, window)

    def side_by_side(self, ask: Callable[[Window], T], windows: Iterable[Window]) -> Iterator[T]:
        """Call `ask` for several windows at the same time; yields the results in order, raises what it raises."""
        return self._windows.map(ask, windows)

    def _parameters(
        self, stream: Stream, window: Window | None, offset: int, count: int, output: Output, filters: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the form of a history request; the API takes whole seconds."""
        shift = self.shifts.get(stream.name, timedelta())
        dates = {} if window is None else {"from_date": window.start + shift, "to_date": window.end + shift}
        return {
            **{name: f"{at:%Y-%m-%d %H:%M:%S}" for name, at in dates.items()},
            "count": str(count),
            "offset": str(offset),
            "output": output,
            **filters,
        }

    def _json_page(self, stream: Stream, parameters: dict[str, str]) -> Page:
        return self.client.call(stream.method, parameters, partial(self._decode_json, stream), roles=stream.roles)

    def _decode_json(self, stream: Stream, body: bytes) -> Page:
        return self._noted(stream, decode_json(body, stream, checked=checked, mark=self.marks.get(stream.name)))

    def _noted(self, stream: Stream, page: Page) -> Page:
        """Remember the decimal mark that a page shows: a later one may have nothing but amounts that need it."""
        if page.decimal_mark is not None:
            self.marks[stream.name] = page.decimal_mark
        return page

    def _csv_page(self, stream: Stream, parameters: dict[str, str]) -> Page | None:
        """Return a page that was requested as csv; None where it came twice the same, and broken or perhaps cut."""
        doubtful: set[bytes] = set()
        broken: set[str] = set()

        def read(body: bytes) -> Page | None:
            # Errors come as JSON, whatever was requested.
            if body.lstrip().startswith(b"{"):
                return self._decode_json(stream, body)
            is_second = body in doubtful
            doubtful.add(body)
            if body.endswith(b"\n"):
                try:
                    return self._noted(stream, decode_csv(body, stream, mark=self.marks.get(stream.name)))
                except BrokenReplyError as error:
                    # Rows may come in another order each time: what is the same is how they are broken.
                    if not is_second and str(error) not in broken:
                        broken.add(str(error))
                        raise
                    self.unreadable_csv = str(error)
                    return None
            if is_second:
                return None
            raise BrokenReplyError("csv without an end of its last line")

        return self.client.call(stream.method, parameters, read, roles=stream.roles)

    def _page_or_body(
        self, stream: Stream, window: Window, *, offset: int, count: int, filters: Mapping[str, str], output: Output
    ) -> Page | bytes:
        """Return a page, or the body of a large JSON reply that looks whole, to be decoded with others."""
        if output == "csv":
            return self._page(stream, window, offset, count, filters, output)

        def read(body: bytes) -> Page | bytes:
            whole = len(body) > _SMALL and body.startswith(b"{") and body.endswith(b"}")
            return body if whole else self._decode_json(stream, body)

        parameters = self._parameters(stream, window, offset, count, "json", filters)
        return self.client.call(stream.method, parameters, read, roles=stream.roles)

    def _decoded(self, bodies: list[bytes], stream: Stream) -> list[Page | None]:
        """Decode bodies together, or where that fails one by one; None for one that must be requested again."""
        with self._decoding:
            together = pages_of_json(bodies, stream, mark=self.marks.get(stream.name)) if bodies else []
        return [self._decoded_alone(body, stream) for body in bodies] if together is None else list(together)

    def _decoded_alone(self, body: bytes, stream: Stream) -> Page | None:
        """Decode one body; None where it must be requested again."""
        try:
            return self._decode_json(stream, body)
        except (BrokenReplyError, ApiAnswerError):
            return None


def _rebuilt(
    client: ApiClient, output: Output, shifts: dict[str, timedelta], marks: dict[str, DecimalMark], ceiling: Ceiling
) -> HistoryApi:
    history = HistoryApi(client, output=output)
    history.shifts, history.marks, history.ceiling = shifts, marks, ceiling
    return history


def _counted(reply: dict[str, Any]) -> tuple[int, bool]:
    """Return the total of a reply to a request for one row, unless it may be no more than the rows of its page.

    With it comes whether no row did.

    A count that was rounded to 0, where a row came with it, is at least 1.
    """
    total, rows = total_of(reply), reply.get("result")
    if isinstance(rows, list) and total == len(rows) >= _SMALLEST_PAGE and not total % 10:
        raise CountOfPage(
            f"The API's counts are those of a page ({total} where one row was asked for), which verify no day",
            code=0,
            advice="ask its support for a total_count of all rows",
        )
    return (max(total, len(rows)), not rows) if isinstance(rows, list) else (total, False)
