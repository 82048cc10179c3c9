"""Days that were verified earlier are brought up to date by a few counts, and only those that differ are read."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from support.contexts import FINALITY, StandingClock
from support.rows import message, messages
from support.scripted_api import ScriptedApi

from voxlake.lake import Lake
from voxlake.model import DayFile, DayKey, FinalityPolicy, Window
from voxlake.pipeline.refresh import is_worth_counting, pieces, refresh
from voxlake.transform import SMS, STATUSES, STREAMS, Field

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(8)]
NOW = datetime(2026, 3, 10, tzinfo=UTC)
PER_DAY = 3_000
WAITING = 3


@pytest.fixture(scope="module")
def rows():
    """Return enough rows that counting is worth it; the first of each day waits."""
    made = [row for n, day in enumerate(DAYS) for row in messages(day, PER_DAY, first=1 + n * PER_DAY)]
    for row in made[::PER_DAY]:
        row["status_id"] = WAITING
    return made


@pytest.fixture
def night(tmp_path, rows):
    """Return a function that refreshes a lake of these rows from a history that changed since."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()

    def put(day, rows):
        writer = lake.writer(DayKey(1, "sms", day))
        its = [row | {"status": STATUSES[row["status_id"]]} for row in rows if row["processed_at"].date() == day]
        writer.add(pa.Table.from_pylist(its, schema=SMS.schema))
        day_file = DayFile(
            DayKey(1, "sms", day), row_count=0, total_count=PER_DAY, verified=True, moving=1,
            exported_at=datetime(2026, 3, 9, tzinfo=UTC), checksum="",
        )  # fmt: skip
        return lake.commit(writer, day_file)

    first = [put(day, rows) for day in DAYS]

    def run(history, *, finality=FINALITY, stream=SMS, day_files=first):
        return refresh(history, lake, stream, day_files, clock=StandingClock(NOW), finality=finality)

    run.lake, run.day_files, run.put = lake, first, put
    return run


def stale(night, rows):
    """Return which days are read after a refresh from these rows."""
    return night(ScriptedApi(rows)).stale


def test_a_quiet_night(night, rows):
    """Where nothing changed, nothing is read or written, and the counts are few."""
    before = {path: path.stat().st_ino for path in night.lake.root.rglob("*.parquet")}
    history = ScriptedApi(rows)
    found = night(history)
    assert found.stale == frozenset()
    assert [day.day_file for day in found.days] == night.day_files
    assert [day.changed for day in found.days] == [0] * len(DAYS)
    assert {path: path.stat().st_ino for path in night.lake.root.rglob("*.parquet")} == before
    # Three counts for the bounds at most, one for each piece, one request for what moves.
    assert len(history.asked) <= 3 + len(pieces(DAYS)) + 1


def test_a_late_row_makes_one_day_stale(night, rows):
    """A row that appears among the days that are counted together is found by halving."""
    late = message(10**9, datetime(2026, 3, 2, 3, tzinfo=UTC))
    assert stale(night, [*rows, late]) == {date(2026, 3, 2)}
    late = message(10**9, datetime(2026, 3, 8, 3, tzinfo=UTC))
    assert stale(night, [*rows, late]) == {date(2026, 3, 8)}


def test_a_lost_row_makes_its_day_stale(night, rows):
    """A row that is gone changes the count of its day."""
    assert stale(night, rows[1:]) == {DAYS[0]}


def test_a_status_that_settled_is_written(night, rows):
    """A message that does not wait any more is written in its latest state, and its day has nothing that moves."""
    settled = [row | {"status_id": 1} if row["message_id"] == 1 else row for row in rows]
    found = night(ScriptedApi(settled))
    assert (found.stale, found.days[0].changed, found.days[0].day_file.moving) == (frozenset(), 1, 0)
    assert night.lake.read_footer(night.day_files[0].key) == found.days[0].day_file
    (table, *_) = night.lake.read_rows(night.day_files[0].key)
    assert table["status_id"][0].as_py() == 1
    assert found.days[0].day_file.exported_at == NOW


def test_a_price_that_came_late_is_written(night, rows):
    """A message that had no price is asked for by its id, and its day has nothing that moves once it has one."""
    unpriced = [row | {"fragments": 1, "cost": Decimal(1), "status_id": 1} for row in rows[:PER_DAY]]
    unpriced[7] |= {"cost": None}
    first = night.put(DAYS[0], unpriced)
    found = night(ScriptedApi([*unpriced, *rows[PER_DAY:]]), day_files=[first, *night.day_files[1:]])
    assert (found.stale, found.days[0].changed, found.days[0].day_file.moving) == (frozenset(), 0, 1)
    unpriced[7] |= {"cost": Decimal("0.05")}
    found = night(ScriptedApi([*unpriced, *rows[PER_DAY:]]), day_files=[first, *night.day_files[1:]])
    assert (found.stale, found.days[0].changed, found.days[0].day_file.moving) == (frozenset(), 1, 0)
    (table, *_) = night.lake.read_rows(night.day_files[0].key)
    assert table["cost"][7].as_py() == Decimal("0.05")


def test_a_day_that_becomes_final_is_written(night, rows):
    """Once it has settled and been given up, a quiet day is written as final, with the same rows."""
    done = FinalityPolicy(timedelta(0), timedelta(0))
    found = night(ScriptedApi(rows), finality=done)
    assert all(day.day_file.final(done) and day.changed == 0 for day in found.days)
    assert [day.day_file.checksum for day in found.days] == [day_file.checksum for day_file in night.day_files]


def test_a_message_that_moved_to_another_day(night, rows):
    """Both days are read: the one that it left, and the one where it lies now."""
    moved = [
        row | {"processed_at": row["processed_at"] + timedelta(days=1)} if row["message_id"] == 1 else row
        for row in rows
    ]
    assert stale(night, moved) == {DAYS[0], DAYS[1]}


def test_days_of_an_older_schema(night, rows, monkeypatch):
    """They are compared as they are read today: a quiet night rewrites none, and a status that settled only its day."""
    unknown = pa.table({"extra": pa.repeat('{"route":"r1"}', PER_DAY)})
    for day_file in night.day_files:
        (table,) = night.lake.read_rows(day_file.key)
        writer = night.lake.writer(day_file.key)
        writer.add(table.set_column(table.num_columns - 1, SMS.schema.field("extra"), unknown["extra"]))
        night.lake.commit(writer, day_file)
    route = Field("route", pa.string(), "The route it took.")
    newer = dataclasses.replace(SMS, fields=(*SMS.fields[:-1], route, SMS.fields[-1]))
    monkeypatch.setitem(STREAMS, "sms", newer)
    sent = [row | {"route": "r1"} for row in rows]
    found = night(ScriptedApi(sent), stream=newer)
    assert (found.stale, [day.changed for day in found.days]) == (frozenset(), [0] * len(DAYS))
    assert not any(night.lake.is_current(day_file.key) for day_file in night.day_files)
    sent[0] = sent[0] | {"status_id": 1}
    found = night(ScriptedApi(sent), stream=newer)
    assert (found.stale, [day.changed for day in found.days]) == (frozenset(), [1] + [0] * (len(DAYS) - 1))
    assert [night.lake.is_current(day_file.key) for day_file in night.day_files] == [True] + [False] * (len(DAYS) - 1)
    (table,) = night.lake.read_rows(night.day_files[0].key)
    assert (table["route"].null_count, table["extra"].null_count, table["status_id"][0].as_py()) == (0, PER_DAY, 1)


@pytest.mark.parametrize("how", ["ignored", "refused"])
def test_a_filter_that_does_not_work(night, rows, how):
    """Where the API cannot be asked for messages by id, the days with moving messages are read."""
    assert night(ScriptedApi(rows, filters=how)).stale == frozenset(DAYS)


def test_a_file_that_cannot_be_read(night, rows):
    """A damaged file is read from the API again."""
    path = night.lake.path(night.day_files[3].key)
    path.write_bytes(path.read_bytes()[:100])
    assert stale(night, rows) == {DAYS[3]}


def test_few_rows_are_read(night):
    """Where reading takes no more requests than counting, everything is read, and nothing asked before."""
    few = night.day_files[:1]
    history = ScriptedApi([])
    assert not is_worth_counting(few)
    assert refresh(history, night.lake, SMS, few, clock=StandingClock(NOW), finality=FINALITY).stale == frozenset(
        DAYS[:1]
    )
    assert not history.asked


def test_recent_days_are_counted_alone():
    """Older days are counted together, the last six one by one, a hole parts them."""
    days = [FIRST + timedelta(days=n) for n in (*range(14), 20)]
    assert [len(window.days) for window in pieces(days)] == [2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    assert [day for window in pieces(days) for day in window.days] == days
    assert pieces(days)[-1] == Window.of_days(days[-1], days[-1])
