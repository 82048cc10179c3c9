"""What every run works with, as one frozen value: the API, the lake, the database, the time, and who does the work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from voxlake.errors import ExecutorFailed, VoxlakeError
from voxlake.lake import Manifest
from voxlake.pipeline.shared import Shared
from voxlake.pipeline.two_clocks import earlier
from voxlake.pipeline.work import Done, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Executor, Future
    from datetime import datetime

    from voxlake.api import HistoryApi
    from voxlake.clock import Clock
    from voxlake.events import Emitter
    from voxlake.lake import Lake
    from voxlake.model import DayKey, FinalityPolicy
    from voxlake.pipeline.accounts import Identity
    from voxlake.warehouse import Warehouse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of a run, for one account. The caller holds it in the lake, and shuts the executor down.

    `identity` is what the settings say of the account; without it, nothing is learned of that.
    """

    history: HistoryApi
    lake: Lake
    warehouse: Warehouse
    clock: Clock
    executor: Executor
    finality: FinalityPolicy
    identity: Identity | None = None
    shared: Shared = field(default_factory=Shared)

    def now(self) -> datetime:
        """Return the time in UTC, by the machine's clock or the API's: the earlier of both."""
        return earlier(self.clock, self.history)

    @property
    def events(self) -> Emitter:
        """Who hears of what happens: the emitter that the API client was made with."""
        return self.history.events

    def submit(self, task: Callable[..., T], *arguments: Any, **named: Any) -> Future[Done[T]]:
        """Hand the executor a task, a function of the history and further arguments, all of which can be pickled.

        Raises:
            ExecutorFailed: the executor takes no more tasks.

        """
        return self.start(Work(task, self.history, arguments, named))

    def start(self, call: Callable[..., T], *arguments: Any) -> Future[T]:
        """Hand the executor any call; raises what `submit` raises."""
        self.shared.check()
        try:
            return self.executor.submit(call, *arguments)
        except Exception as error:
            raise _executor_failed(error) from error

    def result(self, future: Future[Done[T]]) -> T:
        """Return what a task returned, or raise what it raised, once its events were forwarded.

        What it has written elsewhere lies aside in the lake then.

        Raises:
            ExecutorFailed: the executor has died, or lost the task.
            StorageFull: what it has written has no room here.

        """
        try:
            done = future.result()
        except Exception as error:
            self.shared.check()
            raise _executor_failed(error) from error
        self.events.forward(done.events)
        self.history.client.take(done.requests, done.clock_offset)
        if done.share is not None:
            self.history.ceiling.take(done.share)
        if done.brought is not None:
            done.brought.take_in(self.lake)
        if done.error is not None:
            raise done.error
        return cast("T", done.value)

    @property
    def windows_at_once(self) -> int:
        """How many windows are read at the same time."""
        return windows_at_once(self.history.client.jobs)


def windows_at_once(jobs: int) -> int:
    """Return how many windows to read at the same time with up to `jobs` requests.

    Each window asks for its own pages side by side, so that more windows would only hold more of them in memory.
    """
    return jobs // 2 + 1


def _executor_failed(error: Exception) -> ExecutorFailed:
    reason = (" ".join(str(error).split()) or "no reason given").rstrip(".")
    said = reason if isinstance(error, ExecutorFailed) else f"{type(error).__name__}: {reason}"
    return ExecutorFailed(
        f"The executor failed ({said}): what was read is kept; run the same again with an executor that works."
    )


def open_manifest(
    lake: Lake, warehouse: Warehouse, *, now: datetime, account_ids: Collection[int] | None = None
) -> Manifest:
    """Return the manifest of some accounts of a lake, or of all.

    Where the index is missing, the published database says which days there were. Days that were exported later than
    `now` (UTC) count as not verified.
    """

    def published(accounts: Collection[int] | None) -> set[DayKey]:
        try:
            return warehouse.days(accounts)
        except VoxlakeError:
            return set()

    return Manifest(lake, published, now=now, account_ids=account_ids)
