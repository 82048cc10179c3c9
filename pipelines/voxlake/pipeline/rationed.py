"""An executor of other processes, by which tasks are done within one limit of requests for the whole run."""

from __future__ import annotations

import pickle
import threading
from collections import Counter
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from voxlake.api import hear, limiters
from voxlake.errors import ExecutorFailed
from voxlake.lake import Lake
from voxlake.model import DayKey
from voxlake.pipeline.carried import MOST, carried
from voxlake.pipeline.window import WindowTask
from voxlake.pipeline.work import Done, Work
from voxlake.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_ROW: Final = 32
"""Bytes of a row in a file, at most: 14 to 19 were measured."""
_SETTLES: Final = 0.005
"""Seconds in which tasks come that are submitted one after the other, and that share what is free."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A task on its way to another process; a key for the API is inside, so that its repr says nothing of it."""

    version: str
    content: bytes = field(repr=False)

    @classmethod
    def of(cls, work: Callable[[], Any]) -> Parcel:
        """Return a task packed."""
        return cls(__version__, pickle.dumps(work, protocol=pickle.HIGHEST_PROTOCOL))

    def __call__(self) -> Any:
        """Do the task. Raises ExecutorFailed where another version of voxlake sent it."""
        if self.version != __version__:
            raise ExecutorFailed(f"a worker has voxlake {__version__}, and the run has {self.version}")
        return pickle.loads(self.content)()  # noqa: S301 - of the run, to which the worker belongs


@dataclass(slots=True)
class _Item:
    """A task that waits, or is under way with a share of the requests; `work` is None for what asks nothing.

    `limit` was that of its account when it began.
    """

    future: Future[Any]
    call: Callable[[], Any]
    work: Work[Any] | None
    share: int = 0
    limit: int = 0


class Rationed(Executor):
    """Hands tasks to an executor that does `width` at a time, as soon as there is a share of the requests for them.

    The shares of what is under way are together never more than the limiters of the accounts' clients allow. What a
    task has heard of a limit of the API's counts for all that begin after it. With `several` accounts each task gets
    what is left for one place; else tasks that are submitted together share what is free. With `carries`, tasks take
    along and bring back the files of their days; those that cannot are done in this process, `here` at a time.
    """

    def __init__(
        self, executor: Executor, *, width: Callable[[], int], here: int, carries: bool, several: bool
    ) -> None:
        self._executor, self._width, self._carries, self._several = executor, width, carries, several
        self._here = ThreadPoolExecutor(here, thread_name_prefix="voxlake-here")
        self._waiting: list[_Item] = []
        self._used: Counter[int] = Counter()
        self._running = 0
        self._changed = threading.Condition()
        self._is_changed = self._ended = False
        threading.Thread(target=self._run, name="voxlake-shares", daemon=True).start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Take a task. Raises RuntimeError after `shutdown`."""
        future: Future[T] = Future()
        with self._changed:
            if self._ended:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._waiting.append(_Item(future, partial(fn, *args, **kwargs), fn if isinstance(fn, Work) else None))
            self._wake()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Drop what has not begun, and wait for the rest if that is asked for."""
        with self._changed:
            self._ended = True
            dropped, self._waiting = self._waiting, []
            self._wake()
        for item in dropped:
            item.future.cancel()
        self._here.shutdown(wait=wait, cancel_futures=cancel_futures)
        self._executor.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _wake(self) -> None:
        self._is_changed = True
        self._changed.notify_all()

    def _run(self) -> None:
        """Begin what can begin, whenever something has changed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_changed)
                self._is_changed = False
                if self._ended:
                    return
            if not self._several:
                threading.Event().wait(_SETTLES)
            with self._changed:
                ready = [item for item in self._waiting if self._take(item)]
                self._waiting = [item for item in self._waiting if item not in ready]
            for item in ready:
                self._begin(item)

    def _take(self, item: _Item) -> bool:
        """Take a share for a task, if there is one; called with the lock."""
        if item.work is None:
            return True
        own = limiters(item.work.history.client)
        free = min(limiter.limit - self._used[id(limiter)] for limiter in own)
        places = self._width() - self._running
        if free < 1 or places < 1:
            return False
        if not self._several:
            places = min(places, sum(not other.share for other in self._waiting if other.work is not None))
        item.share, item.limit = max(1, free // places), own[0].limit
        self._running += 1
        for limiter in own:
            self._used[id(limiter)] += item.share
        return True

    def _begin(self, item: _Item) -> None:
        if not item.future.set_running_or_notify_cancel():
            self._give_back(item)
            return
        try:
            inner = self._submit(item)
        except Exception as error:  # noqa: BLE001 - whatever an executor raises
            self._give_back(item)
            item.future.set_exception(error)
        else:
            inner.add_done_callback(partial(self._end, item))

    def _submit(self, item: _Item) -> Future[Any]:
        if item.work is None:
            return self._executor.submit(item.call)
        work = replace(item.work, at_once=item.share)
        sent = _with_files(work) if self._carries else work
        if sent is not None:
            return self._executor.submit(Parcel.of(sent))
        # A copy of the history, because the share is its own.
        return self._here.submit(replace(work, history=pickle.loads(pickle.dumps(work.history))))  # noqa: S301 - ours

    def _end(self, item: _Item, inner: Future[Any]) -> None:
        error = CancelledError("the task was dropped") if inner.cancelled() else inner.exception()
        done = None if error is not None else inner.result()
        if item.work is not None and isinstance(done, Done):
            hear(item.work.history.client, requests=done.requests, left=done.left, before=item.limit)
        self._give_back(item)
        if error is not None:
            item.future.set_exception(error)
        else:
            item.future.set_result(done)

    def _give_back(self, item: _Item) -> None:
        with self._changed:
            if item.work is not None:
                self._running -= 1
                for limiter in limiters(item.work.history.client):
                    self._used[id(limiter)] -= item.share
                    if not self._used[id(limiter)]:
                        del self._used[id(limiter)]
            self._wake()


def _with_files(work: Work[T]) -> Work[T] | None:
    """Return a task with the files that it needs; None where it changes other files, needs no reply, or is too large.

    How much it brings back is known from how many rows were counted.
    """
    at = next((n for n, its in enumerate(work.arguments) if isinstance(its, Lake)), None)
    if at is None:
        return work
    task = next((its for its in work.arguments if isinstance(its, WindowTask)), None)
    if task is None or task.shown is not None or max(task.counted or 0, sum(task.counts.values())) * _ROW > MOST:
        return None
    days = [DayKey(work.history.account_id, task.stream.name, day) for day in task.window.days]
    lake = carried(work.arguments[at], days, [day_file.key for day_file in task.previous])
    if lake is None:
        return None
    return replace(work, arguments=(*work.arguments[:at], lake, *work.arguments[at + 1 :]))
