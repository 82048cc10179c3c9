"""The first export of many quiet accounts, read by threads and by the workers of a Dask cluster.

    python executors.py --accounts 50

prints a table for docs/executors.md. Scheduler, workers, the run and the sandbox share this machine.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from distributed import Client
from measure import folder, timed
from night import JOBS, SETTINGS, _reseller

if TYPE_CHECKING:
    from collections.abc import Iterator

DASK = str(Path(sys.executable).with_name("dask"))


@contextmanager
def cluster(workers: int) -> Iterator[str | None]:
    """Run a scheduler with so many workers of one thread each, and yield its address; None for no workers."""
    if not workers:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    at = f"127.0.0.1:{port}"
    commands = [[DASK, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]]
    with tempfile.TemporaryDirectory() as folder:
        options = [
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--memory-limit",
            "0",
            "--local-directory",
            folder,
        ]
        commands += [[DASK, "worker", f"tcp://{at}", *options]] * workers
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        processes = [subprocess.Popen(command, **quiet) for command in commands]
        try:
            with Client(f"tcp://{at}", timeout=60, set_as_default=False) as client:
                client.wait_for_workers(workers, timeout=60)
            yield f"dask://{at}"
        finally:
            for process in processes:
                process.kill()
                process.wait()


def measured(accounts: int, days: int, address: str | None) -> tuple[float, float, int]:
    """Export accounts of a sandbox with replies in 0.1 s; returns seconds by the clock, of the run's cpu, requests."""
    with folder() as made, _reseller(Path(made, "sandbox"), accounts, days, 0.5) as ((url, credentials), ask):
        where = Path(made)
        since = datetime.now(tz=UTC).date() - timedelta(days=days)
        text = SETTINGS.format(url=url, jobs=JOBS, credentials=credentials, since=since)
        (where / "voxlake.toml").write_text(text, encoding="utf-8")
        ask("tomorrow")
        command = [str(Path(sys.executable).with_name("voxlake")), "export"]
        usage, wall = timed("voxlake", command + (["--executor", address] if address else []), cwd=where)
        return wall, usage.ru_utime + usage.ru_stime, int(ask("requests"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--days", type=int, default=30)
    chosen = parser.parse_args()
    head = f"{chosen.accounts:,} accounts, {chosen.days} days each, {JOBS} jobs"
    print(f"| {head} | by the clock | cpu of the run | requests |")
    print("|---|---|---|---|")
    for workers in (0, 1, 2, 4):
        with cluster(workers) as address:
            wall, cpu, requests = measured(chosen.accounts, chosen.days, address)
        name = f"{workers} workers" if workers else "threads"
        print(f"| {name} | {wall:.1f} s | {cpu:.1f} s | {requests:,} |", flush=True)


if __name__ == "__main__":
    main()
