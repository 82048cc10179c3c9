"""Survey days before they are read: cut them into windows, or have one page that is survey and reading in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.errors import ExecutorFailed, VoxlakeError
from voxlake.extract import look_back, survey, survey_looking_back
from voxlake.model import Window
from voxlake.pipeline import announce
from voxlake.pipeline.plan import first_given
from voxlake.pipeline.window import WindowTask
from voxlake.transform import load_pandas

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future
    from datetime import date

    from voxlake.extract import LookBack, Survey
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.recorder import Recorder
    from voxlake.pipeline.work import Done
    from voxlake.transform import Stream


def survey_days(
    context: Context, days: Mapping[Stream, Sequence[date]], record: Recorder, *, force: bool
) -> tuple[list[WindowTask], dict[Stream, set[date]]]:
    """Cut days into windows that are worth their requests; a stream that is refused has none.

    Returns:
        The windows to read, and by stream further days, on which the API shows more messages than are known.

    """
    known, today = {stream: record.known_rows(stream) for stream in days}, context.now().date()
    surveys: list[tuple[Stream, Window, bool, Future[Done[Survey]]]] = []
    for stream, its in days.items():
        for window in Window.joining(its):
            again = record.started[stream].issuperset(window.days)
            record.started[stream].update(window.days)
            back = None if again or force else _look_back(context, record, stream, window)
            quirks = record.quirks[stream]
            if back is not None:
                pending = context.submit(survey_looking_back, stream, back, quirks, known[stream], today=today)
            else:
                pending = context.submit(survey, stream, window, quirks, known[stream], today=today, again=again)
            surveys.append((stream, window, again, pending))
    # The first rows need it: imported beside the first requests, it is there when their replies are.
    context.start(load_pandas)
    tasks = []
    late: dict[Stream, set[date]] = {stream: set() for stream in days}
    for stream, window, again, pending in surveys:
        try:
            found = context.result(pending)
        except ExecutorFailed:
            raise
        except VoxlakeError as error:
            record.fail(stream, error)
            continue
        record.learn(stream, found.quirks)
        record.surveyed[stream].update(found.counted)
        if found.oldest_day is not None:
            record.refuse(stream, found.oldest_day, today=today)
        announce.surveyed(context.events, stream.name, window.days, len(found.pieces))
        late[stream] |= found.late
        tasks += [
            WindowTask(
                stream,
                piece,
                counted=n,
                anchored=found.anchored,
                read_before=record.rows_of(stream, piece) if again else None,
                shown=found.shown,
            )
            for piece, n in found.pieces
        ]
    return tasks, late


def _look_back(context: Context, record: Recorder, stream: Stream, window: Window) -> LookBack | None:
    """Return the page to ask for in place of a count of a window, if replies of the API can be believed so far."""
    if record.contradicted:
        return None
    return look_back(
        window,
        record.day_files(stream),
        record.quirks[stream],
        latest=max(record.manifest.known_days(record.account_id, stream.name), default=None),
        oldest=first_given(record.learned, record.account_id, stream),
        now=context.clock.now(),
        settles=context.finality.time,
    )
