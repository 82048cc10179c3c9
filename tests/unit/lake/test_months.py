"""The rows of a month in one file: found by day, verified by day, and replaced by day."""

import json
import shutil
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.rows import messages

from voxlake.errors import DataError, SettingsError
from voxlake.lake import Lake, install_months, write_months
from voxlake.lake.compaction import same_rows
from voxlake.lake.layout import days_of_month_file, last_of_month
from voxlake.lake.month_file import GROUP_ROWS, read_month
from voxlake.lake.stored_day import StoredDay
from voxlake.model import DayFile, DayKey
from voxlake.transform import SMS

DAYS = [date(2026, 2, 26), date(2026, 2, 27), date(2026, 2, 28)]
KEYS = [DayKey(4711, "sms", day) for day in DAYS]
AT = datetime(2026, 3, 9, tzinfo=UTC)
SHARED_MEMORY = Path("/dev/shm")
MONTH = "lake/sms_history/account_id=4711/date=2026-02-28/days-03.parquet"


def put(lake, key, rows, at=AT):
    """Put a day in place."""
    writer = lake.writer(key)
    writer.add(pa.Table.from_pylist(rows, schema=SMS.schema))
    return lake.commit(writer, DayFile(key, 0, len(rows), verified=True, moving=0, exported_at=at, checksum=""))


def compacted(root, *counts):
    """Return a lake in which the last days of February lie in one file, each with so many messages, and their facts."""
    lake = Lake(root)
    lake.tmp.mkdir(parents=True)
    month = tuple(
        put(lake, key, messages(key.date, count, first=1 + 100_000 * n))
        for n, (key, count) in enumerate(zip(KEYS, counts, strict=True))
    )
    assert list(write_months(lake, [month])) == [(month, None)]
    install_months(lake, [month])
    return lake, month


def ids(lake, key):
    """Return the messages of a day."""
    return [number for table in lake.read_rows(key, ["message_id"]) for number in table["message_id"].to_pylist()]


@pytest.mark.parametrize(
    ("last", "name", "days"),
    [
        (date(2026, 2, 28), "days-02.parquet", [date(2026, 2, 27), date(2026, 2, 28)]),
        (date(2026, 2, 28), "days-28.parquet", [date(2026, 2, n) for n in range(1, 29)]),
        (date(2026, 2, 28), "days-29.parquet", []),
        (date(2026, 2, 28), "days-00.parquet", []),
        (date(2026, 2, 28), "part.parquet", []),
        (date(9999, 12, 31), "days-01.parquet", [date(9999, 12, 31)]),
    ],
)
def test_the_name_of_a_file_says_which_days_it_has(last, name, days):
    """As many as it says, up to the last day of the month."""
    assert days_of_month_file(last, name) == days
    assert last_of_month(last) == last


def test_which_rows_of_a_group_are_the_days(tmp_path):
    """Groups before, around, within and after the rows of a day."""
    day = StoredDay(KEYS[0], tmp_path, first=10, count=5)
    assert [day.within(*group) for group in ((0, 10), (0, 12), (8, 20), (11, 2), (15, 5))] == [
        (10, 0), (10, 2), (2, 5), (0, 2), (0, 0),
    ]  # fmt: skip
    assert StoredDay(KEYS[0], tmp_path).within(7, 3) == (0, 3)


def test_rows_are_the_same_however_they_are_cut():
    """What counts is their order."""
    rows = pa.table({"n": range(7)})
    cut = [rows.slice(0, 3), rows.slice(3, 0), rows.slice(3, 4)]
    assert same_rows([rows], cut)
    assert not same_rows([rows], cut[:1])
    assert not same_rows(cut[:1], [rows])
    assert not same_rows([rows.slice(1, 3)], cut[:1])


def test_days_are_read_from_the_file_of_their_month(tmp_path):
    """With the facts that their own files had, an empty day too; there is one file, and nothing is left aside."""
    lake, month = compacted(tmp_path, 3, 0, 2)
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.glob("**/*.parquet")] == [MONTH]
    assert [lake.read_footer(key) for key in KEYS] == list(month)
    assert [ids(lake, key) for key in KEYS] == [[1, 2, 3], [], [200_001, 200_002]]
    assert list(lake.day_keys()) == KEYS
    assert [lake.damage(day_file) for day_file in month] == [None] * 3
    assert [lake.id_range(key) for key in KEYS] == [(1, 3), None, (200_001, 200_002)]
    assert lake.strays() == []
    assert list(lake.tmp.iterdir()) == []


def test_a_month_without_a_message(tmp_path):
    """Its days are known to be empty, and a day of it can get messages."""
    lake, month = compacted(tmp_path, 0, 0, 0)
    assert [lake.damage(day_file) for day_file in month] == [None] * 3
    assert pq.read_table(tmp_path / "lake" / "sms_history", partitioning=None).num_rows == 0
    put(lake, KEYS[1], messages(DAYS[1], 2, first=1))
    assert [ids(lake, key) for key in KEYS] == [[], [1, 2], []]


def test_a_day_of_a_month_is_replaced_alone(tmp_path):
    """The other days are as they were, in one file still."""
    lake, month = compacted(tmp_path, 3, 1, 2)
    changed = put(lake, KEYS[1], messages(DAYS[1], 4, first=500))
    assert [ids(lake, key) for key in KEYS] == [[1, 2, 3], [500, 501, 502, 503], [200_001, 200_002]]
    assert [lake.read_footer(key) for key in KEYS] == [month[0], changed, month[2]]
    assert [lake.damage(day_file) for day_file in (month[0], changed, month[2])] == [None] * 3
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.glob("**/*.parquet")] == [MONTH]


def test_what_a_day_had_is_kept_when_rows_of_it_are_given_up(tmp_path):
    """As a day file that can be read, beside an earlier one."""
    lake, month = compacted(tmp_path, 3, 1, 2)
    lake.keep_replaced(KEYS[0])
    lake.keep_replaced(KEYS[0])
    kept = sorted((tmp_path / "rejects").rglob("*.parquet"))
    assert [path.name for path in kept] == ["again.part.parquet", "part.parquet"]
    assert [pq.read_metadata(path).num_rows for path in kept] == [3, 3]
    assert lake.read_footer(KEYS[0]) == month[0]


def test_damage_is_named_by_day(tmp_path):
    """A day is verified by the row groups that have its rows; a day of another group is sound."""
    lake, month = compacted(tmp_path, GROUP_ROWS, 5, 7)
    path = tmp_path / MONTH
    content = bytearray(path.read_bytes())
    end = read_month(path, KEYS[2]).groups[0][1]
    content[end + 20] ^= 0xFF
    path.write_bytes(content)
    told = [lake.damage(day_file) for day_file in month]
    assert told[0] is None
    assert told[1:] == [f"{MONTH} is not what was written: its checksum differs"] * 2


@pytest.mark.parametrize("harm", ["byte", "footer"])
def test_a_damaged_month_is_taken_apart_when_a_day_of_it_is_read_again(tmp_path, harm):
    """The day gets a file of its own, as do those that can be read; the damaged file is kept aside."""
    lake, month = compacted(tmp_path, GROUP_ROWS, 5, 7)
    path = tmp_path / MONTH
    content = bytearray(path.read_bytes())
    if harm == "byte":
        content[read_month(path, KEYS[2]).groups[0][1] + 20] ^= 0xFF
    else:
        content[-4:] = b"????"
    path.write_bytes(content)
    put(lake, KEYS[2], messages(DAYS[2], 7, first=200_001))
    left = [KEYS[0], KEYS[2]] if harm == "byte" else [KEYS[2]]
    assert list(lake.day_keys()) == left
    assert all(lake.damage(lake.read_footer(key)) is None for key in left)
    assert harm == "footer" or lake.read_footer(KEYS[0]) == month[0]
    assert [path.name for path in (tmp_path / "rejects" / "gone").rglob("*.parquet")] == ["days-03.parquet"]


def test_a_damaged_month_is_named_for_each_day(tmp_path):
    """With what mends it."""
    lake, month = compacted(tmp_path, 1, 1, 1)
    (tmp_path / MONTH).write_bytes(b"PAR1")
    for key in KEYS:
        with pytest.raises(DataError, match=r"days-03\.parquet is damaged: run 'voxlake backfill sms"):
            lake.read_footer(key)
    assert lake.damage(month[0]) == f"{MONTH} cannot be read"


@pytest.mark.parametrize("change", [{"format": 2}, {"days": "weather"}], ids=["format", "fact"])
def test_the_month_of_a_newer_version_is_refused(tmp_path, change):
    """In one sentence, as a newer day file is."""
    lake, _ = compacted(tmp_path, 1, 1, 1)
    path = tmp_path / MONTH
    table = pq.read_table(path)
    metadata = dict(pq.read_metadata(path).metadata)
    entry = json.loads(metadata[b"voxlake.month"])
    if "format" in change:
        entry |= change
    else:
        entry["days"][0]["weather"] = "fair"
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(
            {b"voxlake.month": json.dumps(entry), b"voxlake.schema": metadata[b"voxlake.schema"]}
        )
    with pytest.raises(SettingsError, match="does not know"):
        lake.read_footer(KEYS[0])


def test_a_day_file_beside_the_month_that_has_the_day_is_not_ours(tmp_path):
    """As one that somebody brings back from a copy: a glob would read its rows twice."""
    lake, _ = compacted(tmp_path / "lake", 1, 2, 3)
    other, _ = compacted(tmp_path / "other", 1, 2, 3)
    mine = lake.layout.day_file(KEYS[0])
    mine.parent.mkdir()
    shutil.copy(other.path(KEYS[0]), mine)
    assert lake.strays() == [mine]
    assert [ids(lake, key) for key in KEYS[:1]] == [[1]]


@pytest.mark.parametrize("odd", ["link", "folder", "day"])
def test_an_account_that_holds_what_is_not_ours_stays(tmp_path, odd):
    """Nothing is moved, and the reason is said."""
    lake = Lake(tmp_path / "data")
    lake.root.mkdir()
    lake.tmp.mkdir()
    month = tuple(put(lake, key, messages(key.date, 2, first=1 + 10 * n)) for n, key in enumerate(KEYS))
    account = lake.path(KEYS[0]).parent.parent
    if odd == "link":
        account.rename(tmp_path / "elsewhere")
        account.symlink_to(tmp_path / "elsewhere")
    elif odd == "folder":
        (lake.path(KEYS[1]).parent / "more").mkdir()
    else:
        lake.path(KEYS[1]).parent.rename(tmp_path / "elsewhere")
        lake.path(KEYS[1]).parent.symlink_to(tmp_path / "elsewhere")
    assert list(write_months(lake, [month])) == [(month, None)]
    with pytest.raises(DataError, match="stays one file a day"):
        install_months(lake, [month])
    assert [ids(lake, key) for key in KEYS] == [[1, 2], [11, 12], [21, 22]]


def test_a_lake_on_another_disk_than_its_files_in_the_making_stays(tmp_path):
    """Folders of two disks cannot be exchanged."""
    if not SHARED_MEMORY.is_dir() or SHARED_MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one disk only")
    lake = Lake(tmp_path)
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY) as elsewhere:
        lake.tmp.symlink_to(elsewhere)
        month = tuple(put(lake, key, messages(key.date, 2, first=1 + 10 * n)) for n, key in enumerate(KEYS))
        assert list(write_months(lake, [month])) == [(month, None)]
        with pytest.raises(DataError, match="stays one file a day"):
            install_months(lake, [month])
    assert [ids(lake, key) for key in KEYS] == [[1, 2], [11, 12], [21, 22]]


def test_other_files_stay_where_they_are(tmp_path):
    """Notes beside days, in a folder that is replaced."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    month = tuple(put(lake, key, messages(key.date, 2, first=1 + 10 * n)) for n, key in enumerate(KEYS))
    notes = [lake.path(KEYS[0]).with_name("NOTES"), lake.path(KEYS[0]).parent.parent / "NOTES"]
    for note in notes:
        note.write_text("keep me")
    account = lake.path(KEYS[0]).parent.parent
    account.chmod(0o2750)
    assert list(write_months(lake, [month])) == [(month, None)]
    install_months(lake, [month])
    assert [note.read_text() for note in notes] == ["keep me"] * 2
    assert account.stat().st_mode & 0o7777 == 0o2750


def test_a_month_of_a_day_that_is_damaged_is_not_written(tmp_path):
    """Its days stay, and why is said."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    month = tuple(put(lake, key, messages(key.date, 2, first=1 + 10 * n)) for n, key in enumerate(KEYS))
    path = lake.path(KEYS[1])
    path.write_bytes(b"PAR1" + path.read_bytes()[4:9] + b"?" + path.read_bytes()[10:])
    ((found, error),) = write_months(lake, [month])
    assert found == month
    assert "checksum differs: run 'voxlake audit --repair'" in str(error)
    assert list(lake.tmp.iterdir()) == []
