"""Decide which days are still open, and which of them to ask for together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.model import DAY, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date


def plan(days: Iterable[date], *, final: set[date]) -> list[Window]:
    """Join the days that are not final into windows of neighbours, oldest first."""
    windows: list[Window] = []
    for day in sorted(set(days) - final):
        following = Window.of_days(day, day)
        if windows and windows[-1].end == following.start:
            windows[-1] = Window(windows[-1].start, following.end)
        else:
            windows.append(following)
    return windows


def chunks(window: Window, *, rows: int, most: int) -> Iterator[Window]:
    """Cut a window of whole days into spans that should each hold at most `most` of its `rows`.

    Quiet days stay together, so that a quiet month costs one request; busy days stand alone.
    """
    days = window.days
    per_chunk = max(1, min(len(days), most * len(days) // max(rows, 1)))
    for first in range(0, len(days), per_chunk):
        span = days[first : first + per_chunk]
        yield Window.of_days(span[0], span[-1])


def span(first: date, end: date) -> list[date]:
    """List the days of `[first, end)`."""
    return [first + DAY * n for n in range((end - first).days)]
