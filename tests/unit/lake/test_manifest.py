"""The manifest is an index of the footers, and remembers which days had a file."""

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from support.rows import messages

from voxlake.errors import DataError
from voxlake.lake import Lake, Manifest
from voxlake.model import DayFile, DayKey
from voxlake.transform import SMS

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(3)]


def key(day):
    """Return the key of a day."""
    return DayKey(4711, "sms", day)


@pytest.fixture
def lake(tmp_path):
    """Return a lake of three days and its saved manifest."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    manifest = Manifest(lake)
    for n, day in enumerate(DAYS):
        writer = lake.writer(key(day))
        writer.add(pa.Table.from_pylist(messages(day, n + 1), schema=SMS.schema))
        day_file = DayFile(
            key(day), row_count=0, total_count=n + 1, verified=n != 1, moving=n,
            exported_at=datetime(2026, 3, 9, n, tzinfo=UTC), checksum="", problem="late" if n == 1 else None,
        )  # fmt: skip
        manifest.add(lake.commit(writer, day_file))
    manifest.save(last_run={"exit_code": 0})
    return lake


def forbidden():
    """Stand for the database, where it must not be asked."""
    pytest.fail("the index is there, and the database was opened")


def test_index_and_footers_say_the_same(lake):
    """Without the index the footers give the same manifest."""
    indexed = Manifest(lake, forbidden)
    assert indexed.last_run == {"exit_code": 0}
    lake.layout.manifest.unlink()
    read = Manifest(lake)
    assert list(read) == list(indexed)
    assert read.last_run is None
    assert [day_file.row_count for day_file in read] == [1, 2, 3]
    assert read.of(4711, "sms")[DAYS[1]].problem == "late"


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": 0}', '{"version": 1, "parts": [{}]}', "\x00"])
def test_an_index_that_cannot_be_used(lake, content):
    """A damaged index, or one of an older format, is as good as none."""
    before = list(Manifest(lake))
    lake.layout.manifest.write_text(content)
    assert list(Manifest(lake)) == before


def test_an_entry_counts_while_its_file_is_untouched(lake):
    """A file that was replaced is read; one that was not is taken from the index."""
    stored = json.loads(lake.layout.manifest.read_text())
    for entry in stored["parts"]:
        entry["problem"] = "from the index"
    lake.layout.manifest.write_text(json.dumps(stored))
    lake.put_placeholder(key(DAYS[2]), "replaced", now=datetime(2026, 3, 9, tzinfo=UTC))
    assert [day_file.problem for day_file in Manifest(lake)] == ["from the index", "from the index", "replaced"]


def test_a_day_that_lost_its_file(lake):
    """It is missing, and stays so through a save, until it has one again or is forgotten."""
    lake.path(key(DAYS[0])).unlink()
    manifest = Manifest(lake, forbidden)
    assert manifest.missing == {key(DAYS[0])}
    assert manifest.oldest(4711, "sms") == DAYS[0]
    manifest.save()
    manifest = Manifest(lake, forbidden)
    manifest.forget_missing()
    manifest.save()
    assert (manifest.missing, manifest.oldest(4711, "sms")) == (set(), DAYS[1])
    assert not Manifest(lake, forbidden).missing


def test_without_an_index_the_database_remembers(lake):
    """The days that were published and have no file are missing."""
    lake.layout.manifest.unlink()
    gone = key(FIRST - timedelta(days=1))
    assert Manifest(lake, lambda: {gone, key(DAYS[0])}).missing == {gone}


def test_a_damaged_file(lake):
    """It is not in the manifest, raises where all files are needed, and is remembered when it is taken away."""
    path = lake.path(key(DAYS[1]))
    path.write_bytes(path.read_bytes()[:-50])
    manifest = Manifest(lake)
    assert key(DAYS[1]) not in manifest
    with pytest.raises(DataError, match=f"date={DAYS[1]}/part.parquet is damaged: run 'voxlake backfill sms"):
        manifest.sound()
    manifest.save()
    path.unlink()
    assert Manifest(lake).missing == {key(DAYS[1])}


def test_a_stamp_of_the_future_proves_nothing(lake):
    """A day that was exported later than now is unverified by name, whoever asks, until it is exported again."""
    now = datetime(2026, 3, 9, 1, 54, tzinfo=UTC)
    manifest = Manifest(lake, forbidden, now=now)
    assert [day_file.verified for day_file in manifest] == [True, False, False]
    assert [day_file.verified for day_file in Manifest(lake, forbidden)] == [True, False, True]
    late = manifest.of(4711, "sms")[DAYS[2]]
    assert late.problem == "it was exported at 2026-03-09 02:00 UTC, which has not come yet: the clock was wrong"
    assert manifest.get(key(DAYS[2])) == manifest[key(DAYS[2])] == manifest.sound()[2] == late
    assert manifest.ahead(4711, "sms")
    assert not manifest.ahead(4711, "a2p")
    manifest.save()
    manifest = Manifest(lake, forbidden, now=now + timedelta(minutes=2))
    assert [day_file.verified for day_file in manifest] == [True, False, True]
    manifest.add(dataclasses.replace(late, verified=True, problem=None))
    assert manifest[key(DAYS[2])].verified


def test_a_day_that_has_not_come_is_not_the_oldest(lake):
    """Where a wrong clock made all files, an export begins as if there were none."""
    assert Manifest(lake, now=datetime(2026, 2, 28, 12, tzinfo=UTC)).oldest(4711, "sms") is None
    assert Manifest(lake, now=datetime(2026, 3, 1, 12, tzinfo=UTC)).oldest(4711, "sms") == FIRST
