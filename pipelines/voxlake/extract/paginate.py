"""Walk the pages of one window once, and keep what came and every total that the API gave on the way.

Nothing is proved here: `verify` compares the two, and `split` reads again, or in smaller windows, where they differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from voxlake.errors import ApiRejected
from voxlake.extract.quirks import PAGE_SIZES
from voxlake.extract.source import NO_FILTERS, PLAUSIBLE
from voxlake.extract.verify import is_again

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlake.extract.source import PageSource
    from voxlake.model import Page, Reject, Window


AT_ONCE, FIRST_AT_ONCE = 9, 4
"""The most pages that are asked for side by side: as many as there can be of the largest size. Of smaller ones it is
fewer at first, for the API may refuse them."""


@dataclass(frozen=True)
class Reading:
    """What one walk over the pages of a window gave.

    `totals` are all counts that the API gave, in their order. Without `complete`, the walk was given up because the
    window is too deep; `stopped_at` is the offset at which the API gave no more although there should be more. `asked`
    are the dates between which was walked. `surplus` rows came and were counted more than once, in two readings alike.
    `settled` rows without a date were rejected with an earlier window. A `repeated` reading gave the same messages as
    another one, of an API whose counts prove nothing.
    """

    pages: Sequence[Page]
    totals: Sequence[int]
    complete: bool = True
    stopped_at: int | None = None
    asked: Window | None = None
    surplus: int = 0
    settled: int = 0
    repeated: bool = False

    @cached_property
    def rows(self) -> int:
        """How many rows came, the same one perhaps several times."""
        return sum(page.served for page in self.pages)

    @cached_property
    def ids(self) -> int:
        """How many distinct messages came."""
        chunks = [chunk for page in self.pages for chunk in page.table["message_id"].chunks]
        return int(pc.count_distinct(pa.chunked_array(chunks, pa.int64())).as_py())

    @cached_property
    def rejects(self) -> list[Reject]:
        """The distinct rows that could not be read: like others, one may come with two pages."""
        return list({repr(reject.raw): reject for page in self.pages for reject in page.rejects}.values())

    @property
    def is_one_page(self) -> bool:
        """Whether one page held everything that there was to get, so that smaller windows would hold the same."""
        return len(self.pages) <= 1 and self.stopped_at is None

    @property
    def agrees(self) -> bool:
        """Whether the API always counted exactly as many rows as came, or gave the same ones twice."""
        counted = {self.ids + len(self.rejects) + self.surplus + self.settled}
        return self.complete and (self.repeated or set(self.totals) == counted)


REFUSED: Final = Reading([], [], complete=False)
"""What came of a window that the API refuses for its span of time."""


class Step(Enum):
    """What a walk does next."""

    PAGE = auto()
    """Ask for the next page, which by the total is there."""
    PAGE_BEHIND = auto()
    """Ask for one page more than there should be: behind a full one, there may be more than the API counts."""
    TOO_DEEP = auto()
    """Give up: the offsets of the window go deeper than pages are asked for."""
    END = auto()


@dataclass
class PagingRun:
    """A walk under way: the pages so far, the totals so far, and the offset of the next page."""

    totals: list[int] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    offset: int = 0

    def add(self, page: Page) -> None:
        """Append the page at `offset`."""
        self.pages.append(page)
        self.offset += page.served

    @property
    def repeats(self) -> bool:
        """Whether the last page is the one before it again, as it is where the API goes no deeper."""
        return len(self.pages) > 1 and is_again(*self.pages[-2:])

    def reading(self, *, complete: bool = True, stopped_at: int | None = None) -> Reading:
        """Return what came."""
        return Reading(self.pages, self.totals, complete, stopped_at)


def next_step(run: PagingRun, *, page_size: int, deepest: float, last: Step) -> Step:
    """Decide what to do after a page, or at the start; `deepest` is the total from which on a window is too deep."""
    if not run.pages:
        return Step.PAGE
    if run.offset < run.totals[-1]:
        following = Step.PAGE
    elif last is Step.PAGE_BEHIND or has_room(run.pages, page_size):
        return Step.END
    else:
        following = Step.PAGE_BEHIND
    return Step.TOO_DEEP if run.totals[-1] >= min(deepest, PLAUSIBLE) else following


def has_room(pages: Sequence[Page], page_size: int) -> bool:
    """Whether the last page could have held more rows: fewer than were asked for, or than another page held."""
    return pages[-1].served < (max(page.served for page in pages) if len(pages) > 1 else page_size)


def looks_capped(pages: Sequence[Page]) -> bool:
    """Whether the last page is as large as pages get, so that what ended the walk was its depth, not the rows.

    A limit of the API is taken to be a round number: nobody limits pages to 227 rows.
    """
    last = pages[-1].served
    return last >= max(PAGE_SIZES[-1], *(page.served for page in pages)) and last % 10 == 0


def offsets_behind(pages: Sequence[Page], total: int, deepest: int) -> range:
    """Return the offsets of the pages behind the first that can be asked for at the same time; perhaps none.

    They are a few at most, for the API may refuse them all.
    """
    size, first = pages[0].served, sum(page.served for page in pages)
    worth = size < total < deepest and first == size * len(pages) and looks_capped(pages)
    most = AT_ONCE if size >= PAGE_SIZES[0] or len(pages) > 1 else FIRST_AT_ONCE
    return range(first, min(total, first + size * most), size) if worth else range(0)


def walk(
    source: PageSource,
    asked: Window,
    *,
    deep: bool = False,
    ahead: bool = False,
    counted: int | None = None,
    filters: Mapping[str, str] = NO_FILTERS,
) -> Reading:
    """Read all pages between two dates once, and count around them where pages tell no total.

    A window that is too deep is given up after its first page, unless `deep` says to read as much as there is. With
    `ahead`, the pages behind the first are asked for at the same time. `counted` is the count before the csv pages.

    Raises:
        ApiRejected: the API refuses the first page.

    """
    if not source.is_csv:
        return replace(_pages(source, asked, PagingRun(), deep=deep, ahead=ahead, filters=filters), asked=asked)
    run = PagingRun([source.total(asked, filters) if counted is None else counted])
    reading = _pages(source, asked, run, deep=deep, ahead=ahead, filters=filters) if run.totals[0] else run.reading()
    if reading.complete:
        run.totals.append(source.total(asked, filters))
    return replace(reading, asked=asked)


def walk_on(source: PageSource, asked: Window, run: PagingRun) -> Reading:
    """Read JSON pages into `run`, as deep as the API goes; what came before an error is in it."""
    return replace(_pages(source, asked, run, deep=True, ahead=True, filters=NO_FILTERS), asked=asked)


def _pages(
    source: PageSource, asked: Window, run: PagingRun, *, deep: bool, ahead: bool, filters: Mapping[str, str]
) -> Reading:
    step = Step.PAGE
    while True:
        deepest = inf if deep else source.quirks.deepest_offset
        step = next_step(run, page_size=source.quirks.page_size, deepest=deepest, last=step)
        if step in {Step.TOO_DEEP, Step.END}:
            return run.reading(complete=step is Step.END)
        try:
            page = source.page(asked, offset=run.offset, filters=filters)
        except ApiRejected:
            if not run.pages:
                raise
            return run.reading(stopped_at=None if step is Step.PAGE_BEHIND else run.offset)
        if page.total is not None:
            run.totals.append(page.total)
        if not page.served:
            too_deep = step is Step.PAGE and bool(run.pages) and looks_capped(run.pages)
            return run.reading(stopped_at=run.offset if too_deep else None)
        run.add(page)
        while ahead and not run.repeats and _add_side_by_side(source, asked, run):
            pass
        if run.repeats:
            return run.reading(complete=False)


def _add_side_by_side(source: PageSource, asked: Window, run: PagingRun) -> bool:
    """Add the pages behind those that came, asked for at the same time; returns whether all came and may have more."""
    offsets = offsets_behind(run.pages, run.totals[-1], source.quirks.deepest_offset)
    if not offsets:
        return False
    others = source.pages(asked, offsets=offsets, size=offsets.step)
    run.pages += [page for page in others if page.served]
    run.totals += [page.total for page in others if page.total is not None]
    # An empty page among them has its place, too: what lies behind the last one with rows is asked for next.
    run.offset = offsets.start + offsets.step * max(
        (n for n, page in enumerate(others, start=1) if page.served), default=0
    )
    return len(others) == len(offsets) and all(page.served == offsets.step for page in others)
