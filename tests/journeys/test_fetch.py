"""Windows that are too large, too deep or of unknown precision: proved, or said to be unproved, in bounded requests."""

import functools
import itertools
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from support.asked import of_histories
from support.clients import Calling, client
from support.dates import days_ago
from support.truth import held, truth

from voxlake.extract import NOTHING_LEARNED, ApiQuirks, WindowReader
from voxlake.lake import Lake
from voxlake.model import FinalityPolicy, Window, midnight
from voxlake.pipeline.plan import plan
from voxlake.pipeline.window import WindowTask, read_window
from voxlake.sandbox import World
from voxlake.transform import SMS

SLOW = functools.partial(pytest.param, marks=pytest.mark.slow)
BOUNDS = [("inclusive", "exclusive"), ("exclusive", "inclusive"), ("exclusive",) * 2, ("inclusive",) * 2]


def fetched(history, window, quirks=NOTHING_LEARNED):
    """Read a window of the sms history."""
    return WindowReader(history, SMS, quirks).read(window)


def burst(server, count, *, seconds=1, directions=("OUT",)):
    """Let many messages appear within a few seconds of a day."""
    row = next(row for row in server.world.truth("sms") if row["processed_at"].date() == days_ago(2))
    for n in range(count):
        at = row["processed_at"].replace(hour=12, minute=0, second=0) + timedelta(seconds=n % seconds)
        one = {"message_id": 10**13 + n, "processed_at": at, "direction": directions[n % len(directions)]}
        server.world.insert("sms", {**row, **one})


def database(voxlake):
    """Return the path of the database."""
    return voxlake.folder / "data" / "voxlake.duckdb"


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("mode", ["error", "empty", "clamp"])
def test_a_second_too_large_is_cut_by_direction(sandbox, voxlake, mode, output):
    """Where one second holds more rows than offsets reach, the filters that exist divide it."""
    server = sandbox("max_offset=100", f"offset_mode={mode}", "max_count=100", rows=600, days=3)
    burst(server, 350, directions=("IN", "OUT"))
    voxlake("export", "sms", "--since", days_ago(3), "--output", output, server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")


def test_a_second_that_nobody_can_read(sandbox, voxlake):
    """If even the filters leave too much, the day is unverified, says why, and keeps all that could be read."""
    server = sandbox("max_offset=100", "max_count=100", rows=600, days=3)
    burst(server, 700, directions=("IN", "OUT"))
    done = voxlake("export", "sms", "--since", days_ago(3), server=server, code=4)
    assert f"sms: {days_ago(2)} is not verified: " in done.stderr
    assert "12:00:00 to " in done.stderr
    assert "holds more rows than the API gives out" in done.stderr
    kept, real = held(database(voxlake), "sms"), truth(server, "sms")
    assert set(kept) < set(real)
    assert sum(row[-1] == days_ago(2) for row in kept) >= 400
    assert [row for row in kept if row[-1] != days_ago(2)] == [row for row in real if row[-1] != days_ago(2)]


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize("bounds", [("inclusive", "exclusive"), ("exclusive", "inclusive"), ("exclusive", "exclusive")])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_coarse_day_behind_a_busy_one(sandbox, voxlake, bounds, order):
    """Bounds are known to be coarse before a day is cut, also where only rows of the day beside it came first."""
    switches = (f"from_bound={bounds[0]}", f"to_bound={bounds[1]}", "date_precision=day", f"order={order}")
    server = sandbox(*switches, rows=28_000, days=2)
    voxlake("export", "sms", "--since", days_ago(2), server=server)
    assert truth(server, "sms") == held(voxlake.folder / "data" / "voxlake.duckdb", "sms")


@pytest.mark.sample(1)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("bounds", [("inclusive", "exclusive"), ("exclusive", "inclusive"), ("inclusive", "inclusive")])
def test_coarse_bounds_and_windows_of_a_day(sandbox, voxlake, bounds, output):
    """An API that looks at whole days, and allows windows of one, is read by the bounds that show a day at all."""
    switches = (f"from_bound={bounds[0]}", f"to_bound={bounds[1]}", "date_precision=day", "max_window_days=1")
    server = sandbox(*switches, rows=3000, days=5)
    # What shows a day proves also those without rows, before the first message and today.
    voxlake("export", "sms", "--since", days_ago(8), "--output", output, server=server)
    assert truth(server, "sms") == held(voxlake.folder / "data" / "voxlake.duckdb", "sms")


@pytest.mark.sample(1)
@pytest.mark.parametrize("order", ["asc", "random-per-request"])
def test_coarse_bounds_are_not_cut_for_ever(sandbox, voxlake, order):
    """An API that ignores the time of day, and deals a day out in any order, costs a bounded number of requests."""
    server = sandbox("date_precision=day", f"order={order}", "max_count=300", rows=4000, days=3)
    voxlake("export", "sms", "--since", days_ago(3), server=server, code=4 if order != "asc" else 0)
    assert len(of_histories(server)) < 800
    kept, real = held(database(voxlake), "sms"), truth(server, "sms")
    assert kept == real if order == "asc" else set(kept) < set(real)
    assert {row[-1] for row in kept} == {row[-1] for row in real}


def test_a_row_a_second_is_read_in_few_requests(sandbox, voxlake):
    """A day that goes deeper than offsets reach is cut in time into pieces worth their requests."""
    world = World(rows=0, days=1, seed=1, until=days_ago(0))
    server = sandbox("max_offset=2000", world=world)
    noon = datetime.combine(days_ago(1), datetime.min.time(), UTC)
    row = next(World(rows=10, days=1, seed=1, until=days_ago(0)).truth("sms"))
    for n in range(0, 86_400, 16):
        world.insert("sms", {**row, "message_id": n + 1, "processed_at": noon + timedelta(seconds=n)})
    voxlake("export", "sms", "--since", days_ago(1), server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")
    assert len(of_histories(server)) <= 24


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize("beyond", [[], ["offset_mode=empty"], ["offset_mode=empty", "csv_empty=nothing"]], ids=str)
@pytest.mark.parametrize("output", ["json", "csv"])
def test_a_first_page_that_is_as_deep_as_it_goes(sandbox, voxlake, output, beyond):
    """Where nothing can be asked for behind the first page, the window is cut until each piece is one page."""
    switches = ("max_count=300", "count_mode=clamp", "max_offset=100", "order=id", *beyond)
    server = sandbox(*switches, rows=1500, days=2)
    voxlake("export", "sms", "--since", days_ago(2), "--output", output, server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize(
    ("switches", "rows", "counts"),
    [
        SLOW((), 36_000, 3),
        (("order=desc", "from_bound=exclusive", "to_bound=exclusive"), 36_000, 3),
        SLOW(("max_count=300", "count_mode=clamp"), 36_000, 3),
        (("order=random-per-request",), 15_000, 150),
        (("date_precision=day",), 36_000, 40),
    ],
    ids=str,
)
def test_csv_is_counted_in_few_requests(sandbox, voxlake, switches, rows, counts):
    """No csv page tells a total, so one pair of counts goes around the pages of many days, where these stand still."""
    server = sandbox(*switches, rows=rows, days=12)
    voxlake("export", "sms", "--since", days_ago(12), "--output", "csv", server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")
    pages = sum(request.parameters["output"] == "csv" for request in of_histories(server))
    # And one over all days, and one that asks for a message by its second.
    assert len(of_histories(server)) <= pages + counts + 2


@pytest.mark.parametrize("output", ["json", "csv"])
def test_few_rows_take_few_requests(sandbox, voxlake, output):
    """What tells how to cut a window is also the count before it, where it needs no cut; three counts follow.

    Two are witnesses, and one is of what is older.
    """
    server = sandbox(rows=3000, days=12)
    voxlake("export", "sms", "--since", days_ago(12), "--output", output, server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")
    pages = sum(request.parameters["count"] != "1" for request in of_histories(server))
    assert len(of_histories(server)) == pages + {"json": 1, "csv": 2}[output] + 3


@pytest.mark.sample(1)
@pytest.mark.parametrize(("longest", "windows"), [(7, 16), (31, 4)])
def test_an_api_that_allows_a_month(sandbox, voxlake, longest, windows):
    """Windows are as long as the API allows, which is found by halves, and not a day each because it refuses one."""
    server = sandbox(f"max_window_days={longest}", rows=2000, days=62)
    voxlake("export", "sms", "--since", days_ago(62), server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")
    # Each is counted, read, and counted once more; longer ones were refused before.
    assert len(of_histories(server)) <= 3 * windows + 8


@pytest.mark.dateless
@pytest.mark.parametrize(
    ("switches", "counts"),
    [
        SLOW((), 4),
        (("order=desc", "from_bound=exclusive", "to_bound=exclusive"), 4),
        SLOW(("max_count=300", "count_mode=clamp"), 4),
        pytest.param(("date_precision=day",), 10, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_csv_of_a_busy_day_is_counted_in_few_requests(sandbox, switches, counts):
    """One pair of counts also goes around the pieces of a day that is cut inside."""
    server = sandbox(*switches, rows=80_000, days=1)
    (batch,) = fetched(client(server, output="csv"), Window.of_days(days_ago(1), days_ago(1)))
    assert batch.verified
    assert sorted(batch.table["message_id"].to_pylist()) == sorted(row[0] for row in truth(server, "sms"))
    assert batch.table.num_rows > 4 * ApiQuirks().deepest_offset
    pages = sum(request.parameters["output"] == "csv" for request in of_histories(server))
    assert len(of_histories(server)) <= pages + counts


@pytest.mark.parametrize("empty", ["header", "nothing"])
def test_csv_of_a_day_with_empty_hours(sandbox, empty):
    """A piece without rows is no broken reply, also where an API writes nothing at all for it."""
    world = World(rows=0, days=1, seed=1, until=days_ago(0))
    row = next(World(rows=10, days=1, seed=1, until=days_ago(0)).truth("sms"))
    for n in range(0, 54_000, 16):
        at = datetime.combine(days_ago(1), datetime.min.time(), UTC) + timedelta(seconds=n)
        world.insert("sms", {**row, "message_id": n + 1, "processed_at": at})
    server = sandbox(f"csv_empty={empty}", world=world)
    window = Window.of_days(days_ago(1), days_ago(1))
    (batch,) = fetched(client(server, output="csv"), window, ApiQuirks(page_size=100, deepest_offset=1000))
    assert batch.verified
    assert batch.table["message_id"].to_pylist() == list(range(1, 54_000, 16))


@pytest.mark.parametrize("output", ["json", "csv"])
def test_today_holds_still(sandbox, output):
    """Messages that come while today is read lie behind what is read, and do not keep it from being proved."""
    now = midnight(days_ago(0)) + timedelta(hours=12)
    start = now - timedelta(hours=1)
    server = sandbox(rows=300, days=2)
    row = next(server.world.truth("sms"))
    for n in range(2500):
        at = start + timedelta(seconds=n)
        server.world.insert("sms", {**row, "message_id": 10**12 + n, "processed_at": at})
    coming = itertools.count(2 * 10**12)

    def came(*_, **__):
        server.world.insert("sms", {**row, "message_id": next(coming), "processed_at": now + timedelta(seconds=2)})

    ours = client(server, output=output, timeout=30, archive=Calling(came))
    batches = list(fetched(ours, Window(midnight(now.date()), now)))
    assert all(batch.verified for batch in batches), [batch.problem for batch in batches]
    read = [id_ for batch in batches for id_ in batch.table["message_id"].to_pylist()]
    assert sorted(id_ for id_ in read if id_ >= 10**12) == list(range(10**12, 10**12 + 2500))


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize("days", [1, 24])
def test_csv_is_not_held_without_bound(sandbox, days):
    """However many rows a window has, what is in memory at a time is a few times what offsets reach."""
    server = sandbox(rows=30_000, days=days)
    api, quirks = client(server, output="csv"), ApiQuirks(deepest_offset=1000)
    batches = list(fetched(api, Window.of_days(days_ago(days), days_ago(1)), quirks))
    assert sum(batch.table.num_rows for batch in batches) == len(truth(server, "sms")) > 10_000
    assert all(batch.verified and batch.table.num_rows <= 5000 for batch in batches)


@pytest.mark.slow
@pytest.mark.dateless
def test_many_threads_learn_the_size_of_a_page(sandbox, voxlake):
    """Sixteen windows at once meet a page that is too large, and none of them is given up."""
    server = sandbox("max_count=100", rows=12_000, days=9)
    for n in range(3):
        folder = f"try-{n}"
        voxlake(
            "export", "--since", days_ago(9), "--jobs", "16", "--output", "csv", "--data-dir", folder, server=server
        )
        assert truth(server, "sms") == held(voxlake.folder / folder / "voxlake.duckdb", "sms")


@pytest.mark.sample(1)
@pytest.mark.parametrize(("output", "most"), [("json", 60), ("csv", 110)])
def test_an_api_that_counts_more_than_it_gives(sandbox, voxlake, output, most):
    """Rows that are counted and never given leave every day unverified, but not asked for without end."""
    server = sandbox("total_of=hidden", rows=600, days=4)
    done = voxlake("export", "--since", days_ago(3), "--output", output, server=server, code=4)
    assert "messages were read where the API counts" in done.stderr
    assert len(of_histories(server)) < most
    given = [row for row in truth(server, "sms") if row[0] % 7 and row[-1] >= days_ago(3)]
    assert held(database(voxlake), "sms") == given


def at_midnight(server, count, *, day):
    """Let many messages appear in the first second of a day."""
    row = next(row for row in server.world.truth("sms") if row["processed_at"].date() == day)
    for n in range(count):
        one = {"message_id": 10**13 + n, "processed_at": midnight(day), "direction": ("IN", "OUT")[n % 2]}
        server.world.insert("sms", {**row, **one})


@pytest.mark.diagonal
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize(
    ("count", "bounds"),
    [
        *((300, bounds) for bounds in BOUNDS),
        # Too many for the filters, under one kind of bounds; the others are tried with the slow tests.
        (700, BOUNDS[0]),
        *(pytest.param(700, bounds, marks=pytest.mark.slow) for bounds in BOUNDS[1:]),
    ],
)
def test_a_coarse_day_whose_rows_lie_at_midnight(sandbox, voxlake, bounds, output, count):
    """A day that is cut in time although the API looks at days alone is whole, or not verified."""
    switches = (f"from_bound={bounds[0]}", f"to_bound={bounds[1]}", "date_precision=day", "max_offset=100")
    server = sandbox(*switches, "max_count=100", rows=40, days=3)
    at_midnight(server, count, day=days_ago(2))
    done = voxlake("export", "sms", "--since", days_ago(3), "--output", output, server=server, code=None)
    kept, real = held(database(voxlake), "sms"), truth(server, "sms")
    if done.returncode == 0:
        assert kept == real
    assert done.returncode == (0 if kept == real else 4)
    assert set(kept) <= set(real)
    assert [row for row in kept if row[-1] != days_ago(2)] == [row for row in real if row[-1] != days_ago(2)]


def test_two_bursts_do_not_make_an_api_coarse(sandbox, voxlake):
    """Seconds that hold more than a page each look like whole days; the day itself tells that they are not."""
    server = sandbox("max_window_days=1", "from_bound=exclusive", "order=id", "max_count=100", rows=30, days=4)
    row = next(row for row in server.world.truth("sms") if row["processed_at"].date() == days_ago(2))
    for n in range(300):
        at = midnight(days_ago(2)) + timedelta(hours=10 + n % 2)
        server.world.insert("sms", {**row, "message_id": 1 + n, "processed_at": at})
    for n, day in enumerate((days_ago(3), days_ago(2), days_ago(1))):
        server.world.insert("sms", {**row, "message_id": 10**13 + n, "processed_at": midnight(day)})
    voxlake("export", "sms", "--since", days_ago(4), "--jobs", "1", server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")


def test_a_coarse_day_in_one_second(sandbox, voxlake):
    """Rows of one second alone show that bounds are coarse as well: the day is not cut for ever, and proved."""
    server = sandbox("date_precision=day", "max_offset=100", "max_count=100", rows=40, days=3)
    burst(server, 300, directions=("IN", "OUT"))
    voxlake("export", "sms", "--since", days_ago(3), server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")
    assert len(of_histories(server)) < 120


@pytest.mark.sample(1)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("bounds", [("inclusive", "exclusive"), ("exclusive", "inclusive")])
def test_bounds_that_look_at_minutes(sandbox, voxlake, bounds, output):
    """Where a cut inside a day loses a part of a minute, the day as a whole tells."""
    switches = (f"from_bound={bounds[0]}", f"to_bound={bounds[1]}", "date_precision=minute", "max_offset=100")
    server = sandbox(*switches, "max_count=100", rows=4000, days=3)
    done = voxlake("export", "sms", "--since", days_ago(3), "--output", output, server=server, code=None)
    kept, real = held(database(voxlake), "sms"), truth(server, "sms")
    assert done.returncode == (0 if kept == real else 4)
    with duckdb.connect(str(database(voxlake)), read_only=True) as connection:
        proved = {day for (day,) in connection.execute("SELECT date FROM coverage WHERE verified").fetchall()}
    assert [row for row in kept if row[-1] in proved] == [row for row in real if row[-1] in proved]
    # A day in progress without rows; which others are depends on where their cuts lie, see test_reader.
    assert days_ago(0) in proved


@pytest.mark.sample(2)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("most", [1000, pytest.param(3000, marks=pytest.mark.slow), 10_000])
def test_a_count_that_ends_somewhere(sandbox, voxlake, most, output):
    """An API that counts up to a number and no further is read behind it, in smaller windows."""
    server = sandbox(f"max_total={most}", rows=25_000, days=2)
    voxlake("export", "sms", "--since", days_ago(2), "--output", output, server=server)
    assert truth(server, "sms") == held(database(voxlake), "sms")


def test_one_count_before_csv_proves_no_empty_day(sandbox):
    """Of csv, nothing is taken for nothing because one count says so: it takes two, as for anything else."""
    server = sandbox(faults="none=1,first=1", rows=600, days=3)
    day = Window(midnight(days_ago(2)), midnight(days_ago(1)))
    real = sum(row["processed_at"].date() == days_ago(2) for row in server.world.truth("sms"))
    (batch,) = fetched(client(server, output="csv"), day)
    assert batch.verified
    assert batch.table.num_rows == real > 0
    first, *others = server.requests
    assert (first.parameters["count"], first.parameters["output"]) == ("1", "json")
    # The count that the fault made nothing of, one more that contradicts it, and then both counts around the pages.
    assert [request.parameters["output"] for request in others] == ["json", "json", "csv", "json"]


def test_a_row_that_cannot_be_read_comes_twice(sandbox):
    """A bad row beside the day that comes with two pages does not stand for a good one that came with none."""
    server = sandbox("order=random-per-request", "max_count=50", rows=0, days=3)
    row = next(World(rows=10, days=3, seed=1, until=days_ago(0)).truth("sms"))
    for n in range(60):
        at = midnight(days_ago(2)) + timedelta(minutes=n)
        server.world.insert("sms", {**row, "message_id": n + 1, "processed_at": at})
    beside = {"message_id": 61, "processed_at": midnight(days_ago(2)) - timedelta(seconds=1), "cost": "n/a"}
    server.world.insert("sms", {**row, **beside})
    day = Window(midnight(days_ago(2)), midnight(days_ago(1)))
    whole = [
        sum(batch.table.num_rows for batch in batches)
        for batches in (list(fetched(client(server), day)) for _ in range(20))
        if all(batch.verified for batch in batches)
    ]
    assert whole == [60] * len(whole)
    assert whole


def test_a_run_across_midnight(sandbox, tmp_path):
    """A day that ends while it is read was read up to the second before: the next run reads it again."""
    end = midnight(days_ago(0))
    clock = [end - timedelta(seconds=3)]
    server = sandbox(rows=600, days=3, world_now=lambda: clock[0].timestamp())  # noqa: PLW0108 - it moves
    row = next(server.world.truth("sms"))
    coming = itertools.count(2 * 10**12)

    def came(*_, **__):
        clock[0] += timedelta(seconds=4)
        at = end - timedelta(seconds=1)
        server.world.insert("sms", {**row, "message_id": next(coming), "processed_at": at})

    class Moving:
        """A clock that moves with the replies."""

        def now(self):
            """Return the time."""
            return clock[0]

        def time(self):
            """Return the time in seconds."""
            return clock[0].timestamp()

    ours = client(server, archive=Calling(came))
    lake, yesterday = Lake(tmp_path / "data"), Window.of_days(days_ago(1), days_ago(1))
    with lake.locked(holder="a test"):
        done = read_window(ours, lake, Moving(), WindowTask(SMS, yesterday))
    (part,) = (day.day_file for day in done.written)
    assert clock[0] > end > part.exported_at
    finality = FinalityPolicy(timedelta(0), timedelta(0))
    assert not part.final(finality)
    assert plan([days_ago(1)], {days_ago(1): part}, finality=finality).read == (days_ago(1),)
