"""Read a window until every piece of it is proved, or said to be unproved: the work list of a reading.

A piece is READ. Where the counts do not agree, it is REREAD: rows move while they are paged. Where that does not help,
or the piece is too deep, it is SPLIT in time. Where it cannot be split it is UNSPLITTABLE, and read as deep as the API
goes, then by the values of the stream's own column. `split` decides, `verify` judges; here is what asks.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from voxlake.errors import ApiRejected, CeilingReached, CountOfPage
from voxlake.events import Kind
from voxlake.extract.contradiction import contradict
from voxlake.extract.count_step import learn_count_step, may_be_inexact
from voxlake.extract.csv_pieces import AT_ONCE, clipped, pieces_under_one_count, read_pieces
from voxlake.extract.paginate import REFUSED, PagingRun, Reading, walk, walk_on
from voxlake.extract.quirks import DEEPEST_OFFSET, NOTHING_LEARNED, RANGE_CODES, ApiQuirks, Tail
from voxlake.extract.source import NO_FILTERS, PageSource
from voxlake.extract.split import (
    SHORTEST,
    State,
    around,
    cut,
    dense_second,
    limits_shown_by,
    may_move_behind,
    number_of_pieces,
    state_of,
)
from voxlake.extract.split_day import SplitDayCheck
from voxlake.extract.time_of_day import learn_time_of_day
from voxlake.extract.twice import read_twice, to_the_end
from voxlake.extract.unsplittable import read_as_before, read_unsplittable
from voxlake.extract.verify import (
    counts_end,
    doubled_alike,
    rows_of,
    without_settled,
)
from voxlake.model import DAY, Window, WindowRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.transform import Stream

_HOUR = timedelta(hours=1)
_FEW_SECONDS = 60
READINGS = 3
"""How often a piece is read until its counts agree."""


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
    same is the second one. Of a window that the same run has read before,
    `read_before` rows came: these raise no ceiling again.
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
    ) -> None:
        self._read_before = read_before
        self._source = PageSource(history, stream, quirks, filters)
        self._exact, self._counted, self._held = exact, counted, held
        self._tail = Tail()
        self._settled: set[str] = set()
        # Days by which it could not be learned whether the API looks at the time of day.
        self._tried: set[date] = set()
        self._last = Reading([], [0])
        self._tried_counts = False

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
        self._tail = Tail.of(window, exact=self._exact)
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
                reading = walk_on(self._source, self._asked(window), run)
            else:
                reading = to_the_end(self._source, self._asked(window))
                run.pages += reading.pages
            rows = rows_of(reading, window, self._source.stream)
            if rows.verified:
                yield rows
                return
        for day in window.split(len(window.days)):
            pages = [clipped(page, day) for page in (*self._last.pages, *run.pages)]
            came = Reading(pages, run.totals or self._last.totals or [0], complete=False, asked=self._asked(window))
            yield replace(rows_of(came, day, self._source.stream), problem=problem)

    def contradicted(self) -> None:
        """Learn that replies of the API do not fit together."""
        self._source.learn(contradicts=True)

    def read_again(self, piece: Window) -> Iterator[WindowRows]:
        """Yield the rows of a piece that `read` yielded before, asked for once more; see `read`."""
        self._counted = None
        self._source.extra = self._source.again = True
        yield from self._work([piece])

    def _work(self, pieces: Sequence[Window], day: SplitDayCheck | None = None) -> Iterator[WindowRows]:
        """Read pieces in their order, and the halves of one before what follows it; `day` is shown all that came."""
        waiting = list(reversed(pieces))
        while waiting:
            piece = waiting.pop()
            if piece.seconds <= SHORTEST and (known := read_as_before(self._source, piece, self._asked(piece))):
                yield known
                continue
            reading = self._read(piece)
            if len(piece.days) == 1:
                reading = without_settled(reading, self._settled)
            state = self._state(reading, piece)
            if state is State.SPLIT:
                smaller = self._smaller(reading, piece)
                self._source.extra = True
                self._tell(Kind.SPLIT, piece, f"is read in {len(smaller)} pieces", pieces=len(smaller))
                if day is None and len(piece.days) == 1 and piece.end != self._tail.end:
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
                self._source.as_json = piece.seconds <= SHORTEST or self._is_tight
                rows, readings = read_unsplittable(self._source, piece, self._asked(piece))
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
            yield read_unsplittable(self._source, day.window, self._asked(day.window))[0]
            return
        *others, last = held
        yield from others
        yield last if problem is None or last.problem else replace(last, problem=problem)

    def _expected(self, reading: Reading, day: Window) -> int:
        """Return how many messages a day that is cut must give at least."""
        if not self.quirks.counts_prove:
            return reading.ids
        return reading.totals[-1] if reading.totals else self._count(day)

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

    def _tell(self, kind: Kind, piece: Window, clause: str, **details: int) -> None:
        self._source.tell(kind, f"{piece} {clause}", start=piece.start, end=piece.end, **details)

    def _once_more(self, piece: Window, clause: str) -> None:
        self._source.extra = True
        self._tell(Kind.REREAD, piece, clause)

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

    def _asked(self, window: Window) -> Window:
        """Return the dates to ask for so that no row of a window can be missed."""
        return self._tail.asked(window, self.quirks)

    def _count(self, window: Window) -> int:
        """Count a day that the API gives no page of: a second more may be more than it allows, a second's rows less."""
        for asked in (self._asked(window), window):
            if asked.seconds >= self.quirks.longest_window:
                continue
            with suppress(ApiRejected):
                return self._source.total(asked)
        return 0

    def _read(self, piece: Window) -> Reading:
        """Read a piece until its counts agree, a bounded number of times."""
        if piece.seconds > 1 and self._asked(piece).seconds >= self.quirks.longest_window:
            return REFUSED
        try:
            reading = self._reread(piece)
            if self.quirks.counts_prove and may_move_behind(reading, piece, self._tail, is_csv=self._source.is_csv):
                if self.quirks.ignores_time is None:
                    learn_time_of_day(self._source, reading.pages, piece.days[-1])
                if not self.quirks.ignores_time:
                    self._tail = replace(self._tail, exact=True)
                    reading = self._reread(piece)
        except ApiRejected as error:
            if error.code not in RANGE_CODES or piece.seconds == 1 or self._is_refused_for_good(piece):
                raise
            return REFUSED
        return reading

    def _is_refused_for_good(self, piece: Window) -> bool:
        """Whether the API refuses even an hour of a whole day: then no smaller window of it is of any use."""
        asked = self._asked(piece)
        if piece.seconds < DAY.total_seconds() or len(piece.days) > 1 or asked.seconds >= self.quirks.longest_window:
            return False
        try:
            self._source.total(Window(asked.start, piece.start + _HOUR))
        except ApiRejected as error:
            return error.code in RANGE_CODES
        self._source.learn(longest_window=asked.seconds)
        return False

    def _reread(self, piece: Window) -> Reading:
        """Read a piece until its counts agree or, where those prove nothing, until two readings do."""
        try:
            if self.quirks.counts_prove and (counted := self._read_counted(piece)) is not None:
                return counted
        except CountOfPage:
            self._learn_count_step(piece, 0)
        again = partial(self._once_more, piece, "is read again, because counts prove nothing")
        reading = read_twice(self._source, piece, self._asked(piece), held=self._held(piece), again=again)
        self._last = reading if reading.pages else self._last
        return reading

    def _read_counted(self, piece: Window) -> Reading | None:
        """Read a piece up to three times; where it stops at some offset each time, that is as deep as the API goes.

        None is returned where it turns out that the API's counts prove nothing.
        """
        before: Reading | None = None
        for attempt in range(READINGS):
            if attempt:
                self._once_more(piece, "is read again, because rows and counts do not agree")
            reading = self._walk(piece, ahead=attempt == 0)
            self._last = reading if reading.pages else self._last
            if contradict(before, reading, may_grow=piece.end == self._tail.end):
                self.contradicted()
            if before is not None and not reading.agrees:
                reading = replace(reading, surplus=doubled_alike(before, reading))
            if self._is_doubtful(before, reading) and not self._learn_count_step(piece, reading.ids, reading.rows):
                return None
            if limits := limits_shown_by(before, reading):
                self._source.learn(**limits)
                return replace(reading, complete=False)
            is_same = before is not None and (before.totals, before.ids) == (reading.totals, reading.ids)
            is_moving = len(piece.days) > 1 and may_move_behind(reading, piece, self._tail, is_csv=self._source.is_csv)
            if reading.agrees or not reading.complete or reading.stopped_at is not None or is_same or is_moving:
                break
            before = reading
        if reading.stopped_at is not None and not reading.agrees:
            self._source.learn(deepest_offset=reading.stopped_at)
        return reading

    def _is_doubtful(self, before: Reading | None, reading: Reading) -> bool:
        """Whether counts may prove nothing, which disagree with the rows twice, or with more rows than were counted."""
        disagrees = reading.complete and not reading.agrees and (before is not None or counts_end(reading))
        return disagrees and may_be_inexact(reading.totals, (page.served for page in reading.pages))

    def _learn_count_step(self, piece: Window, *rows: int) -> bool:
        """Find out once how far counts that disagree with a piece may be off; return whether they prove anything."""
        if not (self.quirks.count_step or self._tried_counts):
            self._tried_counts = True
            self._source.learn(count_step=learn_count_step(self._source.total, self._asked(piece), *rows))
        return self.quirks.counts_prove

    def _walk(self, piece: Window, *, ahead: bool) -> Reading:
        """Read a piece once: its pages, or the csv pages of many smaller pieces under one count."""
        asked = self._asked(piece)
        self._source.as_json = self._is_small(piece)
        if not self._source.is_csv:
            return walk(self._source, asked, ahead=ahead)
        counted, self._counted = self._counted, None
        if counted is None:
            counted = self._source.total(asked)
        # Where the end could be exact but is not yet, a whole day was counted, of which this may be a small part.
        is_of_more = self._tail.exact and asked.end != piece.end
        is_deep = any(second.start in piece for second in self._source.deep_seconds)
        pieces = [] if is_of_more or is_deep else pieces_under_one_count(piece, counted, self.quirks)
        if pieces:
            return read_pieces(self._source, piece, pieces, counted=counted, asked=self._asked)
        return walk(self._source, asked, ahead=ahead, counted=counted)

    def _is_small(self, piece: Window) -> bool:
        """Whether a part of a day can only have few rows, by what is known of the API, or is a few seconds."""
        if piece.seconds >= DAY.total_seconds() or piece.end == self._tail.end:
            return False
        return piece.seconds <= _FEW_SECONDS or self._is_tight

    @property
    def _is_tight(self) -> bool:
        """Whether the API gives fewer rows of a window than is documented, so that its pieces are small."""
        return min(self.quirks.deepest_offset, self.quirks.largest_total) < DEEPEST_OFFSET
