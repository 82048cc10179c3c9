"""Read one piece of a window until its counts agree, or two readings where those prove nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from voxlake.errors import ApiRejected, CountOfPage
from voxlake.events import Kind
from voxlake.extract.contradiction import contradict
from voxlake.extract.count_step import learn_count_step, may_be_inexact
from voxlake.extract.csv_pieces import pieces_under_one_count, read_pieces
from voxlake.extract.doubled import with_surplus
from voxlake.extract.paginate import REFUSED, Reading, walk
from voxlake.extract.quirks import DEEPEST_OFFSET, RANGE_CODES, Tail
from voxlake.extract.split import limits_shown_by, may_move_behind
from voxlake.extract.time_of_day import learn_time_of_day
from voxlake.extract.twice import read_twice
from voxlake.extract.verify import counts_end, is_unordered
from voxlake.model import DAY, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.extract.quirks import ApiQuirks
    from voxlake.extract.source import PageSource

_HOUR = timedelta(hours=1)
_FEW_SECONDS = 60
READINGS = 3
"""How often a piece is read until its counts agree."""


class PieceReader:
    """Reads pieces of a window that ends with `tail`; `last` is what came last.

    `counted` is how many rows the API has just counted of the piece that is read first, `held` returns the ids of the
    messages of a window, and `surplus` how many rows of it came more than once; see `WindowReader`.
    """

    def __init__(
        self,
        source: PageSource,
        *,
        counted: int | None,
        held: Callable[[Window], Any],
        surplus: Callable[[Window], int] = lambda _: 0,
    ) -> None:
        self.source, self.counted, self._held, self._surplus = source, counted, held, surplus
        self.tail = Tail()
        self.last = Reading([], [0])
        self._tried_counts = False

    def fork(self, window: Window) -> PieceReader:
        """Return a reader for a piece that is read at the same time as others."""
        reader = PieceReader(self.source.fork(window), counted=None, held=self._held, surplus=self._surplus)
        reader.tail, reader._tried_counts = self.tail, self._tried_counts
        return reader

    def join(self, reader: PieceReader) -> None:
        """Add what a fork has learned."""
        self.source.join(reader.source)
        self.tail = reader.tail if reader.tail.exact else self.tail
        self.last = reader.last
        self._tried_counts |= reader._tried_counts

    @property
    def quirks(self) -> ApiQuirks:
        """What is known of the API by now."""
        return self.source.quirks

    def asked(self, window: Window) -> Window:
        """Return the dates to ask for so that no row of a window can be missed."""
        return self.tail.asked(window, self.quirks)

    def count(self, window: Window) -> int:
        """Count a day that the API gives no page of: a second more may be more than it allows, a second's rows less."""
        for asked in (self.asked(window), window):
            if asked.seconds >= self.quirks.longest_window:
                continue
            with suppress(ApiRejected):
                return self.source.total(asked)
        return 0

    def tell(self, kind: Kind, piece: Window, clause: str, **details: int) -> None:
        """Emit an event about a piece."""
        self.source.tell(kind, f"{piece} {clause}", start=piece.start, end=piece.end, **details)

    def _once_more(self, piece: Window, clause: str) -> None:
        self.source.extra = True
        self.tell(Kind.REREAD, piece, clause)

    def read(self, piece: Window) -> Reading:
        """Read a piece until its counts agree, a bounded number of times."""
        if piece.seconds > 1 and self.asked(piece).seconds >= self.quirks.longest_window:
            return REFUSED
        try:
            reading = self._reread(piece)
            if self.quirks.counts_prove and may_move_behind(reading, piece, self.tail, is_csv=self.source.is_csv):
                if self.quirks.ignores_time is None:
                    learn_time_of_day(self.source, reading.pages, piece.days[-1])
                if not self.quirks.ignores_time:
                    self.tail = replace(self.tail, exact=True)
                    reading = self._reread(piece)
        except ApiRejected as error:
            if error.code not in RANGE_CODES or piece.seconds == 1 or self._is_refused_for_good(piece):
                raise
            return REFUSED
        return reading

    def _is_refused_for_good(self, piece: Window) -> bool:
        """Whether the API refuses even an hour of a whole day: then no smaller window of it is of any use."""
        asked = self.asked(piece)
        if piece.seconds < DAY.total_seconds() or len(piece.days) > 1 or asked.seconds >= self.quirks.longest_window:
            return False
        try:
            self.source.total(Window(asked.start, piece.start + _HOUR))
        except ApiRejected as error:
            return error.code in RANGE_CODES
        self.source.learn(longest_window=asked.seconds)
        return False

    def _reread(self, piece: Window) -> Reading:
        """Read a piece until its counts agree or, where those prove nothing, until two readings do."""
        try:
            if self.quirks.counts_prove and (counted := self._read_counted(piece)) is not None:
                return counted
        except CountOfPage:
            self._learn_count_step(piece, 0)
        again = partial(self._once_more, piece, "is read again, because counts prove nothing")
        reading = read_twice(self.source, piece, self.asked(piece), held=self._held(piece), again=again)
        self.last = reading if reading.pages else self.last
        return reading

    def _read_counted(self, piece: Window) -> Reading | None:
        """Read a piece up to three times; where it stops at some offset each time, that is as deep as the API goes.

        None is returned where it turns out that the API's counts prove nothing.
        """
        before: Reading | None = None
        earlier: list[Reading] = []
        for attempt in range(READINGS):
            if attempt:
                self._once_more(piece, "is read again, because rows and counts do not agree")
            reading = self._walk(piece, ahead=attempt == 0)
            self.last = reading if reading.pages else self.last
            if contradict(before, reading, may_grow=piece.end == self.tail.end):
                self.source.learn(contradicts=True)
            reading = with_surplus(reading, before, known=self._surplus(piece))
            if self._is_doubtful(before, reading) and not self._learn_count_step(piece, reading.ids, reading.rows):
                return None
            limits = limits_shown_by(earlier, reading)
            if "largest_total" in limits and self.source.total(self.asked(piece)) != limits["largest_total"]:
                # A row came meanwhile, where the count was a round number by chance.
                limits = {}
            if limits:
                self.source.learn(**limits)
                return replace(reading, complete=False)
            is_same = before is not None and (before.totals, before.ids) == (reading.totals, reading.ids)
            is_moving = len(piece.days) > 1 and may_move_behind(reading, piece, self.tail, is_csv=self.source.is_csv)
            if reading.agrees or not reading.complete or reading.stopped_at is not None or is_same or is_moving:
                break
            before = reading
            earlier.append(reading)
        if reading.stopped_at is not None and not reading.agrees:
            self.source.learn(deepest_offset=reading.stopped_at)
        return reading

    def _is_doubtful(self, before: Reading | None, reading: Reading) -> bool:
        """Whether counts may prove nothing, which disagree with the rows twice, or with more rows than were counted."""
        disagrees = reading.complete and not reading.agrees and (before is not None or counts_end(reading))
        # As many rows as were counted came: what is in doubt is the order.
        is_exact = is_unordered(reading) or (before is not None and is_unordered(before))
        return disagrees and not is_exact and may_be_inexact(reading.totals, (page.served for page in reading.pages))

    def _learn_count_step(self, piece: Window, *rows: int) -> bool:
        """Find out once how far counts that disagree with a piece may be off; return whether they prove anything."""
        if not (self.quirks.count_step or self._tried_counts):
            self._tried_counts = True
            self.source.learn(count_step=learn_count_step(self.source.total, self.asked(piece), *rows))
        return self.quirks.counts_prove

    def _walk(self, piece: Window, *, ahead: bool) -> Reading:
        """Read a piece once: its pages, or the csv pages of many smaller pieces under one count."""
        asked = self.asked(piece)
        self.source.as_json = self._is_small(piece)
        if not self.source.is_csv:
            return walk(self.source, asked, ahead=ahead)
        counted, self.counted = self.counted, None
        if counted is None:
            counted = self.source.total(asked)
        # Where the end could be exact but is not yet, a whole day was counted, of which this may be a small part.
        is_of_more = self.tail.exact and asked.end != piece.end
        is_deep = any(second.start in piece for second in self.source.deep_seconds)
        pieces = [] if is_of_more or is_deep else pieces_under_one_count(piece, counted, self.quirks)
        if pieces:
            return read_pieces(self.source, piece, pieces, counted=counted, asked=self.asked)
        return walk(self.source, asked, ahead=ahead, counted=counted)

    def _is_small(self, piece: Window) -> bool:
        """Whether a part of a day can only have few rows, by what is known of the API, or is a few seconds."""
        if piece.seconds >= DAY.total_seconds() or piece.end == self.tail.end:
            return False
        return piece.seconds <= _FEW_SECONDS or self.is_tight

    @property
    def is_tight(self) -> bool:
        """Whether the API gives fewer rows of a window than is documented, so that its pieces are small."""
        return min(self.quirks.deepest_offset, self.quirks.largest_total) < DEEPEST_OFFSET
