"""A plain glob finds each row exactly once while months are compacted, whoever is killed and whenever."""

import threading
from collections import Counter
from datetime import date, timedelta

import duckdb
import pyarrow.parquet as pq
import pytest
from support.compactions import campaign
from support.lakes import Hand, row

from voxlake import library

DAYS, ROWS = 31, 2


@pytest.mark.parametrize("kills", [6, pytest.param(250, marks=pytest.mark.slow)], ids=["some", "many"])
def test_kills_at_any_step(tmp_path, kills):
    """Right after each kill, and after the next run, a glob finds each row exactly once."""
    tally = campaign(tmp_path, kills=kills, seed=1)
    print(tally)  # noqa: T201 - the figures are wanted: pytest -s -m slow
    assert tally["kills"] + tally["ends"] == kills
    assert tally["kills"] > kills / 2


def by_duckdb(lake):
    """Count rows and messages by a glob of DuckDB."""
    query = f"SELECT count(*), count(DISTINCT message_id) FROM read_parquet('{lake}/**/*.parquet')"
    with duckdb.connect() as connection:
        return connection.execute(query).fetchone()


def by_arrow(lake):
    """Count rows and messages as pyarrow and pandas find them."""
    ids = pq.read_table(lake / "sms_history", columns=["message_id"])["message_id"]
    return len(ids), len(ids.unique())


def by_status(lake):
    """Count rows and messages as `voxlake status` does, which takes no lock."""
    streams = library.status(lake.parent).streams
    assert {stream.missing_days[:1] for stream in streams} <= {("2026-02-01",), ()}
    return (sum(stream.rows for stream in streams),) * 2


ENGINES = (by_duckdb, by_arrow, by_status)


@pytest.mark.slow
@pytest.mark.parametrize("accounts", [4, 60], ids=["some", "many"])
def test_readers_during_compactions(tmp_path, accounts):
    """Every answer has each row once; whoever lists a file and finds it gone is told so, and repeats the query."""
    hand = Hand(tmp_path)
    for account in range(1, accounts + 1):
        for n in range(DAYS):
            its = [row(1 + 1_000_000 * account + 1000 * n + i, hour=i) for i in range(ROWS)]
            day = date(2026, 1, 1) + timedelta(days=n)
            at = [{**each, "processed_at": each["processed_at"] + timedelta(days=n)} for each in its]
            hand.put(day, [{k: v for k, v in each.items() if k != "delivery_status"} for each in at], account=account)
    lake, rows, done, answers = tmp_path / "lake", accounts * DAYS * ROWS, threading.Event(), Counter()

    def read(engine):
        while not done.is_set():
            try:
                answers[engine.__name__, engine(lake)] += 1
            except (duckdb.Error, OSError) as error:
                answers["gone" if "No such file" in str(error) or "Failed to open" in str(error) else str(error)] += 1

    readers = [threading.Thread(target=read, args=[engine]) for engine in ENGINES]
    for reader in readers:
        reader.start()
    for account in range(1, accounts + 1):
        assert library.compact(tmp_path, accounts=[account]).fewer == DAYS - 1
    done.set()
    for reader in readers:
        reader.join()
    print(answers)  # noqa: T201 - the figures are wanted: pytest -s -m slow
    assert by_duckdb(lake) == by_arrow(lake) == (rows, rows)
    assert set(answers) <= {*((engine.__name__, (rows, rows)) for engine in ENGINES), "gone"}, answers
    assert sum(answers.values()) > 0
