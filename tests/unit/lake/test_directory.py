"""Day files are compared, repaired and emptied without losing anything."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from support.rows import messages

from voxlake.errors import DataError, SettingsError
from voxlake.lake import Difference, Lake
from voxlake.model import DayFile, DayKey, DaySpan, Reject
from voxlake.transform import SMS

KEY = DayKey(4711, "sms", date(2026, 3, 1))
AT = datetime(2026, 3, 9, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path):
    """Return an empty lake."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    return lake


def day_file(key=KEY, at=AT):
    """Return what a verified file says of itself, but for its rows."""
    return DayFile(key, row_count=0, total_count=0, verified=True, moving=0, exported_at=at, checksum="")


def put(lake, rows, key=KEY, at=AT):
    """Write a day."""
    writer = lake.writer(key)
    writer.add(pa.Table.from_pylist(rows, schema=SMS.schema))
    return lake.commit(writer, day_file(key, at))


def ids(lake, key=KEY):
    """Return the messages of a day."""
    return [number for table in lake.read_rows(key, ["message_id"]) for number in table["message_id"].to_pylist()]


def test_a_file_says_what_was_written(lake):
    """The footer holds everything but the rows' own number, and a sound file has no damage."""
    written = put(lake, messages(KEY.date, 3))
    assert lake.read_footer(KEY) == written
    assert written.row_count == 3
    assert lake.damage(written) is None


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda path: path.write_bytes(b"PAR1" + path.read_bytes()[4:9] + b"?" + path.read_bytes()[10:]), "checksum"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
    ids=["byte", "empty", "missing"],
)
def test_damage(lake, harm, problem):
    """Whatever became of a file is one clause that begins with its path."""
    written = put(lake, messages(KEY.date, 3))
    harm(lake.path(KEY))
    found = lake.damage(written)
    assert problem in found
    assert found.startswith("lake/sms_history/account_id=4711/date=2026-03-01/part.parquet ")
    if not lake.path(KEY).exists() or not lake.path(KEY).stat().st_size:
        with pytest.raises(DataError, match="is damaged: run 'voxlake backfill sms --from 2026-03-01 --to 2026-03-02"):
            list(lake.read_rows(KEY))


def test_rows_of_another_day(lake):
    """A file is damaged that holds rows of another day, or another number of them."""
    other = put(lake, messages(KEY.date + timedelta(days=1), 3))
    assert "holds rows of another day" in lake.damage(other)
    fine = put(lake, messages(KEY.date, 3))
    assert "has 3 rows" in lake.damage(replace(fine, row_count=4))


def test_compare(lake):
    """What is new, what changed, and which messages are gone are told apart; texts and nulls count."""
    rows = messages(KEY.date, 4)
    put(lake, rows)
    changed = [rows[1] | {"text": "late"}, rows[2], *messages(KEY.date, 2, first=100)]
    writer = lake.writer(KEY)
    writer.add(pa.Table.from_pylist(changed, schema=SMS.schema))
    lake.seal(writer, day_file())
    assert lake.compare(KEY, writer.path) == Difference(new=2, changed=1, gone=frozenset({1, 4}))
    lake.path(KEY).write_bytes(b"")
    assert lake.compare(KEY, writer.path) == Difference(new=4)


def test_update_rows(lake):
    """Rows in their latest state take the place of the old ones, all others stay."""
    rows = messages(KEY.date, 4)
    written = put(lake, rows)
    latest = pa.Table.from_pylist([rows[2] | {"cost": Decimal("0.5")}], schema=SMS.schema)
    updated = lake.update_rows(replace(written, moving=7), latest)
    assert (updated.row_count, updated.moving, lake.damage(updated)) == (4, 7, None)
    (table,) = lake.read_rows(KEY)
    assert table["cost"].to_pylist() == [None, None, Decimal("0.500000"), None]
    assert ids(lake) == [1, 2, 3, 4]


def test_a_message_in_two_days(lake):
    """Of two days with one message, the one exported earlier is named, and gives it up."""
    other = DayKey(4711, "sms", KEY.date + timedelta(days=1))
    early = put(lake, messages(KEY.date, 3))
    late = put(lake, messages(other.date, 1, first=2), other, AT + timedelta(hours=1))
    shared = lake.duplicates([early, late])
    assert shared == {KEY: {2}}
    without = lake.remove_rows(early, shared[KEY])
    assert (ids(lake), without.verified, without.row_count) == ([1, 3], False, 2)
    assert without.problem == "message 2 moved to another day, and this one was not read again"


def test_rejects_come_and_go(lake):
    """Rows that could not be decoded are kept as they came, and removed when there are none any more."""
    lake.write_rejects(KEY, [Reject({"cost": Decimal("0.1234567890123456789")}, "cost")])
    path = lake.layout.rejects(KEY)
    assert path.read_text() == '{"reason": "cost", "raw": {"cost": 0.1234567890123456789}}\n'
    lake.write_rejects(KEY, [])
    assert not path.exists()


def test_strays(lake):
    """A Parquet file that is not a day's is a stray, and is moved out of the lake."""
    put(lake, messages(KEY.date, 1))
    stray = lake.path(KEY).with_name("copy.parquet")
    stray.write_text("mine")
    assert lake.strays() == [stray]
    moved = lake.move_out(stray)
    assert (lake.strays(), moved.read_text()) == ([], "mine")
    assert list(lake.day_keys()) == [KEY]


def test_nothing_to_look_at(tmp_path):
    """A folder that nothing was exported to is named, and so is a file in its place."""
    with pytest.raises(SettingsError, match="run 'voxlake export' first"):
        Lake(tmp_path).require()
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is a file, not a folder"):
        Lake(tmp_path / "file")


def test_strays_of_some_days(lake):
    """Of some days only their folders are entered, and those of the account that are no day's."""
    other = KEY._replace(date=KEY.date + timedelta(days=1))
    for key in (KEY, other):
        put(lake, messages(key.date, 1), key)
        lake.path(key).with_name("copy.parquet").write_text("mine")
    mine = [lake.path(KEY).with_name("copy.parquet"), lake.path(KEY).parents[1] / "mine.parquet"]
    mine[1].write_text("mine")
    span = DaySpan(KEY.account_id, KEY.stream, KEY.date, other.date)
    assert lake.strays([span]) == sorted(mine)
    assert lake.strays([span._replace(first=None)]) == sorted(mine)
    assert lake.strays([span._replace(account_id=1), span._replace(stream="a2p")]) == []
    assert len(lake.strays()) == 3
