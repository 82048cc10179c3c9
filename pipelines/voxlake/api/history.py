"""The two histories as pages: one at a time, or several at the same time, read together."""

from __future__ import annotations

import functools
import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar

from voxlake.api.errors import ApiAnswerError, checked
from voxlake.errors import ApiRejected
from voxlake.transform import BrokenReplyError, decode_csv, decode_json, page_of, pages_of_json, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from voxlake.api.transport import ApiClient
    from voxlake.model import Page, Window
    from voxlake.transform import Stream

T = TypeVar("T")

_ALL: Mapping[str, str] = MappingProxyType({})
_SMALL = 4096
"""Bytes of a reply that is read where it comes: an error, or few rows."""


class HistoryApi:
    """The two history methods of one account, whose pages are requested in `output`: json or csv.

    Safe to share between threads. A copy that was pickled has threads of its own.
    """

    def __init__(self, client: ApiClient, *, output: Literal["json", "csv"] = "json") -> None:
        self.client, self.output = client, output
        self._open()

    def _open(self) -> None:
        """Create what belongs to one process: threads, which start when they are first needed, and a lock."""
        self._threads = ThreadPoolExecutor(self.client.jobs)
        # Reading many replies takes ten times their size, and more at once than there are processors gains nothing.
        self._reading = threading.Semaphore(os.cpu_count() or 1)

    @property
    def account_id(self) -> int:
        """The account whose histories these are."""
        return self.client.account_id

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self.client.requests

    def close(self) -> None:
        """End the threads, after what is under way, and close the connections."""
        self._threads.shutdown(cancel_futures=True)
        self.client.close()

    def __reduce__(self) -> tuple[Callable[..., HistoryApi], tuple[ApiClient, str]]:
        """Travel as client and output format."""
        return _rebuilt, (self.client, self.output)

    def page(
        self, stream: Stream, window: Window, *, offset: int, count: int, filters: Mapping[str, str] = _ALL
    ) -> Page:
        """Ask for up to `count` rows of a history from `offset`, in the output format that was chosen.

        A csv page has no total: ask `total` for it. A csv that may have been cut is asked for as JSON.
        """
        doubtful: set[bytes] = set()

        def read(body: bytes) -> Page | None:
            if self.output != "csv" or body.lstrip().startswith(b"{"):
                return decode_json(body, stream, checked=checked)
            # Cut in the last field of its last row, a csv is still a good csv, however often it comes; and nothing at
            # all may be what an API gives for no rows, or behind its deepest offset. JSON shows where it ends.
            if not body.endswith(b"\n"):
                if body in doubtful:
                    return None
                doubtful.add(body)
                raise BrokenReplyError("csv without an end of its last line")
            return decode_csv(body, stream)

        parameters = self._history(window, offset=offset, count=count, output=self.output, filters=filters)
        page = self.client.call(stream.method, parameters, read, roles=stream.roles)
        if page is None:
            parameters["output"] = "json"
            json = functools.partial(decode_json, stream=stream, checked=checked)
            page = self.client.call(stream.method, parameters, json, roles=stream.roles)
        return page

    def total(self, stream: Stream, window: Window, *, filters: Mapping[str, str] = _ALL) -> int:
        """Ask only how many rows match."""
        parameters = self._history(window, offset=0, count=1, output="json", filters=filters)
        page = self.client.call(
            stream.method,
            parameters,
            lambda body: page_of(checked(parse_json(body)), stream),
            roles=stream.roles,
        )
        assert page.total is not None  # noqa: S101 - page_of promises it for JSON
        return page.total

    def pages(
        self, stream: Stream, window: Window, *, offsets: Sequence[int], count: int, filters: Mapping[str, str] = _ALL
    ) -> list[Page]:
        """Ask for pages at the same time; give those before the first that is declined, or raise what `call` raises."""
        futures = [
            self._threads.submit(self._page_or_body, stream, window, offset=offset, count=count, filters=filters)
            for offset in offsets
        ]
        wait(futures)
        declined = (n for n, future in enumerate(futures) if isinstance(future.exception(), ApiRejected))
        replies = [future.result() for future in futures[: next(declined, None)]]
        bodies = [reply for reply in replies if isinstance(reply, bytes)]
        with self._reading:
            pages = iter((bodies and pages_of_json(bodies, stream)) or [None] * len(bodies))
        found = []
        for offset, reply in zip(offsets, replies, strict=False):
            page = (next(pages) or _alone(reply, stream)) if isinstance(reply, bytes) else reply
            # Broken after all: a fault of the moment, which `page` waits out.
            found.append(page or self.page(stream, window, offset=offset, count=count, filters=filters))
        return found

    def side_by_side(self, ask: Callable[[Window], T], windows: Iterable[Window]) -> Iterator[T]:
        """Ask of several windows at the same time, and give what came in their order; raises what `ask` raises."""
        return self._threads.map(ask, windows)

    def _page_or_body(
        self, stream: Stream, window: Window, *, offset: int, count: int, filters: Mapping[str, str] = _ALL
    ) -> Page | bytes:
        """Ask for a page, and leave a reply that looks whole to be read together with others."""
        if self.output == "csv":
            return self.page(stream, window, offset=offset, count=count, filters=filters)

        def read(body: bytes) -> Page | bytes:
            whole = len(body) > _SMALL and body.startswith(b"{") and body.endswith(b"}")
            return body if whole else decode_json(body, stream, checked=checked)

        parameters = self._history(window, offset=offset, count=count, output=self.output, filters=filters)
        return self.client.call(stream.method, parameters, read, roles=stream.roles)

    @staticmethod
    def _history(window: Window, *, offset: int, count: int, output: str, filters: Mapping[str, str]) -> dict[str, str]:
        return {
            "from_date": f"{window.start:%Y-%m-%d %H:%M:%S}",
            "to_date": f"{window.end:%Y-%m-%d %H:%M:%S}",
            "count": str(count),
            "offset": str(offset),
            "output": output,
            **filters,
        }


def _rebuilt(client: ApiClient, output: Literal["json", "csv"]) -> HistoryApi:
    return HistoryApi(client, output=output)


def _alone(body: bytes, stream: Stream) -> Page | None:
    """Read one reply; None where it has to be asked for again."""
    try:
        return decode_json(body, stream, checked=checked)
    except (BrokenReplyError, ApiAnswerError):
        return None
