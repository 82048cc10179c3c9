"""The Python door against a server: runs beside each other, silent, with results that are values."""

import dataclasses
import gc
import io
import json
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from support.clock import CLOCK
from support.dates import days_ago
from support.truth import held, truth

import voxlake
from voxlake.lake import Lake
from voxlake.transform import STREAMS


def connect(server, **options):
    """Return the account of a sandbox."""
    return voxlake.connect(server.credentials, api_url=server.url, clock=CLOCK, **options)


def same(server, folder):
    """Return whether a database holds what a sandbox does."""
    return all(truth(server, stream) == held(folder / "voxlake.duckdb", stream) for stream in STREAMS)


def process():
    """Return what a library leaves alone."""
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    return handlers, dict(os.environ), gc.get_threshold(), gc.get_freeze_count(), sys.excepthook, Path.cwd()


def test_two_exports_at_once(sandbox, tmp_path):
    """Two threads export different accounts into different directories; nothing is printed, nothing else changes."""
    servers = [sandbox(rows=2000, seed=seed) for seed in (1, 2)]
    folders = [tmp_path / "one", tmp_path / "two"]
    before, out, err = process(), io.StringIO(), io.StringIO()

    def export(server, folder):
        return voxlake.export(connect(server), folder, since=days_ago(12))

    with redirect_stdout(out), redirect_stderr(err), ThreadPoolExecutor(2) as threads:
        results = list(threads.map(export, servers, folders))
    assert (out.getvalue(), err.getvalue()) == ("", "")
    assert process() == before
    assert [result.exit_code for result in results] == [0, 0]
    assert [same(*pair) for pair in zip(servers, folders, strict=True)] == [True, True]
    assert sum(result.requests for result in results) == sum(len(server.requests) for server in servers)
    left = [thread for thread in threading.enumerate() if thread.name.startswith("voxlake") and not thread.daemon]
    assert not left


def test_results_are_values(sandbox, tmp_path, request):
    """Every result is frozen, travels, and is JSON; the command prints the same object."""
    server, command = sandbox(rows=1000, days=5), request.getfixturevalue("voxlake")
    account = connect(server, output="csv")
    data = tmp_path / "data"
    exported = voxlake.export(account, data, since=days_ago(6), keep_raw=True)
    results = [
        exported,
        voxlake.backfill(account, data, since=days_ago(3), until=days_ago(1), streams="sms", force=True),
        voxlake.audit(account, data, repair=True, seed=1),
        voxlake.publish(data, clock=CLOCK),
        voxlake.replay(data, force=True, clock=CLOCK),
        voxlake.status(data, clock=CLOCK),
    ]
    assert [result.exit_code for result in results] == [0, 0, 0, 0, 0, 0]
    for result in results:
        assert json.dumps(result.to_json()) == json.dumps(pickle.loads(pickle.dumps(result)).to_json())
    for value in (*results, exported.streams[0]):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, None)
    assert same(server, data)
    for arguments, names in [
        (["export"], exported.to_json().keys()),
        (["backfill", "--from", days_ago(3), "--to", days_ago(1)], exported.to_json().keys()),
        (["publish"], results[3].to_json().keys()),
        (["replay", "--force"], results[4].to_json().keys()),
    ]:
        done = command(*arguments, "--data-dir", data, "--format", "json", server=server)
        assert json.loads(done.stdout).keys() == names
        assert done.stderr
    status = json.loads(command("status", "--data-dir", data, "--format", "json").stdout)
    assert status["streams"] == json.loads(json.dumps(voxlake.status(data, clock=CLOCK).to_json()["streams"]))


def test_a_refusal_is_a_result(sandbox, tmp_path):
    """What the API refuses is in the result, with the exit code of the command; what precedes a run is raised."""
    server = sandbox(rows=100, days=2)
    account = voxlake.connect((server.account_id, "wrong"), api_url=server.url, clock=CLOCK)
    result = voxlake.export(account, tmp_path / "data")
    assert result.exit_code == result.to_json()["exit_code"] == 3
    assert result.errors or all(stream.errors for stream in result.streams)
    with Lake(tmp_path / "data").locked(holder="somebody"), pytest.raises(voxlake.TryAgain, match="somebody"):
        voxlake.export(account, tmp_path / "data")


def test_a_worker_is_killed(sandbox, tmp_path):
    """A pool that loses a process ends the run with 75 and one sentence; what was read stays, the next run brings all.

    The pool is the caller's and broken; the data directory is free again.
    """
    server = sandbox(rows=12_000, days=8)
    account, data = connect(server, jobs=1), tmp_path / "data"
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver"))
    killed = []

    def kill(event):
        if event.kind == "window-read" and not killed:
            killed.extend(pool._processes)
            for number in killed:
                os.kill(number, signal.SIGKILL)

    with pool:
        result = voxlake.export(account, data, since=days_ago(9), executor=pool, on_event=kill)
        assert (len(killed), result.exit_code) == (1, 75)
        assert "The executor failed (BrokenProcessPool: " in str(result)
        rows = sum(stream.rows for stream in result.streams)
        assert 0 < rows < 12_000
        with pytest.raises(BrokenProcessPool):
            pool.submit(int)
        assert voxlake.export(account, data, executor=pool).exit_code == 75
    again = voxlake.export(account, data)
    assert again.exit_code == 0
    assert same(server, data)
