"""`voxlake status --check`: what a monitor asks of a lake, and the sentence for every problem."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from support.contexts import StandingClock
from support.dates import days_ago
from support.lakes import ACCOUNT, FIRST, Hand, row

from voxlake.lake import AccountFacts, AccountRegistry, Lake
from voxlake.library import health
from voxlake.text import in_words

DAY = timedelta(days=1)


def test_a_lake_is_watched(sandbox, voxlake):
    """All is well after an export; a file that is gone is missed, an export mends it, and age is told."""
    server = sandbox(rows=60, days=5)
    voxlake("export", "--since", days_ago(4), server=server)
    assert voxlake("status", "--check").stdout.startswith("All is well: 1 account, ")
    data = voxlake.folder / "data"
    folders = sorted((data / "lake" / "sms_history").glob("*/date=*"))
    (folders[0] / "part.parquet").unlink()
    shutil.rmtree(folders[1])
    told = voxlake("status", "--check", code=4).stdout
    assert (
        f"sandbox ({server.account_id}) sms: 2 days missing ({days_ago(4)} to {days_ago(3)} (2 days)): 'voxlake export'"
        in told
    )
    voxlake("export", server=server)
    report = json.loads(voxlake("status", "--check", "--max-age", "1h", "--format", "json").stdout)
    assert (report["exit_code"], report["accounts"], report["problems"]) == (0, 1, [])
    # Without an index, footers tell the same.
    (data / "ledger.sqlite").unlink()
    assert voxlake("status", "--check").stdout.startswith("All is well")
    (facts,) = AccountRegistry(Lake(data)).all()
    later = StandingClock(facts.last_good_run + 11 * DAY)
    found = health(data, clock=later)
    (problem,) = found.problems
    assert (found.exit_code, problem.kind, problem.days) == (5, "stale", ())
    assert "the last export that ended well was 11 days ago" in problem.message
    assert health(data, clock=later, max_age=12 * DAY).exit_code == 0
    assert health(data, clock=later, paused=[server.account_id]).exit_code == 0


def test_where_there_is_nothing(voxlake):
    """A directory that does not exist, or holds no export, is a mistake of whoever asks."""
    for name in ("nowhere", "."):
        assert "holds no export" in voxlake("status", "--check", "--data-dir", name, code=2).stderr
    assert "give a length of time, such as 90m" in voxlake("status", "--check", "--max-age", "soon", code=2).stderr


@pytest.mark.parametrize("index", [True, False])
def test_days_that_are_not_verified(tmp_path, index):
    """What is wrong with them is said, once for all of a stream; that nothing ever ended well, too."""
    hand = Hand(tmp_path / "data")
    for day in range(1, 7):
        on = FIRST.replace(day=day)
        at = datetime(2026, 1, day, 23, tzinfo=UTC)
        hand.put(on, [row(day, on)], verified=day not in (2, 3, 5), exported_at=at)
    hand.publish()
    if not index:
        (hand.root / "ledger.sqlite").unlink()
    found = health(hand.root, clock=StandingClock(datetime(2026, 1, 7, 3, tzinfo=UTC)))
    assert found.exit_code == 4
    assert [(problem.kind, problem.message) for problem in found.problems] == [
        (
            "unverified",
            f"{ACCOUNT} sms: 3 days not verified (2026-01-02 to 2026-01-03 (2 days), 2026-01-05): not verified.",
        ),
        ("stale", f"{ACCOUNT}: no export ended well yet."),
    ]
    assert found.problems[0].days == ("2026-01-02", "2026-01-03", "2026-01-05")


def test_each_account_is_told(tmp_path):
    """By name; one that vanished from its parent's list may be old, and days before the first one are not missed."""
    hand = Hand(tmp_path / "data")
    now = datetime(2026, 1, 10, 3, tzinfo=UTC)
    for account in (1, 2, 3):
        for day in (1, 6, 7, 8, 9):
            hand.put(FIRST.replace(day=day), [], account=account)
    hand.publish()
    lake = Lake(hand.root)
    registry = AccountRegistry(lake)
    since = {"sms": FIRST.replace(day=5), "a2p": FIRST.replace(day=5)}
    for account, hours, vanished in ((1, 2, None), (2, 50, None), (3, 90, now)):
        at = now - timedelta(hours=hours)
        registry.put(
            AccountFacts(
                account_id=account, name=f"n{account}", last_good_run=at, vanished_at=vanished, exported_since=since
            )
        )
    with lake.locked(holder="a test"):
        registry.save()
    found = health(hand.root, clock=StandingClock(now))
    assert [problem.message for problem in found.problems] == [
        "n1 (1) sms: 1 day missing (2026-01-05): 'voxlake export' brings them.",
        "n2 (2) sms: 1 day missing (2026-01-05): 'voxlake export' brings them.",
        "n3 (3) sms: 1 day missing (2026-01-05): 'voxlake export' brings them.",
        (
            "n2 (2): the last export that ended well was 2 days 2 hours ago (2026-01-08 01:00 UTC),"
            " more than 1 day 2 hours."
        ),
    ]
    assert [problem.account_id for problem in health(hand.root, accounts=[2], clock=StandingClock(now)).problems] == [
        2,
        2,
    ]


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=26, minutes=5), "1 day 2 hours"),
        (timedelta(days=11, minutes=3), "11 days 3 minutes"),
    ],
    ids=str,
)
def test_ages(age, words):
    """An age has two units at most."""
    assert in_words(age) == words
