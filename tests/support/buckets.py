"""kill -9 at random requests of nightly exports to a bucket, and races of machines, with a look at it after each.

`python -m support.buckets --kills 100 --races 20 --seed 1 [--server moto]` (in tests/, or with it on PYTHONPATH).
A proxy in front of a real server kills the export at one of its requests: before the store has it, after the store has
done it and before the reply arrives, or a moment after the reply. In a race two machines begin at once; or a third one
takes over from one that was stopped, and goes on later. The rows are read from the bucket by pyarrow, without voxlake.
"""

import argparse
import io
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import obstore
import pyarrow as pa
import pyarrow.parquet as pq

import voxlake
from support.clock import CLOCK
from support.dates import days_ago
from support.processes import CONTEXT
from support.proxies import CUT, Then, proxy
from support.runner import Done
from support.stores import SERVERS_OF_S3, environment, make_bucket, raw_store
from support.truth import held, truth
from voxlake.remote import find_root
from voxlake.sandbox import Behaviour, Sandbox, World
from voxlake.transform import STREAMS

DAYS, ROWS = 6, 300
"""Days and rows of a world."""
BUCKET = "buckets"
_PROVED = ("row_count", "total_count", "verified", "moving", "checksum", "exported_at", "rejects", "problem")


class Machine:
    """A machine with a working directory of its own, which runs commands on the bucket through the proxy."""

    def __init__(self, nights, name, seconds=60):
        self.nights, self.work, self.seconds = nights, nights.folder / name, seconds
        self.begun = 0

    def start(self, *arguments):
        """Start a command, and return it."""
        self.begun += 1
        files = f"{self.work}-{self.begun}"
        environ = self.nights.environ | {"VOXLAKE_WORK_DIR": str(self.work)}
        return Running([str(its) for its in arguments], environ, str(self.nights.folder), self.seconds, files)

    def run(self, *arguments, codes=(0,)):
        """Run a command to its end, which must be one of some codes; returns how it ended."""
        return self.start(*arguments).ended(codes)

    @property
    def root(self):
        """Return the working directory, for the library."""
        return find_root(self.nights.url, self.work)


class Running:
    """A command that runs; its lease lasts for so many seconds."""

    def __init__(self, arguments, environ, folder, seconds, files):
        self.arguments, self.files = arguments, [f"{files}.{name}" for name in ("out", "err")]
        self.process = CONTEXT.Process(target=_main, args=(arguments, environ, folder, seconds, *self.files))
        self.process.daemon = True
        self.process.start()

    def signal(self, number):
        """Send a signal to it, if it still runs."""
        if self.process.is_alive():
            os.kill(self.process.pid, number)

    def ended(self, codes):
        """Wait for its end, and return how it ended."""
        self.process.join(300)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        out, err = (Path(path).read_text() if Path(path).exists() else "" for path in self.files)
        for path in self.files:
            Path(path).unlink(missing_ok=True)
        done = Done(self.process.exitcode, out, err)
        assert done.returncode in codes, (self.arguments, done)
        assert "Traceback" not in err, err
        return done


def _main(arguments, environ, folder, seconds, *files):
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    for number, path in enumerate(files, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv[:] = ["voxlake", *arguments]
    from voxlake.cli import main  # noqa: PLC0415 - in the child alone
    from voxlake.remote import directory  # noqa: PLC0415

    directory.SECONDS = seconds
    main(arguments, prog_name="voxlake", clock=CLOCK)


class Nights:
    """A bucket with the export of a world whose messages change every night."""

    def __init__(self, folder, server, world, api, store, rng):
        self.folder, self.proxy, self.api, self.rng = folder, server, api, rng
        self.world, self.name = world, folder.name.lower().replace("_", "-")
        self.url, self.raw = f"s3://{BUCKET}/{self.name}", raw_store(store, BUCKET)
        self.environ = os.environ | environment(server.endpoint)
        self.environ |= {
            "VOXIMPLANT_API_URL": api.url,
            "VOXIMPLANT_CREDENTIALS": str(api.credentials),
            "VOXLAKE_DATA_DIR": self.url,
        }
        self.export = ["export", "--settle-hours", 1200, "--since", days_ago(DAYS)]
        self.ids, self.known, self.machines, self.fresh = iter(range(10**13, 10**14)), {}, {}, 0

    def machine(self, name, seconds=60):
        """Return a machine by its name, whose next lease lasts for so long."""
        its = self.machines.setdefault(name, Machine(self, name))
        its.seconds = seconds
        return its

    def change(self):
        """Let statuses change, messages move to other days, and one appear late."""
        for stream in STREAMS:
            rows = list(self.world.truth(stream))
            for row in self.rng.sample(rows, 4):
                self.world.change(stream, row["message_id"], status_id=self.rng.choice([2, 3, 5]))
            row = self.rng.choice(rows)
            at = datetime.combine(days_ago(self.rng.randrange(1, DAYS)), row["processed_at"].time(), UTC)
            self.world.change(stream, row["message_id"], processed_at=at)
            self.world.insert(stream, row | {"message_id": next(self.ids)})

    def objects(self):
        """Return the ETags of the day files that are in the bucket, by their keys below the data directory."""
        listed = (its for page in obstore.list(self.raw, f"{self.name}/lake") for its in page)
        return {its["path"].removeprefix(f"{self.name}/"): its["e_tag"] for its in listed}

    def read(self):
        """Return the tables in the bucket, by the keys of their objects; one with a known ETag is not read again."""
        etags = {key: etag for key, etag in self.objects().items() if key.endswith(".parquet")}
        for key, etag in etags.items():
            if (key, etag) not in self.known:
                data = bytes(obstore.get(self.raw, f"{self.name}/{key}").bytes())
                self.known[key, etag] = pq.ParquetFile(io.BytesIO(data)).read()
        return {key: self.known[key, etag] for key, etag in etags.items()}

    def rows(self, stream):
        """Return the rows of a stream that are in the bucket, as often as they are there."""
        its = STREAMS[stream]
        tables = [
            table.select(["message_id", "source_number", "destination_number", "fragments", "cost", "status_id",
                          "error_message", "processed_at", "transaction_id", "text", its.own])
            for key, table in self.read().items() if f"/{its.table}/" in f"/{key}"
        ]  # fmt: skip
        return pa.concat_tables(tables, promote_options="default").to_pylist() if tables else []


def sound(nights):
    """Look at the bucket as any reader may at any moment: no message is there twice, or one that there never was."""
    count = 0
    for name in STREAMS:
        ids = [row["message_id"] for row in nights.rows(name)]
        assert len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} messages are in the lake twice"
        assert set(ids) <= {row["message_id"] for row in nights.world.truth(name)}
        count += len(ids)
    return count


def settled(nights, machine, tally):
    """Compare everything, once a run has ended well: the bucket, the database, the index and a machine that is new."""
    rows = 0
    for name in STREAMS:
        found = sorted(_as_held(row, name, nights.api.account_id) for row in nights.rows(name))
        expected = truth(nights.api, name)
        assert found == expected, _differences(found, expected)
        assert held(machine.root / "voxlake.duckdb", name) == expected
        rows += len(found)
    footers = {key: _footer(table) for key, table in nights.read().items()}
    nights.fresh += 1
    fresh = nights.machine(f"fresh{nights.fresh}")
    fresh.run("status", "--check", "--settle-hours", 1200)
    for its in (machine, fresh):
        assert _index(its.work) == footers
        assert _catalogue(its.work) == nights.objects()
    for name in STREAMS:
        voxlake.open(fresh.root).close()
        assert held(fresh.root / "voxlake.duckdb", name) == truth(nights.api, name)
    if nights.fresh % 3 == 0:
        fresh.run("audit", "--settle-hours", 1200)
        tally["audits"] += 1
    shutil.rmtree(fresh.work)
    return rows


def _as_held(row, stream, account_id):
    at = row["processed_at"].astimezone(UTC).replace(tzinfo=None)
    status = voxlake.transform.STATUSES.get(row["status_id"], "unknown")
    names = ("message_id", "source_number", "destination_number", "fragments", "cost", "status_id")
    return (
        *(row[name] for name in names), status, row["error_message"], at, row["transaction_id"], row["text"],
        row[STREAMS[stream].own], account_id, at.date(),
    )  # fmt: skip


def _differences(found, expected):
    found, expected = set(found), set(expected)
    return {"too many": sorted(found - expected)[:3], "missing": sorted(expected - found)[:3]}


def _footer(table):
    facts = json.loads(table.schema.metadata[b"voxlake"])
    return {name: facts[name] for name in _PROVED if name in facts} | {"row_count": table.num_rows}


def _index(work):
    """Return what the index of a working directory says of the objects of days, by their keys."""
    with closing(sqlite3.connect(work / "ledger.sqlite")) as connection:
        connection.row_factory = sqlite3.Row
        found = {}
        for row in connection.execute("SELECT * FROM day_files WHERE state = 'held'"):
            folder = f"lake/{STREAMS[row['stream']].table}/account_id={row['account_id']}"
            found[f"{folder}/date={row['date']}/part.parquet"] = {name: row[name] for name in _PROVED}
        return found


def _catalogue(work):
    with closing(sqlite3.connect(work / ".store" / "catalogue.sqlite")) as connection:
        return dict(connection.execute("SELECT key, etag FROM objects WHERE key > 'lake/' AND key < 'lake0'"))


def kill(nights, tally):
    """Kill an export at one of its requests, look at the bucket, and let a run of one of two machines make it whole."""
    nights.change()
    rng, server = nights.rng, nights.proxy
    expires = rng.random() < 0.2
    victim = nights.machine("one", 1 if expires else 60)
    moment, number = rng.choice(["before", "done", "after"]), rng.randint(1, nights.requests)
    doomed = []

    def die():
        doomed[0].signal(signal.SIGKILL)

    def rule(asked):
        if asked.number == number and moment == "before":
            die()
            return CUT
        return Then(die) if asked.number == number and moment == "done" else None

    def after(asked):
        if asked.number == number and moment == "after":
            time.sleep(rng.uniform(0, 0.05))
            die()

    server.set(rule, after)
    doomed.append(victim.start(*nights.export, *rng.choice([[], [], ["--keep-raw"]])))
    killed = doomed[0].ended((0, -signal.SIGKILL)).returncode != 0
    server.set()
    tally[f"kills {moment}" if killed else "ends"] += 1
    tally["kills"] += killed
    sound(nights)
    if rng.random() < 0.3:
        nights.change()
    survivor = victim if rng.random() < 0.5 else nights.machine("other")
    survivor.seconds = 60
    if survivor is victim:
        survivor.run(*nights.export)
    elif expires:
        tally["leases that ended"] += _waits(survivor, nights.export)
    else:
        survivor.run(*nights.export, "--break-lock")
    tally["rows"] += settled(nights, survivor, tally)


def _waits(machine, arguments):
    """Run a command again and again until no other run holds the bucket; return whether it had to wait."""
    waited = False
    for _ in range(40):
        if machine.run(*arguments, codes=(0, 75)).returncode == 0:
            return waited
        waited = True
        time.sleep(0.3)
    raise AssertionError("the lease of a dead run did not end")


def race(nights, tally):
    """Let two machines begin at once."""
    nights.change()
    nights.proxy.set()
    machines = [nights.machine(name) for name in ("one", "other")]
    runs = []
    for machine in machines:
        runs.append((machine, machine.start(*nights.export)))
        time.sleep(nights.rng.choice([0, 0, 0.1, 0.5]))
    codes = {machine: run.ended((0, 75)).returncode for machine, run in runs}
    tally["races"] += 1
    tally["races that one lost"] += 75 in codes.values()
    sound(nights)
    won = [machine for machine, code in codes.items() if code == 0]
    assert won, codes
    tally["rows"] += settled(nights, won[-1], tally)


def take_over(nights, tally):
    """Stop a run in the middle, let two others take its lease over, and let it go on: it must not harm anything."""
    nights.change()
    rng, server = nights.rng, nights.proxy
    number, stopped = rng.randint(1, nights.requests), []
    expires = rng.random() < 0.5

    def after(asked):
        if asked.number == number:
            stopped[0].signal(signal.SIGSTOP)

    server.set(None, after)
    sleeper = nights.machine("one", 1 if expires else 60)
    stopped.append(sleeper.start(*nights.export))
    while server.number < number and stopped[0].process.is_alive():
        time.sleep(0.01)
    time.sleep(0.1)
    server.set()
    sound(nights)
    nights.change()
    others = [nights.machine(name) for name in ("other", "third")]
    if expires:
        time.sleep(4.5)
    arguments = nights.export if expires else [*nights.export, "--break-lock"]
    runs = [(machine, machine.start(*arguments)) for machine in others]
    codes = {machine: run.ended((0, 75)).returncode for machine, run in runs}
    won = [machine for machine, code in codes.items() if code == 0]
    if not won:
        # Each has taken the lease of the other away.
        tally["races that both lost"] += 1
        _again(others[0], [*nights.export, "--break-lock"], tally)
        won = others[:1]
    tally["rows"] += settled(nights, won[-1], tally)
    before = nights.objects()
    stopped[0].signal(signal.SIGCONT)
    code = stopped[0].ended((0, 75)).returncode
    tally["take-overs"] += 1
    tally["sleepers that were told"] += code == 75
    last = won[-1]
    if nights.objects() != before and code == 0:
        # It was stopped before it had the lease, and has taken it now.
        tally["sleepers that began later"] += 1
        last = sleeper
    elif nights.objects() != before:
        # What it had sent came later than the others had looked, as it may within half of its lease. It has said so.
        tally["late writes"] += 1
        _again(last, nights.export, tally)
    tally["rows"] += settled(nights, last, tally)


def _again(machine, arguments, tally):
    """Run a command to its end, for which a conflict may make a second run necessary."""
    if machine.run(*arguments, codes=(0, 75)).returncode == 75:
        tally["second runs"] += 1
        machine.run(*arguments)


def campaign(folder, store, *, kills, races, seed):
    """Do so many of both in one bucket, and return what came of it."""
    rng, tally = random.Random(seed), Counter()
    (folder / "keys").mkdir()
    world = World(rows=ROWS, days=DAYS, seed=seed, until=days_ago(0))
    with (
        Sandbox(world, behaviour=Behaviour(), directory=folder / "keys", now=CLOCK.time) as api,
        proxy(store) as server,
    ):
        nights = Nights(folder, server, world, api, store, rng)
        nights.machine("one").run(*nights.export)
        nights.change()
        server.set()
        nights.machine("one").run(*nights.export)
        nights.requests = server.number + 2
        while tally["kills"] < kills:
            kill(nights, tally)
            say(tally)
        while tally["races"] + tally["take-overs"] < races:
            rng.choice([race, take_over])(nights, tally)
            say(tally)
    return tally


def say(line):
    """Report to whoever started the driver."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments):
    """Kill and race so many times, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--races", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--server", choices=list(SERVERS_OF_S3), default="seaweedfs")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="voxlake-buckets-") as folder, SERVERS_OF_S3[chosen.server]() as store:
        os.environ.update(environment(store))
        make_bucket(store, BUCKET)
        say(f"seed {chosen.seed}, {chosen.server}")
        tally = campaign(Path(folder), store, kills=chosen.kills, races=chosen.races, seed=chosen.seed)
        say(f"seed {chosen.seed}, {chosen.server}: 0 differences, {dict(tally)}")


if __name__ == "__main__":
    main(sys.argv[1:])
