"""kill -9 at every step of a compaction, and of the repair of a compacted day, with a look at the lake after each.

`python -m support.compactions --kills 200 --seed 1` (in tests/, or with it on PYTHONPATH). A step is whatever the
process does to a file or a folder: Python's audit events tell of each before it is done.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from support.lakes import ACCOUNT, Hand, row
from support.processes import CONTEXT
from voxlake import library
from voxlake.lake import Lake, Manifest, claimed, indexing
from voxlake.model import DayKey
from voxlake.transform import STREAMS

FIRST, DAYS = date(2026, 1, 29), 36
"""Three days of January, all of February, and the first days of March, which stay as they are."""
REPAIRED = DayKey(ACCOUNT, "sms", date(2026, 2, 10))
STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "open", "sqlite3.connect"}


def make(root, *, days=DAYS, rows=3):
    """Put days of both streams into a data directory, and publish them; give the rows by stream."""
    hand = Hand(root)
    for stream, other in (("sms", "delivery_status"), ("a2p", "direction")):
        for n in range(days):
            day = FIRST + timedelta(days=n)
            first = 1 + 1000 * n
            its = [row(first + i, day, hour=i) for i in range(rows if n % 5 else 0)]
            hand.put(day, [{k: v for k, v in each.items() if k != other} for each in its], stream=stream)
    hand.publish()
    return hand


def content(root, *, engine="arrow"):
    """Return all rows that a plain glob finds, in order, by stream; by DuckDB or by pyarrow."""
    found = {}
    for name, stream in STREAMS.items():
        folder = root / "lake" / stream.table
        if engine == "duckdb":
            with duckdb.connect() as connection:
                query = f"FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = false) ORDER BY message_id"
                found[name] = connection.execute(query).fetchall()
        else:
            table = pq.read_table(folder, partitioning=None)
            found[name] = table.sort_by("message_id").to_pylist()
    return found


def files(root):
    """Return the Parquet files of a lake, relative to its folder."""
    return sorted(str(path.relative_to(root / "lake")) for path in root.glob("lake/**/*.parquet"))


def repair(root):
    """Put a day in place again, which may lie in the file of its month, as a repair does."""
    lake = Lake(root)
    with claimed(lake, [ACCOUNT], holder="a test") as (its, _):
        manifest = Manifest(its, account_ids=[ACCOUNT])
        writer = its.writer(REPAIRED)
        for table in its.read_rows(REPAIRED):
            writer.add(table)
        manifest.add(its.commit(writer, manifest[REPAIRED]))
        with indexing(its):
            manifest.save()


WORK = {"compact": library.compact, "repair": repair}


def run(name, root, kill_at, steps):
    """Do one of `WORK` in this process, which is killed before the step `kill_at`, or writes how many steps it took."""
    done = Counter()

    def step(event, arguments):
        if event in STEPS and any(str(root) in str(argument) for argument in arguments):
            done["steps"] += 1
            if done["steps"] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)
    WORK[name](root)
    Path(steps).write_text(str(done["steps"]))


def killed(name, root, kill_at=0):
    """Do one of `WORK` in a process that is killed at a step, or never; give whether it was, and else its steps."""
    steps = Path(f"{root}.steps")
    process = CONTEXT.Process(target=run, args=(name, root, kill_at, steps), daemon=True)
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0, int(steps.read_text()) if process.exitcode == 0 else 0


def campaign(folder, *, kills, seed):
    """Kill a compaction and a repair at steps all over them; give how many died, and how many rows were looked at.

    After each kill a glob must find the rows as they were; then the same is done to its end, with the same rows, and
    the database is published with nothing new.
    """
    rng = random.Random(seed)
    original = folder / "original"
    make(original)
    compacted = folder / "compacted"
    shutil.copytree(original, compacted, symlinks=True)
    wanted, tally = content(original), Counter()
    lengths = {"compact": killed("compact", compacted)[1], "repair": killed("repair", copy(compacted, folder))[1]}
    assert content(compacted) == wanted
    plan = [(name, n) for name, length in lengths.items() for n in range(1, length + 1)]
    rng.shuffle(plan)
    for name, step in (plan * (1 + kills // len(plan)))[:kills]:
        root = copy(original if name == "compact" else compacted, folder)
        died, _ = killed(name, root, step)
        tally["kills" if died else "ends"] += 1
        tally[name] += died
        assert content(root) == wanted, (name, step)
        WORK[name](root)
        assert content(root) == wanted, (name, step)
        assert files(root) == files(compacted), (name, step)
        status = library.status(root)
        assert {stream.rows for stream in status.streams} == {len(rows) for rows in wanted.values()}
        tally["rows"] += 2 * sum(map(len, wanted.values()))
    tally["steps"] = len(plan)
    return tally


def copy(root, folder):
    """Return a copy of a data directory, over the one before."""
    target = folder / "data"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root, target, symlinks=True)
    return target


def main(arguments):
    """Kill so many times, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="voxlake-compactions-") as folder:
        tally = campaign(Path(folder), kills=chosen.kills, seed=chosen.seed)
        sys.stdout.write(f"seed {chosen.seed}: {dict(tally)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
