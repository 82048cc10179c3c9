"""Look after days that were verified once: has anything appeared, has a status moved, at the price of a few counts.

One count spans many quiet days; where it differs from what the lake holds, it is halved until the days that differ are
found, and those are read again. Messages whose status can still change are asked for by their ids.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from voxlake.errors import DataError
from voxlake.extract import CALIBRATION, IDS, count, learn_bounds, messages_by_id
from voxlake.model import Window, midnight

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from voxlake.api import HistoryApi
    from voxlake.extract import DateBounds
    from voxlake.lake import Lake
    from voxlake.model import DayFile, DayKey, FinalityPolicy
    from voxlake.transform import Stream

PAGE = 1000
RECENT, PIECES = 6, 4


@dataclass(slots=True)
class Probed:
    """Days that must be read again, final or not, and the parts of the others with how many of their rows changed."""

    stale: set[date] = field(default_factory=set)
    day_files: list[tuple[DayFile, int]] = field(default_factory=list)


def probe(
    api: HistoryApi,
    lake: Lake,
    stream: Stream,
    day_files: Sequence[DayFile],
    *,
    now: datetime,
    finality: FinalityPolicy,
) -> Probed:
    """Compare days that were verified after their end with what the API counts now, and refresh their statuses."""
    by_day = {day_file.key.date: day_file for day_file in day_files}
    probed = Probed()
    pieces = [piece for window in Window.joining(by_day) for piece in _pieces(window)]
    rows, moving = (sum(number) for number in zip(*((p.row_count, p.moving) for p in day_files), strict=True))
    # Few rows are read as quickly as they are counted, and a reading proves more.
    worth = rows // PAGE > CALIBRATION + len(pieces) + moving // IDS
    counts = {day: day_file.row_count for day, day_file in by_day.items()}
    bounds = learn_bounds(api, stream, counts, lambda day: seconds_of(lake, by_day[day].key)) if worth else None
    if bounds is None:
        probed.stale = set(by_day)
        return probed
    for piece in pieces:
        probed.stale |= _differing(api, stream, piece, bounds, by_day)
    quiet = [day_file for day, day_file in by_day.items() if day not in probed.stale]
    # Where many rows of a day still move, reading it whole takes fewer requests than asking for them by id.
    probed.stale |= {day_file.key.date for day_file in quiet if day_file.moving * PAGE > day_file.row_count * IDS}
    quiet = [day_file for day_file in quiet if day_file.key.date not in probed.stale]
    latest, elsewhere = _latest(api, lake, stream, [day_file for day_file in quiet if day_file.moving])
    probed.stale |= elsewhere
    quiet = [day_file for day_file in quiet if day_file.key.date not in elsewhere]
    for day_file in quiet:
        rows = latest.get(day_file.key.date) if day_file.moving else {}
        try:
            if rows is not None:
                _refresh(lake, stream, day_file, rows, probed, now=now, finality=finality)
                continue
        except DataError:
            pass  # a file that cannot be read is read from the API again
        probed.stale.add(day_file.key.date)
    return probed


def seconds_of(lake: Lake, day_key: DayKey) -> Counter[datetime]:
    """Count the rows of a day's file by their second, in UTC.

    Raises:
        DataError: the file cannot be read.

    """
    seconds: Counter[datetime] = Counter()
    for batch in lake.read_rows(day_key, columns=["processed_at"]):
        for entry in batch["processed_at"].value_counts().to_pylist():
            seconds[entry["values"].replace(microsecond=0)] += entry["counts"]
    return seconds


def _pieces(window: Window) -> list[Window]:
    """Count recent days one by one: a message that moves to the day after would not change the count of both."""
    recent = window.days[-RECENT:]
    older = [Window(window.start, midnight(recent[0]))] if len(window.days) > RECENT else []
    return [piece for span in older for piece in span.split(PIECES)] + [Window.of_days(day, day) for day in recent]


def _differing(
    api: HistoryApi, stream: Stream, window: Window, bounds: DateBounds, by_day: dict[date, DayFile]
) -> set[date]:
    """Find the days of a window that the API counts otherwise than the lake, by halving."""
    if count(api, stream, window, bounds) == sum(by_day[day].row_count for day in window.days):
        return set()
    if len(window.days) == 1:
        return set(window.days)
    return {day for half in window.split(2) for day in _differing(api, stream, half, bounds, by_day)}


def _latest(
    api: HistoryApi, lake: Lake, stream: Stream, day_files: Sequence[DayFile]
) -> tuple[dict[date, dict[int, dict[str, Any]] | None], set[date]]:
    """Ask for the messages that can still change, by id: per day their rows, or None where they must be read by day.

    Where messages moved to other days, these must be read as well.
    """
    elsewhere: set[date] = set()
    found: dict[date, dict[int, dict[str, Any]] | None] = {day_file.key.date: {} for day_file in day_files}
    wanted: list[tuple[date, int]] = []
    for day_file in day_files:
        try:
            wanted += [(day_file.key.date, message_id) for message_id in _moving_ids(lake, stream, day_file)]
        except DataError:
            found[day_file.key.date] = None
    for first in range(0, len(wanted), IDS):
        some = wanted[first : first + IDS]
        window = Window.of_days(some[0][0], some[-1][0])
        rows = messages_by_id(api, stream, window, {message_id for _, message_id in some})
        for day, message_id in some:
            its, row = found[day], rows.get(message_id)
            if row is not None and row["processed_at"].date() != day:
                elsewhere.add(row["processed_at"].date())
                found[day] = None
            elif its is None or row is None:
                found[day] = None
            else:
                its[message_id] = row
    return found, elsewhere


def _moving_ids(lake: Lake, stream: Stream, day_file: DayFile) -> list[int]:
    return [
        message_id
        for batch in lake.read_rows(day_file.key, columns=["message_id", "status_id", stream.own])
        for message_id in batch.filter(stream.moves(batch))["message_id"].to_pylist()
    ]


def _refresh(
    lake: Lake,
    stream: Stream,
    day_file: DayFile,
    rows: dict[int, dict[str, Any]],
    probed: Probed,
    *,
    now: datetime,
    finality: FinalityPolicy,
) -> None:
    """Write a day anew where its messages changed, or where it can be final now; else leave its file alone."""
    changed = _changed(lake, day_file, rows)
    if any(row["processed_at"] != old for row, old in changed):
        probed.stale.add(day_file.key.date)
        return
    fresh = pa.Table.from_pylist([row for row, _ in changed], schema=stream.schema)
    settled = int(pc.sum(pc.invert(stream.moves(fresh))).as_py() or 0)
    proved = replace(day_file, moving=day_file.moving - settled, exported_at=now)
    if changed or proved.final(finality):
        day_file = lake.update_rows(proved, fresh)
    probed.day_files.append((day_file, len(changed)))


def _changed(lake: Lake, day_file: DayFile, rows: dict[int, dict[str, Any]]) -> list[tuple[dict[str, Any], datetime]]:
    """Give the rows that differ from those in the lake, each with the time that it has there."""
    if not rows:
        return []
    ids = pa.array(rows, pa.int64())
    held = (
        row
        for batch in lake.read_rows(day_file.key)
        for row in batch.filter(pc.is_in(batch["message_id"], ids)).to_pylist()
    )
    return [(rows[row["message_id"]], row["processed_at"]) for row in held if rows[row["message_id"]] != row]
