"""A data directory in an object store, on real servers: the same lake and database as on a disk, for every command."""

import gzip
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import date, timedelta

import obstore
import pytest
from support.contexts import StandingClock, noon
from support.paths import ROOT
from support.stores import (
    BUCKET,
    SERVERS_OF_TESTS,
    azure_environment,
    environment,
    raw_container,
    raw_store,
)
from support.truth import held, truth

import voxlake
from voxlake import library
from voxlake.errors import AlreadyRunning
from voxlake.lake import Lake
from voxlake.library.inputs import find_folder
from voxlake.privacy import PrivacyKey
from voxlake.remote import find_root, remote_of
from voxlake.remote.session import Session
from voxlake.sandbox import World
from voxlake.transform import STREAMS

pytestmark = pytest.mark.dateless

UNTIL = date(2026, 3, 10)
SINCE = UNTIL - timedelta(days=12)


class Bucket:
    """A folder of a bucket on a server of tests, and working directories for it."""

    def __init__(self, scheme, raw, folder, name):
        self.url, self.raw, self.folder, self.name = f"{scheme}://{BUCKET}/{name}", raw, folder, name

    def work(self, name):
        """Return a working directory: each name stands for a machine of its own."""
        return find_root(self.url, self.folder / name)

    def etags(self, below=""):
        """Return the ETags of the objects that are really there, by their keys below the folder."""
        found = (its for page in obstore.list(self.raw, f"{self.name}/{below}".rstrip("/")) for its in page)
        return {its["path"].removeprefix(f"{self.name}/"): its["e_tag"] for its in found}

    def names(self, below=""):
        """Return the keys of the same."""
        return list(self.etags(below))

    def read(self, key):
        """Return the bytes of an object."""
        return bytes(obstore.get(self.raw, f"{self.name}/{key}").bytes())


@pytest.fixture(
    params=[name if name == "seaweedfs" else pytest.param(name, marks=pytest.mark.slow) for name in SERVERS_OF_TESTS]
)
def bucket(request, tmp_path, monkeypatch, stores):
    """Return an empty bucket on each of the servers."""
    endpoint = stores(request.param)
    scheme, its, raw = (
        ("az", azure_environment(endpoint), raw_container(endpoint, BUCKET))
        if request.param == "azurite"
        else ("s3", environment(endpoint), raw_store(endpoint, BUCKET))
    )
    for name, value in its.items():
        monkeypatch.setenv(name, value)
    return Bucket(scheme, raw, tmp_path, re.sub("[^a-z0-9]+", "-", tmp_path.name))


@pytest.fixture
def nights(sandbox, tmp_path):
    """Return a world of some days, and a function that exports it to a data directory as of a time."""
    clock = StandingClock(noon(2026, 3, 10))
    world = World(rows=240, days=12, seed=3, until=UNTIL)
    server = sandbox(world=world, now=clock.time, world_now=clock.time)
    account = voxlake.connect(server.credentials, api_url=server.url, clock=clock)

    def night(folder, *, days=0, **options):
        clock.at = noon(2026, 3, 10) + timedelta(days=days)
        return voxlake.export(account, folder, **{"since": SINCE} | options)

    night.clock, night.server, night.account, night.world = clock, server, account, world
    return night


def rows_of(folder):
    """Return the rows of the published database of each stream."""
    return {name: held(folder / "voxlake.duckdb", name) for name in STREAMS}


def days_of(folder):
    """Return what the index says of each day, without when it was exported and where it lies."""
    lake = Lake(find_folder(folder))
    return {
        (key.account_id, key.stream, key.date): (
            found.row_count, found.total_count, found.verified, found.moving, found.checksum
        )
        for key in lake.day_keys()
        for found in [lake.read_footer(key)]
    }  # fmt: skip


@pytest.mark.slow
def test_nights_of_two_machines(bucket, nights, tmp_path):
    """Nights that two machines take in turns leave what the same nights leave on a disk, and every reader sees it."""
    disk, one, other = tmp_path / "disk", bucket.work("one"), bucket.work("other")
    for days, folder in ((0, one), (1, other), (2, one)):
        assert nights(disk, days=days).exit_code == nights(folder, days=days).exit_code == 0
        assert rows_of(folder) == rows_of(disk)
    assert rows_of(disk) == {name: truth(nights.server, name) for name in STREAMS}
    fresh = bucket.work("fresh")
    found, expected = (voxlake.status(folder, clock=nights.clock) for folder in (fresh, disk))
    assert found.streams == expected.streams
    assert remote_of(fresh).objects.requests["put"] == 0
    assert days_of(fresh) == days_of(disk)
    lake = Counter(key.split("/")[1] for key in bucket.names("lake") if key.endswith(".parquet"))
    assert lake == Counter(stream.table for stream in STREAMS.values() for _ in days_of(disk) if _[1] == stream.name)
    assert [run.command for run in voxlake.runs(fresh)] == ["export"] * 3
    with voxlake.open(fresh) as database:
        assert database.execute("SELECT count(*) FROM messages").fetchall() == [(240,)]


def test_every_command(bucket, nights, tmp_path):
    """Months, a person who is forgotten, days that are too old, a publish and an audit: all as on a disk."""
    disk, one = tmp_path / "disk", bucket.work("one")
    key = PrivacyKey(b"\x07" * 32)
    for folder in (disk, one):
        assert nights(folder, keep_raw=True).exit_code == nights(folder, days=40, keep_raw=True).exit_code == 0
    clock = nights.clock
    compacted = [library.compact(folder, clock=clock) for folder in (disk, one)]
    assert compacted[0].months == compacted[1].months != ()
    months = [name for name in bucket.names("lake") if "days-" in name]
    assert len(months) == len(compacted[0].months)
    number = next(row["destination_number"] for row in nights.world.truth("sms"))
    forgotten = [library.forget(folder, number, privacy_key=key, clock=clock) for folder in (disk, one)]
    assert forgotten[0].days == forgotten[1].days != ()
    assert forgotten[1].exit_code == 0
    pattern = number.lstrip("+").encode()
    for name in bucket.names():
        data = bucket.read(name)
        assert pattern not in (gzip.decompress(data) if name.endswith(".gz") else data), name
    retained = [
        library.retain(folder, older_than=timedelta(days=45), privacy_key=key, clock=clock) for folder in (disk, one)
    ]
    assert retained[0].days == retained[1].days != ()
    found = [voxlake.audit(nights.account, folder, privacy_key=key) for folder in (disk, one)]
    assert [its.exit_code for its in found] == [0, 0]
    assert rows_of(one) == rows_of(disk)
    fresh = bucket.work("fresh")
    assert voxlake.status(fresh, clock=clock).streams == voxlake.status(disk, clock=clock).streams
    assert voxlake.publish(fresh, clock=clock).rows == voxlake.publish(disk, clock=clock).rows
    assert rows_of(fresh) == rows_of(disk)
    assert days_of(fresh) == days_of(disk)
    replayed = [voxlake.replay(folder, force=True, privacy_key=key, clock=clock) for folder in (disk, fresh)]
    assert replayed[0].verified == replayed[1].verified > 0
    assert rows_of(fresh) == rows_of(disk)


def test_two_at_once(bucket, nights):
    """Of two machines one works, and the other ends with 75 and names it; readers of both go on."""
    one, other = bucket.work("one"), bucket.work("other")
    assert nights(one).exit_code == 0
    with Lake(one).locked(holder="the night on host one"):
        with pytest.raises(AlreadyRunning, match="the night on host one") as refused:
            nights(other, days=1)
        assert refused.value.exit_code == 75
        assert voxlake.status(other, clock=nights.clock).streams
    assert nights(other, days=1).exit_code == 0


def test_who_was_taken_over_writes_nothing(bucket, nights):
    """A run that is believed to be dead finds out at its next write, and overwrites nothing that is newer."""
    one, other = bucket.work("one"), bucket.work("other")
    assert nights(one).exit_code == 0
    key = max(Lake(one).day_keys())
    draft = bucket.folder / "draft.parquet"
    shutil.copyfile(Lake(one).path(key), draft)
    before = {}

    def sleep():
        with Lake(one).locked(holder="a sleeper"):
            assert "a sleeper" in remote_of(other).break_lease()
            assert nights(other, days=1).exit_code == 0
            before.update(bucket.etags())
            Lake(one).put(key, draft)

    with pytest.raises(AlreadyRunning, match=r"has taken .* over"):
        sleep()
    assert bucket.etags() == before
    assert nights(one, days=2).exit_code == 0
    assert rows_of(one) == {name: truth(nights.server, name) for name in STREAMS}


def test_what_a_dead_run_has_put_is_taken_in(bucket, nights, tmp_path):
    """Days that were put and not indexed are found by a list of their account, by the run of another machine."""
    one, other, disk = bucket.work("one"), bucket.work("other"), tmp_path / "disk"
    assert nights(one).exit_code == nights(disk, days=1).exit_code == 0
    key = max(Lake(one).day_keys())

    def die():
        with Lake(one).locked(holder="a run that dies"):
            Lake(one).put(key, Lake(disk).path(key))
            sys.exit()

    with pytest.raises(SystemExit):
        die()
    remote_of(other).objects.requests["list"] = 0
    assert nights(other, days=1).exit_code == 0
    assert remote_of(other).objects.requests["list"] > 0
    assert rows_of(other) == {name: truth(nights.server, name) for name in STREAMS}
    assert days_of(other) == days_of(bucket.work("fresh")) == days_of(one)


@pytest.mark.slow
def test_a_lease_ends_by_itself(bucket, nights):
    """A run that went silent is believed to be at work for as long as its lease lasts, and no longer."""
    one, other = bucket.work("one"), bucket.work("other")
    assert nights(one).exit_code == 0
    silent = Session(remote_of(one).objects, remote_of(one).index, "a machine that is gone", seconds=2)
    silent.begin("a silent run", None)
    silent._ended.set()
    with pytest.raises(AlreadyRunning, match="a silent run"):
        nights(other, days=1)
    time.sleep(6)
    assert nights(other, days=1).exit_code == 0
    with pytest.raises(AlreadyRunning, match="has taken"):
        silent.commit()


@pytest.mark.slow
@pytest.mark.parametrize("number", [n * sign for n in range(1, 31, 2) for sign in (1, -1)])
def test_killed_at_a_write(bucket, nights, number):
    """Whichever request of a run is its last, the next run of the same or of another machine makes it whole."""
    one, other = bucket.work("one"), bucket.work("other")
    assert nights(one, until=UNTIL - timedelta(days=5)).exit_code == 0
    at = noon(2026, 3, 11)
    arguments = [str(number), bucket.url, str(one), str(nights.server.credentials), nights.server.url, str(at)]
    died = subprocess.run(
        [sys.executable, "-m", "support.killed", *arguments, str(SINCE)],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        check=False,
    )
    assert died.returncode in {-signal.SIGKILL, 0}, died.stderr
    for folder in (one, other) if number % 2 else (other, one):
        if folder == other:
            remote_of(other).break_lease()
        assert nights(folder, days=1).exit_code == 0
        assert rows_of(folder) == {name: truth(nights.server, name) for name in STREAMS}
    assert set(bucket.names("lake")) == {key for key, _, _ in remote_of(one).catalogue.below("lake")}
    assert days_of(one) == days_of(bucket.work("fresh"))
