"""Read a csv window in pieces, and count only around all of them.

A csv page tells no total. To count before and after each piece would take two requests more for a handful of pages, so
one pair of counts goes around many pieces, each of which is read up to its last page.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected
from voxlake.extract.paginate import Reading
from voxlake.extract.split import dense_second
from voxlake.extract.verify import first_and_last, is_inside
from voxlake.model import Page, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voxlake.extract.quirks import ApiQuirks
    from voxlake.extract.source import PageSource

AT_ONCE = 5
"""So many times what offsets reach is read under one count at most: until its end, csv stays in memory."""

_WORTH = 5
"""Pages that offsets must reach for pieces of a day to be worth one count around them."""

_EVER = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def pieces_under_one_count(window: Window, total: int, quirks: ApiQuirks) -> list[Window]:
    """Cut a window of `total` rows into pieces to read under one pair of counts; return none where that does not work.

    A window that offsets reach needs no pieces, and one that memory does not hold has to be smaller first.
    """
    deepest, days = quirks.deepest_offset, len(window.days)
    if deepest < _WORTH * quirks.page_size and days == 1:
        # Of a piece that is a page or two, one reply as JSON has both the rows and their count.
        return []
    if not deepest < total <= AT_ONCE * deepest or not divides(window, quirks.ignores_time):
        return []
    # A day deeper than offsets reach is cut inside, which must not be tried among others before bounds are known.
    if days > 1 and 2 * total > days * deepest and quirks.ignores_time is None:
        return []
    # Half of what offsets reach, because hours differ.
    return window.split(-(-2 * total // deepest))


def divides(window: Window, ignores_time: bool | None) -> bool:
    """Whether a smaller window can hold fewer rows; inside a day, not for an API that is known to ignore the time."""
    return len(window.days) > 1 or (window.seconds > 1 and not ignores_time)


def read_pieces(
    source: PageSource,
    window: Window,
    pieces: Sequence[Window],
    *,
    counted: int,
    asked: Callable[[Window], Window],
) -> Reading:
    """Read pieces side by side, and count after them; `counted` is the count before, `asked` the dates for a window.

    What was given is not complete where a piece is too deep and cannot be cut, or where the counts do not agree:
    to read all of it again would cost more than to count around each piece after all.

    Raises:
        ApiRejected: the API refuses the first page of a piece.

    """
    found: dict[Window, list[Page]] = {}
    waiting = list(pieces)
    while waiting:
        answers = source.side_by_side(lambda piece: _to_the_end(source, asked(piece)), waiting)
        too_deep = []
        for piece, pages in zip(waiting, answers, strict=True):
            if pages is None:
                too_deep.append(piece)
            else:
                found[piece] = pages
        if any(second.start in piece for piece in too_deep for second in source.deep_seconds):
            return Reading([], [counted], complete=False)
        if too_deep and shows_time_of_day(found, window):
            source.learn(ignores_time=False)
        if not all(_surely_divides(piece, source.quirks) for piece in too_deep):
            return Reading([], [counted], complete=False)
        smaller = [_counted_pieces(source, piece, asked) for piece in too_deep]
        if not all(smaller):
            return Reading([], [counted], complete=False)
        waiting = [piece for pieces in smaller for piece in pieces]
    reading = Reading(without_overlaps(found), [counted, source.total(asked(window))], asked=asked(window))
    if reading.agrees and len(window.days) == 1:
        # Pieces of a day whose rows add up to more than one piece can give.
        source.learn(ignores_time=False)
    return reading if reading.agrees else replace(reading, complete=False)


def _counted_pieces(source: PageSource, window: Window, asked: Callable[[Window], Window]) -> list[Window]:
    """Cut a piece that is too deep by counts, which take one request where pages take many; none where a second is."""
    found: list[Window] = []
    waiting = list(reversed(window.split(2)))
    while waiting:
        piece = waiting.pop()
        if source.total(asked(piece)) < source.quirks.deepest_offset:
            found.append(piece)
        elif _surely_divides(piece, source.quirks):
            waiting += reversed(piece.split(2))
        else:
            source.deep_seconds.append(piece)
            return []
    return found


def _surely_divides(window: Window, quirks: ApiQuirks) -> bool:
    """Whether it is known that halves of a window that is too deep hold fewer rows."""
    return divides(window, quirks.ignores_time is not False)


def shows_time_of_day(found: Mapping[Window, Sequence[Page]], window: Window) -> bool:
    """Whether pieces inside one day gave earlier and later rows of it: then the API looks at the time of day.

    One that does not gives the same rows of the day for every piece, or none.
    """
    if len(window.days) > 1:
        return False
    spans = [span for pages in found.values() if (span := first_and_last(pages, window)) is not None]
    return bool(spans) and all(early < late for early, late in zip(min(spans), max(spans), strict=True))


def without_overlaps(found: Mapping[Window, Sequence[Page]]) -> list[Page]:
    """Return the pages of pieces in the order of time, each without the rows that belong to another piece.

    What was asked for overlaps between pieces; beyond the ends of the window, what was counted is kept.
    """
    starts = [_EVER.start, *sorted(piece.start for piece in found)[1:], _EVER.end]
    return [
        clipped(page, Window(start, end))
        for piece, (start, end) in zip(sorted(found), pairwise(starts), strict=True)
        for page in found[piece]
    ]


def _to_the_end(source: PageSource, asked: Window) -> list[Page] | None:
    """Return the pages up to one that holds less than the largest; None where that goes deeper than offsets reach.

    Then a second that has by far the most rows is remembered.
    """
    pages: list[Page] = []
    offset = 0
    while offset < source.quirks.deepest_offset:
        try:
            page = source.page(asked, offset=offset)
        except ApiRejected:
            if not pages:
                raise
            source.learn(deepest_offset=offset)
            break
        pages.append(page)
        offset += page.served
        source.largest_page = max(source.largest_page, page.served)
        if not page.served or page.served < source.largest_page:
            return pages
    deep = dense_second(Reading(pages, []), asked)
    if deep is not None:
        source.deep_seconds.append(deep)
    return None


def clipped(page: Page, span: Window) -> Page:
    """Return a page with the rows that lie in a span, and the rejects that may."""
    table = page.table.filter(is_inside(page.table["processed_at"], span))
    return replace(page, table=table, rejects=tuple(r for r in page.rejects if r.at is None or r.at in span))
