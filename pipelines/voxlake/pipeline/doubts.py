"""Find the days that disagree with counts, and say what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.model import Window
from voxlake.pipeline.refresh import differing, learn_lake_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.extract import ClosingSpan
    from voxlake.lake import Lake
    from voxlake.model import DayFile
    from voxlake.transform import Stream

FEW = 2000
"""Rows that are sooner read again than counted by halves."""


def days_in_doubt(
    history: HistoryApi,
    lake: Lake,
    stream: Stream,
    span: ClosingSpan,
    files: Mapping[date, DayFile],
    totals: list[int],
) -> tuple[set[date], str]:
    """Return the days of a span that disagree with counts, found by halving, and in words what is wrong.

    Only days that have ended can be counted exactly. Where it cannot be learned what the API's dates mean, every day is
    in doubt, and where all rows are a page or two: to read these takes fewer requests than to count.
    """
    said = " then ".join(f"{total:,}" for total in dict.fromkeys(totals)) or "nothing that can be compared"
    problem = f"{span.rows:,} messages were read of {_name(span)} where the API counts {said}"
    ended = {day.date: files[day.date] for day in span.days if not day.in_progress}
    doubted = {day.date for day in span.days} - ended.keys()
    is_small = len(ended) == 1 or max(totals, default=0) <= FEW
    bounds = None if is_small else learn_lake_bounds(history, lake, stream, ended)
    if bounds is None or not ended:
        return {day.date for day in span.days}, problem
    window = Window.of_days(min(ended), max(ended))
    differ = differing(history, stream, window, bounds, ended, {})
    # Counts of pieces that all agree do not outweigh those of the whole.
    return (doubted | differ if differ else {day.date for day in span.days}), problem


def _name(span: ClosingSpan) -> str:
    first, last = span.days[0].date, span.days[-1].date
    return str(first) if first == last else f"{first} to {last}"
