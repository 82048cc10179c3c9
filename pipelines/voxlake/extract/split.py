"""Read one window, and prove that no row of it was missed.

The API documents neither the order of rows nor the bounds of dates, and rows move while they are paged. So we ask
wide, count the distinct ids and compare with the `total_count` of every reply: only where all agree is a window
verified. Where they don't, it is read again, then cut in time, and at the end said to be unverified.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import product, starmap
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from voxlake.errors import ApiRejected
from voxlake.extract.paginate import RANGE_CODES, Pager, Reading, within
from voxlake.extract.quirks import NOTHING_LEARNED, ApiQuirks
from voxlake.model import DAY, SECOND, Window, WindowRows, midnight
from voxlake.transform import distinct, normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

    from voxlake.api import HistoryApi
    from voxlake.model import Page
    from voxlake.transform import Stream

READINGS = 3
_FAR = DAY / 2 - 4 * SECOND


class WindowReader:
    """Reads windows of one history, and knows afterwards what the API's `quirks` are.

    `filters` are parameters that the history takes. With `exact`, what lies behind a window that ends inside a day is
    asked for only until it is known what the API's bounds mean. `counted` is how many rows were counted just now of
    the window that is read first.
    """

    def __init__(
        self,
        history: HistoryApi,
        stream: Stream,
        quirks: ApiQuirks = NOTHING_LEARNED,
        *,
        filters: Mapping[str, str] | None = None,
        exact: bool = False,
        counted: int | None = None,
    ) -> None:
        self._api, self._stream = history, stream
        self._filters, self._exact, self._counted_rows = filters or {}, exact, counted
        self._pager = Pager(history, stream, quirks, None, filters=self._filters)
        self._day: SplitDayCheck | None = None

    @property
    def quirks(self) -> ApiQuirks:
        """What is known of the API by now."""
        return self._pager.quirks

    def read(self, window: Window) -> Iterator[WindowRows]:
        """Yield the rows of a window in the order of time, each piece proved or with the problem that it has.

        A proved piece spans whole UTC days or lies within one; an unproved one always lies within one. A window that
        ends inside a day is asked for up to the end of that day, so that bounds of whole days cannot hide it.

        Raises:
            ApiRejected, Refused, Unavailable: what the history raises.

        """
        end = window.end
        self._end = end if end != midnight(end.date()) else None
        self._pager = Pager(self._api, self._stream, self.quirks, self._end, filters=self._filters)
        self._pager.exact = self._exact
        if self._counted_rows is not None:
            self._pager.counted, self._counted_rows = (self._pager.asked(window), self._counted_rows), None
        self._day = None
        yield from self._fetch(window)

    def _fetch(self, window: Window) -> Iterator[WindowRows]:
        """Read a window, or cut it and read its pieces."""
        try:
            reading = self._read(window)
            if self._moves_behind(reading, window):
                reading = self._read(window)
        except ApiRejected as error:
            if error.code not in RANGE_CODES or window.seconds == 1:
                raise
            reading = None
        if reading is not None and reading.complete and (reading.agrees or reading.is_one_answer):
            batch = self._batch(reading, window)
            if batch.verified or len(window.days) == 1:
                yield batch
                return
        if len(window.days) == 1 and (window.seconds == 1 or self._coarse(reading.pages if reading else [], window)):
            yield self._floor(window)
            return
        pieces = window.split(self._pieces(reading, window))
        if len(window.days) == 1 and self._day is None and window.end != self._end:
            yield from self._cut(window, pieces, reading)
            return
        for piece in pieces:
            yield from self._fetch(piece)

    def _cut(self, window: Window, pieces: Sequence[Window], reading: Reading | None) -> Iterator[WindowRows]:
        """Read a day in pieces, and prove that together they are the day, whatever the API makes of a time of day."""
        told = reading.totals[-1] if reading else self._counted(window)
        self._day = day = SplitDayCheck(window)
        last = None
        for piece in pieces:
            for batch in self._fetch(piece):
                if last is not None:
                    yield last
                last = batch
                day.kept += batch.table.num_rows
        self._day = None
        assert last is not None  # noqa: S101 - there are pieces
        problem = day.problem(told)
        if problem is not None and not day.kept:
            # Cut, it shows nothing: it may do so whole.
            self._pager.learn(ignores_time=True)
            last, problem = self._floor(window), None
        yield last if problem is None or last.problem else replace(last, problem=problem)

    def _counted(self, window: Window) -> int:
        """Count a day that the API gives no page of: a second more may be more than it allows, a second's rows less."""
        for asked in (self._pager.asked(window), window):
            with suppress(ApiRejected):
                return self._pager.total(asked)
        return 0

    def _read(self, window: Window) -> Reading:
        """Walk a bounded number of times until the counts agree."""
        for attempt in range(READINGS):
            reading = self._pager.walk(window, ahead=not attempt)
            if reading.agrees or not reading.complete or reading.stopped_at is not None:
                break
        if reading.stopped_at is not None and not reading.agrees:
            self._pager.learn(deepest_offset=reading.stopped_at)
        return reading

    def _moves_behind(self, reading: Reading, window: Window) -> bool:
        """Whether what moved may lie behind a window that ends inside a day; it is left out from now on."""
        if reading.agrees or not reading.complete or window.end != self._end or len(window.days) > 1:
            return False
        if self._pager.exact or self._coarse(reading.pages, window):
            return False
        self._pager.exact = True
        return True

    def _coarse(self, pages: Sequence[Page], window: Window) -> bool:
        """Learn, before the first cut inside a day, whether the API looks at the time of day at all.

        If it does, the seconds around the first and the last row that came cannot both count as many as all of them.
        """
        known = self.quirks.ignores_time
        if known is not None:
            return known
        start = midnight(window.start.date())
        times = self._sample(pages, start)
        if not times:
            return False
        first, last = min(times), max(times)
        if last - first <= 2 * SECOND:
            last = first + _FAR if first < start + DAY / 2 else first - _FAR
        told = [self._pager.total(Window(at - SECOND, at + SECOND)) for at in (first, last)]
        # The two spans share no row: only an API that counts the whole day for each counts more than the day holds.
        coarse = not any(told) or (min(told) >= len(times) and sum(told) > self._of_day(start))
        self._pager.learn(ignores_time=coarse)
        return coarse

    def _of_day(self, start: datetime) -> int:
        """Count the rows of a day, with those of a second or a day beside it where bounds do not tell them apart."""
        told = []
        for asked in _selecting(start):
            with suppress(ApiRejected):
                told.append(self._pager.total(asked))
        return min(filter(None, told), default=0)

    def _sample(self, pages: Sequence[Page], start: datetime) -> list[datetime]:
        """Give times of distinct rows inside a day: of those that came, or else of some that are asked for."""
        # Beside a midnight, the seconds around a row lie in two days.
        inside = Window(start + 2 * SECOND, start + DAY - 2 * SECOND)
        times = _times(pages, inside)
        if times:
            return times
        # The days beside it may have come first. Whatever bounds mean, one of these pairs selects this day alone.
        for asked in _selecting(start):
            # One of them is longer than a day, which may be all that the API allows.
            with suppress(ApiRejected):
                deep = min(self._pager.total(asked) // 2, self.quirks.deepest_offset - self.quirks.page_size)
                for offset in sorted({0, max(deep, 0)}):
                    if times:
                        return times
                    with suppress(ApiRejected):
                        times = _times([self._pager.page(asked, offset=offset)], inside)
        return times

    def _floor(self, window: Window) -> WindowRows:
        """Read what cannot be cut in time: as deep as the API goes, then by the values of the stream's own column."""
        try:
            batch = self._batch(self._pager.walk(window, floor=True), window)
        except ApiRejected as error:
            if error.code not in RANGE_CODES or window.seconds == 1:
                raise
            return self._by_selection(window)
        if not batch.verified and self.quirks.ignores_time:
            # What is too deep may be a day beside it.
            alone = self._by_selection(window)
            batch = alone if alone.verified else batch
        if batch.verified:
            return batch
        readings = [
            self._pager.walk(window, asked=None, floor=True, ahead=False, **{self._stream.own: value})
            for value in self._stream.filters
        ]
        told = self._pager.total(self._pager.asked(window))
        totals = [sum(reading.totals[-1] for reading in readings), told]
        merged = self._batch(Reading([page for reading in readings for page in reading.pages], totals), window)
        if merged.verified:
            return merged
        best = max((batch, merged), key=lambda b: b.table.num_rows)
        problem = f"{window} holds more rows than the API gives out: {best.problem}"
        return WindowRows(window, best.table, best.total, best.rejects, problem)

    def _by_selection(self, window: Window) -> WindowRows:
        """Read a day of an API that looks at whole days, and allows no window that holds one whatever bounds mean.

        Such an API gives all of a day with any row of it; what bounds select a day, they select every day.
        """
        best = WindowRows(window, self._stream.schema.empty_table(), 0)
        known = self.quirks.day_bounds
        for n, asked in enumerate(_selecting(midnight(window.start.date()))):
            try:
                batch = self._batch(self._pager.walk(asked, asked=asked, floor=True), window)
            except ApiRejected:
                continue
            if batch.table.num_rows:
                self._pager.learn(day_bounds=n)
            if batch.verified and (batch.table.num_rows or n == known):
                return batch
            best = max((best, batch), key=lambda b: b.table.num_rows)
        problem = f"the API looks at whole days, and allows no window that surely holds {window.start:%Y-%m-%d}"
        return WindowRows(window, best.table, best.total, best.rejects, problem)

    def _pieces(self, reading: Reading | None, window: Window) -> int:
        """Say in how many pieces to read a window next: days, where it has few rows; as many as fit, where many."""
        if reading is None:
            return 2
        if reading.complete:
            return len(window.days) if reading.is_one_answer else 2
        # Half of what can be read at once, because hours differ.
        rows, most = reading.totals[-1], self._pager.most
        return max(2, -(-2 * rows // (most if rows > most else self.quirks.deepest_offset)))

    def _batch(self, reading: Reading, window: Window) -> WindowRows:
        tables = [page.table for page in reading.pages] or [self._stream.wire.empty_table()]
        table = normalise(tables, stream=self._stream, window=window)
        if self._day is not None:
            self._day.saw(reading)
        rejects = tuple(r for r in reading.rejects if r.at is None or r.at in window)
        problem = f"{len(rejects)} rows could not be read" if rejects else None
        if not reading.agrees:
            told = " then ".join(map(str, dict.fromkeys(reading.totals)))
            problem = f"{reading.ids} messages were read where the API counts {told}"
        if problem is None:
            return WindowRows(window, table, table.num_rows)
        return WindowRows(window, table, max(reading.totals[-1] - (reading.ids - table.num_rows), 0), rejects, problem)


class SplitDayCheck:
    """The rows that came with the pieces of a day, and how many of them were `kept` in the piece where they belong."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._inside: list[pa.ChunkedArray] = []
        self._beside: list[pa.ChunkedArray] = []
        self._rejects: set[str] = set()
        self.kept = 0

    def saw(self, reading: Reading) -> None:
        """Take note of what came, also of what lies beside the piece, or the day."""
        for page in reading.pages:
            ids, inside = page.table["message_id"], within(page.table["processed_at"], self._window)
            self._inside.append(ids.filter(inside))
            self._beside.append(ids.filter(pc.invert(inside)))
        self._rejects |= {repr(reject.raw) for reject in reading.rejects}

    def problem(self, least: int) -> str | None:
        """Say what is wrong if the day as a whole counted more, or a row of it came that no piece has kept."""
        inside = distinct(self._inside)
        seen = distinct([*self._inside, *self._beside]) + len(self._rejects)
        if seen < least:
            return f"cut in time, the day gave {seen} messages where the API counted {least} before"
        if inside > self.kept:
            return f"cut in time, {inside - self.kept} messages of the day came where they do not belong"
        return None


def _selecting(start: datetime) -> Iterator[Window]:
    """Give pairs of bounds of which one selects a day alone, whatever bounds mean to an API that looks at days."""
    return starmap(Window, product((start, start - SECOND), (start + DAY, start + DAY - SECOND)))


def _times(pages: Sequence[Page], inside: Window) -> list[datetime]:
    """Give the times of the distinct messages of pages that lie in a window."""
    distinct: dict[int, datetime] = {}
    for page in pages:
        distinct |= zip(*(page.table[name].to_pylist() for name in ("message_id", "processed_at")), strict=True)
    return [at for at in distinct.values() if at in inside]
