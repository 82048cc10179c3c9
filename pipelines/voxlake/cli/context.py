"""Build what a run works with from the settings: client, lake, database, clock and threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voxlake.cli.account import api_and_archive, keeping
from voxlake.cli.options import the_clock
from voxlake.errors import SettingsError
from voxlake.pipeline import Context, DayRange
from voxlake.transform import STREAMS
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from voxlake.cli.settings import Settings
    from voxlake.lake import Lake
    from voxlake.transform import Stream

_FIRST_YEAR = 2000


@contextmanager
def run_context(
    settings: Settings, lake: Lake, *, workers: int, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Iterator[Context]:
    """Yield the context of one run, with `workers` threads; on an error, tasks that have not begun are dropped.

    The caller holds the lock of the lake, unless the run only plans.
    """
    history, archive = api_and_archive(settings)
    executor = ThreadPoolExecutor(workers)
    with keeping(archive):
        try:
            yield Context(
                history, lake, Warehouse(lake.root), the_clock(), executor, settings.finality, on_progress=on_progress
            )
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
        executor.shutdown()
        history.close()


def streams_of(name: str) -> list[Stream]:
    """Return the streams that an argument names: one, or all."""
    return list(STREAMS.values()) if name == "all" else [STREAMS[name]]


def day_range(
    first: date | None, end: date | None, *, limit: date, names: tuple[str, str] = ("--since", "--until")
) -> DayRange:
    """Return the UTC days `[first, end)`, with an end that is at most `limit`.

    Raises:
        SettingsError: the range is empty, in the future, or older than any message.

    """
    today = the_clock().now().date()
    if first and end and first >= end:
        raise SettingsError(f"{names[0]} {first} is not before {names[1]} {end}: the end is excluded.")
    if first and first > today:
        raise SettingsError(f"{names[0]} {first} is in the future: the last UTC day is {today}.")
    if first and first.year < _FIRST_YEAR:
        raise SettingsError(f"{names[0]} {first} is older than any message: use a day from {_FIRST_YEAR} on.")
    return DayRange(first, min(end or limit, limit))
