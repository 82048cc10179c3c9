"""The next database is built beside the published one: early or at once, anew or by what differs."""

import dataclasses
import shutil
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

import duckdb
import pytest
from support.lakes import ACCOUNT, FIRST, LAYOUTS, SETTLING, Hand, row

from voxlake.errors import DataError
from voxlake.lake import Lake, Manifest
from voxlake.model import Changes, DayKey, FinalityPolicy, Mark
from voxlake.warehouse import DatabaseUpdate
from voxlake.warehouse.state import Reader, fingerprint, read_state

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)


@pytest.fixture(params=LAYOUTS)
def hand(tmp_path, request):
    """Return a lake of two days, whose database is of one layout."""
    hand = Hand(tmp_path / "data", request.param)
    for day in (FIRST, SECOND):
        hand.put(day, [row(day.toordinal(), day)])
    return hand


def lake_of(hand):
    """Return the lake, and what its manifest says."""
    lake = Lake(hand.root)
    return lake, Manifest(lake).sound()


def state_of(path):
    """Return the state of a database."""
    with closing(Reader(path.parent / "tmp")) as reader:
        return read_state(reader, path)


def test_loaded_early(hand):
    """Days that were loaded before the end are not loaded again, and a day that vanished meanwhile is removed."""
    lake, (first, second) = lake_of(hand)
    with lake.locked(holder="a test"), closing(hand.warehouse.begin(lake)) as build:
        build.prepare()
        build.load([first])
        build.load([first, second])
        lake.path(first.key).unlink()
        done = hand.warehouse.complete(build, Changes([second]), finality=SETTLING)
    assert done == DatabaseUpdate(2, 1)
    assert hand.ask("SELECT date FROM messages") == [(SECOND,)]
    assert hand.ask("SELECT date FROM coverage") == [(SECOND,)]


def test_a_day_that_changes_between_loads(hand):
    """The later version of a day replaces the earlier one: its rows are not there twice."""
    lake, (first, second) = lake_of(hand)
    with lake.locked(holder="a test"), closing(hand.warehouse.begin(lake)) as build:
        build.load([dataclasses.replace(first, checksum="an earlier version"), second])
        done = hand.warehouse.complete(build, Changes([first, second]), finality=SETTLING)
    assert done.changed == 2
    assert hand.ask("SELECT date FROM messages ORDER BY ALL") == [(FIRST,), (SECOND,)]


def test_early_loading_that_fails(hand):
    """A failure while loading early is not raised, and the end loads everything again."""
    lake, day_files = lake_of(hand)
    with lake.locked(holder="a test"), closing(hand.warehouse.begin(lake)) as build:
        path = lake.path(day_files[0].key)
        whole = path.read_bytes()
        path.write_bytes(whole[:100])
        build.load(day_files)
        path.write_bytes(whole)
        build.load(day_files)
        done = hand.warehouse.complete(build, Changes(day_files), finality=SETTLING)
    assert done.changed == 2
    assert hand.ask("SELECT count(*) FROM messages") == [(2,)]


def test_a_day_file_that_cannot_be_loaded(hand):
    """What cannot be loaded in the end is one sentence, and the published database stays."""
    hand.publish()
    hand.put(THIRD, [row(3, THIRD)])
    lake, day_files = lake_of(hand)
    lake.path(DayKey(ACCOUNT, "sms", THIRD)).write_bytes(b"not Parquet")
    with lake.locked(holder="a test"), pytest.raises(DataError, match="is damaged: run 'voxlake backfill"):
        hand.warehouse.publish(lambda _: Changes(day_files), lake, finality=SETTLING)
    assert hand.ask("SELECT count(*) FROM messages") == [(2,)]


def test_nothing_to_do(hand):
    """An up-to-date database stays the same file; a change of coverage alone is published without loading a day."""
    hand.publish()
    lake, day_files = lake_of(hand)
    warehouse, before = hand.warehouse, hand.warehouse.path.resolve()
    with lake.locked(holder="a test"):
        assert warehouse.publish(lambda _: Changes(day_files), lake, finality=SETTLING) == DatabaseUpdate(0, 2)
        assert warehouse.path.resolve() == before
        late = type(SETTLING)(timedelta(days=999), timedelta(days=999))
        assert warehouse.publish(lambda _: Changes(day_files), lake, finality=late) == DatabaseUpdate(0, 2)
    assert warehouse.path.resolve() != before
    assert hand.ask("SELECT DISTINCT final FROM coverage") == [(False,)]


def dates(day_files):
    """Return the days of files."""
    return [day_file.key.date for day_file in day_files]


def test_what_changed_is_all_that_is_asked_for(hand):
    """A publish asks for what is new since the last one, and for everything under another rule or from scratch."""
    hand.publish()
    hand.put(THIRD, [row(3, THIRD)])
    lake, asked = Lake(hand.root), []

    def changes(since):
        asked.append((since and since.sequence, found := Manifest(lake).changes(since)))
        return found

    late = FinalityPolicy(timedelta(hours=73), timedelta(days=14))
    with lake.locked(holder="a test"):
        for rule, rebuild in ((SETTLING, False), (SETTLING, False), (late, False), (SETTLING, True)):
            hand.warehouse.publish(changes, lake, finality=rule, rebuild=rebuild)
    assert [(since, its.whole, dates(its.day_files)) for since, its in asked] == [
        (1, False, [THIRD]), (2, False, []), (None, True, [FIRST, SECOND, THIRD]), (None, True, [FIRST, SECOND, THIRD]),
    ]  # fmt: skip
    assert hand.ask("SELECT sum(row_count), count(*) FROM coverage") == [(3, 3)]


def test_a_change_replaces_what_was_there(hand):
    """Days that changed, vanished or were not verified any more are so in the database; the others stay."""
    hand.put(THIRD, [row(3, THIRD), row(4, THIRD)])
    hand.publish()
    lake = Lake(hand.root)
    mark = state_of(hand.warehouse.path).mark
    first, second, third = Manifest(lake).sound()
    hand.put(SECOND, [row(SECOND.toordinal(), SECOND, cost=9), row(7, SECOND)])
    (second,) = (its for its in Manifest(lake) if its.key == second.key)
    unverified = dataclasses.replace(first, verified=False, problem="late")
    changes = Changes([unverified, second], [third.key], Mark(mark.index_id, 9), whole=False)
    with lake.locked(holder="a test"):
        done = hand.warehouse.publish(lambda _: changes, lake, finality=SETTLING)
    assert done == DatabaseUpdate(2, 3)
    assert hand.ask("SELECT date, row_count, verified FROM coverage ORDER BY date") == [
        (FIRST, 1, False), (SECOND, 2, True),
    ]  # fmt: skip
    assert hand.ask("SELECT date, count(*), sum(cost) FROM messages GROUP BY date ORDER BY date") == [
        (FIRST, 1, Decimal("0.01")), (SECOND, 2, Decimal("9.01")),
    ]  # fmt: skip
    assert hand.ask("SELECT date, checksum FROM meta.parts ORDER BY date") == [
        (FIRST, first.checksum), (SECOND, second.checksum),
    ]  # fmt: skip
    assert state_of(hand.warehouse.path).mark == Mark(mark.index_id, 9)


def test_a_reading_without_news_publishes_nothing(hand):
    """A day that was read again and is the same leaves the database as it is, but for the first time after its end."""
    during, after, later = (datetime.combine(SECOND, time(), tzinfo=UTC) + timedelta(hours=n) for n in (12, 30, 36))
    files = []
    for at in (during, after, later, later):
        hand.put(SECOND, [row(SECOND.toordinal(), SECOND)], exported_at=at)
        files.append(hand.publish().path.resolve())
    assert [file == before for before, file in pairwise(files)] == [False, True, True]
    assert hand.ask("SELECT exported_at FROM coverage WHERE date = $1", SECOND) == [(after.replace(tzinfo=None),)]


def test_state(hand, tmp_path):
    """The state of a database is what it includes; a foreign, damaged or missing one has none."""
    path = hand.publish().path
    state = state_of(path)
    assert (state.finality, state.rows, state.mark.sequence) == (SETTLING, 2, 1)
    foreign, damaged = tmp_path / "foreign.duckdb", tmp_path / "damaged.duckdb"
    duckdb.connect(str(foreign)).close()
    damaged.write_bytes(path.read_bytes()[:5000])
    assert [state_of(each) for each in (foreign, damaged, tmp_path / "none.duckdb")] == [None, None, None]


def test_foreign_file_in_the_place_of_the_link(hand):
    """Somebody else's file is moved, never overwritten, and the result says where it is."""
    link = hand.root / "voxlake.duckdb"
    link.write_text("mine")
    lake, day_files = lake_of(hand)
    with lake.locked(holder="a test"):
        done = hand.warehouse.publish(lambda _: Changes(day_files), lake, finality=SETTLING)
    moved = hand.root / "rejects" / "stray" / "voxlake.duckdb"
    assert done == DatabaseUpdate(2, 2, f"{link} was not a database of voxlake's: it is {moved} now.")
    assert moved.read_text() == "mine"
    link.unlink()
    link.write_text("mine, too")
    with lake.locked(holder="a test"):
        done = hand.warehouse.publish(lambda _: Changes(day_files), lake, finality=SETTLING, rebuild=True)
    assert moved.with_name("voxlake.duckdb.again").read_text() == "mine, too"
    assert "again now" in done.moved_aside


def test_days_that_differ_from_their_files(hand):
    """A changed amount and a missing day are found by their hashes; of a database that is gone, all days differ."""
    hand.publish()
    hand.put(FIRST, [row(FIRST.toordinal(), cost=9)])
    hand.put(THIRD, [row(3, THIRD)])
    lake, day_files = lake_of(hand)
    assert [key.date for key in hand.warehouse.differing(day_files, lake)] == [FIRST, THIRD]
    assert hand.warehouse.days() == {DayKey(ACCOUNT, "sms", day) for day in (FIRST, SECOND)}
    shutil.rmtree(hand.root / "warehouse")
    assert [key.date for key in hand.warehouse.differing(day_files, lake)] == [FIRST, SECOND, THIRD]


def test_two_readers_in_one_process(hand):
    """A second reader shares the first one's instance of DuckDB, and has the same zone and restrictions."""
    warehouse = hand.publish()
    setting = "SELECT current_setting('TimeZone'), current_setting('enable_external_access')"
    with warehouse.reader() as one, warehouse.reader() as other:
        assert one.execute(setting).fetchall() == other.execute(setting).fetchall() == [("UTC", False)]


@pytest.mark.parametrize("above", ["status=prod", "date=2020-01-01", "account_id=7/cost=5"])
def test_no_path_says_what_a_row_is(tmp_path, above):
    """Whatever the folders above a lake are called, account and day are what voxlake knows."""
    hand = Hand(tmp_path / above / "data")
    for day in (FIRST, SECOND):
        hand.put(day, [row(day.toordinal(), day)])
    hand.publish()
    query = "SELECT account_id, date, message_id, status, cost FROM sms_history ORDER BY date"
    plain = [(ACCOUNT, day, day.toordinal(), "success", Decimal("0.01")) for day in (FIRST, SECOND)]
    assert hand.ask(query) == plain
    lake, day_files = lake_of(hand)
    assert hand.warehouse.differing(day_files, lake) == []
    hand.publish()
    assert hand.published == [2, 0]
    # What version 0.1 built there may be wrong, and is built again.
    hand.edit(f"UPDATE meta.built SET fingerprint = '{fingerprint()}'", "UPDATE sms_history SET status = 'prod'")
    hand.publish()
    assert hand.ask(query) == plain


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("sql", "checkpoint"),
    [
        ("UPDATE sms_history SET cost = 0", True),
        ("DELETE FROM sms_history", False),
        ("DELETE FROM coverage", True),
        ("DROP VIEW daily", True),
    ],
)
def test_what_somebody_else_wrote_is_built_again(hand, sql, checkpoint):
    """Whatever was changed in the database, the next publish brings it back to what the lake says."""
    hand.publish()
    queries = [f"FROM {name} ORDER BY ALL" for name in ("sms_history", "daily", "coverage")]
    before = list(map(hand.ask, queries))
    hand.edit(sql, checkpoint=checkpoint)
    hand.publish()
    assert hand.published == [2, 2]
    assert list(map(hand.ask, queries)) == before
    hand.publish()
    assert hand.published == [2, 2, 0]


def test_readers_and_copies_change_nothing(hand):
    """A database that was only read, copied with its folder, or written by a version before, is not built again."""
    hand.publish()
    hand.ask("FROM sms_history")
    copied = Hand(hand.root.with_name("copy"), hand.database)
    shutil.copytree(hand.root, copied.root, symlinks=True)
    copied.publish()
    (hand.root / "warehouse" / "published").unlink()
    hand.publish()
    assert (copied.published, hand.published) == ([0], [2, 0])
