"""A seeded world of messages that is stable from day to day: tomorrow's world is today's plus one day."""

from __future__ import annotations

import random
import threading
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.sandbox.synthetic_day import Day, EditedDay, Message, Row, SeededDay, midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

STREAMS = ("sms", "a2p")
_SHARE = 0.6
_FEW = 2
"""Up to this many days are shared evenly: with no middle between newest and oldest, nothing else is stable."""


class World:
    """The messages of `days` UTC days before `until`, about 60 % of them sms, and a clock.

    `now` returns the world's time in UTC seconds; by default it stands still at the end of the last day. `late` is the
    share of rows that become visible only hours after their date. Methods may be called from many threads.
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
    ) -> None:
        self.now: Callable[[], float] = now or (lambda: midnight(until))
        self._seed, self._late = seed, late
        dates = [until - timedelta(days=n + 1) for n in range(days)]
        self._counts = _counts(rows, dates, seed)
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
            found = [
                (day, at) for day in self._within(stream, start, end) if (at := _hits(day, start, end, ids, now)).size
            ]
        if where is not None:
            found = [
                (day, np.array(kept, np.int64))
                for day, at in found
                if (kept := [i for i, m in zip(at.tolist(), day.messages(at), strict=True) if where(m.at(now))])
            ]
        total = sum(at.size for _, at in found)
        with self._lock:
            shuffle = self._rng.permutation(total) if order == "random-per-request" else None
        return [message.at(now) for message in _page(found, order, offset, count, shuffle)], total

    def _dates(self, stream: str) -> set[date]:
        with self._lock:
            seeded = {d for d, n in self._counts[stream].items() if n}
            return seeded | {d for s, d in (*self._days, *self._added) if s == stream}

    def _within(self, stream: str, start: int | None, end: int | None) -> list[Day]:
        first = date.min if start is None else datetime.fromtimestamp(start, UTC).date()
        last = date.max if end is None else datetime.fromtimestamp(end - 1, UTC).date()
        return [self._day(stream, day) for day in sorted(self._dates(stream)) if first <= day <= last]

    def _day(self, stream: str, day: date) -> Day:
        with self._lock:
            made = self._days.get((stream, day))
            if made is None:
                count = self._counts[stream].get(day, 0)
                made = self._days[stream, day] = SeededDay(self._seed, stream, day, count, late=self._late)
            added = self._added.pop((stream, day), None)
            if added is not None:
                made = self._days[stream, day] = EditedDay([*made.messages(slice(None)), *added])
            return made

    def _edit(self, stream: str, day: date, edit: Callable[[list[Message]], list[Message]]) -> None:
        self._days[stream, day] = EditedDay(edit(self._day(stream, day).messages(slice(None))))


def _counts(rows: int, dates: list[date], seed: int) -> dict[str, dict[date, int]]:
    """Return the number of rows by history and day; `dates` are newest first.

    The counts of a history add up to its total. With at least as many rows as days, every day has a message in one of
    the histories, and in each history that has as many rows itself. A day keeps its count in tomorrow's window until
    it enters the oldest half.
    """
    if not dates:
        return {stream: {} for stream in STREAMS}
    sms = round(rows * _SHARE)
    totals = {"sms": sms, "a2p": rows - sms}
    counts = {stream: _allotted(f"{seed}/{stream}", dates, total) for stream, total in totals.items()}
    if max(totals.values()) < len(dates) <= rows:
        # Neither history has enough rows for every day, so one gets the days that the other lacks.
        whole = _even(str(seed), dates, rows)
        counts["sms"] = _even(str(seed), dates, sms)
        counts["a2p"] = {day: whole[day] - counts["sms"][day] for day in dates}
    return counts


def _allotted(seed: str, dates: list[date], total: int) -> dict[date, int]:
    """Return a total shared among days by weekday and chance; the oldest days take the remainder.

    The counts of the newer days (one more than half of them) depend on the day alone, so that they are the same
    tomorrow. The others keep at least a quarter of the average, and never less than one message.
    """
    days = len(dates)
    if total < days or days <= _FEW:
        return _even(seed, dates, total)
    newer, older = dates[: days // 2 + 1], dates[days // 2 + 1 :]
    least = max(1, total // (4 * days))
    most = (total - len(older) * least) // len(newer)
    weights = _weights(seed, dates)
    counts = {day: min(most, max(1, round(total / days * weights[day]))) for day in newer}
    spare = total - sum(counts.values()) - len(older) * least
    whole, passed, given = sum(weights[day] for day in older), 0.0, 0
    for day in older:
        passed += weights[day]
        upto = spare if day == older[-1] else min(spare, round(spare * passed / whole))
        counts[day], given = least + upto - given, upto
    return counts


def _even(seed: str, dates: list[date], total: int) -> dict[date, int]:
    """Return a total shared evenly among days; a day's count is the same in any window of that length."""
    days, first = len(dates), random.Random(seed).randrange(10**6)
    return {day: (n + 1) * total // days - n * total // days for day in dates for n in (first + day.toordinal(),)}


def _weights(seed: str, dates: list[date]) -> dict[date, float]:
    """Return weights of days by weekday and chance; the days of a week, Monday to Sunday, average 1."""
    weights: dict[date, float] = {}
    for monday in {day - timedelta(days=day.weekday()) for day in dates}:
        rng = random.Random(f"{seed}/{monday}")
        week = [
            (0.55 if n >= 5 else 1.15) * rng.uniform(0.75, 1.2) * (1.8 if rng.random() < 0.05 else 1) for n in range(7)
        ]
        weights |= {monday + timedelta(days=n): 7 * weight / sum(week) for n, weight in enumerate(week)}
    return weights


def _hits(day: Day, start: int | None, end: int | None, ids: set[int] | None, now: float) -> Any:
    """Return the positions of the messages that match and are visible at `now` (UTC seconds)."""
    first = 0 if start is None else int(np.searchsorted(day.seconds, start))
    last = len(day.seconds) if end is None else int(np.searchsorted(day.seconds, end))
    at = np.arange(first, max(first, last))
    at = at[day.shown[at] <= now]
    return at if ids is None else at[np.isin(day.ids[at], list(ids))]


def _page(found: list[tuple[Day, Any]], order: str, offset: int, count: int, shuffle: Any) -> Iterator[Message]:
    """Yield one page in the given order."""
    if order in ("asc", "desc"):
        for day, hits in found if order == "asc" else reversed(found):
            at = hits if order == "asc" else hits[::-1]
            yield from day.messages(at[offset : offset + count])
            count -= max(0, min(count, at.size - offset))
            offset = max(0, offset - at.size)
            if not count:
                return
        return
    if not found:
        return
    places = np.concatenate([np.full(at.size, n) for n, (_, at) in enumerate(found)])
    positions = np.concatenate([at for _, at in found])
    by_id = shuffle is None
    chosen = np.argsort(np.concatenate([day.ids[at] for day, at in found]), kind="stable") if by_id else shuffle
    for n in chosen[offset : offset + count].tolist():
        yield found[places[n]][0].messages([int(positions[n])])[0]
