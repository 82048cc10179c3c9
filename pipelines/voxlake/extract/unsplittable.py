"""Read what cannot be split in time: as deep as the API goes, then by the values of the stream's own column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected
from voxlake.extract.paginate import Reading, walk
from voxlake.extract.quirks import RANGE_CODES, bounds_of_day
from voxlake.extract.verify import rows_of
from voxlake.model import Window, WindowRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.extract.source import PageSource

Attempt = tuple[WindowRows, list[Reading]]
"""The best rows of several tries, and all readings that were made for them."""


def read_unsplittable(source: PageSource, window: Window, asked: Window) -> Attempt:
    """Read a second, or a day of an API that ignores the time of day; `asked` are the dates to ask for.

    Raises:
        ApiRejected: the API refuses the span of a second, or any span for a reason of its own.

    """
    try:
        reading = walk(source, asked, deep=True)
    except ApiRejected as error:
        if error.code not in RANGE_CODES or window.seconds == 1:
            raise
        return _by_bounds_of_day(source, window, {})
    rows, readings = rows_of(reading, window, source.stream), [reading]
    if not rows.verified and source.quirks.ignores_time:
        # What is too deep may be a day beside it.
        alone, more = _by_bounds_of_day(source, window, {asked: reading})
        rows, readings = alone if alone.verified else rows, [*readings, *more]
    if rows.verified or source.stream.own in source.filters:
        return rows, readings
    merged, more = _by_own_column(source, window, asked)
    readings += more
    if merged.verified:
        return merged, readings
    best = _fuller(rows, merged)
    return replace(best, problem=f"{window} holds more rows than the API gives out: {best.problem}"), readings


def _by_own_column(source: PageSource, window: Window, asked: Window) -> Attempt:
    """Read a window once for each value of the column that the API can select by; the counts must add up."""
    own = source.stream.own
    readings = [walk(source, asked, deep=True, filters={own: value}) for value in source.stream.filters]
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
    for number, asked in enumerate(bounds_of_day(window.start.date())):
        try:
            reading = walked.get(asked) or walk(source, asked, deep=True)
        except ApiRejected:
            continue
        readings.append(reading)
        rows = rows_of(reading, window, source.stream)
        if rows.table.num_rows:
            source.learn(day_bounds=number)
        if rows.verified and (rows.table.num_rows or number == known):
            return rows, readings
        best = _fuller(best, rows)
    problem = f"the API looks at whole days, and allows no window that surely holds {window.start:%Y-%m-%d}"
    return replace(best, problem=problem), readings


def _fuller(one: WindowRows, other: WindowRows) -> WindowRows:
    """Return what has more rows, the first of two that have as many."""
    return max((one, other), key=lambda rows: rows.table.num_rows)
