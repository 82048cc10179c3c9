"""Whatever the API does, a run makes at most three times the least possible requests, and fifty more."""

from datetime import date, timedelta

import pytest
from support.clients import client
from support.contexts import StandingClock, noon, running
from support.in_process import connect

from voxlake.pipeline import export
from voxlake.pipeline.plan import DayRange
from voxlake.sandbox import Behaviour, Faults, Sandbox, World
from voxlake.transform import STREAMS

UNTIL = date(2026, 3, 10)
SMALL = ("max_count=100",)
ODD = {
    "plain": (),
    "size 100": SMALL,
    "page totals": ("counts=page",),
    "page totals of one size": ("counts=page", "count_mode=ignore", *SMALL),
    "estimates": ("counts=tens", *SMALL),
    "capped": ("max_total=200", *SMALL),
    "another order for every page": ("order=random-per-request", *SMALL),
    "dates ignored": ("date_precision=day", "order=random-per-request", *SMALL),
    "the same page again": ("max_offset=100", "offset_mode=clamp", *SMALL),
    "a day alone": ("max_window_days=1", "from_bound=exclusive", "to_bound=exclusive"),
    "no offsets": ("max_offset=1", "offset_mode=clamp", *SMALL),
    "doubles": ("doubles=7", *SMALL),
    "hidden rows": ("total_of=hidden", *SMALL),
    "retention": ("retention_days=2",),
    "a day at most": ("max_window_days=1",),
    "a day at most, dates ignored": ("max_window_days=1", "date_precision=day", "from_bound=exclusive"),
    "another zone": ("bounds_zone=+03:00",),
    "a deep second": ("max_offset=200", *SMALL),
    "a deep second in one direction": ("max_offset=200", *SMALL),
}
BOTH = ("estimates", "capped", "no offsets", "a day at most, dates ignored", "a deep second")
"""What is read in another way as JSON."""

DAYS = 4


WHOLE = ("another order for every page", "the same page again", "a day alone")
"""What is verified whole for all that."""


def crowded(world, count, directions):
    """Let many messages appear in one second, at noon."""
    row = next(row for row in world.truth("sms") if row["processed_at"].date() == UNTIL - timedelta(days=2))
    at = row["processed_at"].replace(hour=12, minute=0, second=0)
    for n in range(count):
        direction = directions[n % len(directions)]
        world.insert("sms", {**row, "message_id": 10**13 + n, "processed_at": at, "direction": direction})


def least(world, name, output):
    """Return the least possible requests: pages that rows fill, at least one a window, its counts, a count to close."""
    its = dict(switch.split("=") for switch in ODD[name])
    size = int(its.get("max_count", 1000))
    windows = -(-(DAYS + 1) // int(its.get("max_window_days", 1000)))
    if name == "another order for every page":
        size //= 2
    pages = [-(-sum(1 for _ in world.truth(stream)) // size) for stream in STREAMS]
    return sum(max(its, windows) + windows * (3 if output == "csv" else 1) for its in pages)


FAST = (
    "the same page again",
    "a day alone",
    "another order for every page",
    "page totals of one size",
    "no offsets",
    "a day at most, dates ignored",
    "a deep second",
)
"""Those that are tried as csv every time; `make slow` tries all."""


@pytest.mark.sample(4)
@pytest.mark.dateless
@pytest.mark.parametrize(
    ("name", "output"),
    [
        *(pytest.param(name, "csv", marks=() if name in FAST else pytest.mark.slow) for name in ODD),
        *(pytest.param(name, "json", marks=() if name == "capped" else pytest.mark.slow) for name in BOTH),
    ],
)
def test_requests_are_bounded(tmp_path, name, output):
    """A first export and the night after it keep to the ceiling, and what is verified is whole."""
    switches, clock = ODD[name], StandingClock(noon(2026, 3, 10))
    world = World(rows=700, days=DAYS, seed=1, until=UNTIL)
    if name.startswith("a deep second"):
        crowded(world, 500, ("OUT",) if name.endswith("direction") else ("IN", "OUT"))
    server = Sandbox(
        world,
        behaviour=Behaviour.parse(switches),
        faults=Faults.parse(""),
        directory=tmp_path,
        now=clock.time,
        world_now=clock.time,
    )
    days, sent = DayRange(UNTIL - timedelta(days=DAYS), UNTIL + timedelta(days=2)), []
    with server:
        for _ in range(2):
            history = connect(client(server, clock, output=output), server)
            with running(history, tmp_path / "data", clock) as context:
                result = export(context, list(STREAMS.values()), days)
            sent.append(result.requests)
            clock.sleep(86_400)
    assert max(sent) <= 3 * least(world, name, output) + 50
    for stream in result.streams:
        for file in stream.day_files:
            real = sum(row["processed_at"].date() == file.key.date for row in world.truth(stream.stream))
            assert file.verified or name not in WHOLE
            assert file.row_count == real if file.verified else file.row_count <= real
