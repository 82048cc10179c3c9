"""Read one window into the lake: the unit of work, a function of picklable arguments with a picklable result."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from voxlake.errors import VoxlakeError
from voxlake.extract import ApiQuirks, WindowReader, days_of_messages
from voxlake.model import DAY, DayFile, DayKey, Window, WindowRows, midnight
from voxlake.pipeline.day import DayDraft, WrittenDay, put_day
from voxlake.pipeline.two_clocks import earlier, require_usable_clock
from voxlake.transform import Stream, integers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.clock import Clock
    from voxlake.lake import Lake


@dataclass(frozen=True, slots=True)
class WindowTask:
    """A window of whole UTC days to read, and everything that reading it depends on.

    `counted` is how many rows were just counted of exactly this window; `previous` are the files that its days have;
    `elsewhere` are messages that may leave their day, because another day has them; `force` takes the API's word
    against messages that it does not report any more.
    """

    stream: Stream
    window: Window
    quirks: ApiQuirks = field(default_factory=ApiQuirks)
    counted: int | None = None
    previous: tuple[DayFile, ...] = ()
    elsewhere: frozenset[int] = frozenset()
    force: bool = False


@dataclass(frozen=True, slots=True)
class WindowResult:
    """The days that were written, and what ended the work early, if anything.

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
        return {day_file.key.date for day_file in day_files if not (day_file.row_count or day_file.verified)}


def read_window(history: HistoryApi, lake: Lake, clock: Clock, task: WindowTask) -> WindowResult:
    """Read a window, and put the file of each of its days in place as soon as the day is whole.

    A day in progress is read up to the present second; one that has not begun by the earlier of two clocks has no file.
    Errors of the API or the disk are part of the result: days that were written before stay.
    """
    asked = Window(task.window.start, min(task.window.end, earlier(clock, history).replace(microsecond=0)))
    previous = {day_file.key.date: day_file for day_file in task.previous}
    reader = WindowReader(history, task.stream, task.quirks, counted=task.counted)
    written: list[WrittenDay] = []
    moved_to: set[date] = set()
    draft, error = None, None
    try:
        for piece in pieces_by_day(reader.read(asked)):
            require_usable_clock(clock, history)
            if midnight(_day(piece)) >= earlier(clock, history):
                continue
            if draft is None:
                draft = DayDraft(lake, task.stream, DayKey(history.account_id, task.stream.name, _day(piece)))
            draft.add(piece)
            day_is_over = piece.window.end == midnight(_day(piece)) + DAY
            if not day_is_over and piece.window.end != asked.end:
                continue
            # Of the seconds since a day in progress was asked for, nothing is known.
            at = earlier(clock, history)
            at = at if day_is_over else min(asked.end, at)
            old = previous.get(_day(piece))
            day = put_day(lake, draft, old, at=at, elsewhere=task.elsewhere, force=task.force)
            draft = None
            written.append(day)
            if day.unaccounted:
                moved_to |= days_of_messages(history, task.stream, _day(piece), day.unaccounted)
    except VoxlakeError as problem:
        error = problem
    finally:
        if draft is not None:
            draft.discard()
    return WindowResult(tuple(written), reader.quirks, frozenset(moved_to), error)


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
            yield WindowRows(window, rows.table.slice(start, end - start), end - start)


def _day(piece: WindowRows) -> date:
    return piece.window.start.date()
