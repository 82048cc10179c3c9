"""Read one window, and prove that no row of it was missed.

The API documents neither the order of rows nor the bounds of dates, and rows move while they are paged. So we ask
wide, count the distinct ids and compare with the `total_count` of every reply: only where all agree is a window
verified. Where they don't, it is read again, then cut in time, and at the end said to be unverified.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import product, starmap
from typing import TYPE_CHECKING

from voxlake.errors import Declined
from voxlake.model import DAY, SECOND, Batch, Window, midnight
from voxlake.normalise import normalise
from voxlake.paging import RANGE_CODES, Pager, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from voxlake.api import Api
    from voxlake.model import Page
    from voxlake.paging import Limits
    from voxlake.streams import Stream

READINGS = 3


def fetch(api: Api, stream: Stream, window: Window, *, limits: Limits, exact: bool = False) -> Iterator[Batch]:
    """Yield the rows of a window as batches in the order of time, each proved or said to be unproved.

    A proved batch spans whole days or lies within one; an unproved one always lies within one. A window that ends
    inside a day is asked for up to the end of that day, so that a coarse bound cannot hide it; with `exact`, only
    until bounds are known.

    Raises:
        Declined, Refused, Unavailable: what `Api.call` raises.

    """
    yield from _Prover(api, stream, limits, window.end, exact=exact).fetch(window)


class _Prover:
    """One history, read window by window; `end` is where the whole of it ends."""

    def __init__(self, api: Api, stream: Stream, limits: Limits, end: datetime, *, exact: bool) -> None:
        self._api, self._stream, self._limits = api, stream, limits
        self._end = end if end != midnight(end.date()) else None
        self._pager = Pager(api, stream, limits, self._end)
        self._pager.exact = exact

    def fetch(self, window: Window) -> Iterator[Batch]:
        """Read a window, or cut it and read its pieces."""
        try:
            reading = self._read(window)
            if self._moves_behind(reading, window):
                reading = self._read(window)
        except Declined as error:
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
        for piece in window.split(self._pieces(reading, window)):
            yield from self.fetch(piece)

    def _read(self, window: Window) -> Reading:
        """Walk a bounded number of times until the counts agree."""
        for attempt in range(READINGS):
            reading = self._pager.walk(window, ahead=not attempt)
            if reading.agrees or not reading.complete or reading.stopped_at is not None:
                break
        if reading.stopped_at is not None and not reading.agrees:
            self._limits.deepest = min(self._limits.deepest, reading.stopped_at)
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
        known = self._limits.coarse.get(self._stream.name)
        if known is not None:
            return known
        times = self._sample(pages, midnight(window.start.date()))
        if not times:
            return False
        told = [self._api.total(self._stream, Window(at - SECOND, at + SECOND)) for at in (min(times), max(times))]
        coarse = not any(told) or (min(told) >= len(times) and max(times) - min(times) > 2 * SECOND)
        # Between the two, rows that appear meanwhile leave it open.
        if coarse or min(told) < len(times):
            self._limits.coarse[self._stream.name] = coarse
        return coarse

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
            with suppress(Declined):
                deep = min(self._api.total(self._stream, asked) // 2, self._limits.deepest - self._limits.page)
                for offset in sorted({0, max(deep, 0)}):
                    if times:
                        return times
                    with suppress(Declined):
                        times = _times([self._pager.page(asked, offset=offset)], inside)
        return times

    def _floor(self, window: Window) -> Batch:
        """Read what cannot be cut in time: as deep as the API goes, then by the values of the stream's own column."""
        try:
            batch = self._batch(self._pager.walk(window, floor=True), window)
        except Declined as error:
            if error.code not in RANGE_CODES or window.seconds == 1:
                raise
            return self._by_selection(window)
        if batch.verified:
            return batch
        readings = [
            self._pager.walk(window, asked=None, floor=True, ahead=False, **{self._stream.own: value})
            for value in self._stream.filters
        ]
        told = self._api.total(self._stream, self._pager.asked(window))
        totals = [sum(reading.totals[-1] for reading in readings), told]
        merged = self._batch(Reading([page for reading in readings for page in reading.pages], totals), window)
        if merged.verified:
            return merged
        best = max((batch, merged), key=lambda b: b.table.num_rows)
        problem = f"{window} holds more rows than the API gives out: {best.problem}"
        return Batch(window, best.table, best.total, best.rejects, problem)

    def _by_selection(self, window: Window) -> Batch:
        """Read a day of an API that looks at whole days, and allows no window that holds one whatever bounds mean.

        Such an API gives all of a day with any row of it; what bounds select a day, they select every day.
        """
        best = Batch(window, self._stream.schema.empty_table(), 0)
        known = self._limits.selecting.get(self._stream.name)
        for n, asked in enumerate(_selecting(midnight(window.start.date()))):
            try:
                batch = self._batch(self._pager.walk(asked, asked=asked, floor=True), window)
            except Declined:
                continue
            if batch.table.num_rows:
                self._limits.selecting[self._stream.name] = n
            if batch.verified and (batch.table.num_rows or n == known):
                return batch
            best = max((best, batch), key=lambda b: b.table.num_rows)
        problem = f"the API looks at whole days, and allows no window that surely holds {window.start:%Y-%m-%d}"
        return Batch(window, best.table, best.total, best.rejects, problem)

    def _pieces(self, reading: Reading | None, window: Window) -> int:
        """Say in how many pieces to read a window next: days, where it has few rows; as many as fit, where many."""
        if reading is None:
            return 2
        if reading.complete:
            return len(window.days) if reading.is_one_answer else 2
        # Half of what can be read at once, because hours differ.
        rows, most = reading.totals[-1], self._pager.most
        return max(2, -(-2 * rows // (most if rows > most else self._limits.deepest)))

    def _batch(self, reading: Reading, window: Window) -> Batch:
        tables = [page.table for page in reading.pages] or [self._stream.wire.empty_table()]
        table = normalise(tables, stream=self._stream, window=window)
        rejects = tuple(r for page in reading.pages for r in page.rejects if r.at is None or r.at in window)
        problem = f"{len(rejects)} rows could not be read" if rejects else None
        if not reading.agrees:
            told = " then ".join(map(str, dict.fromkeys(reading.totals)))
            problem = f"{reading.ids} messages were read where the API counts {told}"
        if problem is None:
            return Batch(window, table, table.num_rows)
        return Batch(window, table, max(reading.totals[-1] - (reading.ids - table.num_rows), 0), rejects, problem)


def _selecting(start: datetime) -> Iterator[Window]:
    """Give pairs of bounds of which one selects a day alone, whatever bounds mean to an API that looks at days."""
    return starmap(Window, product((start, start - SECOND), (start + DAY, start + DAY - SECOND)))


def _times(pages: Sequence[Page], inside: Window) -> list[datetime]:
    """Give the times of the distinct messages of pages that lie in a window."""
    distinct: dict[int, datetime] = {}
    for page in pages:
        distinct |= zip(*(page.table[name].to_pylist() for name in ("message_id", "processed_at")), strict=True)
    return [at for at in distinct.values() if at in inside]
