"""What the API refuses because it is too old is found out once, named, and not asked for every night."""

from datetime import timedelta

import pytest
from support.clients import client
from support.contexts import StandingClock, noon, running
from support.index import ask
from support.truth import held

from voxlake.lake import Lake
from voxlake.model import DAY
from voxlake.pipeline import DayRange, export, status
from voxlake.sandbox import World
from voxlake.transform import STREAMS

pytestmark = pytest.mark.dateless

NOON = noon(2026, 3, 11)
TODAY = NOON.date()


@pytest.fixture
def clock():
    """Return the time of server, world and client."""
    return StandingClock(NOON)


def run(server, root, clock, first, end, *, force=False):
    """Export some days, and return the result and the number of requests."""
    asked = len(server.requests)
    with running(client(server, clock, jobs=4), root, clock) as context:
        result = export(context, list(STREAMS.values()), DayRange(first, end), force=force)
    return result, len(server.requests) - asked


def status_of(root, clock):
    """Return what `status` says."""
    with running(client(_Nowhere, clock), root, clock) as context:
        return status(context.lake, context.warehouse, now=clock.now(), finality=context.finality)


class _Nowhere:
    """Stands for a server that is not asked."""

    url, account_id, api_key = "http://127.0.0.1:1/platform_api", 1, "x"


@pytest.mark.slow
def test_days_that_are_too_old(sandbox, tmp_path, clock):
    """A backfill beyond what is kept takes few requests and names the days; nights after it take none for them."""
    world = World(rows=600, days=60, seed=3, until=TODAY)
    server = sandbox("retention_days=9", world=world, now=clock.time, world_now=clock.time)
    root, first, end = tmp_path / "data", TODAY - 40 * DAY, TODAY + DAY
    result, requests = run(server, root, clock, first, end)
    assert result.exit_code == 4
    assert requests <= 2 * 20
    oldest = TODAY - 8 * DAY
    note = (
        f"32 days ({first} to {oldest - DAY}) refused by the API, which gives none before {oldest}; they are not asked"
    )
    assert [sentence.split(": ", 1)[1][: len(note)] for sentence in result.notes] == [note, note]
    for stream in status_of(root, clock).streams:
        assert len(stream.unverified_days) == 32
        assert set(stream.unverified_days.values()) == {
            f"refused by the API (retention): on {TODAY} the oldest day that it gave was {oldest}"
        }
    for night in (1, 2):
        clock.at = NOON + timedelta(days=night)
        result, requests = run(server, root, clock, None, clock.now().date() + DAY)
        assert (result.exit_code, result.notes) == (0, ())
        assert requests <= 8
    result, requests = run(server, root, clock, first, first + 5 * DAY)
    assert (result.exit_code, requests) == (0, 0)
    assert "5 days refused by the API before ('voxlake backfill --force' asks again), nothing to ask" in str(result)
    result, requests = run(server, root, clock, first, first + DAY, force=True)
    assert result.exit_code == 4
    assert 0 < requests <= 2 * 20
    # The vendor keeps more after all.
    server.behaviour = type(server.behaviour)()
    for account in server.accounts.values():
        account._behaviour = server.behaviour
    result, _ = run(server, root, clock, first, end, force=True)
    assert (result.exit_code, result.notes) == (0, ())
    assert not any(stream.unverified_days for stream in status_of(root, clock).streams)
    assert not ask(Lake(root), "SELECT * FROM learned WHERE name = 'oldest_day'")


def test_a_day_that_grows_too_old_keeps_its_rows(sandbox, tmp_path, clock):
    """A day that is not final when the API begins to refuse it stays as it was read, and the nights go on."""
    world = World(rows=600, days=20, seed=3, until=TODAY)
    server = sandbox("retention_days=5", "late_price=2000", world=world, now=clock.time, world_now=clock.time)
    root = tmp_path / "data"
    run(server, root, clock, TODAY - 4 * DAY, TODAY + DAY)
    before = sum(stream.rows for stream in status_of(root, clock).streams)
    for night in (1, 3, 4):
        clock.at = NOON + timedelta(days=night)
        result, requests = run(server, root, clock, None, clock.now().date() + DAY)
        assert not result.all_errors
        assert requests <= 2 * 25
    assert sum(stream.rows for stream in status_of(root, clock).streams) >= before
    assert not any(stream.unverified_days for stream in status_of(root, clock).streams)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("switches", "hours"),
    [
        (["bounds_zone=+03:00"], 3),
        (["bounds_zone=-05:00", "from_bound=exclusive"], -5),
        (["rows_zone=+05:45", "to_bound=exclusive"], -5.75),
        (["rows_zone=+03:00", "bounds_zone=+03:00"], 0),
    ],
    ids=str,
)
def test_bounds_of_another_zone(sandbox, tmp_path, clock, switches, hours):
    """Rows beside the first and the last midnight are there, whatever zone the dates are taken in; it is said once."""
    world = World(rows=3000, days=6, seed=3, until=TODAY)
    server = sandbox(*switches, world=world, now=clock.time, world_now=clock.time)
    root, first, end = tmp_path / "data", TODAY - 4 * DAY, TODAY - DAY
    result, _ = run(server, root, clock, first, end)
    assert result.exit_code == 0
    assert len(result.notes) == (2 if hours else 0)
    if hours:
        way = "later" if hours > 0 else "earlier"
        assert f"the API takes its dates {abs(hours):g} hours {way} than its rows have them" in result.notes[0]
    shown = timedelta(hours={"rows_zone=+05:45": 5.75, "rows_zone=+03:00": 3}.get(switches[0], 0))
    for stream in STREAMS:
        real = {row["message_id"] for row in world.truth(stream) if first <= (row["processed_at"] + shown).date() < end}
        assert {row[0] for row in held(root / "voxlake.duckdb", stream)} == real
    result, _ = run(server, root, clock, first, end)
    assert (result.exit_code, result.notes) == (0, ())
    clock.at += timedelta(days=8)
    result, _ = run(server, root, clock, None, TODAY + 4 * DAY)
    assert (result.exit_code, result.notes) == (0, ())
