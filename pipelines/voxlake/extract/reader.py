"""Read a window until every piece of it is proved, or said to be unproved: the work list of a reading.

A piece is READ. Where the counts do not agree, it is REREAD: rows move while they are paged. Where that does not help,
or the piece is too deep, it is SPLIT in time. Where it cannot be split it is UNSPLITTABLE, and read as deep as the API
goes, then by the values of the stream's own column. `split` decides, `verify` judges; here is what asks.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from voxlake.errors import ApiRejected, CeilingReached
from voxlake.events import Kind
from voxlake.extract.csv_pieces import AT_ONCE, clipped
from voxlake.extract.paginate import PagingRun, Reading, walk_on
from voxlake.extract.piece import PieceReader
from voxlake.extract.quirks import NOTHING_LEARNED, ApiQuirks, Tail
from voxlake.extract.read_ahead import ReadAhead
from voxlake.extract.source import NO_FILTERS, PageSource
from voxlake.extract.split import (
    SHORTEST,
    State,
    around,
    cut,
    dense_second,
    number_of_pieces,
    state_of,
)
from voxlake.extract.split_day import SplitDayCheck
from voxlake.extract.time_of_day import learn_time_of_day
from voxlake.extract.twice import to_the_end
from voxlake.extract.unsplittable import read_as_before, read_unsplittable
from voxlake.extract.verify import (
    rows_of,
    without_settled,
)
from voxlake.model import Window, WindowRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.transform import Stream


def _rest_of_day_first(window: Window) -> list[Window]:
    """Return what lies in the first day of a window, and what lies behind it."""
    first, *others = window.split(len(window.days))
    return [first, Window(others[0].start, window.end)] if others else [first]


class WindowReader:
    """Reads windows of one history, and knows afterwards what the API's quirks are.

    `filters` are parameters of the history. With `exact`, what lies behind a window that ends inside a day is asked for
    only until it is known what the API's bounds mean. `counted` is how many rows the API has just counted of the window
    that is read first: it stands for the first of the counts around csv pages. `held` returns the ids of the messages
    of a window as an array, where all of them were proved earlier: where counts prove nothing, a reading that gives the
    same is the second one. Of a window that the same run has read before, `read_before` rows came: these raise no
    ceiling again. `surplus` returns how many rows of a window came more than once in two readings before.
    """

    def __init__(
        self,
        history: HistoryApi,
        stream: Stream,
        quirks: ApiQuirks = NOTHING_LEARNED,
        *,
        filters: Mapping[str, str] = NO_FILTERS,
        exact: bool = False,
        counted: int | None = None,
        held: Callable[[Window], Any] = lambda _: None,
        read_before: int | None = None,
        surplus: Callable[[Window], int] = lambda _: 0,
    ) -> None:
        self._read_before = read_before
        self._source = PageSource(history, stream, quirks, filters)
        self._piece = PieceReader(self._source, counted=counted, held=held, surplus=surplus)
        self._exact = exact
        self._settled: set[str] = set()
        # Days by which it could not be learned whether the API looks at the time of day.
        self._tried: set[date] = set()

    @property
    def quirks(self) -> ApiQuirks:
        """What is known of the API by now."""
        return self._source.quirks

    @property
    def requests(self) -> int:
        """How many pages and counts were asked for so far."""
        return self._source.requests

    def read(self, window: Window) -> Iterator[WindowRows]:
        """Yield the rows of a window in the order of time, piece by piece, each proved or with the problem that it has.

        A proved piece spans whole UTC days or lies within one; an unproved one always lies within one. A window that
        ends inside a day is asked for up to the end of that day, so that bounds of whole days cannot hide it.

        Raises:
            ApiRejected, Refused, Unavailable: what the history raises.

        """
        self._piece.tail = Tail.of(window, exact=self._exact)
        at = window.start
        self._source.begin(window, read_before=self._read_before)
        try:
            for rows in self._work([window]):
                at = rows.window.end
                yield rows
        except CeilingReached as error:
            # What is left of the day may be what does not help; days behind it need not suffer from it.
            for part in _rest_of_day_first(Window(at, window.end)):
                yield from self._given_up(part, str(error))

    def _given_up(self, window: Window, problem: str) -> Iterator[WindowRows]:
        """Yield what is left of a window: whole where one plain reading proves it, else day by day with the problem.

        That reading goes as deep as the API does, and is asked for as JSON, whose pages have the count.
        """
        self._source.extra, self._source.as_json = False, True
        run = PagingRun()
        with suppress(CeilingReached, ApiRejected):
            if self.quirks.counts_prove:
                reading = walk_on(self._source, self._piece.asked(window), run)
            else:
                reading = to_the_end(self._source, self._piece.asked(window))
                run.pages += reading.pages
            rows = rows_of(reading, window, self._source.stream)
            if rows.verified:
                yield rows
                return
        for day in window.split(len(window.days)):
            pages = [clipped(page, day) for page in (*self._piece.last.pages, *run.pages)]
            came = Reading(
                pages, run.totals or self._piece.last.totals or [0], complete=False, asked=self._piece.asked(window)
            )
            yield replace(rows_of(came, day, self._source.stream), problem=problem)

    def contradicted(self) -> None:
        """Learn that replies of the API do not fit together."""
        self._source.learn(contradicts=True)

    def read_again(self, piece: Window) -> Iterator[WindowRows]:
        """Yield the rows of a piece that `read` yielded before, asked for once more; see `read`."""
        self._piece.counted = None
        self._source.extra = self._source.again = True
        yield from self._work([piece])

    def _work(self, pieces: Sequence[Window], day: SplitDayCheck | None = None) -> Iterator[WindowRows]:
        """Read pieces in their order, and the halves of one before what follows it; `day` is shown all that came."""
        ahead = ReadAhead(self._piece)
        try:
            yield from self._in_order(list(reversed(pieces)), ahead, day)
        finally:
            ahead.stop()

    def _in_order(self, waiting: list[Window], ahead: ReadAhead, day: SplitDayCheck | None) -> Iterator[WindowRows]:
        """Read the pieces of a stack, the last one first."""
        while waiting:
            piece = waiting.pop()
            if piece.seconds <= SHORTEST and (known := read_as_before(self._source, piece, self._piece.asked(piece))):
                yield known
                continue
            reading = ahead.read(piece, waiting[::-1])
            if len(piece.days) == 1:
                reading = without_settled(reading, self._settled)
            state = self._state(reading, piece)
            if state is State.SPLIT:
                smaller = self._smaller(reading, piece)
                self._source.extra = True
                self._piece.tell(Kind.SPLIT, piece, f"is read in {len(smaller)} pieces", pieces=len(smaller))
                if day is None and len(piece.days) == 1 and piece.end != self._piece.tail.end:
                    expected = self._expected(reading, piece)
                    yield from self._split_day(SplitDayCheck(piece, expected), smaller)
                else:
                    waiting += reversed(smaller)
                continue
            if state is State.DONE:
                self._settled |= {repr(reject.raw) for reject in reading.rejects if reject.at is None}
                rows, readings = rows_of(reading, piece, self._source.stream), [reading]
            elif not self.quirks.counts_prove:
                rows, readings = rows_of(reading, piece, self._source.stream), [reading]
            else:
                self._source.as_json = piece.seconds <= SHORTEST or self._piece.is_tight
                rows, readings = read_unsplittable(self._source, piece, self._piece.asked(piece))
                is_dense = any(dense_second(each, piece) for each in readings)
                if not rows.verified and not is_dense and 1 < piece.seconds <= SHORTEST:
                    waiting += reversed(piece.split(piece.seconds))
                    continue
            self._source.done(rows.table.num_rows + len(rows.rejects), until=piece.end)
            if day is not None:
                day.add(rows, readings)
            yield rows

    def _split_day(self, day: SplitDayCheck, pieces: Sequence[Window]) -> Iterator[WindowRows]:
        """Read a day in pieces; where they are not the day, because of what the API makes of a time, the last says so.

        Pieces are held back until one has rows: an API that shows nothing of the pieces may show all of the whole day.
        """
        held: list[WindowRows] = []
        for rows in self._work(pieces, day):
            if day.kept:
                yield from held
                held.clear()
            held.append(rows)
        problem = day.problem()
        if problem is not None and not day.kept and self.quirks.counts_prove:
            self._source.learn(ignores_time=True)
            yield read_unsplittable(self._source, day.window, self._piece.asked(day.window))[0]
            return
        *others, last = held
        yield from others
        yield last if problem is None or last.problem else replace(last, problem=problem)

    def _expected(self, reading: Reading, day: Window) -> int:
        """Return how many messages a day that is cut must give at least."""
        if not self.quirks.counts_prove:
            return reading.ids
        return reading.totals[-1] if reading.totals else self._piece.count(day)

    def _state(self, reading: Reading, piece: Window) -> State:
        """Decide what becomes of a piece, and learn before the first cut inside a day whether that is of any use."""
        state = state_of(reading, piece, ignores_time=self.quirks.ignores_time)
        is_unknown = self.quirks.ignores_time is None and self.quirks.counts_prove
        day = piece.start.date()
        if state is State.SPLIT and len(piece.days) == 1 and is_unknown and day not in self._tried:
            self._tried.add(day)
            learn_time_of_day(self._source, reading.pages, day)
            state = state_of(reading, piece, ignores_time=self.quirks.ignores_time)
        return state

    def _smaller(self, reading: Reading, piece: Window) -> list[Window]:
        """Cut a piece: around a second that has very many rows, if one is known, and else into equal pieces."""
        if len(piece.days) == 1:
            known = [deep for deep in self._source.deep_seconds if deep.start in piece]
            deep = known[0] if known else dense_second(reading, piece)
            if deep is not None:
                return around(deep, piece)
        return cut(piece, self._number_of_pieces(reading, piece))

    def _number_of_pieces(self, reading: Reading, piece: Window) -> int:
        deepest = self.quirks.deepest_offset
        at_once = deepest * (AT_ONCE if self._source.is_csv else 1)
        return number_of_pieces(reading, piece, deepest=deepest, at_once=at_once)
