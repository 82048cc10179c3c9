"""Answers go to whoever reads them, as far as they are read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.lakes import FIRST, Hand, row
from support.messages import FROM, TO
from support.program import PROGRAM

pytestmark = pytest.mark.dateless

VOXLAKE = str(Path(sys.executable).parent / "voxlake")
COMMANDS = (
    ["report", "daily"],
    ["report"],
    ["query", "SELECT * FROM range(100000)"],
    ["schema"],
    ["status"],
    ["status", "--format", "json"],
    ["dashboard"],
    ["sms", "segments", "--text", "x"],
)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Return a folder with a published lake."""
    folder = tmp_path_factory.mktemp("output")
    hand = Hand(folder / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    return folder


@pytest.mark.sample(1)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_reader_that_goes_away(work, command):
    """Nobody reads on: that is no error, and nothing is said of it."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([VOXLAKE, *command], cwd=work, stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)
    # What the answer lacks is said all the same.
    assert {line.partition(b":")[0] for line in done.stderr.splitlines()} <= {b"Stale", b"Missing"}
    assert done.returncode == 0


@pytest.mark.sample(1)
@pytest.mark.parametrize("format_", ["table", "csv"])
def test_a_terminal_that_lacks_a_character(work, format_):
    """An answer with a character that stdout cannot show is an answer, with its escape in that place."""
    done = subprocess.run(
        [VOXLAKE, "query", "SELECT 'ü\u2013' AS text", "--format", format_],
        cwd=work,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.split()[-1] == b"\xfc\\u2013"


@pytest.mark.sample(1)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_behind_stdout(work, command):
    """What cannot be written is said in one sentence, and ends with 75."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [VOXLAKE, *command], cwd=work, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    (line,) = done.stderr.splitlines()
    assert line.startswith("voxlake: The answer cannot be written to standard output (No space left on device)")
    assert done.returncode == 75


@pytest.mark.parametrize("command", [["report", "daily"], ["query", "SELECT 1"], ["dashboard"]], ids=" ".join)
@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("no/a.csv", "no does not exist: make it first"),
        ("file/a.csv", "file is a file, not a folder"),
        ("pipe.csv", "pipe.csv is not an ordinary file"),
    ],
)
def test_a_place_that_is_none(work, voxlake, command, out, told):
    """Where a file cannot be is said before anything is asked, and nothing is made."""
    (voxlake.folder / "file").touch()
    os.mkfifo(voxlake.folder / "pipe.csv")
    done = voxlake(*command, "--data-dir", work / "data", "--out", out, code=2)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"voxlake: {told}")
    assert sorted(path.name for path in voxlake.folder.iterdir()) == ["file", "pipe.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_what_was_sent_is_sent(sandbox):
    """A send whose answer cannot be written is not to be tried again."""
    server = sandbox(rows=0)
    env = os.environ | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    command = [*PROGRAM, "sms", "send", "--from", FROM, "--to", TO, "--text", "x"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, cwd=server.credentials.parent, env=env, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 0
    assert "cannot be written" in done.stderr
    assert "1 sent" in done.stderr
