"""A day file of an older schema is older, not damaged: its new columns are null, everywhere."""

import dataclasses
import shutil

import duckdb
import pyarrow as pa
import pytest
from support.lakes import ACCOUNT, FIRST, Hand, row

from voxlake import sql
from voxlake.lake import Lake, Manifest
from voxlake.lake.evolve import is_older, upgrade
from voxlake.model import DayKey
from voxlake.transform import SMS, STREAMS, Field
from voxlake.warehouse.derived_columns import table_rows
from voxlake.warehouse.generate import generated

SECOND = FIRST.replace(day=2)
ROUTE = Field("route", pa.string(), "The route it took.", encoding="dictionary", statistics=True)
NEWER = dataclasses.replace(SMS, fields=(*SMS.fields[:-1], ROUTE, SMS.fields[-1]))


@pytest.fixture
def hand(tmp_path, monkeypatch):
    """Return a data directory with a day from before a column was declared; statements are copied for `newer`."""
    shutil.copytree(sql.folder(), tmp_path / "sql")
    monkeypatch.setattr(sql, "folder", lambda: tmp_path / "sql")
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1), row(2)])
    hand.publish()
    table_rows.cache_clear()
    yield hand
    table_rows.cache_clear()


@pytest.fixture
def newer(hand, tmp_path, monkeypatch):
    """Return the same after the column was declared, and its statements were generated."""
    monkeypatch.setitem(STREAMS, "sms", NEWER)
    for path, text in generated(NEWER).items():
        (tmp_path / "sql" / path).write_text(text)
    table_rows.cache_clear()
    return hand


def test_is_older():
    """A file is older if it lacks optional columns and has the others as they are; else it is something else."""
    assert is_older(SMS.schema, NEWER)
    assert not is_older(NEWER.schema, NEWER)
    assert not is_older(NEWER.schema, SMS)
    for wrong in (
        SMS.schema.remove(0),
        SMS.schema.set(0, pa.field("message_id", pa.int32())),
        pa.schema(reversed(list(SMS.schema))),
        pa.schema([]),
    ):
        assert not is_older(wrong, NEWER)


def test_upgrade():
    """Rows keep their values and gain nulls; rows that have all that is wanted stay as they are."""
    table = pa.Table.from_pylist([row(1), row(2)], schema=SMS.schema)
    upgraded = upgrade(table, NEWER.schema)
    assert upgraded.schema == NEWER.schema
    assert upgraded.select(SMS.schema.names).equals(table)
    assert upgraded["route"].null_count == 2
    assert upgrade(table, SMS.schema) is table


def test_file_is_sound_and_read(newer):
    """The older file is not damaged, and its rows have the new column, also where only some columns are asked for."""
    lake, key = Lake(newer.root), DayKey(ACCOUNT, "sms", FIRST)
    assert lake.damage(lake.read_footer(key)) is None
    (table,) = lake.read_rows(key)
    assert (table.schema, table["route"].to_pylist()) == (NEWER.schema, [None, None])
    (table,) = lake.read_rows(key, columns=["route", "message_id"])
    assert table.to_pydict() == {"route": [None, None], "message_id": [1, 2]}


def test_database_holds_old_and_new_days(newer):
    """The next publish builds the database anew, with the older day's column null, and finds no difference."""
    newer.put(SECOND, [row(3, SECOND, route="r1")])
    warehouse = newer.publish()
    assert newer.ask("SELECT message_id, route FROM sms_history ORDER BY 1") == [(1, None), (2, None), (3, "r1")]
    assert newer.ask("SELECT comment FROM duckdb_columns() WHERE column_name = 'route'") == [("The route it took.",)]
    lake = Lake(newer.root)
    assert warehouse.differing(Manifest(lake).sound(), lake.path) == []
    newer.publish()
    assert newer.published == [1, 2, 0]


def test_difference_is_noticed(newer):
    """A row of an older day that the database has otherwise is still found."""
    warehouse = newer.publish()
    warehouse.path.resolve().chmod(0o644)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("UPDATE sms_history SET route = 'r9' WHERE message_id = 1")
    lake = Lake(newer.root)
    assert warehouse.differing(Manifest(lake).sound(), lake.path) == [DayKey(ACCOUNT, "sms", FIRST)]


def test_older_day_is_rewritten_with_the_column(newer):
    """What writes an older day again, as when a status changed, writes it with today's columns."""
    lake, key = Lake(newer.root), DayKey(ACCOUNT, "sms", FIRST)
    changed = pa.Table.from_pylist([row(2, status_id=2, status="error", route="r2")], schema=NEWER.schema)
    with lake.locked(holder="a test"):
        day_file = lake.update_rows(lake.read_footer(key), changed)
    assert lake.damage(day_file) is None
    (table,) = lake.read_rows(key)
    assert table.select(["message_id", "status", "route"]).to_pylist() == [
        {"message_id": 1, "status": "success", "route": None},
        {"message_id": 2, "status": "error", "route": "r2"},
    ]
