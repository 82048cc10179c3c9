"""The fields are declared once, and everything that reads or writes rows follows from them."""

import dataclasses
import json
import pickle
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from voxlake.model import Window
from voxlake.transform import A2P, SMS, STREAMS, Field, decode_csv, decode_json, normalise

ROW = {"message_id": 3, "processed_date": "2026-01-01 00:00:00", "rate": "0.5", "carrier": "acme", "zone": 7}
ADDED = (
    Field("rate", pa.decimal128(9, 4), "The price of a part.", encoding="dictionary", statistics=True),
    Field("carrier", pa.string(), "Who carried it.", words={"ACME": "Acme Corp."}),
    Field("zone_id", pa.int32(), "The zone.", sent_as=("zone_id", "zone"), encoding="delta"),
)
RICHER = dataclasses.replace(SMS, fields=(*SMS.fields, *ADDED))


def body(*rows):
    """Return the bytes of a JSON reply."""
    return json.dumps({"result": rows, "total_count": len(rows)}).encode()


@pytest.mark.parametrize("stream", STREAMS.values(), ids=str)
def test_columns(stream):
    """The wire schema is the schema without what normalising adds; names are unique, in replies too."""
    assert stream.schema.names == [field.name for field in stream.fields]
    assert set(stream.schema.names) - set(stream.wire.names) == {"status"}
    sent = [name for field in stream.fields for name in field.sent_names]
    assert len(set(stream.schema.names)) == len(stream.schema.names)
    assert len(set(sent)) == len(sent)
    assert {field.name for field in stream.fields if field.required} == {"message_id", "processed_at"}
    assert all(field.comment.endswith(".") for field in stream.fields)


def test_streams_differ_in_one_column():
    """Two histories differ in the one column that each has for itself."""
    assert set(SMS.schema.names) ^ set(A2P.schema.names) == {SMS.own, A2P.own}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=str)
def test_pickle(stream):
    """A stream travels to another process, and is the same key there, whatever it has cached here."""
    assert stream.schema
    there = pickle.loads(pickle.dumps(stream))
    assert (there, hash(there), there.schema) == (stream, hash(stream), stream.schema)


@pytest.mark.parametrize("stream", STREAMS.values(), ids=str)
def test_moves(stream):
    """What is waiting can still change, whatever its own column says, and null is not a status."""
    rows = [{"status_id": 3}, {"status_id": 1, stream.own: "QUEUED"}, {"status_id": None}, {stream.own: "DELIVERED"}]
    table = pa.Table.from_pylist(rows, schema=stream.schema)
    assert stream.moves(table).to_pylist() == [True, stream is A2P, False, False]


@pytest.mark.parametrize("stream", STREAMS.values(), ids=str)
def test_what_has_no_price_moves(stream):
    """A success with segments and without a cost is billed later; what costs nothing, failed or was not sent is not."""
    success = {"status_id": 1, "fragments": 2}
    rows = [
        success,
        {"fragments": 1, stream.own: "DELIVERED"},
        success | {"cost": Decimal(0)},
        success | {"fragments": 0},
        success | {"fragments": None},
        success | {"status_id": 2},
    ]
    table = pa.Table.from_pylist(rows, schema=stream.schema)
    assert stream.moves(table).to_pylist() == [True, True, False, False, False, False]
    assert stream.moves(table.select(stream.state_columns)).equals(stream.moves(table))


@pytest.mark.parametrize("usual", [True, False])
def test_a_field_more_is_read(usual):
    """A new field is one entry: both readers know its names, types and words, and normalising keeps it exact."""
    rows = [ROW] if usual else [ROW, {**ROW, "unknown": 1}]
    table = decode_json(body(*rows), RICHER).table
    assert table.schema.equals(RICHER.wire)
    window = Window.of_days(date(2026, 1, 1), date(2026, 1, 1))
    (row,) = normalise([table], stream=RICHER, window=window).to_pylist()
    assert (row["rate"], row["carrier"], row["zone_id"]) == (Decimal("0.5000"), "Acme Corp.", 7)
    lines = ";".join(ROW) + "\n" + ";".join(map(str, ROW.values())) + "\n"
    assert decode_csv(lines.encode(), RICHER).table.equals(table.slice(0, 1))


def test_a_field_less_is_extra():
    """What is not declared goes to `extra`."""
    (row,) = decode_json(body(ROW), SMS).table.to_pylist()
    assert json.loads(row["extra"]) == {"rate": "0.5", "carrier": "acme", "zone": 7}


def test_a_field_more_is_written(tmp_path):
    """Its Parquet column has the encoding and the statistics that were declared."""
    table = pa.Table.from_pylist([{"rate": Decimal(1), "carrier": "x", "zone_id": 1}], schema=RICHER.schema)
    pq.write_table(table, tmp_path / "file.parquet", **RICHER.parquet)
    group = pq.read_metadata(tmp_path / "file.parquet").row_group(0)
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    assert {name for name in columns if "RLE_DICTIONARY" in columns[name].encodings} == {
        *("source_number", "direction", "fragments", "cost", "status_id", "status", "error_message", "rate")
    }
    assert {name for name in columns if "DELTA_BINARY_PACKED" in columns[name].encodings} == {
        *("message_id", "processed_at", "transaction_id", "zone_id")
    }
    assert {name for name in columns if columns[name].is_stats_set} == {
        *("message_id", "direction", "fragments", "cost", "status_id", "status", "processed_at", "transaction_id"),
        "rate",
    }
