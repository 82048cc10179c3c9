"""The sandbox's world: seeded, stable from day to day, exact."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voxlake.sandbox import World

UNTIL = date(2026, 3, 1)


def world(**options):
    """Make a small world."""
    return World(**{"rows": 2000, "days": 10, "seed": 1, "until": UNTIL} | options)


def rows(of, stream="sms"):
    """Return the messages by id."""
    return {row["message_id"]: row for row in of.truth(stream)}


@pytest.mark.parametrize(("count", "days"), [(0, 3), (1, 1), (7, 30), (2000, 10), (5000, 1)])
def test_total_is_exact(count, days):
    """Both histories together hold as many messages as were asked for, each id once, within the days."""
    made = world(rows=count, days=days)
    found = [list(made.truth(stream)) for stream in ("sms", "a2p")]
    assert sum(map(len, found)) == count
    for its in found:
        assert len({row["message_id"] for row in its}) == len(its)
        assert all(UNTIL - timedelta(days=days) <= row["processed_at"].date() < UNTIL for row in its)
        assert all(a["processed_at"] <= b["processed_at"] for a, b in pairwise(its))


def counts(of):
    """Return how many messages each day has, by history; days without one are left out."""
    return {stream: Counter(row["processed_at"].date() for row in of.truth(stream)) for stream in ("sms", "a2p")}


@given(
    rows=st.integers(0, 200),
    days=st.integers(1, 40),
    seed=st.integers(0, 2**32),
    until=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
)
@example(rows=3000, days=6, seed=3, until=date(2026, 11, 28))
@example(rows=6, days=6, seed=1, until=UNTIL)
@example(rows=100, days=6, seed=1, until=date(2028, 3, 1))
@example(rows=0, days=1, seed=1, until=UNTIL)
@example(rows=1, days=1, seed=1, until=UNTIL)
def test_every_day_has_its_share(rows, days, seed, until):
    """On any date the shares add up, no day is empty that need not be, and the newest half is the same tomorrow."""
    found, later = (
        counts(World(rows=rows, days=days, seed=seed, until=until + timedelta(days=n), now=lambda: 5e9)) for n in (0, 1)
    )
    dates = [until - timedelta(days=n + 1) for n in range(days)]
    sums = {stream: sum(its.values()) for stream, its in found.items()}
    assert sums == {"sms": round(rows * 0.6), "a2p": rows - round(rows * 0.6)}
    assert all(set(its) <= set(dates) for its in found.values())
    assert rows < days or set().union(*found.values()) == set(dates)
    for stream, its in found.items():
        assert sums[stream] < days or set(its) == set(dates)
        newest = dates[: days // 2]
        assert [its[day] for day in newest] == [later[stream][day] for day in newest]


def test_no_day_starves():
    """Days of few and of many rows have a fair share: none is far below or above the average."""
    for n in range(50):
        made = world(rows=3000, days=6, seed=n % 5, until=UNTIL + timedelta(days=8 * n))
        for stream, average in (("sms", 300), ("a2p", 200)):
            its = counts(made)[stream].values()
            assert min(its) >= average // 4
            assert max(its) < 3 * average
            assert len(set(its)) > 2


def test_same_seed_same_world():
    """Two worlds of one seed are equal; another seed gives another."""
    assert rows(world()) == rows(world())
    assert rows(world()) != rows(world(seed=2))


def test_tomorrow_is_today_and_one_day_more():
    """The days in the middle are the same tomorrow, and no id comes back for another message."""
    today, tomorrow = rows(world()), rows(world(until=UNTIL + timedelta(days=1)))
    lasting = {i: row for i, row in today.items() if row["processed_at"].date() >= UNTIL - timedelta(days=5)}
    for message_id, row in lasting.items():
        assert tomorrow[message_id]["text"] == row["text"]
    assert all(
        today[i]["processed_at"].date() == tomorrow[i]["processed_at"].date() for i in today.keys() & tomorrow.keys()
    )


def test_statuses_settle():
    """What is waiting now has ended two days later, and ended messages stay as they are."""
    made = world()
    before = rows(made, "a2p")
    moving = {i for i, row in before.items() if row["status_id"] == 3}
    assert moving
    assert {before[i]["delivery_status"] for i in moving} == {"QUEUED", "DISPATCHED"}
    made.now = lambda: datetime(2026, 3, 4, tzinfo=UTC).timestamp()
    after = rows(made, "a2p")
    assert not any(row["status_id"] == 3 for row in after.values())
    assert all(before[i] == after[i] for i in before.keys() - moving)


def test_late_rows_are_seen_later():
    """A world with late rows shows some of them only hours after their date."""
    made = world(late=0.2, rows=20_000)
    before = rows(made)
    made.now = lambda: datetime(2026, 3, 2, tzinfo=UTC).timestamp()
    assert before.keys() < rows(made).keys()


def test_edges_of_days_are_there():
    """Rows lie in the first and in the last second of each day, and some share a second."""
    times = [row["processed_at"] for row in world().truth("sms")]
    clock = {f"{at:%H:%M:%S}" for at in times}
    assert {"00:00:00", "23:59:59"} <= clock
    assert any(a == b for a, b in pairwise(times))


def test_edits():
    """Messages can be added, changed, moved to another day and taken away."""
    made = world()
    row = next(iter(made.truth("sms")))
    made.insert("sms", row | {"message_id": 5})
    made.change("sms", 5, text="changed", processed_at=row["processed_at"] + timedelta(days=2))
    assert rows(made)[5]["text"] == "changed"
    assert rows(made)[row["message_id"]] == row
    made.remove("sms", 5)
    assert rows(made) == rows(world())


@pytest.mark.sample(1)
@pytest.mark.parametrize("order", ["asc", "desc", "id"])
def test_pages_cover_the_whole(order):
    """In a fixed order, the pages of any size give every message of the span once."""
    made = world()
    start, end = (int(datetime(2026, 2, day, 12, tzinfo=UTC).timestamp()) for day in (20, 26))
    expected = {i for i, row in rows(made).items() if start <= row["processed_at"].timestamp() < end}
    seen, total = [], None
    while total is None or len(seen) < total:
        page, total = made.select("sms", start, end, order=order, offset=len(seen), count=170)
        seen += [row["message_id"] for row in page]
    assert sorted(seen) == sorted(expected)
    assert len(seen) == total
    if order == "id":
        assert seen == sorted(seen)
