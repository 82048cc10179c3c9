"""A machine's clock that is wrong makes no day final: the API's Date header is a witness, and so are earlier stamps."""

from datetime import timedelta

import duckdb
import pytest
from support.clients import client
from support.contexts import StandingClock, noon, running
from support.truth import held, truth

from voxlake.errors import SettingsError
from voxlake.lake import Manifest
from voxlake.model import DAY
from voxlake.pipeline import DayRange, export, status
from voxlake.sandbox import World
from voxlake.transform import STREAMS

pytestmark = pytest.mark.dateless

NOON = noon(2026, 3, 11)
HOUR = timedelta(hours=1)


@pytest.fixture
def right():
    """Return the right time."""
    return StandingClock(NOON)


@pytest.fixture
def serve(sandbox, right):
    """Start a sandbox at the right time; its world has ten days before today, and today's messages come later."""

    def start(*switches, now=right.time):
        world = World(rows=400, days=20, seed=4, until=NOON.date() + 10 * DAY)
        return sandbox(*switches, world=world, now=now, world_now=right.time)

    return start


def night(server, root, clock, *, first=None):
    """Export once by a clock, which decides the range as the command line does, and return the result."""
    days = DayRange(first, clock.now().date() + DAY)
    with running(client(server, clock, jobs=4), root, clock) as context:
        return export(context, list(STREAMS.values()), days)


def whole(server, root):
    """Return whether the database holds what the API has."""
    return all(truth(server, stream) == held(root / "voxlake.duckdb", stream) for stream in STREAMS)


def day_files(root, now):
    """Return the day files, as they are believed at a time."""
    with running(client(_Nowhere, StandingClock(now)), root, StandingClock(now)) as context:
        return list(Manifest(context.lake, now=now))


class _Nowhere:
    """Stands for a server that is not asked."""

    url, account_id, api_key = "http://127.0.0.1:1/platform_api", 1, "x"


@pytest.mark.sample(1)
@pytest.mark.parametrize("off", [6 * DAY, pytest.param(7 * HOUR, marks=pytest.mark.slow), -30 * HOUR], ids=str)
def test_the_earlier_of_two_clocks_counts(serve, tmp_path, right, off):
    """A run by a wrong clock stamps no day later than the API's time; the nights after it read what came since."""
    server, root = serve(), tmp_path / "data"
    result = night(server, root, StandingClock(NOON + off))
    assert result.exit_code == 0, str(result)
    assert f"{'ahead of' if off > timedelta() else 'behind'} the API's" in str(result)
    assert max(day_file.exported_at for day_file in day_files(root, NOON)) <= NOON
    assert max(day_file.key.date for day_file in day_files(root, NOON)) == min(NOON, NOON + off).date()
    for _ in range(2):
        right.at += 3 * DAY
        result = night(server, root, right)
        assert (result.exit_code, result.notes) == (0, ())
        assert whole(server, root)


@pytest.mark.sample(1)
@pytest.mark.parametrize(("off", "since"), [(366 * DAY, NOON.date()), (-366 * DAY, None), (200 * DAY, None)], ids=str)
def test_a_clock_years_off_exports_nothing(serve, tmp_path, right, off, since):
    """Years ahead or back, many days or one, an empty lake or a full one: one sentence, exit 2, nothing written."""
    server = serve()
    for root in (tmp_path / "empty", tmp_path / "full"):
        if root.name == "full":
            assert night(server, root, right).exit_code == 0
        before = {path: path.stat().st_ino for path in root.rglob("*.parquet")}
        clock = StandingClock(NOON + off)
        try:
            result = night(server, root, clock, first=since and since + off)
        except SettingsError as error:
            sentence = str(error)
        else:
            assert result.exit_code == SettingsError.exit_code
            sentence = str(result)
        assert f"This machine's clock says {NOON + off:%Y-%m-%d %H:%M} UTC and the API's 2026-03-11" in sentence
        assert {path: path.stat().st_ino for path in root.rglob("*.parquet")} == before
    assert night(server, tmp_path / "full", right).exit_code == 0
    assert whole(server, tmp_path / "full")


@pytest.mark.parametrize("off", [6 * DAY, pytest.param(400 * DAY, marks=pytest.mark.slow)], ids=str)
def test_stamps_of_the_future_prove_nothing(serve, tmp_path, right, off):
    """Where no reply told the time, the days are unverified by name once the clock is right, and are read again."""
    server, root = serve("date_header=off"), tmp_path / "data"
    assert night(server, root, StandingClock(NOON + off)).exit_code == 0
    found = status_of(root)
    assert sum(stream.final + stream.open for stream in found.streams) == 0
    problems = {problem for stream in found.streams for problem in stream.unverified_days.values()}
    at = f"{NOON + off:%Y-%m-%d %H:%M} UTC"
    assert problems == {f"it was exported at {at}, which has not come yet: the clock was wrong"}
    for _ in range(2):
        right.at += HOUR
        assert night(server, root, right).exit_code == 0
        assert whole(server, root)
    found = status_of(root)
    assert all(stream.first_day <= str(NOON.date() - 10 * DAY) for stream in found.streams)


def status_of(root):
    """Return the status at noon."""
    with running(client(_Nowhere, StandingClock(NOON)), root, StandingClock(NOON)) as context:
        return status(context.lake, context.warehouse, now=NOON + 2 * HOUR, finality=context.finality)


@pytest.mark.slow
def test_a_late_price_is_awaited(serve, tmp_path, right):
    """A day whose messages were not billed yet is not final, whenever it settled; once they are, it is, with costs."""
    server, root = serve("late_price=200", "nulls=null"), tmp_path / "data"
    night(server, root, right)
    right.at += 5 * DAY
    night(server, root, right)
    with running(client(_Nowhere, right), root, right) as context:
        finality = context.finality
    waiting = [day_file for day_file in day_files(root, right.at) if day_file.moving]
    assert len(waiting) > 4
    assert not any(day_file.final(finality) for day_file in waiting)
    right.at += 9 * DAY
    assert night(server, root, right).exit_code == 0
    last = NOON.date() - DAY
    assert all(day_file.final(finality) for day_file in day_files(root, right.at) if day_file.key.date <= last)
    with duckdb.connect(str(root / "voxlake.duckdb"), read_only=True) as connection:
        assert connection.execute(f"FROM sms_history WHERE cost IS NULL AND date <= '{last}'").fetchall() == []
