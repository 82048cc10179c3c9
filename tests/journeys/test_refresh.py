"""A nightly run finds what appeared and what moved, and pays for what changed."""

import functools
from datetime import timedelta

import duckdb
import pytest
from support.asked import of_histories
from support.clock import CLOCK
from support.dates import days_ago
from support.truth import held, truth

from voxlake.sandbox import World
from voxlake.transform import STREAMS

OPEN = ("--settle-hours", "1200", "--give-up-days", "100")
KINDS = [
    [],
    ["from_bound=exclusive"],
    ["to_bound=exclusive"],
    ["from_bound=exclusive", "to_bound=exclusive"],
    ["date_precision=day", "to_bound=exclusive"],
    ["date_precision=day", "from_bound=exclusive"],
    ["message_id_filter=off"],
    ["message_id_filter=refused", "order=desc"],
    ["max_window_days=2", "max_offset=900", "offset_mode=empty"],
]

DATELESS = functools.partial(pytest.param, marks=pytest.mark.dateless)
SLOW = functools.partial(pytest.param, marks=pytest.mark.slow)


def today(hours=0):
    """Return the last UTC midnight, and hours after it, in seconds."""
    midnight = CLOCK.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + timedelta(hours=hours)).timestamp()


def database(voxlake):
    """Return the path of the database."""
    return voxlake.folder / "data" / "voxlake.duckdb"


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("kind", "output"),
    [
        (KINDS[0], "json"),
        (KINDS[3], "csv"),
        (KINDS[-2], "json"),
        # Each kind of bounds and of filters has unit tests; all are tried end to end with the slow tests.
        *(SLOW(kind, "json") for kind in KINDS if kind not in (KINDS[0], KINDS[-2])),
        SLOW(KINDS[-1], "csv"),
    ],
    ids=str,
)
def test_late_rows_and_statuses_are_found(sandbox, voxlake, kind, output):
    """Whatever the API's bounds and filters are, late rows, late statuses and moved dates come in the next night."""
    clock = [today()]
    # Where offsets end early, only a busy day is cheaper to count than to read.
    world = World(rows=30_000 if "max_offset=900" in kind else 9_000, days=6, seed=3, until=days_ago(0))
    server = sandbox(*kind, world=world, world_now=lambda: clock[0])
    voxlake("export", "--since", days_ago(6), "--output", output, *OPEN, server=server)
    clock[0] = today(30)
    day = days_ago(4)
    for stream in STREAMS:
        rows = [row for row in world.truth(stream) if row["processed_at"].date() == day]
        for number, row in enumerate((rows[0], rows[5], rows[-1])):
            world.insert(stream, row | {"message_id": 10**12 + number})
        world.change(stream, rows[20]["message_id"], processed_at=rows[20]["processed_at"] + timedelta(days=1))
    asked = len(server.requests)
    again = voxlake("export", "--output", output, *OPEN, server=server)
    assert again.stderr.count(" 4 new, ") == 2  # the row that moved is new in its day
    for stream in STREAMS:
        assert truth(server, stream) == held(database(voxlake), stream)
    read = {
        r.parameters["from_date"][:10] for r in of_histories(server, since=asked) if int(r.parameters["count"]) > 500
    }
    if not any("message_id_filter" in switch for switch in kind):
        assert str(days_ago(6)) not in read


@pytest.mark.slow
@pytest.mark.dateless
def test_a_quiet_night_is_cheap(sandbox, voxlake):
    """Thirty quiet open days and one new day cost a few counts and the new day, not the thirty days again."""
    clock = [today()]
    world = World(rows=40_000, days=31, seed=3, until=days_ago(0))
    server = sandbox(world=world, world_now=lambda: clock[0])
    voxlake("export", "--since", days_ago(31), "--until", days_ago(1), *OPEN, server=server)
    clock[0] = today(100)
    voxlake("export", "--until", days_ago(1), *OPEN, server=server)
    asked = len(server.requests)
    rows = sum(row["processed_at"].date() == days_ago(1) for s in STREAMS for row in world.truth(s))
    voxlake("export", *OPEN, server=server)
    requests = of_histories(server, since=asked)
    assert len(requests) <= 45
    assert sum(int(request.parameters["count"]) > 1 for request in requests) <= rows // 1000 + 6
    for stream in STREAMS:
        assert truth(server, stream) == held(database(voxlake), stream)


def test_a_day_becomes_final_without_being_read_again(sandbox, voxlake):
    """Once it has settled, a quiet day is final after one count, and its rows are the same file's."""
    clock = [today()]
    world = World(rows=10_000, days=4, seed=3, until=days_ago(0))
    server = sandbox(world=world, world_now=lambda: clock[0])
    voxlake("export", "--since", days_ago(4), "--until", days_ago(0), *OPEN, server=server)
    clock[0] = today(72)
    voxlake("export", "--until", days_ago(0), "--settle-hours", "0", server=server)
    with duckdb.connect(str(database(voxlake)), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM coverage WHERE final").fetchone() == (8,)
    asked = len(server.requests)
    done = voxlake("export", "--until", days_ago(0), "--settle-hours", "0", server=server)
    assert len(server.requests) == asked
    assert "every day is final" in done.stderr


def test_a_message_that_moves_into_an_open_day(sandbox, voxlake):
    """A message whose date moves from a final day to an open one is in one day only, at any moment."""
    world = World(rows=3_000, days=6, seed=3, until=days_ago(0))
    server = sandbox(world=world)
    voxlake("export", "--since", days_ago(6), "--settle-hours", "48", "--give-up-days", "2", server=server)
    row = next(row for row in world.truth("sms") if row["processed_at"].date() == days_ago(4))
    world.change("sms", row["message_id"], processed_at=row["processed_at"] + timedelta(days=3))
    voxlake("export", "--settle-hours", "48", "--give-up-days", "2", server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ([], 3_000),
        SLOW([], 15_000),
        DATELESS(["max_window_days=7", "from_bound=exclusive"], 3_000),
        SLOW(["max_window_days=7", "from_bound=exclusive"], 15_000),
    ],
    ids=str,
)
def test_a_message_that_settles_into_a_final_day(sandbox, voxlake, kind, rows):
    """A message that waits keeps its day open; settled, it lies in a day that is final, and is found there."""
    flags = ("--settle-hours", "48", "--give-up-days", "30")
    world = World(rows=rows, days=8, seed=3, until=days_ago(0))
    server = sandbox(*kind, world=world)
    seen = next(row for row in world.truth("sms") if row["processed_at"].date() == days_ago(5))
    world.insert("sms", seen | {"message_id": 10**12, "status_id": 3, "status": "waiting"})
    voxlake("export", "--since", days_ago(8), *flags, server=server)
    world.change("sms", 10**12, processed_at=seen["processed_at"] + timedelta(days=1), status_id=1)
    assert "verified" in voxlake("export", *flags, server=server).stderr
    assert truth(server, "sms") == held(database(voxlake), "sms")


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ([], 3_000),
        SLOW([], 15_000),
        SLOW(["message_id_filter=off"], 3_000),
        DATELESS(["message_id_filter=refused"], 3_000),
        SLOW(["message_id_filter=off"], 15_000),
        SLOW(["message_id_filter=refused"], 15_000),
    ],
    ids=str,
)
def test_a_night_on_which_the_api_forgets(sandbox, voxlake, kind, rows):
    """What was read once and is not given any more stays, its day is named, and a night later all is well."""
    world = World(rows=rows, days=6, seed=3, until=days_ago(0))
    server = sandbox(*kind, world=world)
    voxlake("export", "--since", days_ago(6), *OPEN, server=server)
    kept = held(database(voxlake), "sms")
    forgotten = [row for row in world.truth("sms") if row["processed_at"].date() == days_ago(4)]
    for row in forgotten:
        world.remove("sms", row["message_id"])
    done = voxlake("export", *OPEN, server=server, code=4)
    assert (
        f"sms: {days_ago(4)} is not verified: {len(forgotten):,} previously exported messages are missing"
        in done.stderr
    )
    assert held(database(voxlake), "sms") == kept
    for row in forgotten:
        world.insert("sms", row)
    voxlake("export", *OPEN, server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms") == kept


def test_a_damaged_file_misses_nothing(sandbox, voxlake):
    """What a file holds that is not what was written there, another day's rows say, is not kept beside what is read."""
    server = sandbox(rows=3_000, days=6)
    voxlake("export", "sms", "--since", days_ago(6), *OPEN, server=server)
    lake = voxlake.folder / "data" / "lake"
    other, file = (next(lake.rglob(f"date={days_ago(n)}/*.parquet")) for n in (5, 4))
    file.write_bytes(other.read_bytes())
    voxlake("export", "sms", *OPEN, server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")


def test_the_word_of_the_api_is_taken_when_asked(sandbox, voxlake):
    """Forced, a day lacks what the API has forgotten; that is said, and the file from before kept."""
    world = World(rows=3_000, days=6, seed=3, until=days_ago(0))
    server = sandbox(world=world)
    voxlake("export", "sms", "--since", days_ago(6), server=server)
    file = next((voxlake.folder / "data" / "lake").rglob(f"date={days_ago(4)}/*.parquet"))
    before = file.read_bytes()
    world.remove("sms", next(r["message_id"] for r in world.truth("sms") if r["processed_at"].date() == days_ago(4)))
    days = ("--from", days_ago(4), "--to", days_ago(3), "--force")
    done = voxlake("backfill", "sms", *days, server=server)
    assert "0 new, 0 changed, 1 gone (kept in rejects/gone/)" in done.stderr
    (kept,) = (voxlake.folder / "data" / "rejects" / "gone").rglob("*.parquet")
    assert kept.read_bytes() == before
    assert truth(server, "sms") == held(database(voxlake), "sms")


def test_dry_run_asks_nothing(sandbox, voxlake):
    """A dry run names the days that would be read or probed, and asks nothing."""
    server = sandbox()
    said = voxlake("export", "--dry-run", server=server).stdout
    assert f"sms: read {days_ago(30)} to {days_ago(0)} (31 days)" in said
    voxlake("export", server=server)
    asked = len(server.requests)
    said = voxlake("export", "a2p", "--dry-run", server=server).stdout
    assert said.startswith("a2p: read ")
    assert "days are final" in said
    assert "probe" in said
    assert len(server.requests) == asked
    forced = voxlake("backfill", "--from", days_ago(5), "--to", days_ago(3), "--force", "--dry-run", server=server)
    assert f"read {days_ago(5)} to {days_ago(4)} (2 days)" in forced.stdout
