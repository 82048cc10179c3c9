"""`voxlake sms`: what a user meets, success and refusal; money is spent only after a yes."""

import csv
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import time

import pytest
from support.messages import FROM, SENDER, TO
from support.paths import DOCS
from support.program import PROGRAM

from voxlake.messaging import open_journal

pytestmark = pytest.mark.dateless

SEND = ["sms", "send", "--from", FROM, "--to", TO]
MANY = ["sms", "a2p-send", "--from", SENDER]


def sentence(done):
    """Return what the command said on stderr, which must be one sentence."""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith(("voxlake: ", "Error: "))]
    return line


def test_send_and_its_refusals(sandbox, voxlake):
    """One message is sent; each refusal ends with its exit code and says what to do next."""
    server = sandbox(rows=0)
    done = voxlake(*SEND, "--text", "hello", "--store-body", "--format", "json", server=server)
    (result,) = json.loads(done.stdout)
    assert (result["number"], result["state"]) == (TO, "sent")
    (row,) = server.world.truth("sms")
    assert (row["message_id"], row["text"]) == (result["message_id"], "hello")
    assert "hello" not in done.stderr + (voxlake.folder / "data" / "outbox.jsonl").read_text()
    disabled = ["sms", "send", "--from", "12345678112", "--to", TO, "--text", "x"]
    assert "sms control NUMBER enable" in sentence(voxlake(*disabled, server=server, code=4))
    voxlake("sms", "control", "12345678112", "enable", server=server)
    voxlake(*disabled, server=server)
    wrong = voxlake("sms", "send", "--from", FROM, "--to", "99912345678", "--text", "x", server=server, code=4)
    assert "385" in wrong.stdout
    assert "1 failed" in wrong.stderr


def test_the_text_comes_from_stdin(sandbox):
    """`--text -` reads all of stdin, but for the newline at its end."""
    server = sandbox(rows=0)
    env = os.environ | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    folder = server.credentials.parent
    command = [*PROGRAM, *SEND, "--text", "-", "--store-body"]
    subprocess.run(command, input=b"zwei\nZeilen, ja\n", env=env, cwd=folder, check=True, capture_output=True)
    (row,) = server.world.truth("sms")
    assert row["text"] == "zwei\nZeilen, ja"
    broken = subprocess.run(command, input=b"\xff\xfe", env=env, cwd=folder, check=False, capture_output=True)
    assert broken.returncode == 2
    assert b"not UTF-8" in broken.stderr


def test_many_numbers_in_every_form(sandbox, voxlake):
    """Numbers come from the command line and from a file; the formats hold the same results."""
    server = sandbox("resend_seconds=none", rows=0)
    (voxlake.folder / "numbers.txt").write_text("\ufeff# who\n\n447700900125\r\n 44770000506 \n")
    command = [*MANY, "--to", TO, "447700900124", "--to-file", "numbers.txt", "--text", "hello", "--again"]
    expected = {TO: "sent", "447700900124": "sent", "447700900125": "sent", "44770000506": "failed"}
    told = json.loads(voxlake(*command, "--format", "json", server=server, code=4).stdout)
    assert {r["number"]: r["state"] for r in told} == expected
    rows = csv.DictReader(voxlake(*command, "--format", "csv", server=server, code=4).stdout.splitlines())
    assert {row["number"]: row["state"] for row in rows} == expected
    done = voxlake(*command, server=server, code=4)
    assert "3 sent, 1 failed" in done.stderr
    assert "no route" in done.stdout


def test_nothing_is_sent_dry(sandbox, voxlake):
    """`--dry-run` shows the segments and what would be billed, and asks nobody."""
    server = sandbox(rows=0)
    done = voxlake(
        *MANY, "--to", TO, "447700900124", "--text", "ж" * 71, "--dry-run", "--format", "json", server=server
    )
    assert json.loads(done.stdout) == [
        {
            "encoding": "UCS-2",
            "characters": 71,
            "units": 71,
            "segments": 2,
            "left": 63,
            "numbers": 2,
            "billed_segments": 4,
        }
    ]
    assert server.requests == []
    assert not (voxlake.folder / "data").exists()


def test_segments(voxlake):
    """The segments of a text, and which characters make it dear."""
    done = voxlake("sms", "segments", "--text", "Order 5 €", "--format", "json")
    assert json.loads(done.stdout)[0] == {"encoding": "GSM-7", "characters": 9, "units": 10, "segments": 1, "left": 150}
    assert done.stderr == ""
    assert "ж (U+0436)" in voxlake("sms", "segments", "--text", "ж").stderr


def test_numbers_and_control(sandbox, voxlake):
    """The rented numbers are listed as they are after a switch; what cannot be switched says why."""
    server = sandbox(rows=0)
    rows = json.loads(voxlake("sms", "numbers", "--format", "json", server=server).stdout)
    assert {r["number"]: (r["sms_supported"], r["sms_enabled"]) for r in rows}["12345678112"] == (True, False)
    voxlake("sms", "control", "12345678112", "enable", server=server)
    rows = json.loads(voxlake("sms", "numbers", "--format", "json", server=server).stdout)
    assert {r["number"]: r["sms_enabled"] for r in rows}["12345678112"] is True
    assert "cannot do SMS" in sentence(voxlake("sms", "control", "74951234567", "enable", server=server, code=4))
    roles = {"VOXIMPLANT_CREDENTIALS": str(server.credentials_for(["CallsSMS"]))}
    refused = voxlake("sms", "control", "12345678112", "disable", server=server, env=roles, code=3)
    assert "Owner, Admin, Developer, Accountant" in sentence(refused)


TWICE = [str(n) * 3 for n in range(1, 7)]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([*SEND, "--text", "x" * 766], "766"),
        ([*SEND, "--text", ""], "empty"),
        ([*SEND[:-1], "nobody", "--text", "x"], "nobody"),
        ([*MANY, "--text", "x"], "--to-file"),
        ([*MANY, "--to", TO, f"+{TO}", "--text", "x"], f"{TO} is listed twice"),
        ([*MANY, "--to", *TWICE, *TWICE, "--text", "x"], "111, 222, 333, 444, 555 (and 1 more) are listed twice"),
        ([*MANY, "--to", TO, "--text", " \n\t"], "nothing but white space"),
        ([*SEND, "--text", " "], "nothing but white space"),
        ([*MANY, "--to-file", "nowhere.txt", "--text", "x"], "nowhere.txt"),
        ([*MANY, "--to-file", "binary", "--text", "x"], "binary is not UTF-8"),
        ([*MANY, "--to-file", "-", "--text", "-"], "stdin"),
        ([*MANY, "--to-file", "list.txt", "--text", "x"], "voxlake: Line 4 of list.txt: 'nobody' is not a number"),
        (["sms", "control", "12345678112", "toggle"], "toggle"),
        (["sms", "numbers", "--format", "xlsx"], "xlsx"),
        (["sms", "segments", "--text", "x", "--format", "parquet"], "parquet"),
        ([*SEND, "--text", "x", "--format", "xlsx"], "xlsx"),
    ],
)
def test_bad_input(sandbox, voxlake, arguments, names):
    """What cannot be sent is said in one sentence with exit code 2, before anybody is asked."""
    (voxlake.folder / "binary").write_bytes(b"\xff\xfe\x00")
    (voxlake.folder / "list.txt").write_text(f"# who\n\n{TO}\nnobody\n")
    server = sandbox(rows=0)
    assert names in sentence(voxlake(*arguments, server=server, code=2))
    assert server.requests == []


REAL = ["--api-url", "https://no-such-host.invalid", "--patience", "0", "--text", "hello"]


def test_a_real_account_needs_a_yes(sandbox, voxlake):
    """Without a terminal to ask on, --yes is needed; with it, the request is tried."""
    credentials = {"VOXIMPLANT_CREDENTIALS": str(sandbox(rows=0).credentials)}
    refused = voxlake(*SEND, *REAL, env=credentials, code=2)
    assert "--yes" in sentence(refused)
    assert "1 segment is billed" in sentence(refused)
    tried = voxlake(*SEND, *REAL, "--yes", env=credentials, code=75)
    assert "1 unsent" in tried.stderr


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [
        ("n\n", 2, "as you wished"),
        ("y\n", 75, "1 unsent"),
        pytest.param("\x04", 2, "as you wished", id="Ctrl-D"),
    ],
)
def test_a_terminal_is_asked(sandbox, tmp_path, typed, code, says):
    """On a terminal, a send from a real account asks first, and a no sends nothing."""
    env = os.environ | {"VOXIMPLANT_CREDENTIALS": str(sandbox(rows=0).credentials)}
    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed.encode())
        done = subprocess.run(
            [*PROGRAM, *SEND, *REAL], stdin=theirs, env=env, cwd=tmp_path, check=False, capture_output=True, text=True
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == code
    assert "Send to 1 number from" in done.stderr
    assert says in done.stderr


def test_ctrl_c_is_no_yes(sandbox, tmp_path):
    """Who is asked and presses Ctrl-C is told that nothing was sent."""
    env = os.environ | {"VOXIMPLANT_CREDENTIALS": str(sandbox(rows=0).credentials)}
    ours, theirs = pty.openpty()
    try:
        run = subprocess.Popen(
            [*PROGRAM, *SEND, *REAL], stdin=theirs, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        asked = run.stderr.read(len("Send to"))
        while run.poll() is None:
            # Python looks away between asking and listening.
            run.send_signal(signal.SIGINT)
            time.sleep(0.1)
        told = run.communicate()[1]
    finally:
        os.close(ours)
        os.close(theirs)
    assert (run.returncode, asked) == (130, "Send to")
    assert told.endswith("\nvoxlake: Stopped by SIGINT: nothing was sent.\n")
    with open_journal(tmp_path / "data") as journal:
        assert not list(journal.entries())


@pytest.mark.parametrize("page", ["sending.md", "sandbox.md"])
def test_transcripts_of_the_docs(sandbox, voxlake, page):
    """Each command of a transcript runs as the page shows it; ids and times are those of the day."""
    server = sandbox(rows=0)
    blocks = re.findall(r"```console\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    shown = [block for block in blocks if "# exit" in block]
    assert shown or page == "sandbox.md"
    for block in shown:
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, rest = command.partition("\n")
            line, _, code = line.partition("  # exit ")
            program, *arguments = shlex.split(line)
            assert program == "voxlake"
            done = voxlake(*arguments, server=server, code=int(code or 0))
            assert settled(rest) == settled(done.stdout + done.stderr)


def settled(text):
    """Return a text without what differs from day to day."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", re.sub(r"\b9\d{10}\b", "ID", text)).strip()


def test_programs_of_the_docs(sandbox, voxlake, monkeypatch):
    """The Python of the page runs, in its order, as it is printed."""
    server = sandbox(rows=0)
    monkeypatch.chdir(voxlake.folder)
    (voxlake.folder / "credentials.json").write_text(server.credentials.read_text())
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "sending.md").read_text(), re.DOTALL)
    assert blocks
    names = {}
    for block in blocks:
        exec(block.replace("http://127.0.0.1:8080/platform_api", server.url), names)
    assert len(list(server.world.truth("sms"))) == 1


def test_every_command_is_documented(voxlake):
    """The page names each command of `voxlake sms` and each of its flags."""
    page = (DOCS / "sending.md").read_text()
    listed = re.findall(r"^  ([a-z0-9-]+)  ", voxlake("sms", "--help").stdout.partition("Commands:")[2], re.MULTILINE)
    assert {"send", "a2p-send", "control", "numbers", "segments", "check"} <= set(listed)
    for name in listed:
        assert f"voxlake sms {name}" in page
        for flag in re.findall(r"^  (--[a-z-]+)", voxlake("sms", name, "--help").stdout, re.MULTILINE):
            assert flag in page or flag in (
                "--api-url",
                "--credentials",
                "--patience",
                "--timeout",
                "--work-dir",
                "--config",
                "--help",
            ), flag
