"""A day file of an older schema is older, not damaged; one of a newer version is refused."""

import dataclasses
import json
import shutil
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.index import ask
from support.lakes import ACCOUNT, FIRST, Hand, row

from voxlake import sql
from voxlake.errors import DataError, SettingsError
from voxlake.lake import Lake, Learned, Manifest
from voxlake.lake.evolve import FORMAT, FileSchema, ForeignSchemaError, MisfitError, evolve, schema_entry
from voxlake.model import DayKey, Window, WindowRows
from voxlake.pipeline.day import DayDraft, seal_day
from voxlake.transform import SMS, STREAMS, Field
from voxlake.version import __version__
from voxlake.warehouse.derived_columns import table_rows
from voxlake.warehouse.generate import generated
from voxlake.warehouse.state import fingerprint

SECOND = FIRST.replace(day=2)
KEY = DayKey(ACCOUNT, "sms", FIRST)
ROUTE = Field("route", pa.string(), "The route it took.", encoding="dictionary", statistics=True)
LATER = "999.0.0"


def changed(stream=SMS, *more, **fields):
    """Return a stream with more fields before `extra`, and with other declarations of some fields."""
    declared = [dataclasses.replace(field, **fields.get(field.name, {})) for field in stream.fields]
    return dataclasses.replace(stream, fields=(*declared[:-1], *more, declared[-1]))


NEWER = changed(SMS, ROUTE, status_id={"type": pa.int32()}, cost={"type": pa.decimal128(38, 9)})
RENAMED = changed(SMS, transaction_id={"name": "payment_id", "formerly": ("transaction_id",)})
NARROW = changed(SMS, fragments={"type": pa.int8()}, cost={"type": pa.decimal128(9, 2)})


@pytest.fixture
def hand(tmp_path, monkeypatch):
    """Return a data directory with a published day, whose rows have a field that is not declared yet."""
    shutil.copytree(sql.folder(), tmp_path / "sql")
    monkeypatch.setattr(sql, "folder", lambda: tmp_path / "sql")
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1, extra='{"route":"r1"}'), row(2, extra='{"hops":3,"route":["r2"]}'), row(3)])
    hand.publish()
    table_rows.cache_clear()
    yield hand
    table_rows.cache_clear()


@pytest.fixture
def declare(tmp_path, monkeypatch):
    """Declare another stream in place of sms, and generate its statements."""

    def declare(stream):
        monkeypatch.setitem(STREAMS, "sms", stream)
        for path, text in generated(stream).items():
            (tmp_path / "sql" / path).write_text(text)
        table_rows.cache_clear()
        sql.read_folder.cache_clear()

    return declare


@pytest.fixture
def newer(hand, declare):
    """Return the data directory after a column was declared and two were widened."""
    declare(NEWER)
    return hand


def file_schema(columns=SMS.schema, **entry):
    """Return the schema of a file with an entry in its footer that differs from today's."""
    found = json.loads(schema_entry(SMS)[b"voxlake.schema"]) | entry
    return FileSchema.of(columns, {b"voxlake.schema": json.dumps(found).encode()}, SMS)


def differing(hand):
    """Return the days that the database holds otherwise than the lake."""
    lake = Lake(hand.root)
    return hand.warehouse.differing(Manifest(lake).sound(), lake)


def rewrite_footer(path, table=None, **entry):
    """Write a day's file again with another entry in its footer, and perhaps other columns."""
    table = pq.read_table(path, partitioning=None) if table is None else table
    metadata = dict(pq.read_metadata(path).metadata)
    schema = json.loads(metadata[b"voxlake.schema"]) | {k: v for k, v in entry.items() if k != "fact"}
    facts = json.loads(metadata[b"voxlake"]) | ({entry["fact"]: 1} if "fact" in entry else {})
    metadata |= {b"voxlake.schema": json.dumps(schema).encode(), b"voxlake": json.dumps(facts).encode()}
    del metadata[b"ARROW:schema"]
    pq.write_table(table.replace_schema_metadata(metadata), path)


def test_current():
    """A file is current if its columns are those of today, and its version knew every name of a field in replies."""
    assert file_schema().is_current(SMS)
    assert FileSchema.of(SMS.schema, {}, SMS).is_current(SMS)
    for stream in (NEWER, RENAMED, NARROW, changed(cost={"sent_as": ("cost", "price")})):
        assert not file_schema().is_current(stream)
        assert not FileSchema.of(SMS.schema, {}, stream).is_current(stream)
    assert file_schema().changes_types(NARROW)
    assert not file_schema().changes_types(changed(SMS, ROUTE))


@pytest.mark.parametrize(
    ("columns", "entry", "clause"),
    [
        (SMS.schema, {}, None),
        (SMS.schema, {"version": LATER}, None),
        (SMS.schema, {"format": FORMAT + 1}, f"has format {FORMAT + 1}"),
        (changed(SMS, ROUTE).schema, {}, "has the column 'route'"),
        (NEWER.schema, {}, "has the column 'route'"),
        (changed(cost={"type": pa.decimal128(38, 9)}).schema, {}, None),
        (
            changed(cost={"type": pa.decimal128(38, 9)}).schema,
            {"version": LATER},
            "has the column 'cost' as decimal128(38, 9)",
        ),
    ],
)
def test_newer(columns, entry, clause):
    """A higher format, and a column that is not declared, are of a newer version; so is a type, if the version says."""
    assert file_schema(columns, **entry).newer(SMS) == clause


@pytest.mark.parametrize(
    ("found", "values", "wanted", "expected"),
    [
        (pa.int8(), [1, None], pa.int32(), [1, None]),
        (pa.int64(), [1, 2**31 - 1], pa.int32(), [1, 2**31 - 1]),
        (pa.int64(), [2**31], pa.int32(), None),
        (pa.int64(), [2**62], pa.decimal128(38, 9), [Decimal(2**62)]),
        (pa.int64(), [7], pa.decimal128(9, 2), [Decimal(7)]),
        (pa.int64(), [10**7], pa.decimal128(9, 2), None),
        (pa.decimal128(18, 6), [Decimal("0.000001")], pa.decimal128(38, 9), [Decimal("0.000001")]),
        (pa.decimal128(38, 9), [Decimal("0.000001000")], pa.decimal128(18, 6), [Decimal("0.000001")]),
        (pa.decimal128(38, 9), [Decimal("0.000000001")], pa.decimal128(18, 6), None),
        (pa.decimal128(18, 6), [Decimal("3.0")], pa.int64(), [3]),
        (pa.decimal128(18, 6), [Decimal("3.5")], pa.int64(), None),
        (pa.int64(), [7], pa.string(), ["7"]),
        (pa.string(), ["7", None], pa.int32(), [7, None]),
        (pa.string(), ["seven"], pa.int32(), None),
    ],
    ids=str,
)
def test_types(found, values, wanted, expected):
    """A column of another type is converted exactly, or not at all."""
    stream = changed(SMS, Field("more", wanted, "More."))
    older = changed(SMS, Field("more", found, "More."))
    table = pa.Table.from_pylist([row(n, more=value) for n, value in enumerate(values)], schema=older.schema)
    if expected is None:
        with pytest.raises(MisfitError, match=r"holds values in the column 'more' that .* cannot hold"):
            evolve(table, stream)
    else:
        assert evolve(table, stream)["more"].to_pylist() == expected


@pytest.mark.parametrize(
    "columns",
    [
        SMS.schema.remove(0),
        changed(SMS, ROUTE).schema,
        SMS.schema.set(5, pa.field("cost", pa.float64())),
        SMS.schema.set(9, pa.field("processed_at", pa.timestamp("us"))),
        pa.schema([]),
    ],
)
def test_another_schema(columns):
    """Columns that no version has declared are not read at all."""
    with pytest.raises(ForeignSchemaError):
        evolve(columns.empty_table(), SMS)


def test_rows_are_read_as_today(newer):
    """An older file is not damaged; its new column comes out of `extra`, also where only some columns are wanted."""
    lake = Lake(newer.root)
    assert lake.damage(lake.read_footer(KEY)) is None
    (table,) = lake.read_rows(KEY)
    assert table.schema == NEWER.schema
    assert table["route"].to_pylist() == ["r1", None, None]
    assert table["extra"].to_pylist() == [None, '{"hops":3,"route":["r2"]}', None]
    (table,) = lake.read_rows(KEY, columns=["route", "message_id"])
    assert table.to_pydict() == {"route": ["r1", None, None], "message_id": [1, 2, 3]}


def test_database_holds_old_and_new_days(newer):
    """The next publish builds the database anew, older days as they are read, and finds no difference afterwards."""
    newer.put(SECOND, [row(4, SECOND, route="r4", status_id=1000, cost=Decimal("0.123456789"))])
    newer.publish()
    assert newer.ask("SELECT message_id, route, extra, status_id, cost FROM sms_history ORDER BY 1") == [
        (1, "r1", None, 1, Decimal("0.01")),
        (2, None, '{"hops":3,"route":["r2"]}', 1, Decimal("0.01")),
        (3, None, None, 1, Decimal("0.01")),
        (4, "r4", None, 1000, Decimal("0.123456789")),
    ]
    assert newer.ask("SELECT comment FROM duckdb_columns() WHERE column_name = 'route'") == [("The route it took.",)]
    assert newer.ask("SELECT sum(messages), sum(cost) FROM daily") == [(4, Decimal("0.153456789"))]
    assert differing(newer) == []
    newer.publish()
    assert newer.published == [1, 2, 0]


def test_difference_is_noticed(newer):
    """A row of an older day that the database has otherwise is still found."""
    warehouse = newer.publish()
    warehouse.path.resolve().chmod(0o644)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("UPDATE sms_history SET route = 'r9' WHERE message_id = 3")
    assert differing(newer) == [KEY]


def test_a_new_name_alone_builds_the_database_anew(hand, declare):
    """Where a field gains a name in replies, no statement differs, but older days may hold values under that name."""
    hand.put(SECOND, [row(4, SECOND, cost=None, extra='{"price":"0.5"}')])
    before = fingerprint()
    declare(changed(cost={"sent_as": ("cost", "price")}))
    assert fingerprint() != before
    hand.publish()
    assert hand.ask("SELECT cost, extra FROM sms_history WHERE message_id = 4") == [(Decimal("0.5"), None)]
    assert differing(hand) == []


def test_a_column_renamed(hand, declare):
    """Values lie under today's name of their column, in the lake and in the database."""
    hand.put(SECOND, [row(4, SECOND, transaction_id=40)])
    declare(RENAMED)
    (table,) = Lake(hand.root).read_rows(KEY._replace(date=SECOND))
    assert table["payment_id"].to_pylist() == [40]
    hand.publish()
    assert hand.ask("SELECT payment_id FROM sms_history WHERE message_id = 4") == [(40,)]


def test_comparing_and_merging(newer):
    """A day that is read again differs where its rows do, loses nothing that it had, and is then of today's schema."""
    lake = Lake(newer.root)
    before = lake.read_footer(KEY)
    rows = [row(1, route="r1"), row(2, extra='{"hops":3,"route":["r2"]}')]
    table = pa.Table.from_pylist(rows, schema=NEWER.schema)
    with lake.locked(holder="a test"):
        writer = lake.writer(KEY)
        writer.add(table)
        lake.seal(writer, before)
        assert (found := lake.compare(KEY, writer.path)).gone == {3}
        assert (found.new, found.changed) == (0, 0)
        writer.discard()
        draft = DayDraft(lake, NEWER, KEY)
        draft.add(WindowRows(Window.of_days(FIRST, FIRST), table, 2))
        done = seal_day(lake, draft, before, at=before.exported_at, force=False)
        lake.put(KEY, draft.path)
    assert (done.new, done.changed, done.unaccounted) == (0, 0, {3})
    assert lake.is_current(KEY)
    (table,) = lake.read_rows(KEY)
    assert table["message_id"].to_pylist() == [1, 2, 3]
    assert lake.damage(done.day_file) is None


def test_older_day_is_rewritten_as_today(newer):
    """What writes an older day again, as when a status changed, writes it with today's columns and values."""
    lake = Lake(newer.root)
    latest = pa.Table.from_pylist([row(3, status_id=2, status="error", route="r3")], schema=NEWER.schema)
    assert not lake.is_current(KEY)
    with lake.locked(holder="a test"):
        day_file = lake.update_rows(lake.read_footer(KEY), latest)
        assert lake.is_current(KEY)
        assert lake.damage(day_file) is None
        (table,) = lake.read_rows(KEY)
        assert table["route"].to_pylist() == ["r1", None, "r3"]
        assert table["status"].to_pylist() == ["success", "success", "error"]
        assert table["extra"].to_pylist() == [None, '{"hops":3,"route":["r2"]}', None]
        lake.remove_rows(day_file, {1})
    (table,) = lake.read_rows(KEY)
    assert table["message_id"].to_pylist() == [2, 3]


def test_a_message_in_an_older_and_a_newer_day(hand, declare):
    """Messages that lie in two files are found whatever the schemas of these are."""
    hand.put(SECOND, [row(3, SECOND), row(4, SECOND)])
    lake = Lake(hand.root)
    day_files = Manifest(lake).sound()
    assert lake.duplicates(day_files) == {KEY: {3}}
    declare(NEWER)
    assert lake.duplicates(day_files) == {KEY: {3}}
    hand.put(SECOND, [row(3, SECOND)])
    assert lake.duplicates(Manifest(lake).sound()) == {KEY: {3}}


@pytest.mark.parametrize("indexed", [True, False], ids=["with its index", "without"])
def test_a_lake_of_a_newer_version_is_refused(newer, declare, indexed):
    """One sentence says which version to install, whatever the index knows, and nothing is touched."""
    newer.put(SECOND, [row(4, SECOND, route="r4")])
    lake = Lake(newer.root)
    with lake.locked(holder="a test"):
        Manifest(lake).save()
    if not indexed:
        lake.layout.index.unlink()
    declare(SMS)
    before = {path: path.read_bytes() for path in newer.root.rglob("*") if path.is_file()}
    with pytest.raises(SettingsError) as refused:
        Manifest(lake)
    assert str(refused.value) == (
        f"sms_history/account_id={ACCOUNT}/date={SECOND}/part.parquet has the column 'route', which this version of"
        f" voxlake, {__version__}, does not know: install the version that wrote it, {__version__}, or a later one."
    ).replace("sms_history", "lake/sms_history")
    assert before == {path: path.read_bytes() for path in newer.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("entry", "clause"),
    [
        ({"format": FORMAT + 1, "version": LATER}, f"has format {FORMAT + 1}"),
        ({"fact": "tide", "version": LATER}, "says 'tide' of itself"),
    ],
)
def test_a_footer_of_a_newer_version_is_refused(hand, entry, clause):
    """A higher format, and a fact that is not known, are refused as well."""
    lake = Lake(hand.root)
    rewrite_footer(lake.path(KEY), **entry)
    with pytest.raises(SettingsError, match=rf"part.parquet {clause}, .* install the version that wrote it, {LATER}, "):
        Manifest(lake)


def test_an_index_of_a_newer_version_is_refused(hand):
    """So is an index of a higher format, which is left as it is."""
    lake = Lake(hand.root)
    lake.layout.old_index.write_text(json.dumps({"version": 5, "voxlake": LATER}))
    with pytest.raises(SettingsError, match=rf"^ledger.json has format 5, .* wrote it, {LATER}, or a later one.$"):
        Manifest(lake)
    lake.layout.old_index.write_text(json.dumps({"version": 0}))
    assert [day_file.key for day_file in Manifest(lake)] == [KEY]
    with lake.locked(holder="a test"):
        Manifest(lake).save()
    ask(lake, "UPDATE ledger SET value = ? WHERE name = 'voxlake'", LATER)
    ask(lake, "PRAGMA user_version = 5")
    for refused in (Manifest, Learned, lambda lake: Manifest(lake, account_ids=[1])):
        with pytest.raises(SettingsError, match=rf"^ledger.sqlite has format 5, .* wrote it, {LATER}, or a later one."):
            refused(lake)


def test_values_that_fit_a_narrower_type(hand, declare):
    """They are read exactly."""
    declare(NARROW)
    (table,) = Lake(hand.root).read_rows(KEY)
    assert (table["fragments"].to_pylist(), table["cost"].to_pylist()) == ([1] * 3, [Decimal("0.01")] * 3)
    hand.publish()
    assert differing(hand) == []


def test_values_that_do_not_fit(hand, declare):
    """The day and the column are named, the day's file stays, and only `--force` replaces it, after keeping it."""
    hand.put(SECOND, [row(4, SECOND, fragments=1000)])
    hand.publish()
    declare(NARROW)
    lake, key = Lake(hand.root), KEY._replace(date=SECOND)
    before, day_file = lake.path(key).read_bytes(), lake.read_footer(key)
    sentence = rf"date={SECOND}/part.parquet holds values in the column 'fragments' that int8 cannot hold: install "
    with pytest.raises(DataError, match=sentence):
        list(lake.read_rows(key))
    assert "holds values in the column 'fragments' that int8 cannot hold" in lake.damage(day_file)
    with pytest.raises(DataError, match=sentence):
        hand.publish()
    assert hand.ask("SELECT fragments FROM sms_history WHERE message_id = 4") == [(1000,)]
    with lake.locked(holder="a test"):
        for force in (False, True):
            draft = DayDraft(lake, NARROW, key)
            options = {"at": day_file.exported_at, "force": force}
            if force:
                seal_day(lake, draft, day_file, **options)
            else:
                with pytest.raises(DataError, match=sentence):
                    seal_day(lake, draft, day_file, **options)
                draft.discard()
                assert lake.path(key).read_bytes() == before
    assert lake.layout.replaced(key).read_bytes() == before
