"""Read what cannot be split in time: as deep as the API goes, then by the values of the stream's own column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected
from voxlake.extract.paginate import Reading, walk
from voxlake.extract.quirks import RANGE_CODES, bounds_of_day
from voxlake.extract.split import dense_second
from voxlake.extract.verify import rows_of
from voxlake.model import SECOND, Window, WindowRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.extract.source import PageSource

_MORE = "the API gives out"

Attempt = tuple[WindowRows, list[Reading]]
"""The best rows of several tries, and all readings that were made for them."""


def read_unsplittable(source: PageSource, window: Window, asked: Window) -> Attempt:
    """Read a second, or a day of an API that ignores the time of day; `asked` are the dates to ask for.

    Raises:
        ApiRejected: the API refuses the span of a second, or any span for a reason of its own.

    """
    if asked.seconds >= source.quirks.longest_window and window.seconds > 1:
        return _by_bounds_of_day(source, window, {})
    readings: list[Reading] = []
    if source.quirks.ignores_time and source.quirks.day_bounds is not None:
        rows, readings = _by_bounds_of_day(source, window, {})
        if rows.verified:
            return rows, readings
    try:
        reading = walk(source, asked, deep=True)
    except ApiRejected as error:
        if error.code not in RANGE_CODES or window.seconds == 1:
            raise
        return _by_bounds_of_day(source, window, {})
    is_tried = bool(readings)
    rows, readings = rows_of(reading, window, source.stream), [*readings, reading]
    if not rows.verified and source.quirks.ignores_time and not is_tried:
        # What is too deep may be a day beside it.
        alone, more = _by_bounds_of_day(source, window, {asked: reading})
        rows, readings = alone if alone.verified else rows, [*readings, *more]
    if rows.verified or source.stream.own in source.filters:
        return rows, readings
    merged, more = _by_own_column(source, window, asked, whole=reading.totals[-1] if reading.totals else 0)
    readings += more
    if merged.verified:
        return merged, readings
    best = _fuller(rows, merged)
    deep = next(filter(None, (dense_second(each, window) for each in readings)), None)
    if deep is not None and not source.quirks.ignores_time and reading.totals:
        source.learn(deep_seconds=frozenset({(deep.start, reading.totals[0])}))
    return replace(best, problem=f"{deep or window} holds more rows than {_MORE}: {best.problem}"), readings


def read_as_before(source: PageSource, window: Window, asked: Window) -> WindowRows | None:
    """Return no rows of a few seconds that an earlier run could not read whole, for the price of one count.

    None is returned where there is no such second, or the API counts something else now.
    """
    known = [(Window(at, at + SECOND), total) for at, total in source.known_deep if at in window]
    if not known or source.total(asked) != known[0][1]:
        return None
    deep, total = known[0]
    problem = f"{deep} holds more rows than {_MORE}: it counts {total:,}, as when it was tried before"
    return WindowRows(window, source.stream.schema.empty_table(), total, problem=problem)


def _by_own_column(source: PageSource, window: Window, asked: Window, *, whole: int) -> Attempt:
    """Read a window once for each value of the column that the API can select by; the counts must add up.

    A value that all of the `whole` rows have, and that is too deep, would give the same rows again.
    """
    own = source.stream.own
    readings: list[Reading] = []
    for value in source.stream.filters:
        reading = walk(source, asked, filters={own: value})
        if not reading.complete and reading.totals[-1] >= whole:
            return rows_of(reading, window, source.stream), [*readings, reading]
        readings.append(reading if reading.complete else walk(source, asked, deep=True, filters={own: value}))
    totals = [sum(reading.totals[-1] for reading in readings), source.total(asked)]
    merged = Reading([page for reading in readings for page in reading.pages], totals)
    return rows_of(merged, window, source.stream), readings


def _by_bounds_of_day(source: PageSource, window: Window, walked: Mapping[Window, Reading]) -> Attempt:
    """Read a day of an API that ignores the time of day, and allows no window that holds it whatever bounds mean.

    Such an API gives all of a day with any row of it, and the pair of bounds that selects one day selects every day.
    What was `walked` between two dates is not asked for again.
    """
    best = WindowRows(window, source.stream.schema.empty_table(), 0)
    readings: list[Reading] = []
    known = source.quirks.day_bounds
    for number, asked in sorted(enumerate(bounds_of_day(window.start.date())), key=lambda each: each[0] != known):
        if asked.seconds >= source.quirks.longest_window and asked not in walked:
            continue
        try:
            reading = walked.get(asked) or walk(source, asked, deep=True)
        except ApiRejected:
            continue
        readings.append(reading)
        rows = rows_of(reading, window, source.stream)
        if rows.table.num_rows:
            source.learn(day_bounds=number)
        # Where the pair that shows a day gives some of it, the others give no more.
        if (rows.table.num_rows and (rows.verified or number == known)) or (rows.verified and number == known):
            return rows, readings
        best = _fuller(best, rows)
    problem = f"the API looks at whole days, and allows no window that surely holds {window.start:%Y-%m-%d}"
    return replace(best, problem=problem), readings


def _fuller(one: WindowRows, other: WindowRows) -> WindowRows:
    """Return what has more rows, the first of two that have as many."""
    return max((one, other), key=lambda rows: rows.table.num_rows)
