"""What is odd in the database: shown by status, and found by an audit."""

import json
from collections import Counter
from datetime import timedelta

import duckdb
import pyarrow.parquet as pq
import pytest
from support.clock import CLOCK
from support.dates import days_ago
from support.lakes import FIRST, Hand, row

from voxlake.library import connect, export, status


@pytest.fixture
def hand(tmp_path):
    """Return an empty data directory."""
    return Hand(tmp_path / "data")


def test_status_shows_oddities(hand, voxlake):
    """What is odd is shown for people and for programs, and `status` still ends with 0."""
    hand.put(FIRST, [row(1, cost=-1), row(2)])
    hand.publish()
    assert "odd: 1 sms message, 2026-01-01 to 2026-01-01" in voxlake("status", "--data-dir", hand.root).stdout
    found = json.loads(voxlake("status", "--data-dir", hand.root, "--format", "json").stdout)
    assert [(odd["warning"], odd["messages"]) for odd in found["warnings"]] == [("negative-cost", 1)]


def test_audit_runs_checks_and_warnings(sandbox, voxlake):
    """An audit asks every check and every warning over the whole database; only a check is an error."""
    server = sandbox(rows=100, days=3)
    voxlake("backfill", "--from", days_ago(3), "--to", days_ago(0), server=server)
    assert "odd" not in voxlake("audit", server=server).stderr.lower()
    path = (voxlake.folder / "data" / "voxlake.duckdb").resolve()
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE sms_history SET cost = -1, message_id = (SELECT min(message_id) FROM sms_history)")
    done = voxlake("audit", server=server, code=4)
    assert "The check 'sms-duplicates' fails: No account has a message of sms_history twice." in done.stderr
    assert "The check 'sms-odd-totals' fails" in done.stderr


@pytest.mark.sample(1)
@pytest.mark.parametrize("output", ["json", "csv"])
def test_an_id_on_two_days(sandbox, tmp_path, output):
    """No night has it twice, and each says by exit code and by name of the day and the id which day lacks it."""
    server, folder = sandbox(rows=60, days=6), tmp_path / "data"
    found = [its for its in server.world.truth("sms") if its["processed_at"].date() == days_ago(3)]
    first = next(its for its in found if its["processed_at"].hour in range(6, 18))
    server.world.insert("sms", first | {"processed_at": first["processed_at"] + timedelta(days=1)})
    account = connect(server.credentials, api_url=server.url, output=output, clock=CLOCK)
    for night in range(3):
        result = export(account, folder, streams="sms", since=days_ago(8) if not night else None)
        (stream,) = result.streams
        unverified = {str(its.key.date): its.problem for its in stream.day_files if not its.verified}
        (found,) = status(folder, clock=CLOCK).to_json()["streams"]
        assert (result.exit_code, unverified) == (4, found["unverified_days"])
        assert [f"message {first['message_id']} moved" in problem for problem in unverified.values()] == [True]
        files = folder.glob("lake/sms_history/*/*/part.parquet")
        held = Counter(number for path in files for number in pq.read_table(path)["message_id"].to_pylist())
        assert held == Counter({its["message_id"] for its in server.world.truth("sms")})
        CLOCK.offset += timedelta(days=1).total_seconds()
