"""What a run works with: the lock of the data directory, its parts as a `Context`, and an executor."""

from __future__ import annotations

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from voxlake.lake import AccountFacts, AccountRegistry, Lake, ReplyArchive
from voxlake.pipeline import Context, Identity
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from voxlake.clock import Clock
    from voxlake.events import Listener
    from voxlake.library.account import Account
    from voxlake.model import FinalityPolicy

P = ParamSpec("P")
T = TypeVar("T")


def holder(clock: Clock) -> str:
    """Return the name under which this process holds the lock."""
    return f"process {os.getpid()} on {os.uname().nodename}, since {clock.now():%Y-%m-%d %H:%M:%S} UTC"


class Borrowed(Executor):
    """An executor of the caller's, for the length of one run: `shutdown` ends the tasks of the run, and leaves it."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._tasks: set[Future[Any]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand a task on."""
        future = self._executor.submit(fn, *args, **kwargs)
        self._tasks.add(future)
        future.add_done_callback(self._tasks.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel what has not begun, if that is asked for, and wait for the rest."""
        tasks = list(self._tasks)
        if cancel_futures:
            for task in tasks:
                task.cancel()
        if wait:
            wait_for(tasks)


def _identity(account: Account, lake: Lake) -> Identity:
    """Return what the settings say of an account, beside what is known of all."""
    stated = AccountFacts(
        account_id=account.account_id,
        name=account.name,
        parent_id=account.parent_id,
        currency=account.currency,
        time_zone=account.time_zone,
    )
    return Identity(stated, AccountRegistry(lake))


@contextmanager
def run_context(
    account: Account,
    lake: Lake,
    *,
    finality: FinalityPolicy,
    workers: int,
    executor: Executor | None = None,
    keep_raw: bool = False,
    on_event: Listener | None = None,
) -> Iterator[Context]:
    """Yield the context of one run; the caller holds the lock of the lake, unless the run only plans.

    An executor that is passed in is used and left running; without one there are `workers` threads. After an error the
    tasks that have not begun are dropped, and those that have are waited for, because they write into the lake; not
    after what ends the process.
    """
    archive = ReplyArchive(lake.layout, account.account_id, clock=account.clock) if keep_raw else None
    history = account.history(archive, on_event)
    used = ThreadPoolExecutor(workers, thread_name_prefix="voxlake") if executor is None else Borrowed(executor)
    wait = True
    try:
        yield Context(history, lake, Warehouse(lake.root), account.clock, used, finality, _identity(account, lake))
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException:
        wait = False
        raise
    finally:
        used.shutdown(wait=wait, cancel_futures=True)
        if archive is not None:
            archive.close()
        if wait:
            history.close()
