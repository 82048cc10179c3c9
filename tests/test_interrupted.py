"""Runs that end early: by a kill, by Ctrl-C, by whoever stops reading what they say."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest
from dates import days_ago
from test_export import held, truth

from voxlake.draft import ROW_GROUP, Draft
from voxlake.streams import SMS

VOXLAKE = [sys.executable, "-m", "voxlake"]


@pytest.fixture
def begun(sandbox, tmp_path):
    """Begin an export whose oldest days are never answered, and give it when its first file is there."""
    server = sandbox(rows=60_000, days=30, seed=3)
    answer, let_go = server.answer, threading.Event()

    def slow(target, headers, body, fault=None):
        if b"count=1000" in body and str(days_ago(30 - 1)).encode() in body:
            let_go.wait()
        return answer(target, headers, body, fault)

    server.answer = slow
    environ = {**os.environ, "VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    process = subprocess.Popen(
        [*VOXLAKE, "export", "--data-dir", "data"], env=environ, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    while len(list(tmp_path.glob("data/lake/sms_history/*/*/*.parquet"))) < 3:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    yield server, process, tmp_path / "data"
    let_go.set()
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_first_run_that_is_stopped_forgets_no_day(begun, voxlake, number):
    """However the first run ends, status names the days that it was to read, and the next run reads them."""
    server, process, data = begun
    process.send_signal(number)
    _, told = process.communicate()
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert (
            told
            == f"voxlake: Stopped by {number.name}: what is in the lake stays; run the same command again to go on.\n"
        )
    server.answer = type(server).answer.__get__(server)
    assert f" rows, {days_ago(30)} to " in voxlake("status", "--data-dir", data).stdout
    voxlake("export", "--data-dir", data, server=server)
    for stream in ("sms", "a2p"):
        assert truth(server, stream) == held(data / "voxlake.duckdb", stream)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_audit_that_is_stopped(sandbox, voxlake, number):
    """While it waits for the API, an audit ends at once and in one sentence, and the lake is as it was."""
    server = sandbox(rows=500, days=2)
    voxlake("export", "--since", days_ago(2), server=server)
    asked, let_go = threading.Event(), threading.Event()

    def hung(*_):
        asked.set()
        let_go.wait()

    server.answer = hung
    environ = {**os.environ, "VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    process = subprocess.Popen(
        [*VOXLAKE, "audit", "--repair"], env=environ, cwd=voxlake.folder, stderr=subprocess.PIPE, text=True
    )
    asked.wait()
    process.send_signal(number)
    _, told = process.communicate()
    let_go.set()
    assert process.returncode == 128 + number
    assert told.startswith(f"voxlake: Stopped by {number.name}: ")
    assert len(told.splitlines()) == 1
    server.answer = type(server).answer.__get__(server)
    voxlake("audit", server=server)


def interrupted(command, environ, folder, *, until):
    """Press Ctrl-C when the command is at work, and give its exit code and the lines that it wrote."""
    process = subprocess.Popen([*VOXLAKE, *command], env=environ, cwd=folder, stderr=subprocess.PIPE, text=True)
    until(process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    return process.returncode, told.splitlines()


@pytest.mark.parametrize("command", [["numbers"], ["control", "12345678111", "enable"]], ids=lambda c: c[0])
def test_ctrl_c_while_the_api_is_silent(sandbox, tmp_path, command):
    """Whoever waits for a reply ends at once, in one sentence, and with what a shell expects."""
    server = sandbox(rows=0)
    asked, let_go = threading.Event(), threading.Event()

    answer = server.answer

    def hung(*request):
        asked.set()
        let_go.wait()
        return answer(*request)

    server.answer = hung
    environ = {**os.environ, "VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    code, lines = interrupted(["sms", *command], environ, tmp_path, until=lambda _: asked.wait())
    let_go.set()
    assert code == 130
    assert lines == ["voxlake: Interrupted: nothing is half done; run the same command again."]


@pytest.mark.parametrize("command", ["query", "report"])
def test_ctrl_c_while_duckdb_computes(sandbox, voxlake, command):
    """A query that takes long ends at once, and is no bug."""
    voxlake("export", "--since", days_ago(2), server=sandbox(rows=60, days=2))
    slow = "SELECT sum(x * y) AS total FROM range(100000000000) t(x), range(1000) u(y)"
    (voxlake.folder / "reports").mkdir()
    (voxlake.folder / "reports" / "slow.sql").write_text(f"-- Takes long.\n{slow}\n")
    arguments = {"query": ["query", slow], "report": ["report", "slow", "--reports-dir", "reports"]}[command]

    def until(process):
        # The database is open once the process has it among its files.
        while not any("duckdb" in str(p) and "warehouse" in str(p) for p in opened_by(process.pid)):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.3)

    code, (line,) = interrupted(arguments, os.environ, voxlake.folder, until=until)
    assert code == 130
    assert line.startswith("voxlake: Stopped by SIGINT: what is in the lake stays")


def opened_by(pid):
    """Give the files that a process has open."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            yield link.readlink()


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "2>&1 | true", "2>/dev/full", "<&-"])
def test_nobody_listens(sandbox, tmp_path, closed):
    """An export whose talk goes nowhere does its work all the same, and its exit code says how that went."""
    server = sandbox(rows=60, days=2)
    environ = {**os.environ, "VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    command = f"set -o pipefail; {' '.join(VOXLAKE)} export --since {days_ago(2)} --data-dir data {closed}"
    assert subprocess.run(["bash", "-c", command], env=environ, cwd=tmp_path, check=False).returncode == 0
    assert truth(server, "sms") == held(tmp_path / "data" / "voxlake.duckdb", "sms")


@pytest.mark.parametrize("command", ["schema | true", "--help | true", "report | true", "status >&-", "schema >&-"])
def test_a_reader_that_has_enough(tmp_path, command):
    """A closed pipe is no bug of ours."""
    command = f"set -o pipefail; {' '.join(VOXLAKE)} {command}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_sandbox_takes_its_command_along(tmp_path):
    """SIGTERM ends the command in the sandbox, too, and leaves no folder with a key behind."""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    process = subprocess.Popen(
        [*VOXLAKE, "sandbox", "run", "--rows", "9", "--days", "1", "--", sys.executable, "-c", script],
        env=environ, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    command = int(process.stdout.readline())
    process.terminate()
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert not Path(f"/proc/{command}").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_given_up(tmp_path, capfd):
    """What was not written yet of a file that is given up goes nowhere, and nobody is told about it."""
    draft = Draft(tmp_path, tmp_path / "part", SMS.schema)
    draft.add(pa.Table.from_pylist([{}] * ROW_GROUP, schema=SMS.schema))
    draft.discard()
    del draft
    gc.collect()
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr().err == ""
