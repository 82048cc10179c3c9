"""The manifest is an index of the footers, and remembers which days had a file."""

import dataclasses
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from support.index import ask, make_old
from support.rows import messages

from voxlake.errors import DataError
from voxlake.lake import Fact, Lake, Learned, Manifest
from voxlake.lake.index import Index
from voxlake.locks import BY_FILE
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
    manifest.save(last_runs={4711: {"exit_code": 0}})
    return lake


def forbidden(_account_ids):
    """Stand for the database, where it must not be asked."""
    pytest.fail("the index is there, and the database was opened")


def test_index_and_footers_say_the_same(lake):
    """Without the index the footers give the same manifest."""
    indexed = Manifest(lake, forbidden)
    assert indexed.last_run == {"exit_code": 0}
    lake.layout.index.unlink()
    read = Manifest(lake)
    assert list(read) == list(indexed)
    assert read.last_run is None
    assert [day_file.row_count for day_file in read] == [1, 2, 3]
    assert read.of(4711, "sms")[DAYS[1]].problem == "late"


def cut(path):
    """Leave a part of a file."""
    path.write_bytes(path.read_bytes()[:5000])


def overwrite(path):
    """Fill the pages behind the first with something else."""
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 40_000)


def another(path):
    """Put somebody else's database there."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE day_files (account_id, stream, date)")


def text(path):
    """Put a text there."""
    path.write_text("no database " * 500)


def nothing(path):
    """Leave an empty file."""
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [cut, overwrite, another, text, nothing])
def test_an_index_that_cannot_be_used(lake, harm):
    """A damaged index is as good as none, and the next save makes it anew."""
    before = list(Manifest(lake))
    harm(lake.layout.index)
    manifest = Manifest(lake)
    assert list(manifest) == before
    manifest.save()
    assert list(Manifest(lake, forbidden)) == before
    assert ask(lake, "SELECT count(*) FROM day_files") == [(3,)]


@pytest.mark.parametrize(
    "wrong",
    ["row_count = '7'", "verified = 2", "rejects = -1", "exported_at = '2026-01-01T00:00:00'", "least = 'x'",
     "exported_at = 7", "checksum = NULL", "date = 'today'", "problem = 1", "total_count = 1.5"],
)  # fmt: skip
def test_an_entry_that_no_run_has_written_is_damage(lake, wrong):
    """The index is rebuilt from the footers."""
    before = list(Manifest(lake))
    ask(lake, f"UPDATE day_files SET {wrong} WHERE date = '{DAYS[0]}'")
    manifest = Manifest(lake)
    assert list(manifest) == before
    manifest.save()
    assert list(Manifest(lake, forbidden)) == before


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": 0}', '{"version": 1, "parts": [{}]}', "\x00"])
def test_an_old_index_that_cannot_be_used(lake, content):
    """So is one of version 0.2."""
    before = list(Manifest(lake))
    lake.layout.index.unlink()
    lake.layout.old_index.write_text(content)
    assert list(Manifest(lake)) == before


def test_an_old_index_is_brought_over(lake):
    """The index of version 0.2 is believed, and becomes this one, with its last run and its lost days."""
    before = list(Manifest(lake))
    gone, run = key(FIRST - timedelta(days=1)), {"ended_at": "2026-03-09T01:00:00+00:00", "exit_code": 4}
    lost = str(lake.path(gone).relative_to(lake.root))
    old = make_old(lake, last_run=run, lost=[{"path": lost}])
    old["parts"][1]["problem"] = "from the old index"
    lake.layout.old_index.write_text(json.dumps(old))
    facts = [{"account_id": 4711, "stream": "sms", "name": "page_size", "value": 100, "on": "2026-03-01"}]
    lake.layout.old_learned.write_text(json.dumps({"version": 1, "facts": facts}))
    for _ in range(2):
        manifest = Manifest(lake, forbidden)
        assert [day_file.key for day_file in manifest] == [day_file.key for day_file in before]
        assert manifest[key(DAYS[1])].problem == "from the old index"
        assert (manifest.missing, manifest.last_run, manifest.last_runs) == ({gone}, run, {4711: run})
        assert manifest.overlapping(suspects_only=True) == []
        assert Learned(lake).get(4711, "sms", "page_size") == Fact(100, FIRST)
        manifest.save(last_runs={4711: run})
    assert json.loads(lake.layout.old_index.read_text())["version"] == 2
    assert not lake.layout.old_learned.exists()


def test_a_save_without_news_writes_nothing(lake):
    """The file of the index stays as it is."""
    before = lake.store.stamp(lake.layout.index)
    Manifest(lake).save()
    assert lake.store.stamp(lake.layout.index) == before


def test_some_accounts(lake):
    """A manifest of some accounts neither looks at others nor changes what is known of them."""
    for number in (4712, 4713):
        shutil.copytree(lake.path(key(FIRST)).parents[1], lake.path(DayKey(number, "sms", FIRST)).parents[1])
    Manifest(lake).save(last_runs={4712: {"exit_code": 4, "ended_at": "2026-03-10"}})
    lake.path(DayKey(4713, "sms", FIRST)).unlink()
    (lake.path(DayKey(4713, "sms", DAYS[1]))).write_bytes(b"damaged")
    some = Manifest(lake, forbidden, account_ids=[4712])
    assert {day_file.key.account_id for day_file in some} == {4712}
    assert (len(list(some)), some.missing, some.damaged) == (3, set(), {})
    assert some.last_runs == {4712: {"exit_code": 4, "ended_at": "2026-03-10"}}
    some.add(lake.put_placeholder(DayKey(4712, "sms", DAYS[0]), "late", now=datetime(2026, 3, 9, tzinfo=UTC)))
    some.save(last_runs={4712: {"exit_code": 0, "ended_at": "2026-03-11"}})
    whole = Manifest(lake, forbidden)
    assert whole.missing == {DayKey(4713, "sms", FIRST)}
    assert set(whole.damaged) == {DayKey(4713, "sms", DAYS[1])}
    assert whole[DayKey(4712, "sms", DAYS[0])].problem == "late"
    assert whole.last_runs == {4711: {"exit_code": 0}, 4712: {"exit_code": 0, "ended_at": "2026-03-11"}}
    assert whole.last_run == {"exit_code": 0, "ended_at": "2026-03-11"}


def test_an_account_that_was_never_indexed(lake):
    """The database is asked for its days, and for those of no other account."""
    asked, gone = [], DayKey(4712, "sms", FIRST)

    def published(account_ids):
        asked.append(account_ids)
        return {gone}

    assert Manifest(lake, published, account_ids=[4711, 4712]).missing == {gone}
    assert asked == [[4712]]


def test_an_index_that_was_lost_is_whole_again_after_all_accounts(lake):
    """What one account has saved in a new index does not speak for the others."""
    gone = DayKey(4712, "sms", FIRST)
    lake.layout.index.unlink()
    Manifest(lake, account_ids=[4711]).save()
    whole = Manifest(lake, lambda _: {gone})
    assert whole.missing == {gone}
    whole.save()
    assert Manifest(lake, forbidden).missing == {gone}


@pytest.mark.parametrize("by_file", [False, True])
def test_a_change_that_was_killed(lake, by_file):
    """A journal that a killed run has left is undone, and nobody reads half a change."""
    if by_file:
        (lake.root / BY_FILE).touch()
    before = list(Manifest(lake))
    with closing(sqlite3.connect(lake.layout.index, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 0")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE day_files SET problem = hex(zeroblob(9000))")
        copy = lake.root / "killed"
        copy.mkdir()
        for name in ("ledger.sqlite", "ledger.sqlite-journal"):
            shutil.copy(lake.root / name, copy)
        connection.execute("ROLLBACK")
    for path in copy.iterdir():
        path.replace(lake.root / path.name)
    manifest = Manifest(lake)
    assert list(manifest) == before
    manifest.save(last_runs={4711: {"exit_code": 0}})
    assert not (lake.root / "ledger.sqlite-journal").exists()
    assert list(Manifest(lake, forbidden)) == before


def test_an_entry_counts_while_its_file_is_untouched(lake):
    """A file that was replaced is read; one that was not is taken from the index."""
    ask(lake, "UPDATE day_files SET problem = 'from the index'")
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
    lake.layout.index.unlink()
    gone = key(FIRST - timedelta(days=1))
    assert Manifest(lake, lambda _: {gone, key(DAYS[0])}).missing == {gone}


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


def test_changes(lake):
    """Whoever knows a mark hears what came later, of every account; whoever does not hears of all files."""
    everything = Manifest(lake).changes(None)
    assert (everything.whole, [its.key.date for its in everything.day_files]) == (True, DAYS)
    nothing = Manifest(lake).changes(everything.mark)
    assert (nothing.whole, nothing.day_files, nothing.removed, nothing.mark) == (False, [], [], everything.mark)
    other, now = DayKey(4712, "sms", FIRST), datetime(2026, 3, 9, 12, tzinfo=UTC)
    theirs = Manifest(lake, account_ids=[4712])
    theirs.add(lake.put_placeholder(other, "theirs", now=now))
    theirs.save()
    lake.path(key(DAYS[0])).unlink()
    mine = Manifest(lake, forbidden, account_ids=[4711])
    mine.add(lake.put_placeholder(key(DAYS[1]), "mine", now=now))
    found = mine.changes(everything.mark)
    assert [(its.key, its.problem) for its in found.day_files] == [(key(DAYS[1]), "mine"), (other, "theirs")]
    assert (found.removed, found.whole) == ([key(DAYS[0])], False)
    mine.forget_missing()
    assert mine.changes(found.mark).removed == [key(DAYS[0])]
    lake.put_placeholder(other, "newer, and not indexed yet", now=now)
    assert [its.key for its in Manifest(lake, account_ids=[4711]).changes(everything.mark).day_files] == [key(DAYS[1])]
    for unknown in (dataclasses.replace(found.mark, sequence=99), dataclasses.replace(found.mark, index_id="another")):
        whole = Manifest(lake, account_ids=[4711]).changes(unknown)
        assert (whole.whole, len(whole.day_files)) == (True, 3)


def test_a_wrong_clock_in_changes(lake):
    """Files of the future are not verified, whosever they are, and are news again when their time has come."""
    now = datetime(2026, 3, 9, 1, tzinfo=UTC)
    for number in (4711, 4712):
        before = Manifest(lake, now=now, account_ids=[number]).changes(None)
        assert [its.verified for its in before.day_files] == [True, False, False]
    later = now + timedelta(days=1)
    assert [its.verified for its in Manifest(lake, now=later).changes(before.mark).day_files] == [True]


def test_damaged_files_in_changes(lake):
    """An account whose file cannot be read publishes nothing; others go on, and the database keeps that day."""
    mark = Manifest(lake).changes(None).mark
    lake.path(key(DAYS[1])).write_bytes(b"damaged")
    with pytest.raises(DataError, match="is damaged"):
        Manifest(lake, account_ids=[4711]).changes(mark)
    others = Manifest(lake, account_ids=[4712]).changes(mark)
    assert (others.day_files, others.removed) == ([], [])


def test_files_that_nobody_compared_stay_suspects(lake):
    """A manifest of all accounts that is saved for a publish leaves the files of others to their own runs."""
    for number in (4711, 4712):
        copy = lake.path(DayKey(number, "sms", DAYS[2] + timedelta(days=1)))
        copy.parent.mkdir(parents=True)
        shutil.copy(lake.path(key(DAYS[2])), copy)
    Manifest(lake, account_ids=[4712]).changes(None)
    assert Manifest(lake, account_ids=[4711]).overlapping(suspects_only=True)
    Manifest(lake, account_ids=[4711]).save()
    assert Manifest(lake, account_ids=[4711]).overlapping(suspects_only=True) == []


def test_erased_messages_are_counted(lake):
    """An index gets a column for them once there are any, and then earlier versions refuse it; else it is as before."""
    assert ask(lake, "PRAGMA user_version") == [(2,)]
    assert "forgotten" not in str(ask(lake, "SELECT sql FROM sqlite_schema"))
    manifest = Manifest(lake, forbidden)
    before = manifest[key(DAYS[2])]
    writer = lake.writer(key(DAYS[2]))
    writer.add(pa.Table.from_pylist(messages(DAYS[2], 1), schema=SMS.schema))
    manifest.add(lake.commit(writer, dataclasses.replace(before, forgotten=2)))
    manifest.save()
    indexed = Manifest(lake, forbidden)
    assert [(its.row_count, its.forgotten, its.counted) for its in indexed] == [(1, 0, 1), (2, 0, 2), (1, 2, 3)]
    lake.path(key(DAYS[0])).rename(lake.root / "elsewhere")
    missed = Manifest(lake, forbidden)
    assert missed.missing == {key(DAYS[0])}
    missed.save()
    assert Manifest(lake, forbidden).missing == {key(DAYS[0])}
    (lake.root / "elsewhere").rename(lake.path(key(DAYS[0])))
    Manifest(lake, forbidden).save()
    assert ask(lake, "PRAGMA user_version") == [(4,)]
    assert json.loads(lake.layout.old_index.read_bytes())["version"] == 4
    assert indexed.last_run == {"exit_code": 0}
    lake.layout.index.unlink()
    read = Manifest(lake)
    assert list(read) == list(indexed)
    read.save()
    assert ask(lake, "PRAGMA user_version") == [(4,)]
    assert list(Manifest(lake, forbidden)) == list(indexed)


def test_what_is_to_be_erased_keeps_earlier_versions_out(lake):
    """Before anything is erased; a compaction after that changes nothing about it."""
    before = list(Manifest(lake))
    for _ in range(2):
        Index(lake).allow_erased()
        Index(lake).allow_months()
        assert ask(lake, "PRAGMA user_version") == [(4,)]
        assert json.loads(lake.layout.old_index.read_bytes())["version"] == 4
    assert list(Manifest(lake, forbidden)) == before
