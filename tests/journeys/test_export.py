"""The main journey: what the sandbox holds is what the database holds, row by row."""

import json
from datetime import timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.clock import CLOCK
from support.dates import days_ago
from support.truth import held, truth

from voxlake.transform import STREAMS

SWITCHES = {
    "as documented": [],
    "newest first, numbers, exclusive": [
        "order=desc",
        "number_type=number",
        "from_bound=exclusive",
        "to_bound=inclusive",
    ],
    "any order, old names, texts": [
        "order=random-per-request",
        "id_field=sms_id",
        "id_type=string",
        "cost_type=string",
    ],
    "nulls, swapped dates, by day": [
        "nulls=null",
        "date_field=processed_date",
        "date_precision=day",
        "to_bound=exclusive",
    ],
    "small pages, capped": ["max_count=300", "count_mode=clamp", "max_offset=900", "offset_mode=empty"],
    "short windows, csv of another kind": [
        "max_window_days=3",
        "csv_delimiter=,",
        "csv_bom=on",
        "csv_newline=crlf",
        "csv_header=title",
        "csv_decimal=,",
    ],
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("switches", SWITCHES.values(), ids=SWITCHES)
def test_database_is_the_truth(sandbox, voxlake, switches, output):
    """Whatever the API does where nobody knows, the database holds its rows, every day verified."""
    server = sandbox(*switches)
    voxlake("export", "--since", days_ago(12), "--output", output, server=server)
    database = voxlake.folder / "data" / "voxlake.duckdb"
    for stream in STREAMS:
        expected = truth(server, stream)
        assert len(expected) > 1000
        assert expected == held(database, stream)
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (3000,)
        assert connection.execute("SELECT DISTINCT verified, row_count = total_count FROM coverage").fetchall() == [
            (True, True)
        ]
        assert connection.execute("SELECT count(*) FROM coverage").fetchone() == (26,)
        assert connection.execute("SELECT count(extra) FROM messages").fetchone() == (0,)


@pytest.mark.sample(1)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_rows_in_either_order(sandbox, voxlake, order):
    """Whatever the order of the replies, the same rows lie in the database, and in it as the API has them."""
    server = sandbox(f"order={order}")
    voxlake("export", "--since", days_ago(12), server=server)
    for stream in STREAMS:
        assert truth(server, stream) == held(voxlake.folder / "data" / "voxlake.duckdb", stream)


def test_second_run_finds_nothing_new(sandbox, voxlake):
    """A second run says that nothing is new, asks only for the open days, and leaves the same rows."""
    server = sandbox()
    voxlake("export", "--since", days_ago(12), server=server)
    before = [held(voxlake.folder / "data" / "voxlake.duckdb", stream) for stream in STREAMS]
    asked = len(server.requests)
    again = voxlake("export", server=server)
    assert "nothing new" in again.stderr
    assert len(server.requests) - asked < asked
    assert before == [held(voxlake.folder / "data" / "voxlake.duckdb", stream) for stream in STREAMS]


def test_lake_is_readable_by_anything(sandbox, voxlake):
    """A plain glob gives every row once, typed, under hive partitions."""
    server = sandbox()
    voxlake("export", "sms", "--since", days_ago(12), server=server)
    files = [path for path in (voxlake.folder / "data" / "lake").rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"part.parquet", "accounts.json"}
    table = pq.read_table(voxlake.folder / "data" / "lake" / "sms_history")
    assert sorted(table["message_id"].to_pylist()) == [row[0] for row in truth(server, "sms")]
    assert table.schema.field("cost").type == pa.decimal128(18, 6)
    assert table.schema.field("processed_at").type == pa.timestamp("us", tz="UTC")
    days = (path for path in files if path.suffix == ".parquet")
    filled = next(found for path in days if (found := pq.read_metadata(path)).num_rows)
    assert filled.row_group(0).column(0).compression == "ZSTD"


def test_late_rows_and_statuses(sandbox, voxlake):
    """A row that appears late and a status that changes are found while the day is open."""
    server = sandbox()
    voxlake("export", "--since", days_ago(12), server=server)
    row = next(row for row in server.world.truth("a2p") if row["processed_at"].date() == days_ago(1))
    server.world.insert("a2p", row | {"message_id": 999_999_999_999})
    server.world.change("a2p", row["message_id"], delivery_status="FAILED", status_id=2)
    again = voxlake("export", server=server)
    assert "1 new, 1 changed" in again.stderr
    assert truth(server, "a2p") == held(voxlake.folder / "data" / "voxlake.duckdb", "a2p")


def test_backfill_and_force(sandbox, voxlake):
    """Backfill takes the days of [from, to), asks nothing for final ones, and all again when forced."""
    server = sandbox(days=20)
    voxlake("backfill", "--from", days_ago(20), "--to", f"{days_ago(11)} 12:00:00", server=server)
    status = json.loads(voxlake("status", "--format", "json").stdout)
    assert [(s["stream"], s["final"]) for s in status["streams"]] == [("sms", 10), ("a2p", 10)]
    asked = len(server.requests)
    assert (
        "every day is final" in voxlake("backfill", "--from", days_ago(20), "--to", days_ago(10), server=server).stderr
    )
    assert asked == len(server.requests)
    voxlake("backfill", "sms", "--from", days_ago(20), "--to", days_ago(10), "--force", server=server)
    assert asked < len(server.requests)


def test_rows_that_cannot_be_read(sandbox, voxlake):
    """A row without a readable amount is kept aside, named, and the rest published; mended, it comes home."""
    server = sandbox()
    row = next(row for row in server.world.truth("sms") if row["processed_at"].date() == days_ago(2))
    cost = row["cost"]
    server.world.change("sms", row["message_id"], cost=Decimal("0.12345678901234567890"))
    voxlake("export", "--since", days_ago(12), server=server, code=4)
    (kept,) = (voxlake.folder / "data" / "rejects").rglob("*.jsonl")
    reject = json.loads(kept.read_text(), parse_float=Decimal)
    assert reject["raw"]["message_id"] == row["message_id"]
    assert reject["raw"]["cost"] == Decimal("0.12345678901234567890")
    assert "cost" in reject["reason"]
    status = json.loads(voxlake("status", "--format", "json").stdout)
    assert (status["streams"][0]["rejects"], list(status["streams"][0]["unverified_days"])) == (1, [str(days_ago(2))])
    assert len(held(voxlake.folder / "data" / "voxlake.duckdb", "sms")) == len(truth_ids(server)) - 1
    server.world.change("sms", row["message_id"], cost=cost)
    voxlake("export", server=server)
    assert not list((voxlake.folder / "data" / "rejects").rglob("*.jsonl"))
    assert truth(server, "sms") == held(voxlake.folder / "data" / "voxlake.duckdb", "sms")


def truth_ids(server):
    """Return the ids of the sandbox's sms rows."""
    return [row["message_id"] for row in server.world.truth("sms")]


def test_unknown_fields_are_kept(sandbox, voxlake):
    """A field that the API gains tomorrow is in `extra` today."""
    server = sandbox("extra_field=on")
    voxlake("export", "sms", "--since", days_ago(12), server=server)
    with duckdb.connect(str(voxlake.folder / "data" / "voxlake.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) = count(extra) FROM sms_history").fetchone() == (True,)


def test_day_in_progress(sandbox, voxlake):
    """Today is exported up to now and stays open."""
    now = CLOCK.now()
    server = sandbox(world_now=now.timestamp)
    row = next(iter(server.world.truth("sms")))
    server.world.insert(
        "sms", row | {"message_id": 7, "processed_at": now.replace(microsecond=0) - timedelta(seconds=1)}
    )
    voxlake("export", server=server)
    status = json.loads(voxlake("status", "--format", "json").stdout)
    assert status["streams"][0]["newest_message"] == f"{now - timedelta(seconds=1):%Y-%m-%d %H:%M:%S}"
    assert status["streams"][0]["open"] >= 1


def test_windows_of_a_single_day(sandbox, voxlake):
    """An API that allows exactly one day, while we ask a second wider, is asked in pieces of a day."""
    server = sandbox("max_window_days=1")
    voxlake("export", "--since", days_ago(4), server=server)
    inside = [row for row in truth(server, "sms") if row[-1] >= days_ago(4)]
    assert inside == held(voxlake.folder / "data" / "voxlake.duckdb", "sms")
