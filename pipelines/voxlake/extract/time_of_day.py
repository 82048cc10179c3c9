"""Learn whether the API looks at the time of day in a bound, before a window inside a day is asked for.

If it does not, a window inside a day selects the whole day, or nothing, and to cut a day in time is useless.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected
from voxlake.extract.quirks import bounds_of_day
from voxlake.extract.verify import may_ignore_time, times_inside, two_instants
from voxlake.model import DAY, SECOND, Window, midnight

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from voxlake.extract.source import PageSource
    from voxlake.model import Page


def learn_time_of_day(source: PageSource, pages: Sequence[Page], day: date) -> None:
    """Add to what is known of the API whether it ignores the time of day; nothing where no row of the UTC day is found.

    If it looks at the time, the seconds around two rows that lie apart cannot both count as many as the whole day.
    `pages` are some that came of that day; where these have no row of it, some are asked for.

    Raises:
        ApiRejected: the API refuses to count a few seconds.

    """
    start = midnight(day)
    # Beside a midnight, the seconds around a row lie in two days.
    inside = Window(start + 2 * SECOND, start + DAY - 2 * SECOND)
    times = times_inside(pages, inside) or _some_times(source, inside)
    if not times:
        _learn_from_midnight(source, pages, start)
        return
    counts = [source.total(Window(at - SECOND, at + SECOND)) for at in two_instants(times, Window(start, start + DAY))]
    ignores = not any(counts) or (may_ignore_time(counts, len(times)) and sum(counts) > _count_of_day(source, day))
    source.learn(ignores_time=ignores)


def _learn_from_midnight(source: PageSource, pages: Sequence[Page], start: datetime) -> None:
    """Learn the same of rows that all lie in the first second of a day: it is known there, or not at all.

    An API that looks at the time counts them around midnight, whatever bounds mean, and not at noon as well.
    """
    rows = len(times_inside(pages, Window(start, start + SECOND)))
    if not rows:
        return
    around = source.total(Window(start - SECOND, start + SECOND))
    if around >= rows:
        noon = start + DAY / 2
        around += source.total(Window(noon - SECOND, noon + SECOND))
        rows = _count_of_day(source, start.date()) + 1
        if around < rows:
            return
    source.learn(ignores_time=True)


def _count_of_day(source: PageSource, day: date) -> int:
    """Return the least count of a day that holds anything: the others hold a second or a day beside it, too."""
    counts = []
    for asked in bounds_of_day(day):
        with suppress(ApiRejected):
            counts.append(source.total(asked))
    return min(filter(None, counts), default=0)


def _some_times(source: PageSource, inside: Window) -> list[datetime]:
    """Ask for some rows of a day, from the beginning and the middle of what each pair of bounds selects."""
    # Whatever bounds mean, one of these pairs selects the day alone, and not first the days beside it.
    for asked in bounds_of_day(inside.start.date()):
        # One of them is longer than a day, which may be all that the API allows.
        if asked.seconds >= source.quirks.longest_window:
            continue
        with suppress(ApiRejected):
            for offset in _two_offsets(source, asked):
                with suppress(ApiRejected):
                    times = times_inside([source.page(asked, offset=offset)], inside)
                    if times:
                        return times
    return []


def _two_offsets(source: PageSource, asked: Window) -> list[int]:
    """Return the first offset, and one in the middle that is not too deep, if that is another; none without a row."""
    deepest = source.quirks.deepest_offset - source.quirks.page_size
    total = source.total(asked)
    return sorted({0, max(min(total // 2, deepest), 0)}) if total else []
