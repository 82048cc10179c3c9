"""From which day on exports look after an account: the first export decides it, and no backfill moves it."""

import json
import os
import re
import shutil

import pytest
from support.clock import CLOCK
from support.dates import days_ago
from support.runner import Command


def streams(voxlake):
    """Return what status says of each stream."""
    found = json.loads(voxlake("status", "--format", "json").stdout)["streams"]
    return {stream["stream"]: stream for stream in found}


def planned(voxlake, server, *arguments):
    """Return the days that an export would read or probe, by stream."""
    lines = voxlake("export", "--dry-run", *arguments, server=server).stdout.splitlines()
    return {line.partition(":")[0]: line for line in lines}


def test_a_backfill_moves_nothing(sandbox, voxlake):
    """A backfill of an old span leaves the nights as they were, and the days between are not missing."""
    server = sandbox(rows=300, days=90)
    voxlake("export", "--since", days_ago(5), server=server)
    assert f"days since {days_ago(5)} are looked after" in voxlake("export", server=server).stderr
    before = planned(voxlake, server)
    voxlake("backfill", "--from", days_ago(80), "--to", days_ago(76), server=server)
    # What a backfill brought is final, so nothing of it is looked at again.
    assert {name: re.sub(r"\d+ days? (is|are) final", "", line) for name, line in planned(voxlake, server).items()} == {
        name: re.sub(r"\d+ days? (is|are) final", "", line) for name, line in before.items()
    }
    for stream in streams(voxlake).values():
        assert stream["exported_since"] == str(days_ago(5))
        assert stream["missing"] == 0
        assert stream["final"] + stream["open"] == 6 + 4
    assert voxlake("audit", server=server).stdout.count("; 0 differences") == 2


def test_an_earlier_since_reaches_further_back(sandbox, voxlake):
    """An export of earlier days is looked after from these on; one of later days is of these alone."""
    server = sandbox(rows=100, days=20)
    voxlake("export", "--since", days_ago(3), server=server)
    voxlake("export", "--since", days_ago(1), server=server)
    assert streams(voxlake)["sms"]["exported_since"] == str(days_ago(3))
    voxlake("export", "--since", days_ago(9), server=server)
    assert streams(voxlake)["sms"]["exported_since"] == str(days_ago(9))
    assert streams(voxlake)["sms"]["missing"] == 0


def test_older_messages_are_named(sandbox, voxlake):
    """The first export counts what lies before its first day once, and names the command that brings it."""
    server = sandbox(rows=600, days=60)
    told = voxlake("export", "--since", days_ago(10), server=server).stderr
    older = {
        stream: sum(row["processed_at"].date() < days_ago(10) for row in server.world.truth(stream))
        for stream in ("sms", "a2p")
    }
    for stream, number in older.items():
        assert f"{stream}: {number} older messages exist: 'voxlake backfill {stream} --from" in told
    assert "older" not in voxlake("export", server=server).stderr
    commands = re.findall(r"older messages exist: 'voxlake (backfill [^']*)'", voxlake("status").stdout)
    assert len(commands) == 2
    for command in commands:
        voxlake(*command.split(), server=server)
    assert "older" not in voxlake("status").stdout
    assert {name: its["rows"] for name, its in streams(voxlake).items()} == {
        stream: len(list(server.world.truth(stream))) for stream in ("sms", "a2p")
    }


@pytest.mark.slow
def test_a_backfill_that_is_killed_is_ended_by_the_next_export(sandbox, voxlake):
    """Days that a backfill set out to read are named as missing, and read by the next export, and these alone."""
    server = sandbox("max_window_days=1", rows=2000, days=90)
    voxlake("export", "--since", days_ago(2), server=server)
    server.latency = 0.05
    environ = os.environ | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    arguments = ("backfill", "--from", days_ago(60), "--to", days_ago(40), "--jobs", "1")
    running = Command(arguments, environ, voxlake.folder, voxlake.folder / "command")
    folder = voxlake.folder / "data" / "lake" / "sms_history"
    while len(list(folder.rglob("part.parquet"))) < 5:
        CLOCK.sleep(0.01)
    running.process.kill()
    assert running.wait(30).returncode == -9
    server.latency = 0
    state = streams(voxlake)["sms"]
    assert 0 < state["missing"] + state["unverified"] <= 20
    voxlake("export", server=server)
    state = streams(voxlake)["sms"]
    assert (state["missing"], state["unverified"]) == (0, 0)
    assert state["final"] + state["open"] == 3 + 20
    assert state["exported_since"] == str(days_ago(2))


def test_a_backfill_before_the_first_export(sandbox, voxlake):
    """The first export begins where it would have begun."""
    server = sandbox(rows=200, days=90)
    voxlake("backfill", "--from", days_ago(80), "--to", days_ago(78), server=server)
    voxlake("export", server=server)
    assert streams(voxlake)["sms"]["exported_since"] == str(days_ago(30))
    assert streams(voxlake)["sms"]["missing"] == 0


def test_a_replay_knows_nothing_of_days_that_were_only_counted(sandbox, voxlake):
    """The count of older messages is a reply about their days, of which none is rebuilt."""
    server = sandbox(rows=300, days=30)
    voxlake("export", "--keep-raw", "--since", days_ago(6), server=server)
    before = streams(voxlake)
    voxlake("replay", "--force")
    assert streams(voxlake) == before


def test_days_that_were_deleted_on_purpose_are_not_looked_after(sandbox, voxlake):
    """Whoever deletes the oldest days and publishes has exports begin with the oldest that is left."""
    server = sandbox(rows=100, days=12)
    voxlake("export", "--since", days_ago(9), server=server)
    for n in (9, 8):
        shutil.rmtree(voxlake.folder / f"data/lake/sms_history/account_id=1234567/date={days_ago(n)}")
    assert streams(voxlake)["sms"]["missing"] == 2
    voxlake("publish")
    found = streams(voxlake)
    assert (found["sms"]["missing"], found["sms"]["exported_since"]) == (0, str(days_ago(7)))
    assert found["a2p"]["exported_since"] == str(days_ago(9))
    assert str(days_ago(8)) not in planned(voxlake, server)["sms"]
