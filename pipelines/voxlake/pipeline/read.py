"""Read days: survey them, cut them into windows, and read the windows side by side into the lake."""

from __future__ import annotations

from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import suppress
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from voxlake.errors import ExecutorFailed, Refused, VoxlakeError
from voxlake.lake import erased_in
from voxlake.pipeline import announce
from voxlake.pipeline.confirm import confirm
from voxlake.pipeline.place import place
from voxlake.pipeline.plan import begun
from voxlake.pipeline.retention import is_refused_for_age
from voxlake.pipeline.shifted_dates import learn_shifted_dates
from voxlake.pipeline.surveyed import survey_days
from voxlake.pipeline.two_clocks import require_usable_clock
from voxlake.pipeline.window import WindowResult, read_window

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from concurrent.futures import Future
    from datetime import date

    from voxlake.model import DayFile
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.database import EarlyBuild
    from voxlake.pipeline.recorder import Recorder
    from voxlake.pipeline.window import WindowTask
    from voxlake.pipeline.work import Done
    from voxlake.transform import Stream


ROUNDS = 3
"""How often days are read whose counts do not agree with what was read of them."""


def read_days(
    context: Context,
    days: Mapping[Stream, Collection[date]],
    record: Recorder,
    database: EarlyBuild,
    *,
    force: bool = False,
) -> None:
    """Read days, record each as soon as it is in the lake, and go on with the days to which messages moved from them.

    A day that lost messages to one that was read after it is read again, a few times at most. What was read is then
    held against counts of its own, and days that disagree are read again.
    """
    for _ in range(ROUNDS):
        _read_all(context, days, record, database, force=force)
        _read_all(context, learn_shifted_dates(context, record), record, database, force=force)
        days = confirm(context, record)
        for stream, its in days.items():
            if its:
                announce.days_doubted(context.events, stream.name, its)
        if not any(days.values()):
            break
    record.announce_days()


def _read_all(
    context: Context,
    days: Mapping[Stream, Collection[date]],
    record: Recorder,
    database: EarlyBuild,
    *,
    force: bool,
) -> None:
    """Read days, and go on with the days to which messages moved from them."""
    while any(days.values()):
        now = context.now()
        erased = erased_in(context.lake)
        started = {
            stream: [day for day in begun(sorted(its), now) if not erased.is_retained(record.key(stream, day))]
            for stream, its in days.items()
        }
        for stream, its in started.items():
            record.wanted[stream].update(its)
        days = _read_once(context, started, record, database, force=force)


def _read_once(
    context: Context,
    days: Mapping[Stream, Sequence[date]],
    record: Recorder,
    database: EarlyBuild,
    *,
    force: bool,
) -> dict[Stream, set[date]]:
    """Read days and return those to be read after them."""
    bounds = {stream: record.quirks[stream].day_bounds for stream in days}
    tasks, late = survey_days(context, days, record, force=force)
    _learn_the_time(context, tasks, record)
    require_usable_clock(context.clock, context.history)
    # The first replies may have shown that some days have not begun.
    tasks = [task for task in tasks if task.window.start < context.now()]
    _mark_beginnings(context, tasks, record)
    tasks = [replace(task, force=force, finality=context.finality) for task in tasks]
    left = Counter(task.stream for task in tasks)
    following: dict[Stream, set[date]] = {stream: late[stream] - record.wanted[stream] for stream in days}
    empty: dict[Stream, set[date]] = {stream: set() for stream in days}
    for task, result in _read_windows(context, tasks, record, database):
        left[task.stream] -= 1
        record.advance(len(task.window.days))
        if result is None:
            continue
        if result.error is not None and not is_refused_for_age(context, record, task, result.error):
            record.fail(task.stream, result.error)
        placed = _place(context, task.stream, result, record)
        database.add(task.stream, placed, last=not left[task.stream])
        following[task.stream] |= result.moved_to - record.wanted[task.stream]
        empty[task.stream] |= result.unproved_empty
    for stream in days:
        following[stream] |= record.take_disturbed(stream)
        # Which bounds show a day was learned on the way: they prove days that seemed to have no rows.
        if record.quirks[stream].day_bounds != bounds[stream]:
            following[stream] |= empty[stream]
        if following[stream]:
            announce.messages_moved(context.events, stream.name, following[stream])
    return following


def _place(context: Context, stream: Stream, result: WindowResult, record: Recorder) -> list[DayFile]:
    """Put the days of a window in place, record them, and return their files."""
    placed = []
    try:
        for written in result.written:
            placement = place(context.lake, record.manifest, written)
            record.place(stream, written, placement)
            placed.append(placement.day_file)
    except VoxlakeError as error:
        record.fail(stream, error)
    return placed


def _learn_the_time(context: Context, tasks: Sequence[WindowTask], record: Recorder) -> None:
    """Have one reply, which tells the API's time, before a first placeholder is written: one count, if none was asked.

    Later exports have no such placeholder; what is wrong with the reply shows when days are read.
    """
    for task in tasks[:1]:
        oldest = record.manifest.oldest(context.history.account_id, task.stream.name)
        if not context.history.requests and (oldest is None or task.window.days[0] < oldest):
            with suppress(VoxlakeError):
                context.history.total(task.stream, task.window)


def _mark_beginnings(context: Context, tasks: Sequence[WindowTask], record: Recorder) -> None:
    """Write an unverified placeholder for the first requested day, so that an interrupted run knows where to resume.

    The next run begins with the oldest day in the lake, and the days of this one come in any order.
    """
    for stream in {task.stream for task in tasks}:
        key = record.key(stream, min(task.window for task in tasks if task.stream is stream).days[0])
        oldest = record.manifest.oldest(key.account_id, stream.name)
        if oldest is None or key.date < oldest:
            try:
                context.lake.put_placeholder(key, "its export has not ended", now=context.now())
            except VoxlakeError as error:
                record.fail(stream, error)


def _read_windows(
    context: Context, tasks: Sequence[WindowTask], record: Recorder, database: EarlyBuild
) -> Iterator[tuple[WindowTask, WindowResult | None]]:
    """Read windows, each with what those before taught of the API; yield each as it ends.

    Few are under way at a time. When the API refuses a stream, the windows of it that wait are yielded without a
    result.

    Raises:
        ExecutorFailed: the executor has failed; what it still had under way was yielded first.

    """
    waiting = deque(tasks)
    running: dict[Future[Done[WindowResult]], WindowTask] = {}
    # What the API's limits mean for a reading is learned by one window, and not by several at the same time.
    limited = {stream for stream, quirks in record.quirks.items() if quirks.longest_window < inf}
    failure: ExecutorFailed | None = None
    while running or (waiting and failure is None):
        try:
            _start(context, waiting, running, record, limited, stopped=failure is not None)
        except ExecutorFailed as error:
            failure = error
        database.prepare()
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            task = running.pop(future)
            context.shared.end_window()
            try:
                result = context.result(future)
            except ExecutorFailed as error:
                failure = error
                continue
            except VoxlakeError as error:
                result = WindowResult((), task.quirks, error=error)
            record.learn(task.stream, result.quirks)
            limited -= {task.stream} if result.quirks.ignores_time is not None else set()
            yield task, result
            if isinstance(result.error, Refused):
                dropped = [other for other in waiting if other.stream is task.stream]
                waiting = deque(other for other in waiting if other.stream is not task.stream)
                for other in dropped:
                    yield other, None
    if failure is not None:
        raise failure


def _start(
    context: Context,
    waiting: deque[WindowTask],
    running: dict[Future[Done[WindowResult]], WindowTask],
    record: Recorder,
    limited: AbstractSet[Stream],
    *,
    stopped: bool,
) -> None:
    """Hand the executor windows that wait, until twice as many are under way as are read at the same time.

    So nobody waits for work while the database loads days. Of streams that are `limited`, one is under way at a time.
    """
    while not stopped and len(running) < 2 * context.windows_at_once:
        busy = limited & {task.stream for task in running.values()}
        free = [task for task in waiting if task.stream not in busy]
        if not free or not context.shared.begin_window(len(running)):
            return
        # At either end there may be no rows, of which nothing is learned.
        task = free[len(free) // 2 if free[0].stream in limited else 0]
        waiting.remove(task)
        previous = tuple(record.day_files(task.stream, task.window.days).values())
        counts = {day: n for day, n in record.counts[task.stream].items() if day in task.window.days}
        task = replace(task, quirks=record.quirks[task.stream], previous=previous, counts=counts)
        running[context.submit(read_window, context.lake, context.clock, task)] = task
