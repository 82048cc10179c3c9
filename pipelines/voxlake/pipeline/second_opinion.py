"""An account that looks empty: ask once without dates, for an API may show no day, however its dates are asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from voxlake.errors import ApiRejected, VoxlakeError
from voxlake.lake import UNDATED_COUNT
from voxlake.model import DAY, SECOND, Window, midnight
from voxlake.text import counted

if TYPE_CHECKING:
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.recorder import Recorder
    from voxlake.transform import Stream

_BELIEVED = 7 * DAY
"""How long it is believed that an account has no message of the days that were read."""


def ask_without_dates(context: Context, record: Recorder) -> None:
    """Ask for a history without dates where every day of it that was ever read is empty; record what contradicts that.

    That is one count, and none for a week where it agrees. What it counts may be older than the days that were read:
    only a message of one of these days contradicts them, and for it two pages at most are looked at.
    """
    for stream in record.streams:
        if record.failure is not None or not _looks_empty(context, record, stream):
            continue
        try:
            total = context.history.total(stream, None)
            day = _hidden_day(context, record, stream, total) if total else None
        except VoxlakeError:
            # What cannot be asked proves nothing.
            continue
        if day is None:
            # A count above 0 is of messages that are older than the days that were read, or newer.
            record.learned.put(record.account_id, stream.name, UNDATED_COUNT, total, on=context.now().date())
        else:
            _contradict(context, record, stream, total, day)


def _looks_empty(context: Context, record: Recorder, stream: Stream) -> bool:
    """Whether days were read of which none has a row, nor any other in the lake, and nobody has asked for a week."""
    files = record.day_files(stream)
    read = [files.get(day) for day in record.wanted[stream]]
    if not read or any(file is None or file.total_count is None for file in read) or record.streams[stream].errors:
        return False
    if any(file.counted or file.rejects for file in files.values()):
        return False
    fact = record.learned.get(record.account_id, stream.name, UNDATED_COUNT)
    return fact is None or not timedelta() <= context.now().date() - fact.learned_on < _BELIEVED


def _hidden_day(context: Context, record: Recorder, stream: Stream, total: int) -> date | None:
    """Return a day that was read as empty, though a page without dates has a row of it; None without one.

    Rows may come in any order, so that the first page or the last one has the newest. Of a day whose dates are answered
    now, the row came since it was read.
    """
    history, size = context.history, record.quirks[stream].page_size
    pages = [history.page(stream, None, offset=0, count=size)]
    if pages[0].served < total:
        pages.append(history.page(stream, None, offset=total - pages[0].served, count=size))
    files = record.day_files(stream, record.wanted[stream])
    for page in pages:
        for at in pc.unique(page.table["processed_at"]).to_pylist():
            day = at.date()
            if day in files and at < files[day].exported_at:
                return None if _is_shown(history, stream, day) else day
    return None


def _is_shown(history: HistoryApi, stream: Stream, day: date) -> bool:
    """Whether the API counts any message of a UTC day by its dates."""
    start = midnight(day)
    try:
        return history.total(stream, Window(start - SECOND, start + DAY)) > 0
    except ApiRejected:
        return False


def _contradict(context: Context, record: Recorder, stream: Stream, total: int, day: date) -> None:
    """Write the empty days of a stream again as not verified."""
    problem = (
        f"no dates show a message of this account, although the API counts {counted(total, 'message')} without dates,"
        f" some of them of {day}: ask the API's support what from_date and to_date mean"
    )
    for its in sorted(record.wanted[stream]):
        day_file = replace(record.manifest[record.key(stream, its)], verified=False, problem=problem)
        try:
            nothing = stream.schema.empty_table()
            record.change(stream, context.lake.update_rows(day_file, nothing), changed=0)
        except VoxlakeError as error:
            record.fail(stream, error)
            return
