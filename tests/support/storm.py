"""kill -9 at random moments over every command that writes, and what must hold right after each.

`python -m support.storm --kills 300 --seed 1` (in tests/, or with it on PYTHONPATH) draws worlds in which messages move
to other days, appear late in final days, and days are repaired, and looks at the lake's glob right after each kill.
Half of the seeds have a linked database.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from support.clock import CLOCK
from support.dates import days_ago
from support.runner import Command
from support.truth import held, truth
from voxlake.sandbox import Behaviour, Faults, Sandbox, World
from voxlake.transform import STREAMS

DAYS, MONTHS, KILLS = 9, 45, 25
"""Days of a drawn world, of one in which months end, and the kills that it goes through."""


def commands(settle=1200, days=DAYS):
    """Return what is killed, by name; with 0 hours to settle, every day that has ended is final.

    In a world in which months end, they are compacted, by command and after exports.
    """
    export = ["export", "--settle-hours", settle, "--since", days_ago(days), *(["--compact"] if days > DAYS else [])]
    found = {
        "export": [*export, "--keep-raw"],
        "csv": [*export, "--output", "csv", "--jobs", "8"],
        "backfill": ["backfill", "--from", days_ago(days), "--to", days_ago(0), "--force"],
        "publish": ["publish"],
        "repair": ["audit", "--repair", "--pages", "3"],
        "replay": ["replay", "--force"],
    }
    if days > DAYS:
        found["compact"] = ["compact", "--settle-hours", settle]
    return found


def storm(server, folder, environ, *, kills, seed, settle=1200, moves=0, lies=0.0, days=DAYS):
    """Kill `kills` commands on one data directory; give how many died, by command, and how many rows were compared.

    Before each, a message appears late in each history, and `moves` messages move to another day. Meanwhile the part
    `lies` of all replies lacks rows. In a world of so many `days` that months end, these are compacted, too.
    """
    rng = random.Random(seed)
    tried = commands(settle, days)
    tally = Counter()
    files = folder / "command"
    run(tried["export"], server, folder, environ, files)
    lengths = {}
    for name, arguments in tried.items():
        started = time.monotonic()
        run(arguments, server, folder, environ, files)
        lengths[name] = time.monotonic() - started
    ids = iter(range(10**13, 10**14))
    server.faults = Faults.parse(f"none={lies / 3},half={lies / 3},half-both={lies / 3},seed={seed}")
    while sum(tally.values()) - tally["rows"] < kills:
        for stream in STREAMS:
            late = days_ago(3 if days == DAYS else rng.randrange(1, days))
            row = next((row for row in server.world.truth(stream) if row["processed_at"].date() == late), None)
            if row is not None:
                server.world.insert(stream, row | {"message_id": next(ids)})
            move(server.world, stream, moves, rng, days=days)
        name = rng.choice(sorted(tried))
        command = Command(tried[name], environ, folder, files)
        time.sleep(rng.uniform(0, lengths[name] * 1.1))
        command.process.kill()
        if command.wait(60).returncode == -signal.SIGKILL:
            tally[name] += 1
        tally["rows"] += sound(folder / "data", server)
    server.faults = Faults()
    # What a late command of the storm made of old replies is found by what compares everything.
    run(["audit", "--repair", "--pages", "0"], server, folder, environ, files)
    return tally


def move(world, stream, number, rng, *, days=DAYS):
    """Move messages to another day, as an API does whose date is that of the last status."""
    targets = [days_ago(n) for n in range(1, days)]
    rows = [row for row in world.truth(stream) if row["processed_at"].date() in targets]
    for row in rng.sample(rows, number):
        at = row["processed_at"]
        world.change(stream, row["message_id"], processed_at=datetime.combine(rng.choice(targets), at.time(), UTC))


def run(arguments, server, folder, environ, files):
    """Run a command to its end."""
    done = Command(arguments, environ, folder, files).wait(120)
    assert done.returncode in (0, 4), done
    assert "Traceback" not in done.stderr
    return done


def sound(data, server):
    """Look at the lake and the database as any reader may at any moment; give the rows that were looked at."""
    rows = 0
    for name, stream in STREAMS.items():
        real = {row["message_id"] for row in server.world.truth(name)}
        table = pq.read_table(data / "lake" / stream.table, columns=["message_id"])
        ids = table["message_id"].to_pylist()
        assert len(ids) == len(set(ids))
        assert set(ids) <= real
        rows += len(ids)
        with duckdb.connect(str(data / "voxlake.duckdb"), read_only=True) as connection:
            counts = connection.execute(
                f"SELECT count(*), count(DISTINCT message_id), (SELECT sum(row_count) FROM coverage"
                f" WHERE stream = $1) FROM {stream.table}",
                [name],
            ).fetchone()
        assert len(set(counts)) == 1
        rows += counts[0]
    return rows


def settled(data, server):
    """Compare the lake's files, the database and the API, message by message, once everything has settled."""
    for name, stream in STREAMS.items():
        table = pq.read_table(data / "lake" / stream.table, columns=["message_id"])
        ids = sorted(table["message_id"].to_pylist())
        real = sorted(row["message_id"] for row in server.world.truth(name))
        assert ids == real, (sorted(set(real) - set(ids)), sorted(set(ids) - set(real)), len(ids))
        assert truth(server, name) == held(data / "voxlake.duckdb", name)


def one_world(seed, kills, *, days=None):
    """Draw a world, of so many days where that is said, and go through its storm; give the tally."""
    rng = random.Random(seed)
    days = rng.choice([DAYS, MONTHS]) if days is None else days
    settle, rows = rng.choice([0, 1200]), rng.choice([500, 3_000, 12_000])
    # By the tens, too: a soak's storms are those of every twentieth seed.
    layout = "linked" if (seed // 20 + seed) % 2 else "portable"
    moves, lies = rng.choice([1, 3, 8]), rng.choice([0, 0.01, 0.05, 0.1])
    with tempfile.TemporaryDirectory(prefix="voxlake-storm-") as folder:
        root = Path(folder)
        (root / "keys").mkdir()
        settle = 0 if days > DAYS else settle
        world = World(rows=rows, days=days, seed=seed, until=days_ago(0))
        with Sandbox(world, behaviour=Behaviour(), directory=root / "keys", now=CLOCK.time) as server:
            environ = os.environ | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
            environ["VOXLAKE_DATABASE"] = layout
            tally = storm(
                server, root, environ, kills=kills, seed=seed, settle=settle, moves=moves, lies=lies, days=days
            )
            settled(root / "data", server)
    say(f"seed {seed}: {days} days, {rows:,} rows, {settle} hours to settle, {lies:.0%} lies, {layout}: {dict(tally)}")
    return tally


def say(line):
    """Report to whoever started the driver."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments):
    """Go through worlds until so many commands were killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--days", type=int, choices=[DAYS, MONTHS], help="of every world; else either")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    chosen = parser.parse_args(arguments)
    tally, seed = Counter(), chosen.seed
    while (left := chosen.kills - sum(tally.values()) + tally["rows"]) > 0:
        try:
            tally += one_world(seed, min(KILLS, left), days=chosen.days)
        except BaseException:
            say(f"seed {seed} FAILED")
            raise
        seed += 1
    say(f"{sum(tally.values()) - tally['rows']} kills, {tally['rows']:,} rows looked at, 0 doubles: {dict(tally)}")


if __name__ == "__main__":
    main(sys.argv[1:])
