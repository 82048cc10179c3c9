"""Who got what is known after any interruption, and nobody gets it twice; the sandbox's own truth is the judge."""

import itertools
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter

import pytest
from support.clock import CLOCK
from support.messages import SENDER, TO
from support.program import PROGRAM
from support.runner import Command

from voxlake.errors import AlreadyRunning
from voxlake.messaging import UNKNOWN, open_journal

pytestmark = pytest.mark.dateless

BAD = [f"4477{n:02d}0{end}" for n, end in enumerate(["0506", "0385", "0509", "0506"] * 5)]
GOOD = [str(447700910000 + n) for n in range(280)]  # none with a fate of its own


def listed(folder):
    """Write three hundred numbers, twenty of them bad, in an order that mixes them."""
    numbers = GOOD + BAD
    random.Random(1).shuffle(numbers)
    (folder / "numbers.txt").write_text("# customers\n" + "\n".join(numbers) + "\n")
    return ["sms", "a2p-send", "--from", SENDER, "--to-file", "numbers.txt", "--text", "Your order is ready"]


def got(server):
    """Count, by the sandbox's own truth, how many messages each number got."""
    return Counter(row["destination_number"] for row in server.world.truth("a2p") if row["fragments"])


def test_300_numbers_without_interruption(sandbox, voxlake):
    """Every good number gets one message, every bad one is named with its code; a second run sends nothing."""
    server = sandbox("resend_seconds=none", rows=0)
    command = listed(voxlake.folder)
    done = voxlake(*command, "--format", "json", server=server, code=4)
    results = json.loads(done.stdout)
    assert {r["number"] for r in results if r["state"] == "sent"} == set(GOOD)
    assert {r["number"]: r["code"] for r in results if r["state"] == "failed"} == {n: int(n[-3:]) for n in BAD}
    assert got(server) == dict.fromkeys(GOOD, 1)
    assert "280 sent, 20 failed" in done.stderr
    again = voxlake(*command, server=server, code=4)
    assert "280 skipped, 20 failed" in again.stderr
    assert got(server) == dict.fromkeys(GOOD, 1)
    journal = voxlake.folder / "data" / "outbox.jsonl"
    assert "Your order" not in journal.read_text()
    assert journal.stat().st_mode & 0o077 == 0
    voxlake(*command, "--again", "--keep-text", server=server, code=4)
    assert got(server) == dict.fromkeys(GOOD, 2)
    assert "Your order" in journal.read_text()


@pytest.mark.sample(1)
@pytest.mark.parametrize("after_the_deed", [True, False])
def test_300_numbers_and_kill_9(sandbox, voxlake, tmp_path, after_the_deed):
    """Killed in the middle of the second of three requests, the run goes on where it was, and nobody gets it twice."""
    server = sandbox("resend_seconds=none", rows=0)
    answer, reached, released = server.answer, threading.Event(), threading.Event()
    requests = itertools.count(1)

    def slow(target, *rest):
        if next(requests) != 2:
            return answer(target, *rest)
        reply = answer(target, *rest) if after_the_deed else None
        reached.set()
        released.wait(30)
        if reply is None:
            raise ConnectionResetError
        return reply

    command = listed(voxlake.folder)
    env = dict(os.environ) | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    server.answer = slow
    run = Command(command, env, voxlake.folder, tmp_path / "killed")
    assert reached.wait(30)
    run.process.kill()
    assert run.wait(30).returncode == -9
    server.answer = answer
    released.set()
    first = got(server)
    assert max(first.values()) == 1
    assert 90 < sum(first.values()) < 200

    resumed = json.loads(voxlake(*command, "--format", "json", server=server, code=75).stdout)
    states = Counter(result["state"] for result in resumed)
    assert states["unknown"] == 100
    assert states["sent"] + states["skipped"] + states["failed"] == 200
    assert max(got(server).values()) == 1

    checked = voxlake("sms", "check", "--format", "json", server=server, code=75)
    found = {row["number"] for row in json.loads(checked.stdout) if row["state"] == "sent"}
    unknown = {result["number"] for result in resumed if result["state"] == "unknown"}
    assert found == (unknown & set(GOOD) if after_the_deed else set())
    assert all(first[number] for number in found)

    voxlake(*command, "--resend-unknown", server=server, code=4)
    assert got(server) == dict.fromkeys(GOOD, 1)
    voxlake("sms", "check", server=server)


def test_kills_at_any_moment(sandbox, voxlake, tmp_path):
    """Killed again and again at moments that nobody chose, nobody ever gets it twice."""
    server = sandbox("resend_seconds=none", rows=0)
    command = listed(voxlake.folder)
    env = dict(os.environ) | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    rng = random.Random(7)
    for n in range(6):
        run = Command(command, env, voxlake.folder, tmp_path / f"run-{n}")
        time.sleep(rng.uniform(0.1, 0.9))
        run.process.kill()
        assert run.wait(30).returncode in (-9, 0, 4, 75)
        assert max(got(server).values(), default=0) <= 1
    last = Command(command, env, voxlake.folder, tmp_path / "last").wait(60)
    assert last.returncode in (4, 75)
    check = Command(["sms", "check"], env, voxlake.folder, tmp_path / "check").wait(60)
    assert check.returncode in (0, 75)
    voxlake(*command, "--resend-unknown", server=server, code=4)
    assert got(server) == dict.fromkeys(GOOD, 1)


@pytest.mark.sample(1)
@pytest.mark.parametrize("fault", ["lost", "cut", "http-502"])
def test_a_lost_reply_stops_the_run(sandbox, voxlake, fault):
    """After a reply that nobody heard, the run stops with 75, says what to do, and what went out is found."""
    server = sandbox("resend_seconds=none", rows=0, faults=f"{fault}=1,first=1")
    command = ["sms", "a2p-send", "--from", SENDER, "--to", *GOOD[:150], "--text", "hello"]
    done = voxlake(*command, server=server, code=75)
    assert "100 unknown, 50 unsent" in done.stderr
    assert done.stdout.count("the run ended before it") == 50
    assert "voxlake sms check" in done.stderr
    done = voxlake(*command, server=server, code=75)
    assert "50 sent, 100 unknown" in done.stderr
    check = voxlake("sms", "check", server=server, code=75 if fault == "http-502" else 0)
    assert check.stdout.count("not in the history") == (100 if fault == "http-502" else 0)
    voxlake(*command, "--resend-unknown", server=server)
    assert got(server) == dict.fromkeys(GOOD[:150], 1)


def test_a_lost_reply_under_a_policy(sandbox, voxlake):
    """Where no number is kept, what went out is found all the same, and no file of the data directory has a number."""
    server = sandbox("resend_seconds=none", rows=0, faults="lost=1,first=1")
    (voxlake.folder / "voxlake.toml").write_text('[privacy]\nsource = "hash"\ndestination = "drop"\ntext = "drop"\n')
    command = ["sms", "a2p-send", "--from", SENDER, "--to", *GOOD[:5], "--text", "hello", "--keep-text"]
    assert "voxlake privacy init" in voxlake(*command, server=server, code=2).stderr
    voxlake("privacy", "init")
    assert "5 unknown" in voxlake(*command, server=server, code=75).stderr
    voxlake("sms", "check", server=server)
    assert "5 skipped" in voxlake(*command, server=server).stderr
    assert got(server) == dict.fromkeys(GOOD[:5], 1)
    content = "".join(path.read_text() for path in (voxlake.folder / "data").rglob("*") if path.is_file())
    assert not [secret for secret in (*GOOD[:5], SENDER, "hello") if secret in content]


def test_one_message_with_an_unknown_end(sandbox, voxlake):
    """A single send that nobody heard of is not sent again by the same command; a known one is a new message."""
    server = sandbox("resend_seconds=none", rows=0, faults="lost=1,first=1")
    command = ["sms", "send", "--from", "12345678111", "--to", TO, "--text", "hello"]
    assert "1 unknown" in voxlake(*command, server=server, code=75).stderr
    assert "1 unknown" in voxlake(*command, server=server, code=75).stderr
    assert len(list(server.world.truth("sms"))) == 1
    voxlake("sms", "check", server=server)
    assert "1 sent" in voxlake(*command, server=server).stderr
    assert len(list(server.world.truth("sms"))) == 2


def test_a_resend_that_is_refused_stays_unknown(sandbox, voxlake):
    """484 for a message of unknown end says that it went out before: it does not become a failure to retry."""
    server = sandbox(rows=0, faults="lost=1,first=1")
    command = ["sms", "a2p-send", "--from", SENDER, "--to", TO, GOOD[0], "--text", "hello"]
    voxlake(*command, server=server, code=75)
    done = voxlake(*command, "--resend-unknown", "--format", "json", server=server, code=75)
    assert [(r["state"], r["code"]) for r in json.loads(done.stdout)] == [("unknown", 484)] * 2
    voxlake("sms", "check", server=server)
    assert "2 skipped" in voxlake(*command, server=server).stderr


def test_an_error_of_the_whole_leaves_the_rest_unsent(sandbox, voxlake):
    """Where the account may not, nobody is marked; after that is resolved, the same command sends."""
    server = sandbox(rows=0)
    command = ["sms", "a2p-send", "--from", SENDER, "--to", TO, "--text", "hello"]
    owner = {"VOXIMPLANT_CREDENTIALS": str(server.credentials_for(["Owner"]))}
    done = voxlake(*command, server=server, env=owner, code=3)
    assert "CallsSMS" in done.stderr
    assert "1 unsent" in done.stderr
    assert "the account was refused" in done.stdout
    assert "1 sent" in voxlake(*command, server=server).stderr


@pytest.mark.parametrize("switch", ["unroutable=refused", "all_failed=error"])
def test_a_whole_refused_for_some_is_searched_by_halves(sandbox, voxlake, switch):
    """Where one bad number has the whole request refused, the bad are found, and the good get their message."""
    server = sandbox(switch, "resend_seconds=none", rows=0)
    bad = ["44770000506", "99912345678"]
    numbers = [*GOOD[:9], bad[0], *GOOD[9:20], bad[1]]
    done = voxlake("sms", "a2p-send", "--from", SENDER, "--to", *numbers, "--text", "x", server=server, code=4)
    assert "20 sent, 2 failed" in done.stderr
    assert got(server) == dict.fromkeys(GOOD[:20], 1)
    alone = voxlake("sms", "a2p-send", "--from", SENDER, "--to", *bad, "--text", "x", server=server, code=4)
    assert "2 failed" in alone.stderr


def test_again_leaves_the_unknown_alone(sandbox, voxlake):
    """--again is for those who had it, and says nothing of those of whom nobody knows, nor of other numbers."""
    server = sandbox("resend_seconds=none", rows=0, faults="lost=1,first=1")
    one, two = (["sms", "send", "--from", "12345678111", "--text", "x", "--to", number] for number in GOOD[:2])
    voxlake(*one, server=server, code=75)
    voxlake(*two, server=server)
    voxlake(*two, server=server)
    assert "1 unknown" in voxlake(*one, "--again", server=server, code=75).stderr
    assert len(list(server.world.truth("sms"))) == 3


def test_check_tells_messages_apart(sandbox, voxlake):
    """Two messages to one number about the same time: a stored text decides; without one, nobody guesses."""
    for stored in (["--store-body"], []):
        server = sandbox("resend_seconds=none", rows=0, faults="lost=1,first=1")
        data = ["--data-dir", "-".join(["data", *stored])]
        command = ["sms", "send", "--from", "12345678111", "--to", TO, *stored]
        voxlake(*command, *data, "--text", "the first", server=server, code=75)
        voxlake(*command, "--data-dir", "elsewhere", "--text", "the second", server=server)
        check = voxlake("sms", "check", *data, "--format", "json", server=server, code=0 if stored else 75)
        (row,) = json.loads(check.stdout)
        assert row["state"] == ("sent" if stored else "one of 2, or none")
        if stored:
            (first,) = [r["message_id"] for r in server.world.truth("sms") if r["text"] == "the first"]
            assert row["message_id"] == first


@pytest.mark.parametrize("stored", [["--store-body"], []])
def test_check_does_not_take_the_message_before_for_one_that_never_left(sandbox, voxlake, stored):
    """Sent, and meant to be sent once more by a run that died first: the history holds the first alone."""
    server = sandbox("resend_seconds=none", rows=0)
    voxlake("sms", "send", "--from", "12345678111", "--to", TO, "--text", "hello", *stored, server=server)
    now = CLOCK.now()
    with open_journal(voxlake.folder / "data") as journal:
        message = journal.message_key(server.account_id, "SendSmsMessage", "12345678111", "hello")
        assert journal.known(message)
        journal.allow_again(message, [TO], at=now)
        journal.record_intent(message, [TO], at=now)
    assert "not in the history" in voxlake("sms", "check", server=server, code=75).stdout


@pytest.mark.sample(1)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 75), (signal.SIGTERM, 143)])
def test_ctrl_c_is_no_bug(sandbox, tmp_path, number, code):
    """Stopped while a request is under way, the run ends with one sentence, and the journal knows the rest."""
    server = sandbox("resend_seconds=none", rows=0)
    env = os.environ | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    answer, reached, let_go = server.answer, threading.Event(), threading.Event()

    def slow(*arguments):
        reply = answer(*arguments)
        reached.set()
        let_go.wait(60)
        return reply

    server.answer = slow
    command = [*PROGRAM, "sms", "a2p-send", "--from", SENDER, "--to", *GOOD, "--text", "hello"]
    with subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as run:
        assert reached.wait(60)
        run.send_signal(number)
        (line,) = run.communicate(timeout=30)[1].splitlines()
        let_go.set()
        assert line.startswith("voxlake: Interrupted: the same command goes on")
    assert run.returncode == code
    with open_journal(tmp_path / "data") as journal:
        assert {entry.state for entry in journal.entries()} == {UNKNOWN}


def test_one_sender_at_a_time(tmp_path, sandbox, voxlake):
    """A second send with the same journal ends with 75; an export does not mind."""
    server = sandbox(rows=0)
    with open_journal(voxlake.folder / "data"):
        with pytest.raises(AlreadyRunning), open_journal(voxlake.folder / "data"):
            pass
        done = voxlake("sms", "send", "--from", "12345678111", "--to", TO, "--text", "x", server=server, code=75)
        assert "Another send" in done.stderr
        voxlake("export", server=server)
    assert sum(r.method == "SendSmsMessage" for r in server.requests) == 0
