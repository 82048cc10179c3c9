"""Bring days that were verified earlier up to date for the price of a few counts.

One count spans many quiet days; where it differs from what the lake holds, it is halved until the days that differ are
found, and these are read again. Messages whose status can still change are requested by their ids.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from voxlake.errors import DataError
from voxlake.extract import CALIBRATION, IDS, count, learn_bounds, messages_by_id
from voxlake.lake import erased_in
from voxlake.model import COUNTS, DAY, Window, midnight
from voxlake.pipeline.day import count_moving
from voxlake.pipeline.two_clocks import earlier
from voxlake.transform import treat

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from voxlake.api import HistoryApi
    from voxlake.clock import Clock
    from voxlake.extract import DateBounds
    from voxlake.lake import Lake
    from voxlake.model import DayFile, DayKey, FinalityPolicy
    from voxlake.transform import Stream

PAGE = 1000
RECENT, PIECES = 6, 4
"""Days that are counted one by one, and the pieces in which those before them are counted first."""

Rows = dict[int, dict[str, Any]]
"""Messages by id, each a mapping of columns to values."""


class RefreshedDay(NamedTuple):
    """A day that is up to date, and how many of its rows changed."""

    day_file: DayFile
    changed: int


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Days that must be read again, be they in the plan or not, and those that are up to date.

    `counts` is how many messages the API counted of days alone.
    """

    stale: frozenset[date]
    days: tuple[RefreshedDay, ...] = ()
    counts: Mapping[date, int] = field(default_factory=dict)


def refresh(
    history: HistoryApi,
    lake: Lake,
    stream: Stream,
    day_files: Sequence[DayFile],
    *,
    clock: Clock,
    finality: FinalityPolicy,
    contradicted: bool = False,
) -> Refreshed:
    """Compare days that were verified after their end with what the API counts now, and refresh moving statuses.

    Where the API has `contradicted` itself lately, what one reply gave of a day is read again, and not counted.

    Raises:
        Refused, Unavailable: the API cannot be asked.
        StorageFull: a day that changed cannot be written.

    """
    by_day = {day_file.key.date: day_file for day_file in day_files}
    is_worth = is_worth_counting(day_files)
    if is_worth:
        lookups = -(-sum(day_file.moving for day_file in day_files) // IDS)
        history.ceiling.need(stream.name, counts=CALIBRATION + len(pieces(by_day)) + lookups)
    bounds = learn_lake_bounds(history, lake, stream, by_day) if is_worth else None
    if bounds is None:
        return Refreshed(frozenset(by_day))
    counts: dict[date, int] = {}
    stale = {day for piece in pieces(by_day) for day in differing(history, stream, piece, bounds, by_day, counts)}
    # Of a day of which one reply was all that spoke for it, one count is not enough.
    doubted = {day for day, day_file in by_day.items() if day_file.unconfirmed} - stale
    again = [] if contradicted else Window.joining(doubted)
    stale |= {day for piece in again for day in differing(history, stream, piece, bounds, by_day, {})}
    stale |= doubted if contradicted else set()
    # Where many rows of a day still move, reading it whole takes fewer requests than asking for them by id.
    stale |= {day for day, day_file in by_day.items() if day_file.moving * PAGE > day_file.counted * IDS}
    moving = [day_file for day, day_file in by_day.items() if day not in stale and day_file.moving]
    latest, moved_to = _latest(history, lake, stream, moving)
    stale |= moved_to
    refreshed = []
    for day, day_file in by_day.items():
        if day in stale:
            continue
        rows = latest.get(day) if day_file.moving else {}
        now = earlier(clock, history)
        done = None if rows is None else _refresh_day(lake, stream, day_file, rows, now=now, finality=finality)
        if done is None:
            stale.add(day)
        else:
            refreshed.append(done)
    return Refreshed(frozenset(stale), tuple(refreshed), counts)


def is_worth_counting(day_files: Sequence[DayFile]) -> bool:
    """Return whether counting takes fewer requests than reading; few rows are better read, which proves more."""
    rows = sum(day_file.row_count for day_file in day_files)
    moving = sum(day_file.moving for day_file in day_files)
    counts = len(pieces(day_file.key.date for day_file in day_files))
    return rows // PAGE > CALIBRATION + counts + moving // IDS


def pieces(days: Iterable[date]) -> list[Window]:
    """Return the windows to count first.

    Recent days are counted one by one: a message that moves to the day after would not change the count of both.
    """
    found = []
    for window in Window.joining(days):
        recent = window.days[-RECENT:]
        if len(window.days) > RECENT:
            found += Window(window.start, midnight(recent[0])).split(PIECES)
        found += [Window.of_days(day, day) for day in recent]
    return found


def learn_lake_bounds(
    history: HistoryApi, lake: Lake, stream: Stream, by_day: dict[date, DayFile]
) -> DateBounds | None:
    """Learn what the API's date bounds mean from days that the lake holds; None where these cannot tell."""
    rows = {day: day_file.counted for day, day_file in by_day.items()}
    surplus = {day: day_file.surplus for day, day_file in by_day.items() if day_file.surplus}
    forgotten = {day: day_file.forgotten for day, day_file in by_day.items() if day_file.forgotten}
    return learn_bounds(history, stream, rows, lambda day: rows_by_second(lake, by_day[day].key), surplus, forgotten)


def rows_by_second(lake: Lake, key: DayKey) -> Counter[datetime]:
    """Count the rows of a day's file by their second, in UTC. Raises DataError where it cannot be read."""
    seconds: Counter[datetime] = Counter()
    for table in lake.read_rows(key, columns=["processed_at"]):
        counts = table["processed_at"].value_counts()
        for at, rows in zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True):
            seconds[at.replace(microsecond=0)] += rows
    return seconds


def differing(
    history: HistoryApi,
    stream: Stream,
    window: Window,
    bounds: DateBounds,
    by_day: Mapping[date, DayFile],
    counts: dict[date, int],
) -> set[date]:
    """Return the days of a window that the API counts otherwise than the lake, found by halving.

    What it counts of a day alone is added to `counts`. A window that holds nothing is counted together with days beside
    it that do: a reply that lacks everything would agree with nothing, and the lake is the second witness of the rest.
    """
    found: set[date] = set()
    waiting = [window]
    while waiting:
        window = waiting.pop()
        asked = with_rows(window, by_day)
        total = count(history, stream, asked, bounds)
        if total is not None and asked == window and len(window.days) == 1:
            counts[window.days[0]] = total
        if total == sum(by_day[day].counted for day in asked.days) and (
            total or count(history, stream, asked, bounds) == 0
        ):
            continue
        if len(window.days) == 1:
            found |= set(window.days)
        else:
            waiting += reversed(window.split(2))
    return found


def with_rows(window: Window, by_day: Mapping[date, DayFile]) -> Window:
    """Return the smallest window of days in `by_day` that begins or ends with this one and holds rows, if any does."""
    rows = sum(by_day[day].counted for day in window.days)
    for step, edge in ((-DAY, window.days[0]), (DAY, window.days[-1])):
        day = edge
        while not rows and (day := day + step) in by_day:
            if by_day[day].counted:
                return Window(min(window.start, midnight(day)), max(window.end, midnight(day) + DAY))
    return window


def _latest(
    history: HistoryApi, lake: Lake, stream: Stream, day_files: Sequence[DayFile]
) -> tuple[dict[date, Rows | None], set[date]]:
    """Request the messages that can still change by id.

    Returns:
        For each day its rows as they are now, or None where the day must be read; and the days to which messages moved.

    """
    found: dict[date, Rows | None] = {day_file.key.date: {} for day_file in day_files}
    wanted: list[tuple[date, int]] = []
    for day_file in day_files:
        try:
            wanted += [(day_file.key.date, message_id) for message_id in _moving_ids(lake, stream, day_file)]
        except DataError:
            found[day_file.key.date] = None
    moved_to: set[date] = set()
    for first in range(0, len(wanted), IDS):
        some = wanted[first : first + IDS]
        window = Window.of_days(some[0][0], some[-1][0])
        ids, days = {message_id for _, message_id in some}, {day for day, _ in some}
        surplus = sum(day_file.surplus for day_file in day_files if day_file.key.date in days)
        rows = messages_by_id(history, stream, window, ids, surplus=surplus)
        rows = _without_erased(lake, stream, rows, {its.key.date for its in day_files if its.textless})
        for day, message_id in some:
            held, row = found[day], rows.get(message_id)
            lies_on = None if row is None else row["processed_at"].date()
            if row is None or held is None or lies_on != day:
                found[day] = None
            else:
                held[message_id] = row
            if lies_on is not None and lies_on != day:
                moved_to.add(lies_on)
    return found, moved_to


def _without_erased(lake: Lake, stream: Stream, rows: Rows, textless: set[date]) -> Rows:
    """Return messages without what was erased in the lake; days that are `textless` have no texts."""
    if not rows:
        return rows
    table = erased_in(lake).treat(pa.Table.from_pylist([*rows.values()], schema=stream.schema), textless=False).table
    return {
        row["message_id"]: row | ({"text": None} if row["processed_at"].date() in textless else {})
        for row in treat(table, lake.policy).to_pylist()
    }


def _moving_ids(lake: Lake, stream: Stream, day_file: DayFile) -> list[int]:
    return [
        message_id
        for table in lake.read_rows(day_file.key, columns=["message_id", *stream.state_columns])
        for message_id in table.filter(stream.moves(table))["message_id"].to_pylist()
    ]


def _refresh_day(
    lake: Lake, stream: Stream, day_file: DayFile, rows: Rows, *, now: datetime, finality: FinalityPolicy
) -> RefreshedDay | None:
    """Write a day again where its messages changed, or where it can be final now; None where it must be read."""
    try:
        changed = _changed(lake, day_file, rows)
        if any(row["processed_at"] != old for row, old in changed):
            return None
        latest = pa.Table.from_pylist([row for row, _ in changed], schema=stream.schema)
        settled = latest.num_rows - count_moving(stream, latest)
        proved = replace(
            day_file, moving=day_file.moving - settled, exported_at=now, verified=True, problem=None, proof=COUNTS,
        )  # fmt: skip
        if changed or day_file.unconfirmed or proved.final(finality):
            day_file = lake.update_rows(proved, latest)
    except DataError:
        return None
    return RefreshedDay(day_file, len(changed))


def _changed(lake: Lake, day_file: DayFile, rows: Rows) -> list[tuple[dict[str, Any], datetime]]:
    """Return the rows that differ from those in the lake, each with the time that it has there."""
    if not rows:
        return []
    ids = pa.array(rows, pa.int64())
    held = (
        row
        for table in lake.read_rows(day_file.key)
        for row in table.filter(pc.is_in(table["message_id"], ids)).to_pylist()
    )
    return [(rows[row["message_id"]], row["processed_at"]) for row in held if rows[row["message_id"]] != row]
