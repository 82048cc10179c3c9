"""The two histories as pages: one at a time, or several at the same time, read together."""

from __future__ import annotations

import functools
import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar

from voxlake.api.errors import ApiAnswerError, checked
from voxlake.api.transport import ApiClient
from voxlake.errors import ApiRejected
from voxlake.transform import BrokenReplyError, decode_csv, decode_json, page_of, pages_of_json, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voxlake.api.auth import ApiKey, ServiceAccount
    from voxlake.model import Page, Window
    from voxlake.transform import Stream

T = TypeVar("T")

_SMALL = 4096
"""Bytes of a reply that is read where it comes: an error, or few rows."""


class Api(ApiClient):
    """The history methods of one account, asked for in `output`: json or csv."""

    def __init__(
        self, url: str, auth: ApiKey | ServiceAccount, *, output: str = "json", jobs: int = 4, **options: Any
    ) -> None:
        super().__init__(url, auth, jobs=jobs, **options)
        self.output = output
        self._side_by_side = ThreadPoolExecutor(jobs)
        # Reading many replies takes ten times their size, and more at once than there are processors gains nothing.
        self._reading = threading.Semaphore(os.cpu_count() or 1)

    def close(self) -> None:
        """Let the connections and threads go; what is under way ends first."""
        self._side_by_side.shutdown(cancel_futures=True)
        self._adapter.close()

    def page(self, stream: Stream, window: Window, *, offset: int, count: int, **filters: str) -> Page:
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

        parameters = self._history(window, offset=offset, count=count, output=self.output, **filters)
        page = self.call(stream.method, parameters, read, roles=stream.roles)
        if page is None:
            parameters["output"] = "json"
            json = functools.partial(decode_json, stream=stream, checked=checked)
            page = self.call(stream.method, parameters, json, roles=stream.roles)
        return page

    def total(self, stream: Stream, window: Window, **filters: str) -> int:
        """Ask only how many rows match."""
        parameters = self._history(window, offset=0, count=1, output="json", **filters)
        page = self.call(
            stream.method,
            parameters,
            lambda body: page_of(checked(parse_json(body)), stream),
            roles=stream.roles,
        )
        assert page.total is not None  # noqa: S101 - page_of promises it for JSON
        return page.total

    def pages(
        self, stream: Stream, window: Window, *, offsets: Sequence[int], count: int, **filters: str
    ) -> list[Page]:
        """Ask for pages at the same time; give those before the first that is declined, or raise what `call` raises."""
        futures = [
            self._side_by_side.submit(self._page_or_body, stream, window, offset=offset, count=count, **filters)
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
            found.append(page or self.page(stream, window, offset=offset, count=count, **filters))
        return found

    def beside(self, ask: Callable[[Window], T], windows: Iterable[Window]) -> Iterator[T]:
        """Ask of several windows at the same time, and give what came in their order; raises what `ask` raises."""
        return self._side_by_side.map(ask, windows)

    def _page_or_body(self, stream: Stream, window: Window, *, offset: int, count: int, **filters: str) -> Page | bytes:
        """Ask for a page, and leave a reply that looks whole to be read together with others."""
        if self.output == "csv":
            return self.page(stream, window, offset=offset, count=count, **filters)

        def read(body: bytes) -> Page | bytes:
            whole = len(body) > _SMALL and body.startswith(b"{") and body.endswith(b"}")
            return body if whole else decode_json(body, stream, checked=checked)

        parameters = self._history(window, offset=offset, count=count, output=self.output, **filters)
        return self.call(stream.method, parameters, read, roles=stream.roles)

    @staticmethod
    def _history(window: Window, *, offset: int, count: int, output: str, **filters: str) -> dict[str, str]:
        return {
            "from_date": f"{window.start:%Y-%m-%d %H:%M:%S}",
            "to_date": f"{window.end:%Y-%m-%d %H:%M:%S}",
            "count": str(count),
            "offset": str(offset),
            "output": output,
            **filters,
        }


def _alone(body: bytes, stream: Stream) -> Page | None:
    """Read one reply; None where it has to be asked for again."""
    try:
        return decode_json(body, stream, checked=checked)
    except (BrokenReplyError, ApiAnswerError):
        return None
