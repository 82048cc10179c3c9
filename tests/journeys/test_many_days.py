"""Many days of a data directory in a store: they are fetched side by side, before they are read one by one."""

import re
import shutil
import signal
import threading
from datetime import date, timedelta

import pytest
from support.contexts import StandingClock, noon
from support.proxies import Refuse, proxy
from support.stores import BUCKET, environment
from support.truth import held, truth

import voxlake
from voxlake import library
from voxlake.errors import SettingsError
from voxlake.lake import Lake
from voxlake.privacy import PrivacyKey
from voxlake.remote import find_root, remote_of
from voxlake.sandbox import World
from voxlake.transform import STREAMS

pytestmark = pytest.mark.dateless

UNTIL = date(2026, 3, 10)


class Machines:
    """A bucket with ten days of each stream, behind a proxy, and machines that have nothing of it yet."""

    def __init__(self, account, server, clock, its, folder):
        self.account, self.server, self.clock, self.proxy, self.folder = account, server, clock, its, folder
        self.url = f"s3://{BUCKET}/{re.sub('[^a-z0-9]+', '-', folder.name)}"

    def root(self, name):
        """Return the working directory of a machine."""
        return find_root(self.url, self.folder / name)


@pytest.fixture
def machines(stores, sandbox, tmp_path, monkeypatch):
    """Return machines, after one of them has exported all days."""
    clock = StandingClock(noon(2026, 4, 20))
    server = sandbox(world=World(rows=60, days=10, seed=3, until=UNTIL), now=clock.time, world_now=clock.time)
    with proxy(stores("seaweedfs")) as its:
        for name, value in environment(its.endpoint).items():
            monkeypatch.setenv(name, value)
        account = voxlake.connect(server.credentials, api_url=server.url, clock=clock)
        found = Machines(account, server, clock, its, tmp_path)
        since = UNTIL - timedelta(days=10)
        assert voxlake.export(account, found.root("one"), since=since, until=UNTIL).exit_code == 0
        yield found


def in_pairs():
    """Return a rule that answers requests for day files only when two are waiting, and a list of those that were one.

    Nobody waits for long, unless days are fetched one after the other.
    """
    barrier, alone = threading.Barrier(2), []

    def rule(asked):
        if asked.kind == "get" and asked.key.endswith(".parquet"):
            try:
                barrier.wait(20)
            except threading.BrokenBarrierError:
                alone.append(asked.key)

    return rule, alone


def test_days_are_fetched_side_by_side(machines):
    """A rebuild, an audit, and a person who is forgotten: no day waits for the one before it."""
    number = next(row["destination_number"] for row in machines.server.world.truth("sms"))
    clock, one = machines.clock, machines.root("one")
    commands = {
        "publish": lambda root: library.publish(root, clock=clock),
        "audit": lambda root: voxlake.audit(machines.account, root, until=UNTIL),
        "forget": lambda root: library.forget(root, number, privacy_key=PrivacyKey(b"\x07" * 32), clock=clock),
    }
    keys = list(Lake(one).day_keys())
    assert len(keys) == 20
    for name, command in commands.items():
        rule, alone = in_pairs()
        machines.proxy.set(rule)
        command(machines.root(name))
        gets = machines.proxy.counts["get"]
        machines.proxy.set()
        assert alone == []
        assert gets >= len(keys), name
    for stream in STREAMS:
        assert held(machines.root("publish") / "voxlake.duckdb", stream) == truth(machines.server, stream)


def test_an_error_of_many_is_that_of_one(machines):
    """What the store refuses is the same sentence, what was there stays, and the next one fetches the rest."""
    lake = Lake(machines.root("fresh"))
    voxlake.status(lake.root, clock=machines.clock)
    remote, keys = remote_of(lake.root), list(lake.day_keys())
    for key in keys:
        remote.drop_copy(remote.key_of(lake.place(key)))
    refused = remote.key_of(lake.place(keys[7]))
    machines.proxy.set(lambda asked: Refuse(403, "AccessDenied") if asked.key.endswith(refused) else None)
    sentences = []
    for fetch in (lambda: lake.path(keys[7]), lambda: lake.fetch(keys)):
        with pytest.raises(SettingsError, match="may not be read") as found:
            fetch()
        sentences.append(str(found.value))
    assert sentences[0] == sentences[1]
    machines.proxy.set()
    lake.fetch(keys)
    machines.proxy.set()
    assert all(lake.path(key).exists() for key in keys)
    assert lake.fetch([*keys, keys[0]]) is None
    assert machines.proxy.counts == {}


def test_an_interrupt_ends_it(machines):
    """Ctrl-C is raised where many days were asked for, no thread goes on, and nothing half is left."""
    root = machines.root("one")
    shutil.rmtree(root / "lake")
    lake = Lake(root)
    main = threading.main_thread().ident
    # Once: a second Ctrl-C ends the waiting for what is on its way.
    machines.proxy.set(lambda asked: signal.pthread_kill(main, signal.SIGINT) if asked.number == 1 else None)
    with pytest.raises(KeyboardInterrupt):
        lake.fetch(list(lake.day_keys()))
    machines.proxy.set()
    # A thread that was being started when the signal came is not waited for, and ends by itself.
    for its in threading.enumerate():
        if its.name.startswith("voxlake-fetch"):
            its.join(30)
            assert not its.is_alive()
    assert list((root / ".store" / "incoming").iterdir()) == []
