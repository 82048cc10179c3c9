"""What every run works with, as one frozen value: the API, the lake, the database, the time, and who does the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.errors import VoxlakeError
from voxlake.lake import Manifest
from voxlake.pipeline.two_clocks import earlier

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from datetime import datetime

    from voxlake.api import HistoryApi
    from voxlake.clock import Clock
    from voxlake.events import Emitter
    from voxlake.lake import Lake
    from voxlake.model import DayKey, FinalityPolicy
    from voxlake.warehouse import Warehouse


def _ignore(_done: int, _planned: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of a run. The caller holds the lock of the lake, and shuts the executor down.

    `on_progress` is called with the numbers of days done and days planned, in the thread that runs the export.
    """

    history: HistoryApi
    lake: Lake
    warehouse: Warehouse
    clock: Clock
    executor: Executor
    finality: FinalityPolicy
    on_progress: Callable[[int, int], None] = _ignore

    def now(self) -> datetime:
        """Return the time in UTC, by the machine's clock or the API's: the earlier of both."""
        return earlier(self.clock, self.history)

    @property
    def events(self) -> Emitter:
        """Who hears of what happens: the emitter that the API client was made with."""
        return self.history.events

    @property
    def windows_at_once(self) -> int:
        """How many windows are read at the same time."""
        return windows_at_once(self.history.client.jobs)


def windows_at_once(jobs: int) -> int:
    """Return how many windows to read at the same time with up to `jobs` requests.

    Each window asks for its own pages side by side, so that more windows would only hold more of them in memory.
    """
    return jobs // 2 + 1


def open_manifest(lake: Lake, warehouse: Warehouse, *, now: datetime) -> Manifest:
    """Return the manifest of a lake; where its index is missing, the published database tells which days there were.

    Days that were exported later than `now` (UTC) count as not verified.
    """

    def published() -> set[DayKey]:
        try:
            return warehouse.days()
        except VoxlakeError:
            return set()

    return Manifest(lake, published, now=now)
