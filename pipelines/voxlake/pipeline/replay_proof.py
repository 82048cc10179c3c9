"""Find out from archived replies which of them are the pages of one reading of a window, and what these prove."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from voxlake.extract import is_look_back
from voxlake.model import SECOND, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voxlake.lake import Reply
    from voxlake.model import DecimalMark, Reject

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class PagingRun:
    """The pages of one reading of a window.

    `archive` is the file of the export that read them; `pages` numbers replies through all archives. Times are UTC. A
    page that `looks_back` shows days that are known again, and is found out in its run where it lacks some of them.
    """

    archive: str
    window: Window
    pages: list[int] = field(default_factory=list)
    totals: set[int] = field(default_factory=set)
    began_at: datetime = LONG_AGO
    ended_at: datetime = LONG_AGO
    csv: bool = False
    count: bool = False
    looks_back: bool = False

    @property
    def proves(self) -> Window:
        """The span in which nothing can be missing, whether the two dates counted or not."""
        return Window(self.window.start + SECOND, self.window.end)


@dataclass(slots=True)
class History:
    """The replies of one stream of one account; `open` are readings that may go on, by archive and window.

    `mark` is the decimal mark that the replies so far show.
    """

    pagings: list[PagingRun] = field(default_factory=list)
    rejects: list[tuple[int, Reject]] = field(default_factory=list)
    open: dict[tuple[str, Window], PagingRun] = field(default_factory=dict)
    mark: DecimalMark | None = None

    def add(self, n: int, reply: Reply, window: Window, total: int | None) -> None:
        """Record which reading a reply belongs to; a page from offset 0 begins one, as does a count before a csv."""
        asked = reply.parameters
        counts, csv = asked["count"] == "1", asked["output"] == "csv"
        paging = self.open.get((reply.run, window))
        if counts and paging is not None and paging.csv and total is not None:
            paging.totals.add(total)
        if paging is None or counts or (asked["offset"] == "0" and (not csv or paging.csv)):
            paging = self.open[reply.run, window] = PagingRun(reply.run, window, began_at=reply.at, count=counts)
            self.pagings.append(paging)
        paging.count = paging.count and not paging.pages
        paging.pages.append(n)
        paging.ended_at = reply.at
        paging.csv = paging.csv or csv
        paging.looks_back = is_look_back(int(asked["count"]))
        if total is not None:
            paging.totals.add(total)


def under_one_count(pagings: list[PagingRun]) -> Iterator[PagingRun]:
    """Yield csv pages of smaller windows, joined, that were read between two counts of a window around them all."""
    counts: dict[tuple[str, Window], list[PagingRun]] = defaultdict(list)
    csv: dict[str, list[PagingRun]] = defaultdict(list)
    for paging in pagings:
        if paging.count:
            counts[paging.archive, paging.window].append(paging)
        elif paging.csv:
            csv[paging.archive].append(paging)
    for (archive, window), its in counts.items():
        for first, last in pairwise(its):
            inside = [
                paging
                for paging in csv[archive]
                if first.pages[0] < paging.pages[0] <= paging.pages[-1] < last.pages[0]
                and window.start <= paging.window.start
                and paging.window.end <= window.end
            ]
            if covers((paging.window for paging in inside), window):
                pages = [n for paging in (first, *inside, last) for n in paging.pages]
                totals = first.totals | last.totals
                yield PagingRun(archive, window, pages, totals, first.began_at, last.ended_at, csv=True)


def covers(windows: Iterable[Window], whole: Window) -> bool:
    """Return whether windows leave no gap in a whole one."""
    at = whole.start
    for window in sorted(windows):
        if window.start > at:
            return False
        at = max(at, window.end)
    return at >= whole.end
