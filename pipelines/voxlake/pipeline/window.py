"""Read one window into the lake: the unit of work, a function of picklable arguments with a picklable result."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.errors import CeilingReached, DataError, VoxlakeError
from voxlake.extract import ApiQuirks, WindowReader, days_of_messages, rows_of
from voxlake.model import DAY, DayFile, DayKey, Window, WindowRows, midnight
from voxlake.pipeline import announce
from voxlake.pipeline.day import DayDraft, WrittenDay, seal_day
from voxlake.pipeline.two_clocks import earlier, offset, require_usable_clock
from voxlake.transform import Stream, integers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.clock import Clock
    from voxlake.extract import CountedDay, Shown
    from voxlake.lake import Lake
    from voxlake.model import FinalityPolicy


@dataclass(frozen=True, slots=True)
class WindowTask:
    """A window of whole UTC days to read, and everything that reading it depends on.

    `counted` is how many rows were just counted of exactly this window, with `anchored` together with rows that are
    known; `counts` is how many were counted of some of its days alone; `previous` are the files that its days have;
    `force` takes the API's word against messages that it does not report any more, `finality` says when a day is final.
    Where the window was read before in this run, `read_before` is how many rows came. Where the page that stood for its
    survey is its reading, too, that is `shown`, and no page is asked for.
    """

    stream: Stream
    window: Window
    quirks: ApiQuirks = field(default_factory=ApiQuirks)
    counted: int | None = None
    anchored: bool = False
    counts: Mapping[date, int] = field(default_factory=dict)
    previous: tuple[DayFile, ...] = ()
    force: bool = False
    finality: FinalityPolicy | None = None
    read_before: int | None = None
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class WindowResult:
    """The days that were sealed aside, and what ended the work early, if anything.

    `quirks` is what is known of the API after the reading; `moved_to` are days on which messages lie now that lay on
    one of these.
    """

    written: tuple[WrittenDay, ...]
    quirks: ApiQuirks
    moved_to: frozenset[date] = frozenset()
    error: VoxlakeError | None = None

    @property
    def unproved_empty(self) -> set[date]:
        """The days without a row that nothing proves to be empty."""
        day_files = (written.day_file for written in self.written)
        return {day_file.key.date for day_file in day_files if not (day_file.counted or day_file.verified)}


def read_window(history: HistoryApi, lake: Lake, clock: Clock, task: WindowTask) -> WindowResult:
    """Read a window, and seal the file of each of its days aside as soon as the day is whole.

    A day in progress is read up to the present second; one that has not begun by the earlier of two clocks has no file.
    Errors of the API or the disk are part of the result: days that were sealed before stay.
    """
    shown = task.shown
    # By the earlier clock, too: perhaps the API's time came with the reply.
    asked_at = None if shown is None else shown.asked_at + min(offset(history), timedelta())
    until = earlier(clock, history) if asked_at is None else asked_at
    asked = Window(task.window.start, min(task.window.end, until.replace(microsecond=0)))
    previous = {day_file.key.date: day_file for day_file in task.previous}
    held = _held_ids(lake, {} if task.force else previous)
    reader = WindowReader(
        history,
        task.stream,
        task.quirks,
        counted=task.counted,
        held=held,
        read_before=task.read_before,
        surplus=lambda window: sum(previous[day].surplus for day in window.days if day in previous),
    )
    written: list[WrittenDay] = []
    moved_to: set[date] = set()
    draft, error = None, None
    rows, began = 0, clock.time()
    try:
        confirmed = False
        pieces = _pieces_by_day(_twice_where_emptied(reader, asked, previous), task, asked)
        if shown is not None:
            pieces = ((piece, not shown.is_news) for piece in pieces_by_day([rows_shown(shown, asked, task.stream)]))
        for piece, is_agreed in pieces:
            confirmed |= is_agreed
            require_usable_clock(clock, history)
            if midnight(_day(piece)) >= earlier(clock, history):
                continue
            if draft is None:
                key = DayKey(history.account_id, task.stream.name, _day(piece))
                draft = DayDraft(lake, task.stream, key, previous.get(key.date))
            draft.add(piece)
            rows += piece.table.num_rows
            day_is_over = piece.window.end == midnight(_day(piece)) + DAY
            if not day_is_over and piece.window.end != asked.end:
                continue
            # Of the seconds since a day in progress was asked for, nothing is known.
            at = asked_at or earlier(clock, history)
            at = at if day_is_over else min(asked.end, at)
            old = previous.get(_day(piece))
            believed = confirmed or is_confirmed(draft.counted, task.counts)
            day = seal_day(lake, draft, old, at=at, force=task.force, confirmed=believed, finality=task.finality)
            draft = None
            written.append(day)
            if day.unaccounted:
                with suppress(CeilingReached):
                    moved_to |= days_of_messages(history, task.stream, _day(piece), day.unaccounted)
        seconds = clock.time() - began
        announce.window_read(
            history.events,
            task.stream.name,
            asked,
            rows=rows,
            requests=reader.requests + (shown is not None),
            seconds=seconds,
        )
    except VoxlakeError as problem:
        error = problem
    finally:
        if draft is not None:
            draft.discard()
    return WindowResult(tuple(written), reader.quirks, frozenset(moved_to), error)


def _held_ids(lake: Lake, day_files: Mapping[date, DayFile]) -> Callable[[Window], Any]:
    """Return a function that gives the ids that the lake has of a window as an array; None where not all are proved."""

    def held(window: Window) -> Any:
        files = [day_files.get(day) for day in window.days]
        if window != Window.of_days(window.days[0], window.days[-1]) or not all(map(_is_proved, files)):
            return None
        with suppress(DataError):
            tables = (table for file in files if file for table in lake.read_rows(file.key, ["message_id"]))
            return np.sort(np.concatenate([np.empty(0, np.int64), *(integers(its["message_id"]) for its in tables)]))
        return None

    return held


def _is_proved(day_file: DayFile | None) -> bool:
    """Whether a file has all messages of a whole day that the API gives."""
    if day_file is None or day_file.forgotten:
        return False
    return day_file.verified and day_file.exported_at >= midnight(day_file.key.date) + DAY


def rows_shown(shown: Shown, window: Window, stream: Stream) -> WindowRows:
    """Return the rows of a window that the page of a look back showed."""
    rows = rows_of(shown.reading, window, stream)
    return replace(rows, before=(rows.before or 0) + shown.before)


def is_confirmed(day: CountedDay | None, counts: Mapping[date, int]) -> bool:
    """Whether a second reply already agrees with what one gave of a day: others of its reading, or a count of it alone.

    That there are no rows is not believed of two replies: a count over the whole span follows.
    """
    return day is None or not day.alone or 0 < day.rows == counts.get(day.date)


def agrees_with_survey(rows: WindowRows, task: WindowTask) -> bool:
    """Whether the count before the reading agrees with the rows of a whole window; no rows only with an anchor."""
    if task.counted is None or not rows.verified:
        return False
    inside = int(rows.table.num_rows) + rows.surplus
    if task.anchored:
        return inside == task.counted
    beyond, after = task.counted - inside - (rows.before or 0), rows.after or 0
    # Behind a day in progress, more may have come since the count.
    return inside > 0 and (beyond == after or (rows.window != task.window and 0 <= beyond <= after))


def _twice_where_emptied(
    reader: WindowReader, window: Window, previous: Mapping[date, DayFile]
) -> Iterator[WindowRows]:
    """Yield the pieces of a window; one in which a day is empty that had rows before is read twice to be believed."""
    for piece in reader.read(window):
        held = {day for day in piece.window.days if day in previous and previous[day].counted}
        if held and not held <= _days_with_rows(piece):
            for again in reader.read_again(piece.window):
                if _days_with_rows(again) - _days_with_rows(piece):
                    reader.contradicted()
                yield again
        else:
            yield piece


def _days_with_rows(rows: WindowRows) -> set[date]:
    return set(rows.table["processed_at"].cast("date32").unique().to_pylist())


def _pieces_by_day(windows: Iterable[WindowRows], task: WindowTask, asked: Window) -> Iterator[tuple[WindowRows, bool]]:
    """Cut the rows of windows at midnights, each with whether the count of the whole window agrees with it."""
    for rows in windows:
        is_agreed = rows.window == asked and agrees_with_survey(rows, task)
        yield from ((piece, is_agreed) for piece in pieces_by_day([rows]))


def pieces_by_day(windows: Iterable[WindowRows]) -> Iterator[WindowRows]:
    """Cut the rows of windows at UTC midnights; only proved rows span several days, so their counts can be cut, too."""
    for rows in windows:
        days = rows.window.days
        if len(days) == 1:
            yield rows
            continue
        times = integers(rows.table["processed_at"])
        midnights = [int(midnight(day).timestamp()) * 1_000_000 for day in days]
        cuts = [*np.searchsorted(times, midnights).tolist(), len(times)]
        for day, (start, end) in zip(days, pairwise(cuts), strict=True):
            window = Window(midnight(day), min(midnight(day) + DAY, rows.window.end))
            yield replace(
                rows,
                window=window,
                table=rows.table.slice(start, end - start),
                total=end - start,
                doubled=tuple(at for at in rows.doubled if at in window),
                before=rows.before if day == days[0] else None,
                after=rows.after if day == days[-1] else None,
            )


def _day(piece: WindowRows) -> date:
    return piece.window.start.date()
