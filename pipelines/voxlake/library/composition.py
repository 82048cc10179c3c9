"""What a run works with: the lock of the data directory, its parts as a `Context`, and an executor."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voxlake.lake import Lake, ReplyArchive
from voxlake.pipeline import Context
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from voxlake.clock import Clock
    from voxlake.events import Listener
    from voxlake.library.account import Account
    from voxlake.model import FinalityPolicy


def holder(clock: Clock) -> str:
    """Return the name under which this process holds the lock."""
    return f"process {os.getpid()} on {os.uname().nodename}, since {clock.now():%Y-%m-%d %H:%M:%S} UTC"


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
    own = None if executor is not None else ThreadPoolExecutor(workers, thread_name_prefix="voxlake")
    used = executor or own
    assert used is not None  # noqa: S101 - one of the two
    wait = True
    try:
        yield Context(history, lake, Warehouse(lake.root), account.clock, used, finality)
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException:
        wait = False
        raise
    finally:
        if own is not None:
            own.shutdown(wait=wait, cancel_futures=True)
        if archive is not None:
            archive.close()
        if wait:
            history.close()
