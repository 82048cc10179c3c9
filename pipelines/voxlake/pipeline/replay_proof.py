"""Tell from kept replies which of them were one walk over the pages of a window, and what such a walk proves."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from voxlake.model import SECOND, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voxlake.lake import Reply
    from voxlake.model import Reject

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class PagingRun:
    """The pages of one window, read one after the other; `pages` numbers replies through all runs."""

    run: str
    window: Window
    pages: list[int] = field(default_factory=list)
    totals: set[int] = field(default_factory=set)
    began_at: datetime = LONG_AGO
    ended_at: datetime = LONG_AGO
    csv: bool = False
    count: bool = False

    @property
    def proves(self) -> Window:
        """The span in which nothing can be missing, whether the two dates counted or not."""
        return Window(self.window.start + SECOND, self.window.end)


@dataclass(slots=True)
class History:
    """What the replies of one stream of one account hold; `open` are the walks that may go on, by run and window."""

    walks: list[PagingRun] = field(default_factory=list)
    rejects: list[tuple[int, Reject]] = field(default_factory=list)
    open: dict[tuple[str, Window], PagingRun] = field(default_factory=dict)

    def add(self, n: int, reply: Reply, window: Window, total: int | None) -> None:
        """Note which walk a reply belongs to: a page from offset 0 begins one, and so does a count before a csv."""
        asked = reply.parameters
        counts, csv = asked["count"] == "1", asked["output"] == "csv"
        walk = self.open.get((reply.run, window))
        if counts and walk is not None and walk.csv and total is not None:
            walk.totals.add(total)
        if walk is None or counts or (asked["offset"] == "0" and (not csv or walk.csv)):
            walk = self.open[reply.run, window] = PagingRun(reply.run, window, began_at=reply.at, count=counts)
            self.walks.append(walk)
        walk.count = walk.count and not walk.pages
        walk.pages.append(n)
        walk.ended_at = reply.at
        walk.csv = walk.csv or csv
        if total is not None:
            walk.totals.add(total)


def under_one_count(walks: list[PagingRun]) -> Iterator[PagingRun]:
    """Join the csv pages of smaller windows that were read between two counts of a window around them all."""
    counts: dict[tuple[str, Window], list[PagingRun]] = defaultdict(list)
    csv: dict[str, list[PagingRun]] = defaultdict(list)
    for walk in walks:
        if walk.count:
            counts[walk.run, walk.window].append(walk)
        elif walk.csv:
            csv[walk.run].append(walk)
    for (run, window), its in counts.items():
        for first, last in pairwise(its):
            inside = [
                walk
                for walk in csv[run]
                if first.pages[0] < walk.pages[0] <= walk.pages[-1] < last.pages[0]
                and window.start <= walk.window.start
                and walk.window.end <= window.end
            ]
            if covers((walk.window for walk in inside), window):
                pages = [n for walk in (first, *inside, last) for n in walk.pages]
                yield PagingRun(run, window, pages, first.totals | last.totals, first.began_at, last.ended_at, csv=True)


def covers(windows: Iterable[Window], whole: Window) -> bool:
    """Whether windows leave no gap in a whole one."""
    at = whole.start
    for window in sorted(windows):
        if window.start > at:
            return False
        at = max(at, window.end)
    return at >= whole.end
