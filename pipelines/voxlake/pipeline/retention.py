"""Days that the API refuses because they are too old: named and remembered, and not asked for every night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected, VoxlakeError
from voxlake.extract import RANGE_CODES, oldest_day
from voxlake.lake import OLDEST_DAY
from voxlake.text import counted

if TYPE_CHECKING:
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.recorder import Recorder
    from voxlake.pipeline.window import WindowTask


def is_refused_for_age(context: Context, record: Recorder, task: WindowTask, error: VoxlakeError) -> bool:
    """Return whether a day alone was refused because it is too old; if so, that is recorded."""
    if not isinstance(error, ApiRejected) or error.code not in RANGE_CODES or len(task.window.days) > 1:
        return False
    if task.window.days[0] not in record.refused[task.stream]:
        today = context.now().date()
        try:
            oldest = oldest_day(context.history, task.stream, task.window.days, today=today)
        except VoxlakeError:
            return False
        if oldest is not None:
            record.refuse(task.stream, oldest, today=today)
    return task.window.days[0] in record.refused[task.stream]


def name_refused(context: Context, record: Recorder) -> list[str]:
    """Put placeholders for refused days that have no reading in the lake; return a sentence about each stream's days.

    Where days were given after all that were thought to be too old, that is forgotten.
    """
    sentences = []
    for stream, days in record.refused.items():
        fact = record.learned.get(record.account_id, stream.name, OLDEST_DAY)
        if fact is None:
            continue
        given = record.streams[stream].day_files.items()
        if not days and any(str(day) < str(fact.value) and file.total_count is not None for day, file in given):
            record.learned.drop(record.account_id, stream.name, OLDEST_DAY)
        if not days:
            continue
        problem = f"refused by the API (retention): on {fact.learned_on} the oldest day that it gave was {fact.value}"
        for day in sorted(days):
            before = record.manifest.get(record.key(stream, day))
            if before is None or before.total_count is None:
                placeholder = context.lake.put_placeholder(record.key(stream, day), problem, now=context.now())
                record.change(stream, placeholder, changed=0)
        sentences.append(
            f"{stream.name}: {counted(len(days))} ({min(days)} to {max(days)}) refused by the API, which gives none"
            f" before {fact.value}; they are not asked for again, except by 'voxlake backfill --force'."
        )
    return sentences
