"""A seeded world of messages that is stable from day to day: tomorrow's world is today's plus one day."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.sandbox.samples import OWN_NUMBERS
from voxlake.sandbox.shares import days_before, shares
from voxlake.sandbox.synthetic_day import SECONDS, Day, EditedDay, Message, Row, SeededDay, midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class World:
    """The messages of `days` UTC days before `until`, about 60 % of them sms, and a clock.

    `now` returns the world's time in UTC seconds; by default it stands still at the end of the last day. `late` is the
    share of rows that become visible only hours after their date; `numbers` are those of the account. `cached_days`
    limits how many generated days stay in memory. Methods may be called from many threads.
    """

    def __init__(
        self,
        *,
        rows: int,
        days: int,
        seed: int,
        until: date,
        late: float = 0,
        now: Callable[[], float] | None = None,
        numbers: tuple[str, ...] = OWN_NUMBERS,
        cached_days: int | None = None,
    ) -> None:
        self.now: Callable[[], float] = now or (lambda: midnight(until))
        self._seed, self._late = seed, late
        self._numbers, self._cached_days = numbers, cached_days
        self._counts = shares(rows, days_before(until, days), seed)
        self._days: dict[tuple[str, date], Day] = {}
        # Messages added since their day was last read; so adding thousands one by one stays cheap.
        self._added: dict[tuple[str, date], list[Message]] = {}
        self._rng = np.random.default_rng(seed)
        self._lock = threading.RLock()

    def truth(self, stream: str) -> Iterator[Row]:
        """Yield every message that is visible now, in its present state, oldest first."""
        now = self.now()
        for day in sorted(self._dates(stream)):
            made = self._day(stream, day)
            for message in made.messages(np.flatnonzero(made.shown <= now)):
                yield dict(message.at(now))

    def insert(self, stream: str, row: Row) -> None:
        """Add a message; its id must be new."""
        self.add(stream, [Message(dict(row))])

    def add(self, stream: str, added: Iterable[Message]) -> None:
        """Add messages, which may change over time; their ids must be new."""
        with self._lock:
            for message in added:
                self._added.setdefault((stream, message.row["processed_at"].date()), []).append(message)

    def change(self, stream: str, message_id: int, **fields: Any) -> None:
        """Change a message for good; a new `processed_at` may move it to another day."""
        with self._lock:
            day = next(d for d in self._dates(stream) if message_id in self._day(stream, d).ids)
            whole = self._day(stream, day).messages(slice(None))
            message = next(m for m in whole if m.row["message_id"] == message_id)
            self._edit(stream, day, lambda _: [m for m in whole if m is not message])
            self.insert(stream, {**message.row, **fields})

    def remove(self, stream: str, message_id: int) -> None:
        """Remove a message."""
        with self._lock:
            day = next(d for d in self._dates(stream) if message_id in self._day(stream, d).ids)
            self._edit(stream, day, lambda messages: [m for m in messages if m.row["message_id"] != message_id])

    def select(
        self,
        stream: str,
        start: int | None,
        end: int | None,
        *,
        order: str,
        offset: int,
        count: int,
        ids: set[int] | None = None,
        where: Callable[[Row], bool] | None = None,
    ) -> tuple[list[Row], int]:
        """Return a page of the messages in `[start, end)` (UTC seconds), and the number of all such messages."""
        now = self.now()
        with self._lock:
            found = [self._hits(stream, day, start, end, ids, now) for day in self._within(stream, start, end)]
        if where is not None:
            found = [hits.only(lambda message: where(message.at(now))) for hits in found]
        found = [hits for hits in found if hits.size]
        total = sum(hits.size for hits in found)
        with self._lock:
            shuffle = self._rng.permutation(total) if order == "random-per-request" else None
        return [message.at(now) for message in _page(found, order, offset, count, shuffle)], total

    def _dates(self, stream: str) -> set[date]:
        with self._lock:
            seeded = {d for d, n in self._counts[stream].items() if n}
            return seeded | {d for s, d in (*self._days, *self._added) if s == stream}

    def _within(self, stream: str, start: int | None, end: int | None) -> list[date]:
        first = date.min if start is None else datetime.fromtimestamp(start, UTC).date()
        last = date.max if end is None else datetime.fromtimestamp(end - 1, UTC).date()
        return sorted(day for day in self._dates(stream) if first <= day <= last)

    def _hits(
        self, stream: str, day: date, start: int | None, end: int | None, ids: set[int] | None, now: float
    ) -> Hits:
        """Return the messages of a day that match; a day that is meant as a whole is counted without being made."""
        made, begins = (stream, day) in self._days or (stream, day) in self._added, midnight(day)
        whole = (start is None or start <= begins) and (end is None or end >= begins + SECONDS)
        if whole and not made and ids is None and not self._late and now >= begins + SECONDS - 1:
            return Hits(self._counts[stream][day], lambda: self._as_generated(stream, day))
        its = self._day(stream, day)
        at = _positions(its, start, end, ids, now)
        return Hits(at.size, lambda: its, at)

    def _day(self, stream: str, day: date) -> Day:
        with self._lock:
            made = self._days.get((stream, day))
            if made is None:
                made = self._days[stream, day] = self._generate(stream, day)
                self._forget()
            added = self._added.pop((stream, day), None)
            if added is not None:
                made = self._days[stream, day] = EditedDay([*made.messages(slice(None)), *added])
            return made

    def _as_generated(self, stream: str, day: date) -> Day:
        """Return a day as it was when it was counted, although another request may have edited it since."""
        made = self._day(stream, day)
        return made if isinstance(made, SeededDay) else self._generate(stream, day)

    def _generate(self, stream: str, day: date) -> SeededDay:
        count = self._counts[stream].get(day, 0)
        return SeededDay(self._seed, stream, day, count, late=self._late, numbers=self._numbers)

    def _forget(self) -> None:
        """Drop the generated day that was made first where there are too many; an edited one cannot be made again."""
        if self._cached_days is not None and len(self._days) > self._cached_days:
            oldest = next((key for key, made in self._days.items() if isinstance(made, SeededDay)), None)
            if oldest is not None:
                del self._days[oldest]

    def _edit(self, stream: str, day: date, edit: Callable[[list[Message]], list[Message]]) -> None:
        self._days[stream, day] = EditedDay(edit(self._day(stream, day).messages(slice(None))))


@dataclass(slots=True)
class Hits:
    """The messages of one day that match: how many, the day, and their positions in it (None: all)."""

    size: int
    make: Callable[[], Day]
    at: Any = None

    def day(self) -> tuple[Day, Any]:
        """Return the day, and the positions in it as an array."""
        made = self.make()
        return made, np.arange(self.size) if self.at is None else self.at

    def only(self, wanted: Callable[[Message], bool]) -> Hits:
        """Return those of the messages that are wanted."""
        made, at = self.day()
        kept = [i for i, message in zip(at.tolist(), made.messages(at), strict=True) if wanted(message)]
        return Hits(len(kept), lambda: made, np.array(kept, np.int64))


def _positions(day: Day, start: int | None, end: int | None, ids: set[int] | None, now: float) -> Any:
    """Return the positions of the messages that match and are visible at `now` (UTC seconds)."""
    first = 0 if start is None else int(np.searchsorted(day.seconds, start))
    last = len(day.seconds) if end is None else int(np.searchsorted(day.seconds, end))
    at = np.arange(first, max(first, last))
    at = at[day.shown[at] <= now]
    return at if ids is None else at[np.isin(day.ids[at], list(ids))]


def _page(found: list[Hits], order: str, offset: int, count: int, shuffle: Any) -> Iterator[Message]:
    """Yield one page in the given order."""
    if order in ("asc", "desc"):
        for hits in found if order == "asc" else reversed(found):
            if not count:
                return
            if offset < hits.size:
                day, at = hits.day()
                yield from day.messages((at if order == "asc" else at[::-1])[offset : offset + count])
            count -= max(0, min(count, hits.size - offset))
            offset = max(0, offset - hits.size)
        return
    if not found:
        return
    days = [hits.day() for hits in found]
    places = np.concatenate([np.full(at.size, n) for n, (_, at) in enumerate(days)])
    positions = np.concatenate([at for _, at in days])
    by_id = shuffle is None
    chosen = np.argsort(np.concatenate([day.ids[at] for day, at in days]), kind="stable") if by_id else shuffle
    for n in chosen[offset : offset + count].tolist():
        yield days[places[n]][0].messages([int(positions[n])])[0]
