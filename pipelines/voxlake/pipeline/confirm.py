"""No reply is its own witness: hold what a run has read against counts of their own, before a day counts as verified.

One count over all days that were read must be what their readings gave, together. Where it is not, and is not when it
is asked for again, the days that disagree are looked for by counts, and read again. `closing_counts` asks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake.errors import VoxlakeError
from voxlake.extract import ClosingSpan
from voxlake.model import COUNTS, DAY, midnight
from voxlake.pipeline.closing_counts import UNPROVED, Confirmation, Evidence, hold_against_counts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from voxlake.model import DayFile
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.recorder import Recorder
    from voxlake.transform import Stream


def confirm(context: Context, record: Recorder) -> dict[Stream, set[date]]:
    """Compare what was read of each stream with counts of their own, and return the days to be read again.

    Days that are confirmed are verified from now on, days that are not are unverified and say why. Nothing is confirmed
    by the few counts that suffice while replies fit together, if replies of the other history turn out not to.
    """
    _hold_against_surveys(record)
    uncounted = [stream for stream in record.streams if not record.quirks[stream].counts_prove]
    due = [stream for stream in record.streams if stream not in uncounted and _is_due(record, stream)]
    record.news.clear()
    record.unclosed.clear()
    believed = not record.contradicted
    confirmations = _ask(context, record, due)
    if believed and record.contradicted:
        confirmations |= _ask(context, record, [s for s in due if not confirmations[s].quirks.contradicts])
    doubtful: dict[Stream, set[date]] = {stream: set() for stream in record.streams}
    for stream in uncounted:
        doubtful[stream] |= _proved_by_counts(context, record, stream)
    for stream, found in confirmations.items():
        if found.error is not None:
            record.fail(stream, found.error)
        for day in sorted(found.confirmed):
            if record.manifest[record.key(stream, day)].unconfirmed:
                restate(context, record, stream, day, None)
        for day, problem in found.doubts:
            restate(context, record, stream, day, problem)
            doubtful[stream].add(day)
            record.unclosed.add(stream)
    return doubtful


def _hold_against_surveys(record: Recorder) -> None:
    """Compare what was counted of windows before they were read with what was read: one of both may be wrong."""
    for stream, surveyed in record.surveyed.items():
        readings = record.readings[stream]
        for window, total in surveyed.items():
            days = tuple(readings[day] for day in window.days if day in readings)
            if len(days) < len(window.days) or not (span := ClosingSpan(days)).can_be_closed:
                continue
            # Rows that came to a day in progress after the survey, or after the reading, are explained by the time.
            ended = sum(day.rows for day in days if not day.in_progress) + (days[0].before or 0)
            may_differ = days[-1].in_progress and ended <= total <= ended + days[-1].rows + (days[-1].after or 0)
            if not may_differ and not span.agrees(total):
                record.contradict(stream)
        surveyed.clear()


def _proved_by_counts(context: Context, record: Recorder, stream: Stream) -> set[date]:
    """Return the days that were read and are proved by nothing but counts, of an API whose counts prove nothing."""
    files = record.day_files(stream, record.readings[stream])
    found = {day for day, file in files.items() if is_whole(file) and file.proof == COUNTS}
    for day in sorted(found):
        restate(context, record, stream, day, UNPROVED)
    record.readings[stream].clear()
    return found


def _is_due(record: Recorder, stream: Stream) -> bool:
    """Whether a count has to be held against what was read of a stream."""
    files = record.day_files(stream, record.readings[stream]).values()
    is_news = stream in record.news or stream in record.unclosed or any(file.unconfirmed for file in files)
    return is_news and any(map(is_whole, files))


def _ask(context: Context, record: Recorder, streams: Iterable[Stream]) -> dict[Stream, Confirmation]:
    """Ask for the counts of streams side by side, and record what they show of the API."""
    pending = {}
    for stream in streams:
        readings, held = record.readings[stream], record.day_files(stream)
        files = {day: held[day] for day in readings if day in held and is_whole(held[day])}
        ended = {day: file for day, file in held.items() if file.verified and file.exported_at >= midnight(day) + DAY}
        evidence = Evidence(
            files,
            {day: file.counted for day, file in ended.items()},
            frozenset(day for day, file in ended.items() if day not in files and not file.final(context.finality)),
            record.contradicted,
        )
        days = [readings[day] for day in files]
        pending[stream] = context.submit(
            hold_against_counts, context.lake, stream, days, evidence, record.quirks[stream]
        )
    found = {stream: context.result(future) for stream, future in pending.items()}
    for stream, confirmation in found.items():
        record.learn(stream, confirmation.quirks)
    return found


def is_whole(day_file: DayFile) -> bool:
    """Whether a reading gave all that it counted itself."""
    return day_file.verified or day_file.unconfirmed


def restate(context: Context, record: Recorder, stream: Stream, day: date, problem: str | None) -> None:
    """Write the file of a day again with the same rows, verified or with a problem."""
    day_file = replace(record.manifest[record.key(stream, day)], verified=problem is None, problem=problem)
    nothing = stream.schema.empty_table()
    try:
        record.change(stream, context.lake.update_rows(day_file, nothing), changed=0)
    except VoxlakeError as error:
        record.fail(stream, error)
