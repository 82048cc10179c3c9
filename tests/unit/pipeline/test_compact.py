"""Months that are final become one file each, and whatever reads or replaces a day finds it there."""

import json
import os
from datetime import UTC, date, datetime, timedelta

import duckdb
import pandas as pd
import polars as pl
import pytest
from support.clock import CLOCK
from support.compactions import FIRST, content, files, make, repair
from support.contexts import StandingClock
from support.lakes import ACCOUNT, SETTLING

from voxlake import library, pipeline
from voxlake.errors import SettingsError
from voxlake.events import Emitter
from voxlake.lake import Lake, Manifest, claimed, indexing, require_exchange
from voxlake.lake.index import Index
from voxlake.model import DayFile, DayKey
from voxlake.pipeline.compact import ready_months
from voxlake.warehouse import Warehouse

LATER = CLOCK.now() + timedelta(days=365)
"""When every day of the lake is final."""

MONTHS = [
    f"{table}/account_id=4711/date={last}/{name}"
    for table in ("a2p_sms_history", "sms_history")
    for last, name in (("2026-01-31", "days-03.parquet"), ("2026-02-28", "days-28.parquet"))
]


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Return a data directory with three days of January, all of February, and some of March."""
    root = tmp_path_factory.mktemp("days")
    make(root)
    return root


@pytest.fixture
def data(days, tmp_path):
    """Return a copy of it."""
    os.system(f"cp -a {days}/. {tmp_path}")
    return tmp_path


def day_files(first, number, *, at=None, **fields):
    """Return the facts of so many days, which were read a month later."""
    return [
        DayFile(
            DayKey(ACCOUNT, "sms", day), 1, 1, fields.get("verified", True), fields.get("moving", 0),
            at or datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=30), "",
        )
        for day in (first + timedelta(days=n) for n in range(number))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("its", "in_months", "lost", "ready"),
    [
        (day_files(date(2026, 2, 1), 28), (), (), [28]),
        (day_files(date(2026, 2, 27), 2), (), (), [2]),
        (day_files(date(2026, 1, 30), 40), (), (), [2, 28]),
        (day_files(date(2026, 2, 1), 27), (), (), []),
        (day_files(date(2026, 2, 28), 1), (), (), []),
        (day_files(date(2026, 2, 1), 9) + day_files(date(2026, 2, 11), 18), (), (), []),
        (day_files(date(2026, 2, 1), 28, verified=False), (), (), []),
        (day_files(date(2026, 2, 1), 28, at=datetime(2026, 3, 1, tzinfo=UTC)), (), (), []),
        (day_files(date(2026, 2, 1), 27) + day_files(date(2026, 2, 28), 1, moving=1), (), (), [28]),
        (day_files(date(2026, 2, 1), 28), (), [date(2026, 2, 3)], []),
        (day_files(date(2026, 2, 1), 28), (), [date(2026, 1, 3)], [28]),
        (day_files(date(2026, 2, 26), 3), [date(2026, 2, n) for n in (26, 27, 28)], (), []),
        (day_files(date(2026, 2, 20), 9), [date(2026, 2, n) for n in (26, 27, 28)], (), [9]),
        ([], (), (), []),
    ],
    ids=[
        "whole", "its last days", "two", "in progress", "one day", "a gap", "not verified", "not settled",
        "given up", "lost", "lost before", "done", "more than was done", "nothing",
    ],
)  # fmt: skip
def test_which_months_are_ready(its, in_months, lost, ready):
    """Those of which every day from the first to the last of the month has a final file."""
    found = ready_months(its, finality=SETTLING, in_months=in_months, lost=lost)
    assert [len(month) for month in found] == ready


def test_every_reader_finds_the_same_rows_in_fewer_files(data):
    """All columns of all rows, by whichever engine; the states of days, too; and the database needs nothing."""
    before, by_duckdb, count = content(data), content(data, engine="duckdb"), len(files(data))
    states = library.status(data).streams
    assert library.compact(data, dry_run=True).fewer == 2 * (2 + 27)
    assert len(files(data)) == count
    done = library.compact(data)
    assert (done.exit_code, done.fewer, done.left) == (0, 2 * (2 + 27), ())
    assert len(files(data)) == count - done.fewer
    assert set(MONTHS) < set(files(data))
    assert content(data) == before
    assert content(data, engine="duckdb") == by_duckdb
    assert library.status(data).streams == states
    assert library.compact(data).months == ()
    assert list((data / "tmp").iterdir()) == []
    assert done.to_json()["months"][0] == {"account_id": ACCOUNT, "stream": "sms", "month": "2026-01", "days": 3}


def test_columns_from_paths_are_there_with_their_types(data):
    """The account, and as the date the last day of the month, which a filter by months and a lower bound go with."""
    folder = data / "lake" / "sms_history"
    before = by_month(folder)
    library.compact(data)
    assert by_month(folder) == before
    glob = f"'{folder}/**/*.parquet', hive_partitioning = true"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        types = connection.execute(f"SELECT typeof(account_id), typeof(date) FROM read_parquet({glob}) LIMIT 1")
        assert types.fetchall() == [("BIGINT", "DATE")]
        bounded = "date >= '2026-02-10' AND processed_at >= '2026-02-10T00:00:00Z'"
        one = connection.execute(f"SELECT count(*) FROM read_parquet({glob}) WHERE {bounded}").fetchone()
        other = connection.execute(f"SELECT count(*) FROM read_parquet({glob}) WHERE processed_at >= '2026-02-10'")
        assert one == other.fetchone()
    by_pandas = pd.read_parquet(folder, dtype_backend="pyarrow")
    assert set(by_pandas["account_id"].astype(str)) == {str(ACCOUNT)}
    assert set(by_pandas["date"].astype(str)) >= {"2026-01-31", "2026-02-28", "2026-03-01"}
    by_polars = pl.scan_parquet(f"{folder}/**/*.parquet", hive_partitioning=True).collect()
    assert by_polars.schema["date"] == pl.Date
    assert len(by_polars) == len(by_pandas) == sum(before.values())


def by_month(folder):
    """Count the messages of each month by the dates in the paths, as they can be before and after."""
    with duckdb.connect() as connection:
        query = f"""
            SELECT date_trunc('month', date), count(*)
            FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true) GROUP BY ALL
        """
        return dict(connection.execute(query).fetchall())


def test_a_publish_has_nothing_new_afterwards(data):
    """Neither from the index, nor where all files are compared."""
    library.compact(data)
    lake, warehouse = Lake(data), Warehouse(data)
    with lake.locked(holder="a test"):
        for rebuilt in (False, True):
            if rebuilt:
                (data / "ledger.sqlite").unlink()
            changes = Manifest(lake).changes
            assert warehouse.publish(changes, lake, finality=SETTLING).changed == 0


def test_the_index_knows_where_days_lie(data):
    """No footer is read by the next run, and earlier versions refuse the directory from the first month on."""
    assert json.loads((data / "ledger.json").read_text())["version"] == 2
    library.compact(data)
    manifest = Manifest(Lake(data))
    assert not manifest._news
    assert not manifest._suspects
    assert json.loads((data / "ledger.json").read_text())["version"] == 3
    assert Index(Lake(data)).read(lambda its: its.execute("PRAGMA user_version").fetchone()) == (3,)


@pytest.mark.sample(1)
@pytest.mark.parametrize("lost", [["ledger.sqlite"], ["ledger.sqlite", "ledger.json", "voxlake.duckdb"]])
def test_the_index_and_the_database_are_made_again_from_the_footers(data, lost):
    """With the same days and rows, and with the mark that earlier versions heed."""
    library.compact(data)
    states, rows = library.status(data).streams, database_rows(data)
    for name in lost:
        (data / name).unlink()
    assert library.status(data).streams == states
    library.publish(data)
    assert database_rows(data) == rows
    assert json.loads((data / "ledger.json").read_text())["version"] == 3


def database_rows(data):
    """Return all rows of the published database."""
    with duckdb.connect(str(data / "voxlake.duckdb"), read_only=True) as connection:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
            for table in ("sms_history", "a2p_sms_history", "coverage")
        ]


def test_a_day_that_is_read_again_is_replaced_in_its_month(data):
    """The other days of the month are where they were, for the next run, too."""
    before = content(data)
    library.compact(data)
    repair(data)
    assert set(MONTHS) < set(files(data))
    assert content(data) == before
    manifest = Manifest(Lake(data))
    assert not manifest._news
    assert not manifest._suspects


def test_a_day_that_comes_before_a_compacted_part_of_a_month(data):
    """As of a backfill: it has a file of its own until the month is compacted again."""
    library.compact(data)
    before = files(data)
    lake = Lake(data)
    with claimed(lake, [ACCOUNT], holder="a test") as (its, _):
        manifest = Manifest(its, account_ids=[ACCOUNT])
        key = DayKey(ACCOUNT, "sms", FIRST - timedelta(days=1))
        manifest.add(its.commit(its.writer(key), day_files(key.date, 1)[0]))
        with indexing(its):
            manifest.save()
    assert len(files(data)) == len(before) + 1
    assert library.compact(data).fewer == 3
    assert len(files(data)) == len(before)
    assert "sms_history/account_id=4711/date=2026-01-31/days-04.parquet" in files(data)


class TickingClock(StandingClock):
    """A clock that goes on by a second whenever it is asked."""

    def time(self):
        """Return the time in UTC seconds."""
        self.sleep(1)
        return super().time()


@pytest.mark.parametrize(("seconds", "months", "complete"), [(1, 0, False), (3, 1, False), (60, 4, True)])
def test_a_compaction_ends_in_time(data, seconds, months, complete):
    """Where there is no time for all months, those that were begun are brought together, and the rest is left."""
    lake, events = Lake(data), Emitter(TickingClock(LATER))
    with claimed(lake, [ACCOUNT], holder="a test") as (its, claim):
        done = pipeline.compact(
            its, Warehouse(data), claim.account_ids, now=LATER, finality=SETTLING, seconds=seconds,
            events=events,
        )  # fmt: skip
    assert (len(done.months), done.complete, done.exit_code) == (months, complete, 0)


def test_a_file_system_that_cannot_exchange_folders_is_named(tmp_path):
    """In one sentence, before anything is written."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    with pytest.raises(SettingsError, match="the lake stays one file a day"):
        require_exchange(lake, able=lambda _folder: False)
    require_exchange(lake)


def test_an_account_that_was_never_exported(data):
    """It is named, and nothing is done."""
    with pytest.raises(SettingsError, match="of these accounts"):
        library.compact(data, accounts=[1])
