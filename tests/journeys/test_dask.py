"""Windows that the workers of a Dask cluster read: the same lake, within one limit, whoever is killed."""

import threading

import pyarrow.parquet as pq
import pytest
from support.clock import CLOCK
from support.cluster import cluster
from support.dates import days_ago

import voxlake as library

pytest.importorskip("distributed", reason="the extra [dask] is not installed")

pytestmark = pytest.mark.dateless


def lake(root):
    """Return the rows of every file."""
    return {
        path.relative_to(root): pq.read_table(path).to_pylist() for path in sorted((root / "lake").rglob("*.parquet"))
    }


@pytest.fixture
def connected(sandbox):
    """Start a sandbox, and return it with its account."""

    def start(*, jobs=4, **options):
        server = sandbox(**options)
        return server, library.connect(str(server.credentials), api_url=server.url, jobs=jobs, clock=CLOCK)

    return start


def test_the_lake_is_the_same(connected, tmp_path):
    """Row by row; never are more requests under way than in one process; no key is in a log, and no draft is left."""
    server, account = connected(rows=6_000, days=4)
    since = days_ago(4)
    threads = library.export(account, tmp_path / "threads", since=since)
    assert threads.exit_code == 0, str(threads)
    server.limits.peak = 0
    with cluster(tmp_path / "cluster", 2) as running:
        result = library.export(account, tmp_path / "dask", since=since, executor=running.address)
        said = running.logs()
    assert result.exit_code == 0, str(result)
    assert sum(stream.rows for stream in result.streams) > 5_000
    assert lake(tmp_path / "dask") == lake(tmp_path / "threads")
    assert 1 <= server.limits.peak <= account.jobs
    assert list((tmp_path / "dask" / "tmp").iterdir()) == []
    assert "PRIVATE" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("address", "code", "sentence"),
    [
        ("ray://head:6379", 2, "give the address of a Dask scheduler as dask://HOST:8786."),
        ("dask://127.0.0.1:9", 75, "No Dask scheduler answers at dask://127.0.0.1:9: "),
    ],
)
def test_no_cluster(voxlake, sandbox, address, code, sentence):
    """An address of something else is refused before anything is done; where nobody answers, that is said at once."""
    server = sandbox(rows=100, days=1)
    done = voxlake("export", "--executor", address, server=server, code=code)
    assert done.stdout == ""
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not server.requests


def after(server, requests, do):
    """Do something in the middle of a run: as soon as the sandbox has got so many requests."""

    def wait():
        while len(server.requests) < requests and not over.wait(0.005):
            pass
        if not over.is_set():
            do()

    over = threading.Event()
    thread = threading.Thread(target=wait)
    thread.start()
    return over, thread


@pytest.mark.slow
def test_two_of_four_workers_are_killed(connected, tmp_path):
    """Their windows are read again by the others; the lake is as if nothing had happened."""
    server, account = connected(rows=60_000, days=20, jobs=8)
    since = days_ago(20)
    library.export(account, tmp_path / "threads", since=since)
    quiet = len(server.requests)
    server.requests.clear()
    server.latency = 0.1
    with cluster(tmp_path / "cluster", 4) as running:

        def kill():
            for worker in running.workers[:2]:
                running.kill(worker)

        over, thread = after(server, quiet // 3, kill)
        result = library.export(account, tmp_path / "dask", since=since, executor=running.address)
        over.set()
        thread.join()
        assert [worker.is_alive() for worker in running.workers] == [False, False, True, True]
    assert result.exit_code == 0, str(result)
    assert lake(tmp_path / "dask") == lake(tmp_path / "threads")
    # Two windows were under way at the killed ones.
    assert quiet < len(server.requests) < 2 * quiet


@pytest.mark.slow
def test_the_scheduler_is_killed(connected, tmp_path):
    """The run ends with 75 and one sentence, keeps what was read, and the next one brings the rest."""
    server, account = connected(rows=60_000, days=20, jobs=4)
    since = days_ago(20)
    library.export(account, tmp_path / "threads", since=since)
    quiet = len(server.requests)
    server.requests.clear()
    server.latency = 0.1
    with cluster(tmp_path / "cluster", 2) as running:
        over, thread = after(server, quiet // 2, lambda: running.kill(running.scheduler))
        result = library.export(account, tmp_path / "dask", since=since, executor=running.address)
        over.set()
        thread.join()
    (error,) = result.errors
    assert result.exit_code == 75
    assert str(error).startswith(f"The executor failed (the Dask scheduler at {running.address} is gone)")
    again = library.export(account, tmp_path / "dask", since=since)
    assert again.exit_code == 0
    assert lake(tmp_path / "dask") == lake(tmp_path / "threads")


@pytest.mark.slow
def test_one_limit_for_all_workers(connected, tmp_path):
    """Of a limit of ten requests a second, four workers make what the threads of one process make of it, or nearly.

    The tolerance: each task that is under way finds its pace by itself, and only those after it hear of it at once.
    """
    server, account = connected(rows=60_000, days=20, jobs=16)
    since, refused = days_ago(20), {}
    server.limits.rate, server.latency = 10, 0.1
    with cluster(tmp_path / "cluster", 4) as running:
        for name, executor in (("threads", None), ("dask", running.address)):
            server.requests.clear()
            server.limits.refused.clear()
            server.limits.peak = 0
            result = library.export(account, tmp_path / name, since=since, executor=executor)
            assert result.exit_code == 0, str(result)
            refused[name] = sum(server.limits.refused.values())
            assert server.limits.peak <= account.jobs
    assert lake(tmp_path / "dask") == lake(tmp_path / "threads")
    assert refused["dask"] <= 2 * refused["threads"] + account.jobs
