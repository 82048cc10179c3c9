"""A Dask cluster of real processes on this machine: a scheduler, and workers of one thread each."""

import asyncio
import os
import signal
import socket
from contextlib import contextmanager, suppress

from support.processes import CONTEXT

_PATIENCE = 60


def _logged(folder, name):
    """Send what this process says to a file, where a test looks for what must not be said."""
    file = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    # What it is killed with must not reach the test, nor the other way round.
    os.setsid()


def _scheduler(folder, port):
    _logged(folder, "scheduler")
    from distributed import Scheduler  # noqa: PLC0415 - it takes a second

    async def serve():
        async with Scheduler(host="127.0.0.1", port=port, dashboard=False) as scheduler:
            await scheduler.finished()

    asyncio.run(serve())


def _worker(folder, name, port):
    _logged(folder, name)
    from distributed import Worker  # noqa: PLC0415 - it takes a second

    async def serve():
        local = folder / f"{name}-space"
        options = {"nthreads": 1, "name": name, "memory_limit": 0, "dashboard": False, "local_directory": str(local)}
        async with Worker(f"tcp://127.0.0.1:{port}", **options) as worker:
            await worker.finished()

    asyncio.run(serve())


class Cluster:
    """The processes of a cluster; `address` is what `--executor` takes, `folder` has their logs."""

    def __init__(self, folder, workers):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"dask://127.0.0.1:{self.port}"
        self.scheduler = self._start(_scheduler, self.port)
        self.workers = [self._start(_worker, f"worker-{n}", self.port) for n in range(workers)]
        with self._client() as client:
            client.wait_for_workers(workers, timeout=_PATIENCE)

    def _client(self):
        from distributed import Client  # noqa: PLC0415 - it takes a second

        return Client(f"tcp://127.0.0.1:{self.port}", timeout=_PATIENCE, set_as_default=False)

    def _start(self, target, *arguments):
        process = CONTEXT.Process(target=target, args=(self.folder, *arguments))
        process.start()
        return process

    def logs(self):
        """Return what all processes have said so far."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    @staticmethod
    def kill(process):
        """End a process as a machine that loses its power does."""
        os.kill(process.pid, signal.SIGKILL)
        process.join()

    def close(self):
        """End all of them."""
        for process in (self.scheduler, *self.workers):
            with suppress(ProcessLookupError):
                self.kill(process)


@contextmanager
def cluster(folder, workers):
    """Run a cluster of so many workers."""
    folder.mkdir()
    running = Cluster(folder, workers)
    try:
        yield running
    finally:
        running.close()
