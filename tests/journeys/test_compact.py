"""Months in one file, from the command line: exported, compacted, audited, repaired, damaged and rebuilt."""

import json

import pytest
from support.dates import days_ago
from support.truth import held, truth

from voxlake.transform import STREAMS

DAYS = 45
"""Of the days before the tests' today, all of February and the last week of January are in months that have ended."""


def lake_of(voxlake, stream="sms"):
    """Return the names of the files of a stream, by folder."""
    folder = voxlake.folder / "data" / "lake" / STREAMS[stream].table
    return sorted(f"{path.parent.name}/{path.name}" for path in folder.rglob("*.parquet"))


def months(voxlake, stream="sms"):
    """Return the files of months."""
    return [name for name in lake_of(voxlake, stream) if "/days-" in name]


@pytest.fixture
def exported(sandbox, voxlake):
    """Export 45 days, which are final, and compact what there is."""
    server = sandbox(days=DAYS, rows=900)
    voxlake("export", "--since", days_ago(DAYS), "--settle-hours", 0, "--compact", server=server)
    return server


@pytest.mark.slow
def test_a_compacted_day_that_changes(exported, voxlake):
    """It is found by an audit, repaired, and lies in the file of its month still, where a publish finds it."""
    files = lake_of(voxlake)
    found = months(voxlake)
    assert len(found) == (2 if days_ago(DAYS).day < 31 else 1)
    assert json.loads(voxlake("compact", "--settle-hours", 0, "--format", "json").stdout)["months"] == []
    assert "0 files fewer" in voxlake("compact").stderr
    assert voxlake("audit", "--settle-hours", 0, server=exported).stdout.count("; 0 differences") == 2
    late = next(row for row in exported.world.truth("sms") if row["processed_at"].date() == days_ago(20))
    exported.world.insert("sms", late | {"message_id": 10**13})
    lost = next(row for row in exported.world.truth("a2p") if row["processed_at"].date() == days_ago(20))
    exported.world.remove("a2p", lost["message_id"])
    assert "messages, the lake holds" in voxlake("audit", server=exported, code=4).stdout
    voxlake("audit", "--repair", server=exported)
    assert lake_of(voxlake) == files
    for stream in STREAMS:
        assert held(voxlake.folder / "data" / "voxlake.duckdb", stream) == truth(exported, stream)
    (voxlake.folder / "data" / "ledger.sqlite").unlink()
    voxlake("publish")
    for stream in STREAMS:
        assert held(voxlake.folder / "data" / "voxlake.duckdb", stream) == truth(exported, stream)
    voxlake("export", "--settle-hours", 0, server=exported)
    assert lake_of(voxlake) == files


@pytest.mark.slow
def test_a_file_of_a_month_that_is_damaged(exported, voxlake):
    """Its days are named, and read again; the file is kept aside, and the month is compacted again."""
    folder = voxlake.folder / "data" / "lake" / STREAMS["sms"].table
    path = next(folder.glob("*/date=2026-02-28/days-28.parquet"), None) or next(folder.rglob("days-*.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "its checksum differs" in voxlake("audit", "--pages", 0, server=exported, code=4).stdout
    voxlake("audit", "--repair", "--pages", 0, server=exported)
    assert not path.exists()
    assert len(list((voxlake.folder / "data" / "rejects" / "gone").rglob(path.name))) == 1
    voxlake("compact", "--settle-hours", 0)
    assert path.exists()
    assert voxlake("audit", "--settle-hours", 0, server=exported).stdout.count("; 0 differences") == 2
    assert held(voxlake.folder / "data" / "voxlake.duckdb", "sms") == truth(exported, "sms")


def test_nothing_is_compacted_unless_it_is_asked_for(sandbox, voxlake):
    """A plain export leaves one file a day; where it is set and cannot be done, the export ends as it does else."""
    server = sandbox(days=DAYS, rows=300)
    voxlake("export", "--since", days_ago(DAYS), "--settle-hours", 0, server=server)
    assert months(voxlake) == []
    done = json.loads(voxlake("compact", "--settle-hours", 0, "--dry-run", "--format", "json").stdout)
    assert done["dry_run"]
    assert done["fewer_files"] > 50
    assert months(voxlake) == []
    (voxlake.folder / "voxlake.toml").write_text("compact = true\nsettle_hours = 0\n")
    for stream in STREAMS.values():
        account = next((voxlake.folder / "data" / "lake" / stream.table).iterdir())
        (account / "notes" / "more").mkdir(parents=True)
    assert "Months were not compacted" in voxlake("export", "-v", server=server).stderr
    assert months(voxlake) == []
    for more in (voxlake.folder / "data" / "lake").glob("*/*/notes/more"):
        more.rmdir()
    voxlake("export", server=server)
    assert len(months(voxlake)) >= 1
    assert voxlake("compact", "--account", "99", code=2).stderr.count("of these accounts") == 1
