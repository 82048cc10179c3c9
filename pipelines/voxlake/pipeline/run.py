"""A run over accounts: each is worked on by a thread of its own, a few at the same time, over one shared executor."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from voxlake.pipeline.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager
    from datetime import datetime

    from voxlake.clock import Clock
    from voxlake.events import Emitter
    from voxlake.lake import AccountRegistry, Lake
    from voxlake.model import FinalityPolicy
    from voxlake.pipeline.account_result import ExportResult
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.plan import DayRange
    from voxlake.transform import Stream
    from voxlake.warehouse import Warehouse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a run has to do for one account; `open` gives its context for the length of a block."""

    account_id: int
    streams: Sequence[Stream]
    days: DayRange
    open: Callable[[], AbstractContextManager[Context]]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What the accounts of a run have in common; `at_once` of them are worked on at the same time.

    `requests` says how many were sent so far, and `least_requests` how many would have sufficed; `note` is called with
    what was done, once nothing is left but to publish it. `registry` is what is known of accounts, which the run saves
    once. With `compacts`, an export ends with bringing months that are final into one file each.
    """

    lake: Lake
    warehouse: Warehouse
    clock: Clock
    executor: Executor
    finality: FinalityPolicy
    events: Emitter
    requests: Callable[[], int]
    shared: Shared = field(default_factory=Shared)
    at_once: int = 1
    registry: AccountRegistry | None = None
    compacts: bool = False
    least_requests: Callable[[], int] = lambda: 0
    note: Callable[[ExportResult], None] = lambda _result: None

    def now(self) -> datetime:
        """Return the time in UTC, by the machine's clock or the API's: the earlier of both."""
        return self.clock.now() + timedelta(seconds=self.shared.behind)

    @classmethod
    def of(cls, context: Context) -> Run:
        """Return the run of one account."""
        return cls(
            context.lake,
            context.warehouse,
            context.clock,
            context.executor,
            context.finality,
            context.events.of(None),
            lambda: context.history.requests,
            context.shared,
            registry=None if context.identity is None else context.identity.registry,
            least_requests=lambda: context.history.ceiling.least_of_all,
        )


def side_by_side(run: Run, assignments: Sequence[Assignment], work: Callable[[Assignment], T]) -> list[T]:
    """Return what `work` returns for each account, in order, and raise what it raises.

    A single account needs no thread. When anything is raised, the other accounts end at their next step.
    """
    if len(assignments) <= 1:
        return [work(assignment) for assignment in assignments]
    threads = ThreadPoolExecutor(min(run.at_once, len(assignments)), thread_name_prefix="voxlake-account")
    patient = True
    try:
        futures = [threads.submit(work, assignment) for assignment in assignments]
        for future in wait(futures, return_when=FIRST_EXCEPTION).done:
            future.result()
        return [future.result() for future in futures]
    except BaseException as error:
        patient = isinstance(error, (Exception, KeyboardInterrupt))
        run.shared.stop()
        # What has begun ends first, because it writes into the lake; what waits is dropped.
        run.executor.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        threads.shutdown(wait=patient, cancel_futures=True)
