"""Ask for the dates that the API means: find out from rows that were read, remember it, and read what was missed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from voxlake.errors import VoxlakeError
from voxlake.extract import NO_SHIFT, STEP, KnownRow, learn_shift
from voxlake.lake import DATE_SHIFT, DECIMAL_MARK, Learned
from voxlake.model import DAY, SECOND, Window, midnight
from voxlake.pipeline.confirm import is_whole, restate
from voxlake.transform import integers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from voxlake.lake import Lake
    from voxlake.model import DayFile
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.recorder import Recorder
    from voxlake.transform import Stream

_TRIED = 5
"""Days in which two rows that lie apart are looked for, the smallest first."""

UNKNOWN = "whether the API's dates are in the zone of its rows could not be asked"
"""What is wrong with a day that was read before that was ever known."""

OTHER_ZONE = "it was read with dates in another zone than the API's, and could not be read again"
"""What is wrong with a day until it is read with the dates that the API means."""

_BELIEVED = 7 * DAY
"""How long it is believed that the API's dates agree with those of its rows, or how far they are apart."""


def recall_history(context: Context, streams: Iterable[Stream]) -> Learned:
    """Shift the dates of streams as earlier runs learned, and read amounts with the decimal marks that these saw.

    Returns all that is known of the account.
    """
    learned = Learned(context.lake, [context.history.account_id])
    for stream in streams:
        fact = learned.get(context.history.account_id, stream.name, DATE_SHIFT)
        if fact is not None and isinstance(fact.value, int) and abs(fact.value) < DAY.total_seconds():
            context.history.shifts[stream.name] = timedelta(seconds=fact.value)
        mark = learned.get(context.history.account_id, stream.name, DECIMAL_MARK)
        if mark is not None and mark.value in (".", ","):
            context.history.marks.setdefault(stream.name, mark.value)
    return learned


def remember_marks(context: Context, record: Recorder) -> None:
    """Remember the decimal marks that were seen, where that is news."""
    for stream in record.streams:
        mark = context.history.marks.get(stream.name)
        known = record.learned.get(record.account_id, stream.name, DECIMAL_MARK)
        if mark in (".", ",") and (known is None or known.value != mark):
            record.learned.put(record.account_id, stream.name, DECIMAL_MARK, mark, on=context.now().date())


def learn_shifted_dates(context: Context, record: Recorder) -> dict[Stream, set[date]]:
    """Compare the dates of streams with news with the API's; where they agree, that takes one count at most.

    Where they do not, they are shifted from now on, and the days are returned that were read with the wrong ones.
    """
    again: dict[Stream, set[date]] = {}
    for stream in sorted(record.news, key=lambda stream: stream.name):
        fact = record.learned.get(record.account_id, stream.name, DATE_SHIFT)
        today = context.now().date()
        if (fact is not None and NO_SHIFT <= today - fact.learned_on < _BELIEVED) or record.quirks[stream].ignores_time:
            continue
        try:
            shift = NO_SHIFT if agrees_at_a_midnight(context.lake, record, stream) else _learn(context, record, stream)
        except VoxlakeError:
            if fact is None:
                _doubt(context, record, stream, UNKNOWN)
            continue
        if shift is None:
            continue
        now = context.history.shifts.get(stream.name, NO_SHIFT) + shift
        record.learned.put(record.account_id, stream.name, DATE_SHIFT, int(now.total_seconds()), on=today)
        if shift != NO_SHIFT:
            # Should they not be read again after all, they are not verified.
            _doubt(context, record, stream, OTHER_ZONE)
            context.history.shifts[stream.name] = now
            again[stream] = set(record.wanted[stream])
            record.notes.append(_described(stream, now))
    return again


def _doubt(context: Context, record: Recorder, stream: Stream, problem: str) -> None:
    """Mark the days that were read as not verified, because of what the dates mean that were asked for."""
    for day, file in record.day_files(stream, record.readings[stream]).items():
        if is_whole(file):
            restate(context, record, stream, day, problem)


def _learn(context: Context, record: Recorder, stream: Stream) -> timedelta | None:
    rows = _two_rows(context.lake, record, stream)
    return None if rows is None else learn_shift(context.history, stream, *rows)


def agrees_at_a_midnight(lake: Lake, record: Recorder, stream: Stream) -> bool:
    """Whether two readings that met at a midnight show that dates are of the zone of the rows, without a request.

    Were they `STEP` or more apart, the second reading would have rows of the end of the day before, or would lack those
    of the beginning of its own; an API that looks at whole days would give all of the day before.
    """
    readings = record.readings[stream]
    files = {day: file for day, file in record.day_files(stream, readings).items() if file.verified or file.unconfirmed}
    met = [day for day in sorted(files) if day + DAY in files and readings[day].after is not None]
    for day in met[:_TRIED]:
        later, end = readings[day + DAY], midnight(day + DAY)
        if later.before is None or later.asked_from != end - SECOND:
            continue
        at_end = _rows_within(lake, files[day], Window(end - SECOND, end))
        before = _rows_within(lake, files[day], Window(end - STEP, end - SECOND))
        after = _rows_within(lake, files[day + DAY], Window(end, end + STEP))
        if before and after and later.before in {0, at_end}:
            return True
    return False


def _rows_within(lake: Lake, day_file: DayFile, span: Window) -> int:
    """Return how many rows of a day lie in a span."""
    first, last = (int(at.timestamp()) * 1_000_000 for at in (span.start, span.end))
    times = [integers(table["processed_at"]) for table in lake.read_rows(day_file.key, ["processed_at"])]
    return sum(int(((its >= first) & (its < last)).sum()) for its in times)


def _described(stream: Stream, shift: timedelta) -> str:
    hours = abs(shift) / timedelta(hours=1)
    way = "later" if shift > NO_SHIFT else "earlier"
    return (
        f"{stream.name}: the API takes its dates {hours:g} hours {way} than its rows have them, and is asked"
        " accordingly; days that were exported before may lack messages beside midnight: 'voxlake audit --repair' finds"
        " them."
    )


def _two_rows(lake: Lake, record: Recorder, stream: Stream) -> tuple[KnownRow, KnownRow] | None:
    """Return a row of a day that was read, and one of that day far from its time; None where there are none.

    To an API that looks at whole days, rows of about the same time of day would confirm any mistake.
    """
    files = [file for file in record.day_files(stream, record.wanted[stream]).values() if file.row_count > 1]
    for file in sorted(files, key=lambda file: file.row_count)[:_TRIED]:
        table = next(lake.read_rows(file.key, ["message_id", "processed_at"]))
        times = integers(table["processed_at"])
        middle = len(times) // 2
        farthest = int(np.argmax(np.abs(times - times[middle])))
        row, other = (
            KnownRow(its["message_id"], its["processed_at"].replace(microsecond=0))
            for its in table.take([middle, farthest]).to_pylist()
        )
        if abs(other.at - row.at) >= STEP:
            return row, other
    return None
