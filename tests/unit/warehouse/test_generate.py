"""The SQL files of the streams are what the declared fields make of them."""

import dataclasses

import duckdb
import pyarrow as pa
import pytest

from voxlake.sql import folder, statements
from voxlake.transform import SMS, STREAMS, Field
from voxlake.warehouse.ddl import column_comments
from voxlake.warehouse.generate import generated, table_of, write
from voxlake.warehouse.state import fingerprint


def test_files_are_current():
    """`make schema` would change nothing, and it makes every table of messages, their totals and checks."""
    made = {path: text for stream in STREAMS.values() for path, text in generated(stream).items()}
    assert made == {path: (folder() / path).read_text() for path in made}
    for kind in ("checks", "totals"):
        assert {path.partition("/")[2] for path in made if path.startswith(f"{kind}/")} == {
            f"{name}.sql" for name in statements(kind) if name != "accounts"
        }


def test_fingerprint():
    """The statements are those since which databases go on without being built anew.

    A change of them is allowed, and costs every user one rebuild: change this number with it.
    """
    assert fingerprint() == "58d95e091a6ddc3785dd0c5700e49fa4"


def test_write(tmp_path):
    """The files are written where `sql/` has them."""
    for kind in ("tables", "totals", "checks"):
        (tmp_path / kind).mkdir()
    write(tmp_path)
    for path in tmp_path.rglob("*.sql"):
        assert path.read_text() == (folder() / path.relative_to(tmp_path)).read_text()
    assert len(list(tmp_path.rglob("*.sql"))) == 11 * len(STREAMS) + 3


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        (pa.string(), "VARCHAR"),
        (pa.int64(), "BIGINT"),
        (pa.decimal128(9, 4), "DECIMAL(9, 4)"),
        (pa.timestamp("us", tz="UTC"), "TIMESTAMP"),
    ],
)
def test_a_field_more(kind, declared):
    """A new field is one entry: its table has a column of its type, commented and compressed as declared."""
    field = Field("carrier", kind, "Who carried it.", required=True, compression="zstd")
    stream = dataclasses.replace(SMS, fields=(*SMS.fields[:-1], field, SMS.fields[-1]))
    statement = table_of(stream)
    line = f"{declared} NOT NULL USING COMPRESSION zstd, -- Who carried it."
    assert f"    carrier{' ' * 13}{line}\n" in statement
    plain = dataclasses.replace(field, compression=None)
    with duckdb.connect() as connection:
        connection.execute(table_of(dataclasses.replace(stream, fields=(*SMS.fields, plain))))
        names = [row[0] for row in connection.execute("DESCRIBE sms_history").fetchall()]
    assert len(column_comments(statement)) == len(names)
    assert names[-9:-6] == ["carrier", "destination_country", "segments_expected"]
    assert names[-3:] == ["destination", "settled", "fragments"]


def test_a_stream_more():
    """A new stream has a table, totals and checks, which DuckDB understands and which find nothing in nothing."""
    other = dataclasses.replace(SMS, name="mms", method="GetMmsHistory", table="mms_history")
    files = generated(other)
    tables = [files.pop(f"tables/{name}_totals.sql") for name in ("daily", "hourly", "odd")]
    assert sorted(files) == [
        *(f"checks/mms-{name}.sql" for name in ("counts", "daily-totals", "days", "duplicates")),
        "checks/mms-hourly-totals.sql", "checks/mms-odd-totals.sql", "checks/mms-sums.sql", "tables/mms_history.sql",
        "totals/mms-daily.sql", "totals/mms-hourly.sql", "totals/mms-odd.sql",
    ]  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA meta")
        for table in (statements("tables")["coverage"], *tables):
            connection.execute(table)
        connection.execute("CREATE TABLE fresh (account_id BIGINT, stream VARCHAR, date DATE)")
        connection.execute(files.pop("tables/mms_history.sql"))
        for query in files.values():
            assert "mms" in query
            assert connection.execute(query).fetchall() == []
