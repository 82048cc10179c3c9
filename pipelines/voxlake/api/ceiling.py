"""A ceiling for the requests of a run: whatever the API does, what does not help is not tried for ever."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

from voxlake.errors import CeilingReached

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTOR, SPARE = 3, 50
"""A run makes at most `FACTOR` times the least possible requests, and `SPARE` more."""

EXTRA_SPARE = 35
"""Beyond so many, nothing is tried twice any more: the rest is for what was not read at all."""

REACHED = (
    "its reading was ended at three times the requests that it needs, because the API's replies do not fit together"
    " and more of them would not help"
)


@dataclass(slots=True)
class Least:
    """The least possible requests of one stream: the pages that its rows fill, at least one a window, and the counts.

    `page` is the most rows that a page had. `counts` are the requests that bring no rows. Where rows are `unordered`,
    each page has to be a window of its own, and windows that surely fit one fill half of it.
    """

    rows: int = 0
    page: int = 1
    windows: int = 0
    counts: int = 0
    unordered: bool = False

    @property
    def requests(self) -> int:
        """How many requests these are."""
        return max(-(-self.rows * (1 + self.unordered) // self.page), self.windows) + self.counts


class Share(NamedTuple):
    """What one task adds to a run: requests that it made, and by stream what it added to the least possible ones."""

    asked: int
    least: dict[str, Least]


class Ceiling:
    """The requests that a run makes, and the least possible ones; repeats after faults are not counted.

    Without a run there is no ceiling. Rows raise it as soon as they are read, so a run whose requests bring rows goes
    on, however many these are. Safe for threads: who would go beyond waits for the replies that others wait for,
    which may raise the ceiling.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._thread = threading.local()
        self._is_run = False
        self._earlier = 0
        self._clear()

    def _clear(self) -> None:
        self._least: dict[str, Least] = {}
        self._asked = 0
        self._under_way = 0
        self._begun = Share(0, {})

    def __getstate__(self) -> tuple[bool, int, dict[str, Least]]:
        """Return what a copy in another process begins with."""
        with self._changed:
            return self._is_run, self._asked, {stream: Least(**asdict(least)) for stream, least in self._least.items()}

    def __setstate__(self, state: tuple[bool, int, dict[str, Least]]) -> None:
        self.__init__()  # type: ignore[misc]
        self._is_run, self._asked, self._least = state
        self._begun = Share(self._asked, self.__getstate__()[2])

    def drain(self) -> Share:
        """Return what was added since this copy began."""
        before = self._begun
        _, asked, least = self.__getstate__()
        for stream, old in before.least.items():
            for name in ("rows", "windows", "counts"):
                setattr(least[stream], name, getattr(least[stream], name) - getattr(old, name))
        self._begun = Share(asked, self.__getstate__()[2])
        return Share(asked - before.asked, least)

    def take(self, share: Share) -> None:
        """Add what a copy has drained."""
        self.made(share.asked)
        for stream, least in share.least.items():
            self.need(stream, **asdict(least))

    def begin(self) -> None:
        """Begin a run."""
        with self._changed:
            self._is_run = True
            self._earlier += self.least
            self._clear()

    @property
    def asked(self) -> int:
        """How many requests the run has made."""
        return self._asked

    @property
    def least(self) -> int:
        """The least possible requests for what was read and counted so far."""
        return sum(each.requests for each in self._least.values())

    @property
    def least_of_all(self) -> int:
        """The least possible requests for this run and those before it."""
        with self._changed:
            return self._earlier + self.least

    def need(
        self, stream: str, *, rows: int = 0, page: int = 0, windows: int = 0, counts: int = 0, unordered: bool = False
    ) -> None:
        """Add to the least possible requests of a stream; `page` is how many rows a page had."""
        with self._changed:
            least = self._least.setdefault(stream, Least())
            least.rows += rows
            least.page = max(least.page, page)
            least.windows += windows
            least.counts += counts
            least.unordered |= unordered
            self._changed.notify_all()

    def made(self, requests: int) -> None:
        """Count requests that could not be foreseen, and that no ceiling holds back."""
        with self._changed:
            self._asked += requests

    @contextmanager
    def asking(self, requests: int = 1, *, extra: bool = False) -> Iterator[None]:
        """Count requests, whose rows are added with `need` before the block ends; within such a block, nothing more.

        With `extra`, they repeat or refine what was asked before.

        Raises:
            CeilingReached: they are more than anything that helps could take.

        """
        if not self._is_run or getattr(self._thread, "is_asking", False):
            yield
            return
        spare = EXTRA_SPARE if extra else SPARE
        with self._changed:
            while self._asked + requests > FACTOR * self.least + spare:
                if not self._under_way:
                    raise CeilingReached(REACHED)
                self._changed.wait()
            self._asked += requests
            self._under_way += requests
        self._thread.is_asking = True
        try:
            yield
        finally:
            self._thread.is_asking = False
            with self._changed:
                self._under_way -= requests
                self._changed.notify_all()
