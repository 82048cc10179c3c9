"""Bad days of an object store, made by a proxy in front of a real one: one sentence, and the next run converges."""

import io
import os
import re
from datetime import date, timedelta

import obstore
import pyarrow.parquet as pq
import pytest
from support.contexts import StandingClock, noon
from support.proxies import CUT, HALF, HANG, LOSE, Change, Refuse, proxy
from support.stores import BUCKET, environment, raw_store
from support.truth import held, truth

import voxlake as library
from voxlake.errors import AlreadyRunning, SettingsError, StorageFull, StoreUnavailable
from voxlake.lake import Lake, Manifest
from voxlake.remote import connect, find_root, objects, remote_of
from voxlake.sandbox import World
from voxlake.transform import STREAMS

pytestmark = pytest.mark.dateless

UNTIL = date(2026, 3, 10)
SINCE = UNTIL - timedelta(days=2)


@pytest.fixture
def hasty(monkeypatch):
    """Let nobody wait for long: what is tried in a minute is tried in a second."""
    backoff = {"init_backoff": timedelta(milliseconds=10), "max_backoff": timedelta(milliseconds=50), "base": 2}
    monkeypatch.setattr(connect, "_RETRY", connect._RETRY | {"backoff": backoff})
    monkeypatch.setattr(connect, "_CLIENT", connect._CLIENT | {"timeout": "2s"})


class Night:
    """An account whose messages change, and a bucket behind a proxy, where several machines export it."""

    def __init__(self, server, account, clock, its, folder, raw):
        self.server, self.account, self.clock, self.proxy, self.raw = server, account, clock, its, raw
        self.ids = iter(range(10**13, 10**14))
        self.folder, self.name = folder, re.sub("[^a-z0-9]+", "-", folder.name)
        self.url = f"s3://{BUCKET}/{self.name}"

    def __call__(self, machine="one", *, rule=None, days=0):
        """Export on a machine, under a rule of the proxy."""
        self.proxy.set(rule)
        self.clock.at = noon(2026, 3, 10) + timedelta(days=days)
        try:
            return library.export(self.account, self.root(machine), since=SINCE)
        finally:
            self.proxy.set(None)

    def root(self, machine):
        """Return the working directory of a machine."""
        return find_root(self.url, self.folder / machine)

    def keys(self):
        """Return the keys of what is in the bucket."""
        listed = (its["path"] for page in obstore.list(self.raw, self.name) for its in page)
        return sorted(key.removeprefix(f"{self.name}/") for key in listed)

    def table(self, key):
        """Return the rows of an object, as another reader sees them."""
        return pq.ParquetFile(io.BytesIO(bytes(obstore.get(self.raw, f"{self.name}/{key}").bytes()))).read()

    def change(self):
        """Let a message appear, and the status of another one change."""
        row = next(self.server.world.truth("a2p"))
        self.server.world.change("a2p", row["message_id"], status_id=3)
        self.server.world.insert("a2p", row | {"message_id": next(self.ids)})

    def assert_whole(self, machine):
        """Compare the objects, the database that a machine has, and that of a new machine, with the account."""
        names = ["message_id", "status_id", "error_message"]
        for name, stream in STREAMS.items():
            found = [
                row.values()
                for key in self.keys()
                if key.startswith(f"lake/{stream.table}/")
                for row in self.table(key).select(names).to_pylist()
            ]
            rows = [[row[its] for its in names] for row in self.server.world.truth(name)]
            assert sorted(map(str, map(list, found))) == sorted(map(str, rows))
            assert held(self.root(machine) / "voxlake.duckdb", name) == truth(self.server, name)
        with library.open(self.root("fresh")) as database:
            found = database.execute("SELECT sum(row_count) FROM coverage").fetchone()
        assert found == (sum(1 for name in STREAMS for _ in self.server.world.truth(name)),)


@pytest.fixture
def night(request, stores, sandbox, tmp_path, monkeypatch, hasty):
    """Return a night on a store with a proxy in front of it."""
    endpoint = stores(getattr(request, "param", "seaweedfs"))
    clock = StandingClock(noon(2026, 3, 10))
    server = sandbox(world=World(rows=30, days=2, seed=3, until=UNTIL), now=clock.time, world_now=clock.time)
    with proxy(endpoint) as its:
        for name, value in environment(its.endpoint).items():
            monkeypatch.setenv(name, value)
        account = library.connect(server.credentials, api_url=server.url, clock=clock)
        yield Night(server, account, clock, its, tmp_path, raw_store(endpoint, BUCKET))


def of(kind, does, *, first=1, every=1, most=10**9):
    """Return a rule that does something to each so manieth request of a kind, from one on, at most so many times."""
    count = [0, 0]

    def rule(asked):
        if kind not in {asked.kind, "any"}:
            return None
        count[0] += 1
        if count[0] < first or (count[0] - first) % every or count[1] == most:
            return None
        count[1] += 1
        return does

    return rule


REFUSED = {
    "not written": (of("put", Refuse(403, "AccessDenied")), StorageFull, "the right to put"),
    "the clock": (of("any", Refuse(403, "RequestTimeTooSkewed")), SettingsError, "refuses the clock"),
    "slow down": (of("any", Refuse(503, "SlowDown"), first=9), StoreUnavailable, "SlowDown"),
}  # fmt: skip
"""What a store refuses in a night, what error that is, and what its sentence says."""


def test_what_is_refused_in_a_night(night):
    """A night that the store refuses ends with one sentence; the next one makes it whole, and nothing is lost."""
    assert night().exit_code == 0
    for days, (rule, error, sentence) in enumerate(REFUSED.values(), start=1):
        night.change()
        with pytest.raises(error, match=sentence) as found:
            night(rule=rule, days=days)
        assert str(found.value).count(". ") == 0
        assert night(days=days).exit_code == 0
        night.assert_whole("one")


SURVIVED = {
    "lost replies": of("put", LOSE, every=2),
    "slow down for a while": of("any", Refuse(503, "SlowDown"), every=2),
    "cut": of("any", CUT, every=2),
    "half": of("get", HALF, every=2),
    "half replies of what is put": of("put", HALF, every=2),
    "half lists": of("list", HALF, every=2),
    "timeouts": of("any", HANG, every=4, most=4),
    "lost deletes": of("delete", LOSE, every=2),
}
"""What a night does not notice."""


@pytest.mark.parametrize(
    "survived", [name if name == "half replies of what is put" else pytest.param(name, marks=pytest.mark.slow)
                 for name in SURVIVED]
)  # fmt: skip
def test_what_a_night_survives(night, survived):
    """Replies that are lost after the store did what was asked, and requests that are slow or are refused for a while.

    Nobody takes for another run's what the run itself has put, and no lease is believed to be lost for that.
    """
    rule = SURVIVED[survived]
    assert night(rule=rule).exit_code == 0
    night.change()
    assert night(rule=rule, days=1).exit_code == 0
    night.assert_whole("one")
    assert night("other", days=1).exit_code == 0
    night.assert_whole("other")


def test_a_store_that_lists_nothing(night):
    """Who may put and not list is told so by the first night, is not in the way of others, and needs no list later."""
    unlisted = of("list", Refuse(403, "AccessDenied"))
    with pytest.raises(SettingsError, match="the rights to get and to list"):
        night(rule=unlisted)
    assert night("other").exit_code == 0
    night.change()
    assert night("other", rule=unlisted, days=1).exit_code == 0
    night.assert_whole("other")


def test_a_bucket_that_is_not_there(night, voxlake):
    """It is named in one sentence, and nothing is made."""
    its = {"VOXLAKE_DATA_DIR": "s3://nobody/sms", "VOXLAKE_WORK_DIR": str(night.folder / "nobody")}
    done = voxlake("export", server=night.server, env=its, code=2)
    assert done.stderr == (
        "voxlake: There is no such bucket as that of s3://nobody/sms: make it, or correct the data directory.\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("night", ["moto"], indirect=True)
def test_a_store_without_conditions(night):
    """A store that does not know If-Match and If-None-Match is refused before anything is written."""
    with pytest.raises(SettingsError, match="no conditional writes"):
        night(rule=of("any", Change(("If-Match", "If-None-Match"))))
    assert night.keys() == []


@pytest.mark.slow
def test_a_large_file_of_which_a_part_is_refused(night, tmp_path, monkeypatch):
    """What was put of it is taken back, and nobody ever sees a half."""
    monkeypatch.setattr(objects, "_PIECE", 5 << 20)
    file = tmp_path / "large"
    file.write_bytes(os.urandom(12 << 20))
    store, asked = objects.Objects(night.url), []
    refuse = of("parts", Refuse(403, "AccessDenied"), first=3)

    def rule(its):
        asked.append((its.method, *sorted(its.query)))
        return refuse(its) if its.method == "PUT" else None

    night.proxy.set(rule)
    with pytest.raises(StorageFull, match="the right to put"):
        store.put_file("warehouse/large", file)
    assert ("DELETE", "uploadId") in asked
    assert night.keys() == []
    night.proxy.set(of("parts", HALF, first=2, every=2))
    store.put_file("warehouse/large", file)
    store.get_file("warehouse/large", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("seen", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_request_that_arrives_after_a_take_over(night, seen):
    """A day that is written when another run has looked already is looked at again, although nobody writes it anew.

    The one who wrote it says so in the root object: while the other still holds the lease, or after that.
    """
    assert night().exit_code == 0
    row = next(night.server.world.truth("a2p"))
    night.server.world.change("a2p", row["message_id"], error_message="late")
    other, taken = night.root("other"), []

    def rule(asked):
        if asked.method == "PUT" and "/a2p_sms_history/" in asked.key and not taken:
            taken.append(remote_of(other).break_lease())
            # To whoever looks now, the day is as it was.
            night.server.world.change("a2p", row["message_id"], error_message=row["error_message"])
            if seen:
                library.export(night.account, other, since=SINCE)
            else:
                taken.append(Lake(other).locked(holder="the other"))
                taken[1].__enter__()

    with pytest.raises(AlreadyRunning, match=r"has taken .* over"):
        night(rule=rule, days=1)
    for lease in taken[1:]:
        Manifest(Lake(other)).save()
        lease.__exit__(None, None, None)
    assert night("other", days=1).exit_code == 0
    night.assert_whole("other")
    assert night("one", days=1).exit_code == 0
    night.assert_whole("one")
