"""The view `days`: every day that exports look after, and what is known of it, missing ones included."""

import shutil
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
from support.lakes import ACCOUNT, FIRST, LAYOUTS, Hand, row

from voxlake.clock import SYSTEM
from voxlake.lake import Lake
from voxlake.library import publish
from voxlake.model import DayKey

DAY = timedelta(days=1)
TODAY = FIRST + 9 * DAY
SINCE = {"sms": FIRST + DAY, "a2p": FIRST + 3 * DAY}


def states(hand, *, today=TODAY, account=ACCOUNT):
    """Return the days of an account as text: by stream, a letter for the state of each from the first of January on."""
    with hand.warehouse.reader() as connection:
        connection.execute(f"SET VARIABLE voxlake_today = DATE '{today}'")
        rows = connection.execute(
            "SELECT stream, date, state FROM days WHERE account_id = $1 ORDER BY ALL", [account]
        ).fetchall()
    drawn = {}
    for stream, day, state in rows:
        line = drawn.get(stream, "")
        drawn[stream] = line.ljust((day - FIRST).days) + state[0]
    return drawn


@pytest.fixture(params=LAYOUTS)
def hand(request, tmp_path):
    """Publish some days of both streams, each with a first day of its own, and a day before it that was backfilled."""
    hand = Hand(tmp_path / "data", request.param)
    hand.know(ACCOUNT, name="North", exported_since=SINCE)
    for n in (0, 2, 3, 5):
        hand.put(FIRST + n * DAY, [row(n + 1, FIRST + n * DAY)], verified=n != 3)
    open_at = datetime(2026, 1, 8, 1, tzinfo=UTC)
    hand.put(FIRST + 6 * DAY, [row(7, FIRST + 6 * DAY)], exported_at=open_at)
    hand.put(FIRST + 4 * DAY, [], stream="a2p")
    hand.publish()
    return hand


def test_every_day_has_a_state(hand):
    """From the first day of each stream to yesterday, whoever was exported or not; what a backfill brought is there."""
    assert states(hand) == {"a2p": "   mfmmmm", "sms": "fmfumfomm"}


def test_today_is_not_missing(hand):
    """Yesterday is by the clock of whoever asks: each day that passes without an export is one more that is missing."""
    assert states(hand, today=TODAY + DAY)["sms"] == states(hand)["sms"] + "m"
    assert states(hand, today=SINCE["a2p"])["a2p"] == "    f"
    with hand.warehouse.reader() as connection:
        ((newest,),) = connection.execute("SELECT max(date) FROM days").fetchall()
    assert newest in {(SYSTEM.now() - n * DAY).date() for n in (1, 2)}


def test_what_is_known_of_a_day(hand):
    """A day has its counts, why it is not verified, or what proved it; one that is missing has none of that."""
    columns = "date, account, state, row_count, total_count, problem, proof, exported_at IS NULL"
    days = "DATE '2026-01-02', DATE '2026-01-03', DATE '2026-01-04'"
    query = f"SELECT {columns} FROM days WHERE stream = 'sms' AND date IN ({days}) ORDER BY date"
    assert hand.ask(query) == [
        (date(2026, 1, 2), "North", "missing", 0, None, None, None, True),
        (date(2026, 1, 3), "North", "final", 1, 1, None, "counts", False),
        (date(2026, 1, 4), "North", "unverified", 1, 1, "not verified", None, False),
    ]


def test_a_deleted_day_is_missing(hand):
    """A folder that was deleted is a day that is missing once that is published, on the command line or not."""
    layout = Lake(hand.root).layout
    shutil.rmtree(layout.day_file(DayKey(ACCOUNT, "sms", FIRST + 2 * DAY)).parent)
    publish(hand.root, forget_missing=True, database=hand.database)
    assert states(hand)["sms"] == "fmmumfomm"
    shutil.rmtree(layout.day_file(DayKey(ACCOUNT, "a2p", FIRST)).parents[1])
    publish(hand.root, database=hand.database)
    assert states(hand) == {"a2p": "   mmmmmm", "sms": "fmmumfomm"}


def test_a_first_day_that_moves_is_published(hand):
    """What exports look after is news, also where no day changed; of a stream without such a day its oldest counts."""
    hand.know(ACCOUNT, exported_since=SINCE | {"sms": FIRST + 4 * DAY})
    hand.publish()
    assert states(hand)["sms"] == "f fumfomm"
    hand.know(ACCOUNT, exported_since={})
    hand.publish()
    assert states(hand) == {"a2p": "    fmmmm", "sms": "fmfumfomm"}


def test_an_account_that_vanished(hand):
    """Nobody misses the days since an account vanished from its parent's list."""
    hand.know(ACCOUNT, exported_since=SINCE, vanished_at=datetime(2026, 1, 8, 5, tzinfo=UTC))
    hand.publish()
    assert states(hand) == {"a2p": "   mfmm", "sms": "fmfumfo"}


def test_other_readers(hand, tmp_path):
    """The view answers in a copy, under another name, and where a session has another zone."""
    copy, here = tmp_path / "copy.duckdb", states(hand)
    hand.warehouse.write_copy(copy)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{copy}' AS published (READ_ONLY)")
        connection.execute(f"SET VARIABLE voxlake_today = DATE '{TODAY}'")
        connection.execute("SET TimeZone = 'Pacific/Kiritimati'")
        query = "SELECT stream, string_agg(state[1], '' ORDER BY date) FROM published.days GROUP BY ALL"
        assert dict(connection.execute(query).fetchall()) == {name: its.replace(" ", "") for name, its in here.items()}
