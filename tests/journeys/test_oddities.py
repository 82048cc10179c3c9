"""What is odd in the database: shown by status, and found by an audit."""

import json

import duckdb
import pytest
from support.dates import days_ago
from support.lakes import FIRST, Hand, row


@pytest.fixture
def hand(tmp_path):
    """Give an empty data directory."""
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
    assert "(negative-cost)" in done.stderr
