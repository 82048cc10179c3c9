"""An account that looks empty is asked about once without dates: an API may show no day by its dates."""

from datetime import timedelta

import pytest
from support.clients import client
from support.contexts import StandingClock, noon, running

from voxlake.pipeline import DayRange, export
from voxlake.sandbox import World
from voxlake.transform import STREAMS

pytestmark = pytest.mark.dateless

NOON = noon(2026, 3, 11)
TODAY, DAY = NOON.date(), timedelta(days=1)
HIDING = {
    "no day whatever the bounds": [
        "date_precision=day",
        "from_bound=exclusive",
        "to_bound=exclusive",
        "max_window_days=1",
    ],
    "dates select nothing": ["dates=hide"],
    "dates select nothing, a month without": ["dates=hide", "default_window=month"],
}


@pytest.fixture
def night(sandbox, tmp_path):
    """Return a function that exports at noon, and gives the result and the requests without dates."""
    clock = StandingClock(NOON)

    def run(server, *, first=TODAY - 3 * DAY, output="json", later=0 * DAY):
        clock.at = NOON + later
        asked = len(server.requests)
        with running(client(server, clock, jobs=4, output=output), tmp_path / "data", clock) as context:
            result = export(context, list(STREAMS.values()), DayRange(first, clock.at.date() + DAY))
        undated = [its for its in server.requests[asked:] if "from_date" not in its.parameters]
        return result, len(undated)

    def start(*switches, rows=400, days=4):
        world = World(rows=rows, days=days, seed=3, until=TODAY)
        return sandbox(*switches, world=world, now=clock.time, world_now=clock.time)

    run.start = start
    return run


@pytest.mark.sample(3)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("switches", HIDING.values(), ids=HIDING)
def test_an_api_that_shows_no_day_is_not_believed(night, switches, output):
    """Messages of the days that were read, which only a request without dates shows: said, and exit 4."""
    result, undated = night(night.start(*switches), output=output)
    assert result.exit_code == 4
    assert not any(stream.verified for stream in result.streams)
    assert all("although the API counts" in problem for s in result.streams for problem in s.unverified.values())
    # A count and its first page for each stream: no more than that shows it.
    assert undated <= 2 * 2


@pytest.mark.parametrize("default_window", ["all", "month"])
def test_older_messages_contradict_nothing(night, default_window):
    """What the API counts without dates may be older than the first day that was asked for."""
    server = night.start(f"default_window={default_window}", days=10)
    result, undated = night(server, first=TODAY)
    assert (result.exit_code, undated) == (0, 4)
    assert night(server, first=TODAY)[1] == 0


def test_an_empty_account_costs_a_count_a_stream_once_a_week(night):
    """Nothing without dates either: asked once, and after a week again; other nights ask as before."""
    server = night.start(rows=0)
    assert [night(server, later=days * DAY)[1] for days in (0, 1, 6, 7, 8)] == [2, 0, 0, 2, 0]


def test_an_account_with_messages_is_not_asked_without_dates(night):
    """Quiet days of an account that has messages on others."""
    server = night.start()
    assert night(server)[1] == 0
    assert night(server, first=TODAY + 2 * DAY, later=3 * DAY)[1] == 0
