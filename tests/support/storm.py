"""kill -9 at random moments over every command that writes, and what must hold right after each."""

import random
import signal
import time
from collections import Counter

import duckdb
import pyarrow.parquet as pq

from support.dates import days_ago
from support.runner import Command
from voxlake.transform import STREAMS


def commands():
    """Give what is killed, by name."""
    return {
        "export": ["export", "--settle-hours", "1200", "--keep-raw"],
        "csv": ["export", "--settle-hours", "1200", "--output", "csv", "--jobs", "8"],
        "backfill": ["backfill", "--from", days_ago(9), "--to", days_ago(0), "--force"],
        "publish": ["publish"],
        "repair": ["audit", "--repair", "--pages", "3"],
        "replay": ["replay", "--force"],
    }


def storm(server, folder, environ, *, kills, seed):
    """Kill `kills` commands on one data directory; give how many died, by command, and how many rows were compared."""
    rng = random.Random(seed)
    tally = Counter()
    files = folder / "command"
    run(commands()["export"], server, folder, environ, files)
    lengths = {}
    for name, arguments in commands().items():
        started = time.monotonic()
        run(arguments, server, folder, environ, files)
        lengths[name] = time.monotonic() - started
    ids = iter(range(10**13, 10**14))
    while sum(tally.values()) - tally["rows"] < kills:
        for stream in STREAMS:
            row = next(row for row in server.world.truth(stream) if row["processed_at"].date() == days_ago(3))
            server.world.insert(stream, row | {"message_id": next(ids)})
        name = rng.choice(sorted(commands()))
        command = Command(commands()[name], environ, folder, files)
        time.sleep(rng.uniform(0, lengths[name] * 1.1))
        command.process.kill()
        if command.wait(60).returncode == -signal.SIGKILL:
            tally[name] += 1
        tally["rows"] += sound(folder / "data", server)
    # What a late command of the storm made of old replies is found by what compares everything.
    run(["audit", "--repair", "--pages", "0"], server, folder, environ, files)
    return tally


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
