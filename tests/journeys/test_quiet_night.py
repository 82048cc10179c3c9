"""A night in which nothing is new is one request a stream, over real HTTP; what is new, lost or a lie costs more."""

import functools
from collections import Counter
from datetime import date, timedelta

import pytest
from support.asked import of_histories
from support.clients import client
from support.contexts import FINALITY, StandingClock, noon, running
from support.truth import held, truth

from voxlake.lake import Lake, ReplyArchive
from voxlake.pipeline import DayRange, export, replay
from voxlake.sandbox import Faults, World
from voxlake.transform import STREAMS
from voxlake.warehouse import Warehouse

pytestmark = pytest.mark.dateless

UNTIL, DAY = date(2026, 3, 9), timedelta(days=1)
LAST, TONIGHT = noon(2026, 3, 10), noon(2026, 3, 11)
FIRST = UNTIL - 30 * DAY


class Nights:
    """A world of thirty days and two silent ones, exported as of last night; `run` is what tonight takes."""

    def __init__(self, sandbox, folder, *switches, output="json"):
        self.clock = StandingClock(LAST)
        self.world = World(rows=120, days=30, seed=3, until=UNTIL)
        self.server = sandbox(*switches, world=self.world, now=self.clock.time, world_now=self.clock.time)
        self.folder, self.output = folder / "data", output
        assert self.run(LAST)[0].exit_code == 0

    def run(self, now=TONIGHT):
        """Export, and return the result with how many requests each stream took."""
        self.clock.at, asked = now, len(self.server.requests)
        archive = ReplyArchive(Lake(self.folder).layout, self.server.account_id, clock=self.clock)
        history = client(self.server, self.clock, jobs=4, output=self.output, archive=archive)
        with running(history, self.folder, self.clock) as context:
            result = export(context, list(STREAMS.values()), DayRange(FIRST, now.date() + DAY))
        archive.close()
        requests = of_histories(self.server, since=asked)
        return result, Counter("a2p" if its.method.startswith("A2P") else "sms" for its in requests)

    def some(self, day, stream="sms"):
        """Return a message of a day, or the last one before."""
        return [row for row in self.world.truth(stream) if row["processed_at"].date() <= day][-1]

    def is_whole(self):
        """Return whether the database holds what the API does."""
        return all(held(self.folder / "voxlake.duckdb", name) == truth(self.server, name) for name in STREAMS)


SLOW = functools.partial(pytest.param, marks=pytest.mark.slow)
SWITCHES = [
    ["order=desc", "from_bound=exclusive", "to_bound=exclusive"],
    ["order=random-per-request", "max_count=500"],
    ["date_precision=day", "to_bound=exclusive", "id_type=string"],
]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("switches", "output"),
    [([], "json"), (SWITCHES[0], "csv"), *(SLOW(its, "json") for its in SWITCHES)],
    ids=str,
)
def test_nights_of_quiet_streams(sandbox, tmp_path, switches, output):
    """One request a stream for as long as nothing is new; a new message costs its stream a few more, once."""
    nights = Nights(sandbox, tmp_path, *switches, output=output)
    for later in range(2):
        result, requests = nights.run(TONIGHT + later * DAY)
        assert (result.exit_code, requests) == (0, {"sms": 1, "a2p": 1})
    row = nights.some(UNTIL)
    nights.world.insert("sms", row | {"message_id": 10**12, "processed_at": TONIGHT + timedelta(hours=30)})
    result, requests = nights.run(TONIGHT + 2 * DAY)
    assert (result.exit_code, result.streams[0].new, requests["a2p"]) == (0, 1, 1)
    assert 2 <= requests["sms"] <= 6
    result, requests = nights.run(TONIGHT + 3 * DAY)
    assert (result.exit_code, requests) == (0, {"sms": 1, "a2p": 1})
    assert nights.is_whole()


def test_a_changed_status(sandbox, tmp_path):
    """The page shows it, and a count follows."""
    nights = Nights(sandbox, tmp_path)
    nights.world.change("a2p", nights.some(UNTIL, "a2p")["message_id"], status_id=2, error_message="late")
    result, requests = nights.run()
    assert (result.exit_code, sum(its.changed for its in result.streams), requests) == (0, 1, {"sms": 1, "a2p": 2})
    assert nights.is_whole()


@pytest.mark.slow
def test_a_message_that_is_lost(sandbox, tmp_path):
    """It stays, and its day is named, as if more had been asked."""
    nights = Nights(sandbox, tmp_path)
    row = nights.some(UNTIL)
    nights.world.remove("sms", row["message_id"])
    result, _ = nights.run()
    assert (result.exit_code, list(result.streams[0].unverified)) == (4, [row["processed_at"].date()])
    assert row["message_id"] in [its[0] for its in held(nights.folder / "voxlake.duckdb", "sms")]


@pytest.mark.parametrize(
    ("kind", "news"),
    [("half-both", 1), SLOW("half-both", 0), *(SLOW(kind, news) for kind in ("none", "half") for news in (0, 1))],
)
def test_first_replies_that_lie(sandbox, tmp_path, kind, news):
    """Both streams are asked again, and nothing is lost."""
    nights = Nights(sandbox, tmp_path)
    for stream in STREAMS if news else ():
        nights.world.insert(stream, nights.some(UNTIL, stream) | {"message_id": 10**12, "processed_at": LAST + DAY / 4})
    nights.server.faults = Faults.parse(f"{kind}=1,first=2")
    result, requests = nights.run()
    assert result.exit_code == 0
    assert 4 <= requests.total() <= 14
    assert nights.is_whole()


@pytest.mark.slow
def test_a_lie_that_was_found_out_is_replayed_by_nobody(sandbox, tmp_path):
    """A page that lacked messages of final days, which nothing of that night asked for again, replaces none of them."""
    nights = Nights(sandbox, tmp_path)
    nights.server.faults = Faults.parse("half-both=1,first=2")
    assert nights.run()[0].exit_code == 0
    nights.server.faults = Faults()
    nights.run(TONIGHT + DAY)
    lake = Lake(nights.folder)
    with lake.locked(holder="a test"):
        replay(lake, Warehouse(nights.folder), lake.layout.replies, now=nights.clock.at, finality=FINALITY)
    assert nights.is_whole()
