"""Rows that arrive with every request: the end of a day in progress is cut off, and the rest is proved once."""

import threading
from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest
from support.clients import Calling, client
from support.contexts import StandingClock, noon, running

from voxlake.extract import WindowReader
from voxlake.model import Window, midnight
from voxlake.pipeline import DayRange, export
from voxlake.sandbox import World
from voxlake.transform import STREAMS

pytestmark = pytest.mark.dateless

NOON = noon(2026, 3, 11)
TODAY, DAY = NOON.date(), timedelta(days=1)


@pytest.mark.sample(1)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("rows", [600, 3000])
def test_a_busy_account_is_exported_at_a_small_price(sandbox, tmp_path, rows, output):
    """Whatever came before the run is verified, and nothing is read over and over."""
    clock, ids = StandingClock(NOON), count(8 * 10**12)
    world = World(rows=rows, days=5, seed=3, until=TODAY)
    server = sandbox(world=world, now=clock.time, world_now=clock.time)
    patterns = {name: next(world.truth(name)) for name in STREAMS}

    def arrive(*_):
        clock.at += timedelta(seconds=1)
        for name, row in patterns.items():
            world.insert(name, {**row, "message_id": next(ids), "processed_at": clock.at})

    for output_of_night, bound in ((output, 60), (output, 45)):
        asked, before = len(server.requests), {s: {r["message_id"] for r in world.truth(s)} for s in STREAMS}
        history = client(server, clock, jobs=1, output=output_of_night, archive=Calling(arrive))
        with running(history, tmp_path / "data", clock) as context:
            result = export(context, list(STREAMS.values()), DayRange(TODAY - 6 * DAY, TODAY + DAY))
            held = {
                name: {
                    message_id
                    for key in context.lake.day_keys()
                    if key.stream == name
                    for table in context.lake.read_rows(key, ["message_id"])
                    for message_id in table["message_id"].to_pylist()
                }
                for name in STREAMS
            }
        assert result.exit_code == 0
        assert all(before[name] - held[name] <= set(sorted(before[name])[-2:]) for name in STREAMS)
        assert len(server.requests) - asked <= bound


def test_the_pieces_of_a_day_are_read_side_by_side(sandbox):
    """A day deeper than offsets reach: its pieces are under way at the same time, for the same requests and rows."""
    day = TODAY - DAY
    world = World(rows=4000, days=2, seed=3, until=TODAY)
    server = sandbox(*("max_offset=500", "max_count=100"), world=world)
    wanted = sorted(row["message_id"] for row in world.truth("sms") if row["processed_at"].date() == day)
    both, met = threading.Barrier(2, timeout=10), []

    def meet(_, asked, *__):
        """Wait for the first page of another piece: pieces that are read one after another never meet."""
        is_part = asked["from_date"] >= str(day) or asked["to_date"] <= f"{day} 23"
        if not met and is_part and asked["offset"] == "0" and asked["count"] != "1":
            with suppress(threading.BrokenBarrierError):
                both.wait()
                met.append(asked)

    came = {}
    for jobs in (1, 10):
        history = client(server, jobs=jobs, archive=Calling(meet) if jobs > 1 else None)
        reader = WindowReader(history, STREAMS["sms"])
        pieces = list(reader.read(Window(midnight(day), midnight(day) + DAY)))
        assert all(piece.verified for piece in pieces)
        came[jobs] = sorted(i for piece in pieces for i in piece.table["message_id"].to_pylist()), reader.requests
        history.close()
    assert met
    assert came[1] == came[10]
    assert came[1][0] == wanted
