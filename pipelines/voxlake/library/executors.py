"""What reads the windows of a run: threads, an executor of the caller's, or the workers of a Dask cluster."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar
from urllib.parse import urlsplit

from voxlake.errors import ExecutorFailed, SettingsError
from voxlake.extras import load
from voxlake.text import scheduler_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
T = TypeVar("T")

_RETRIES: Final = 3
"""How often a task is done again whose worker died."""
_ANSWER: Final = 10
"""Seconds in which a scheduler has to answer."""
_WORKERS: Final = 60
"""Seconds without a single worker after which a run gives up."""
_WATCH: Final = 5.0


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


def width_of(executor: Executor, jobs: int) -> int:
    """Return how many tasks an executor does at the same time; where it does not say, as many as `jobs`."""
    width = getattr(executor, "width", getattr(executor, "_max_workers", None))
    return width if isinstance(width, int) and width > 0 else jobs


def is_in_process(executor: Executor) -> bool:
    """Whether an executor does its tasks in threads of this process."""
    return isinstance(executor, ThreadPoolExecutor)


def check_address(address: str) -> str:
    """Return the address of a scheduler as `dask://host:port`. Raises SettingsError for anything else."""
    if (found := scheduler_address(address)) is None:
        raise SettingsError(f"The executor {address!r} is not known: give a Dask scheduler as dask://HOST:8786.")
    return found


@contextmanager
def opened(executor: Executor | str | None) -> Iterator[Executor | None]:
    """Yield an executor for the length of the block: of a Dask cluster, if its address is given.

    Raises:
        SettingsError: the address cannot be used, or the extra is not installed.
        ExecutorFailed: no scheduler answers there, or it has no worker.

    """
    if not isinstance(executor, str):
        yield executor
        return
    cluster = Cluster(check_address(executor))
    try:
        yield cluster
    finally:
        cluster.close()


class Cluster(Executor):
    """The workers of a Dask scheduler; `width` is how many tasks they do at the same time.

    Where no worker is left, or the scheduler is gone, what is under way fails: Dask itself would wait for ever.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._under_way: dict[Future[Any], Future[Any]] = {}
        self._lock, self._closed = threading.Lock(), threading.Event()
        is_new = "distributed" not in sys.modules
        distributed = load("distributed")
        if is_new:
            # It logs on stderr by itself; what matters of it is in our errors.
            logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
        try:
            # Dask goes on trying for its whole timeout where nobody listens.
            parts = urlsplit(address)
            socket.create_connection((parts.hostname, parts.port), timeout=_ANSWER).close()
            self._client = distributed.Client(
                address.replace("dask://", "tcp://"), timeout=_ANSWER, set_as_default=False, name="voxlake"
            )
        except (OSError, TimeoutError) as error:
            raise ExecutorFailed(
                f"No Dask scheduler answers at {address}: start one there ('dask scheduler'), or leave --executor out."
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=_WORKERS)
            self.width = self._count()
        except (OSError, TimeoutError) as error:
            self.close()
            raise ExecutorFailed(
                f"The Dask scheduler at {address} has no worker: start some ('dask worker HOST:PORT'), and run the same"
                " again."
            ) from error
        # Equal tasks are not one task.
        self._executor: Executor = self._client.get_executor(pure=False, retries=_RETRIES)
        threading.Thread(target=self._watch, name="voxlake-workers", daemon=True).start()

    def _count(self) -> int:
        return sum(self._client.nthreads().values())

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand a task to the cluster. Raises ExecutorFailed where its scheduler is gone."""
        if self._client.status != "running":
            raise ExecutorFailed(self._gone)
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        inner = self._executor.submit(fn, *args, **kwargs)
        with self._lock:
            self._under_way[inner] = future
        inner.add_done_callback(self._end)
        return future

    @property
    def _gone(self) -> str:
        return f"the Dask scheduler at {self._address} is gone"

    def _end(self, inner: Future[Any]) -> None:
        with self._lock:
            future = self._under_way.pop(inner, None)
        if future is None:
            return
        if inner.cancelled():
            future.set_exception(ExecutorFailed(self._gone))
        elif (error := inner.exception()) is not None:
            future.set_exception(error)
        else:
            future.set_result(inner.result())

    def _watch(self) -> None:
        """Look how many workers there are, and fail what is under way when there has been none for a while."""
        without = 0.0
        while not self._closed.wait(_WATCH):
            # What became of the scheduler, the client finds out itself.
            with suppress(Exception):
                workers = self._count()
                self.width = workers or self.width
                without = 0.0 if workers else without + _WATCH
            if without >= _WORKERS:
                self._fail(ExecutorFailed(f"the Dask scheduler at {self._address} has no worker any more"))

    def _fail(self, error: ExecutorFailed) -> None:
        with self._lock:
            failed, self._under_way = self._under_way, {}
        for inner, future in failed.items():
            inner.cancel()
            future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do nothing: whoever lends the cluster waits for the tasks, and closes it."""

    def close(self) -> None:
        """Leave the cluster as it is; what is still under way there is dropped."""
        self._closed.set()
        with suppress(Exception):
            self._client.close(timeout=_ANSWER)
