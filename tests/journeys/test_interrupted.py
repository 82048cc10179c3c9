"""Runs that end early: by a kill, by Ctrl-C, by whoever stops reading what they say."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest
from support.dates import days_ago
from support.lakes import FIRST, Hand, row
from support.program import PROGRAM
from support.truth import held, truth

from voxlake.lake import KILLED, ROW_GROUP, Lake
from voxlake.model import DayKey
from voxlake.sandbox import Reply
from voxlake.transform import SMS

pytestmark = pytest.mark.dateless


@pytest.fixture
def begun(sandbox, tmp_path):
    """Begin an export whose oldest days are never answered, and give it when its first file is there."""
    server = sandbox(rows=30_000, days=30, seed=3)
    answer, let_go = server.answer, threading.Event()

    def slow(target, headers, body, fault=None):
        if b"count=1000" in body and str(days_ago(30 - 1)).encode() in body:
            let_go.wait()
        return answer(target, headers, body, fault)

    server.answer = slow
    environ = {**os.environ, "VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    process = subprocess.Popen(
        [*PROGRAM, "export", "--data-dir", "data"], env=environ, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    while len(list(tmp_path.glob("data/lake/sms_history/*/*/*.parquet"))) < 3:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    yield server, process, tmp_path / "data"
    let_go.set()
    process.kill()
    process.wait()


@pytest.mark.slow
@pytest.mark.sample(1)
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
    (run,) = json.loads(voxlake("runs", "--data-dir", data, "--format", "json").stdout)
    was_killed = number == signal.SIGKILL
    assert run["exit_code"] == (None if was_killed else 128 + number)
    assert run["problem"] == (KILLED if was_killed else "it was interrupted")
    assert was_killed or run["requests"] > run["least_requests"] > 0
    server.answer = type(server).answer.__get__(server)
    assert f" rows, {days_ago(30)} to " in voxlake("status", "--data-dir", data).stdout
    # What never had a file is missing, not lost.
    since = voxlake("export", "--data-dir", data, "--since", days_ago(1), server=server)
    assert "had files" not in since.stderr
    voxlake("export", "--data-dir", data, server=server)
    for stream in ("sms", "a2p"):
        assert truth(server, stream) == held(data / "voxlake.duckdb", stream)


@pytest.mark.slow
@pytest.mark.sample(1)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_audit_that_is_stopped(sandbox, voxlake, number):
    """While it waits for the API, an audit ends at once and in one sentence, and the lake is as it was."""
    server = sandbox(rows=500, days=2)
    voxlake("export", "--since", days_ago(2), server=server)
    asked, let_go = threading.Event(), threading.Event()

    def hung(*_):
        asked.set()
        let_go.wait(60)
        return Reply(b"{}")

    server.answer = hung
    environ = {**os.environ, "VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    process = subprocess.Popen(
        [*PROGRAM, "audit", "--repair"], env=environ, cwd=voxlake.folder, stderr=subprocess.PIPE, text=True
    )
    assert asked.wait(60)
    process.send_signal(number)
    _, told = process.communicate()
    let_go.set()
    assert process.returncode == 128 + number
    assert told.startswith(f"voxlake: Stopped by {number.name}: ")
    assert len(told.splitlines()) == 1
    server.answer = type(server).answer.__get__(server)
    voxlake("audit", server=server)


@pytest.mark.sample(1)
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "2>&1 | true", "2>/dev/full", "<&-"])
def test_nobody_listens(sandbox, tmp_path, closed):
    """An export whose talk goes nowhere does its work all the same, and its exit code says how that went."""
    server = sandbox(rows=60, days=2)
    environ = {**os.environ, "VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    command = f"set -o pipefail; {' '.join(PROGRAM)} export --since {days_ago(2)} --data-dir data {closed}"
    assert subprocess.run(["bash", "-c", command], env=environ, cwd=tmp_path, check=False).returncode == 0
    assert truth(server, "sms") == held(tmp_path / "data" / "voxlake.duckdb", "sms")


@pytest.mark.sample(1)
@pytest.mark.parametrize("command", ["schema | true", "--help | true", "report | true", "status >&-", "schema >&-"])
def test_a_reader_that_has_enough(tmp_path, command):
    """A closed pipe is no bug of ours."""
    (tmp_path / "data").mkdir()
    command = f"set -o pipefail; {' '.join(PROGRAM)} {command}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_sandbox_takes_its_command_along(tmp_path):
    """SIGTERM ends the command in the sandbox, too, and leaves no folder with a key behind."""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    process = subprocess.Popen(
        [*PROGRAM, "sandbox", "run", "--rows", "9", "--days", "1", "--", sys.executable, "-c", script],
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
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    draft = lake.writer(DayKey(1, "sms", FIRST))
    draft.add(pa.Table.from_pylist([{}] * ROW_GROUP, schema=SMS.schema))
    draft.discard()
    del draft
    gc.collect()
    assert not list(lake.tmp.iterdir())
    assert capfd.readouterr().err == ""


LONG = "SELECT sum(hash(a.range, b.range)) FROM range(10000000) a, range(10000000) b"


@pytest.fixture
def pressed(tmp_path):
    """Start a command, press Ctrl-C when it is time, and give its exit code and what it said."""

    def press(command, ready, *, environ=None, folder=tmp_path):
        process = subprocess.Popen(
            [*PROGRAM, *command],
            env={**os.environ, "TMPDIR": str(tmp_path), **(environ or {})},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        ready(process)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        return process.returncode, told

    return press


def wait(process, there):
    """Wait until something is so."""
    while not there():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.005)


STOPPED = (130, "voxlake: Stopped by SIGINT before the end.\n")


# A program that presses Ctrl-C itself, at the moment when it begins to import something.
PRESSING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
def press(event, its):
    if event == "import" and its[0] == name:
        os.kill(os.getpid(), signal.SIGINT)
name = sys.argv.pop(1)
from voxlake.cli import main
sys.addaudithook(press)
main()
"""


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["query", "SELECT 1"], "_duckdb"),
        (["report", "daily"], "pyarrow.lib"),
        (["publish"], "pyarrow"),
        (["status"], "duckdb"),
        (["dashboard"], "altair.vegalite"),
        (["schema"], "_duckdb"),
        (["sms", "numbers"], "requests"),
        (["export"], "numpy"),
    ],
    ids=str,
)
def test_ctrl_c_amid_imports(voxlake, command, name):
    """While the libraries are still loaded, Ctrl-C is one sentence, whatever an import makes of an exception."""
    hand = Hand(voxlake.folder / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    account = {"VOXIMPLANT_API_URL": "http://127.0.0.1:9", "VOXIMPLANT_ACCOUNT_ID": "1", "VOXIMPLANT_API_KEY": "x"}
    done = subprocess.run(
        [sys.executable, "-c", PRESSING, name, *command],
        env=os.environ | account, cwd=voxlake.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == STOPPED


@pytest.mark.sample(1)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
@pytest.mark.parametrize("out", [[], ["--out", "a.csv"], ["--out", "a.parquet"]], ids=str)
def test_ctrl_c_amid_a_query(voxlake, pressed, out):
    """A question that takes too long ends with one sentence, and leaves no file half written."""
    hand = Hand(voxlake.folder / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()

    def busy(process):
        # The clock of the process itself: imports take less of it than this.
        wait(process, lambda: sum(map(int, Path(f"/proc/{process.pid}/stat").read_text().split()[13:15])) > 200)

    assert pressed(["query", LONG, *out], busy, folder=voxlake.folder) == STOPPED
    assert [path.name for path in voxlake.folder.iterdir()] == ["data"]


def test_ctrl_c_amid_an_excel_file(voxlake, pressed, tmp_path):
    """What was put aside for a file goes away with the process."""
    hand = Hand(voxlake.folder / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    sql = "SELECT range, 'x' || range FROM range(500000)"

    def begun(process):
        wait(process, lambda: any(path.stat().st_size for path in tmp_path.glob("voxlake-*/*")))

    assert pressed(["query", sql, "--out", "a.xlsx"], begun, folder=voxlake.folder) == STOPPED
    assert [path.name for path in voxlake.folder.iterdir()] == ["data"]
    assert not list(tmp_path.glob("voxlake-*"))


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["sms", "numbers"], STOPPED[1]),
        (["sms", "control", "12345678111", "disable"], "the switch may or may not have been made"),
    ],
    ids=str,
)
def test_ctrl_c_amid_a_request(sandbox, pressed, command, told):
    """What waits for the API ends at once; where something was asked for, the sentence says that it may be done."""
    server = sandbox(rows=0)
    asked, let_go = threading.Event(), threading.Event()

    def hung(*_):
        asked.set()
        let_go.wait()
        return Reply(b"{}")

    server.answer = hung
    environ = {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    code, said = pressed(command, lambda _: asked.wait(60), environ=environ)
    let_go.set()
    assert (code, len(said.splitlines())) == (130, 1)
    assert told in said


def test_ctrl_c_takes_the_sandbox_along(tmp_path, pressed):
    """A sandbox that is still being made leaves no folder with a key behind."""
    command = ["sandbox", "run", "--rows", "3000000", "--", "sleep", "600"]
    made = lambda process: wait(process, lambda: list(tmp_path.glob("voxlake-sandbox-*")))  # noqa: E731
    code, said = pressed(command, made)
    assert (code, said) in (STOPPED, (130, ""))
    assert not list(tmp_path.glob("voxlake-sandbox-*"))


def test_ctrl_c_that_is_not_wanted(tmp_path):
    """What was started to ignore Ctrl-C, as in the background of a script, goes on ignoring it."""
    script = f"trap '' INT; {' '.join(PROGRAM)} sms segments --text - & sleep 1; kill -INT $!; echo x >fifo; wait $!"
    os.mkfifo(tmp_path / "fifo")
    done = subprocess.run(
        ["bash", "-c", script.replace("--text -", "--text - <fifo")],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
