"""A data directory of an earlier version is opened, exported into, audited and published as if this one had made it."""

import tarfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from support import data_directory
from support.clients import client
from support.contexts import FINALITY, StandingClock, noon, running
from support.truth import held, truth

from voxlake.lake import Lake
from voxlake.library import compact
from voxlake.pipeline import DayRange, audit, export, publish, status
from voxlake.sandbox import Behaviour, Sandbox, World
from voxlake.transform import STREAMS
from voxlake.warehouse import Warehouse
from voxlake.warehouse.state import fingerprint

pytestmark = pytest.mark.dateless

ARCHIVE = Path(__file__).parents[1] / "support" / "data" / "data-0.1.0.tar.xz"
"""Exported by version 0.1.0 on 2026-03-10 at noon from `world()`, both streams, days from 2026-03-04 on."""

FIRST = date(2026, 3, 4)
FINGERPRINT = "185489c11bcb16dab763e198a5ef94e6"
"""What 0.1.0 wrote into its database, whose tables had no accounts yet: the next publish builds it again, once."""

NIGHTS = {noon(2026, 3, 11): [(0, 1), (0, 3)], noon(2026, 3, 12): [(0, 2), (0, 0)]}
"""Rows of sms and of a2p, new and changed, that 0.1.0 itself found on the two nights that followed."""


@pytest.fixture
def data(tmp_path):
    """Unpack the data directory."""
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(tmp_path, filter="tar")
    return tmp_path / "data"


@pytest.fixture
def server(tmp_path):
    """Start the sandbox that the data came from, which goes by a clock of its own."""
    clock = StandingClock(noon(2026, 3, 10))
    world = World(rows=400, days=6, seed=5, until=date(2026, 3, 10))
    folder = tmp_path / "sandbox"
    folder.mkdir()
    with Sandbox(world, behaviour=Behaviour(), directory=folder, now=clock.time, world_now=clock.time) as server:
        server.clock = clock
        yield server


def built(data):
    """Return the fingerprint of the published database, and the path of its file below the data directory."""
    link = data / "voxlake.duckdb"
    with duckdb.connect(str(link), read_only=True) as connection:
        ((fingerprint,),) = connection.execute("SELECT fingerprint FROM meta.built").fetchall()
    return fingerprint, str(link.resolve().relative_to(data.resolve()))


def test_two_nights_after_an_upgrade(data, server):
    """Two nights take few requests, rewrite no file of the lake, and leave the API's rows; an audit agrees."""
    assert built(data) == (FINGERPRINT, "warehouse/00000001.duckdb")
    for generation, (night, news) in enumerate(NIGHTS.items(), start=2):
        server.clock.at = night
        untouched = {path: path.stat().st_ino for path in (data / "lake").rglob("*.parquet")}
        with running(client(server, server.clock, jobs=4), data, server.clock) as context:
            result = export(context, list(STREAMS.values()), DayRange(FIRST, night.date() + timedelta(days=1)))
        assert result.exit_code == 0, str(result)
        # Of each stream at most one more than 0.1.0 took, which believed a count that came with its rows; and on the
        # first night one that compares the API's dates with those of its rows.
        assert result.requests in ((3, 4, 5, 6) if generation > 2 else (6, 7, 8))
        assert [(stream.new, stream.changed) for stream in result.streams] == news
        assert built(data) == (fingerprint(), f"warehouse/{generation:08d}/voxlake.duckdb")
        # The final days, and those in which nothing moved, are the same files.
        kept = [path for path, inode in untouched.items() if path.exists() and path.stat().st_ino == inode]
        assert kept
    for stream in STREAMS:
        assert held(data / "voxlake.duckdb", stream) == truth(server, stream)
    with running(client(server, server.clock, jobs=4), data, server.clock) as context:
        found = audit(context, list(STREAMS.values()), DayRange(None, night.date()), pages=10, seed=1)
    assert found.exit_code == 0, [str(stream) for stream in found.last_round]
    assert sum(stream.rows for stream in found.last_round)


@pytest.mark.sample(1)
@pytest.mark.parametrize("version", ["0.1.0-extra", "0.2.0"])
def test_fields_in_extra(tmp_path, version):
    """A directory without a database, whose API sends a field that is in `extra`, is exported into and audited."""
    with tarfile.open(ARCHIVE.with_name(f"data-{version}.tar.xz")) as packed:
        packed.extractall(tmp_path, filter="tar")
    data, clock = tmp_path / "data", StandingClock(noon(2026, 3, 11))
    with data_directory.server(tmp_path, clock.at) as api:
        with running(client(api, clock, jobs=4), data, clock) as context:
            result = export(context, list(STREAMS.values()), DayRange(None, date(2026, 3, 12)))
        assert (result.exit_code, [stream.new for stream in result.streams]) == (0, [0, 0]), str(result)
        for stream in STREAMS:
            assert held(data / "voxlake.duckdb", stream) == truth(api, stream)
        with running(client(api, clock, jobs=4), data, clock) as context:
            found = audit(context, list(STREAMS.values()), DayRange(None, date(2026, 3, 11)), pages=10, seed=1)
    assert found.exit_code == 0, [str(stream) for stream in found.last_round]


def test_without_a_request(data, voxlake):
    """What needs no network works on it: status, publish, query, report, and the index from the footers alone."""
    lake, warehouse = Lake(data), Warehouse(data)
    before = status(lake, warehouse, now=noon(2026, 3, 10), finality=FINALITY)
    assert [stream.rows for stream in before.streams] == [len(held(data / "voxlake.duckdb", s)) for s in STREAMS]
    (data / "ledger.json").unlink()
    after = status(lake, warehouse, now=noon(2026, 3, 10), finality=FINALITY)
    assert (after.streams, after.calendars) == (before.streams, before.calendars)
    rows = {stream: held(data / "voxlake.duckdb", stream) for stream in STREAMS}
    with lake.locked(holder="a test"):
        assert not publish(lake, warehouse, now=noon(2026, 3, 10), finality=FINALITY).forgotten
    assert built(data)[0] == fingerprint()
    assert rows == {stream: held(data / "voxlake.duckdb", stream) for stream in STREAMS}
    count = sum(map(len, rows.values()))
    asked = voxlake("query", "SELECT count(*) AS n FROM messages", "--format", "csv", "--data-dir", data)
    assert asked.stdout == f"n\n{count}\n"
    assert voxlake("report", "daily", "--data-dir", data).stdout


def test_its_months_are_compacted(data, server):
    """Days of an older schema, too; a month later, when they are final, with those that came since."""
    server.clock.at = noon(2026, 4, 20)
    streams = list(STREAMS.values())
    with running(client(server, server.clock, jobs=4), data, server.clock) as context:
        assert export(context, streams, DayRange(FIRST, date(2026, 4, 3))).exit_code == 0
    before = {stream: held(data / "voxlake.duckdb", stream) for stream in STREAMS}
    states = status(Lake(data), Warehouse(data), now=server.clock.now(), finality=FINALITY).streams
    done = compact(data, clock=server.clock)
    assert [(month.days, month.left) for month in done.months] == [(28, None)] * 2
    assert status(Lake(data), Warehouse(data), now=server.clock.now(), finality=FINALITY).streams == states
    (data / "voxlake.duckdb").unlink()
    lake = Lake(data)
    with lake.locked(holder="a test"):
        publish(lake, Warehouse(data), now=server.clock.now(), finality=FINALITY)
    assert {stream: held(data / "voxlake.duckdb", stream) for stream in STREAMS} == before
    assert before == {stream: truth(server, stream) for stream in STREAMS}
