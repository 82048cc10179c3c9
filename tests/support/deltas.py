"""kill -9 in the middle of `publish --delta`, and races of writers, with a look at the tables after each.

`python -m support.deltas --kills 60 --races 20 --seed 1 [--uri s3://bucket/sms]` (in tests/, or with it on PYTHONPATH);
a bucket is found by the variables `AWS_*`. A kill comes at a random moment within a write or a commit, one of those
that bringing the tables up to date takes. What is read after it must be what was there before, or what is to be there,
table by table, and what proves days must not be ahead of their rows.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from support.lakes import FIRST, SETTLING, Hand, row
from support.processes import CONTEXT
from support.tables import coverage_in, coverage_of, delta_rows, lake_rows
from voxlake import library
from voxlake.clock import SYSTEM
from voxlake.lake import Lake, Manifest
from voxlake.modes import private
from voxlake.warehouse import copy_to_delta
from voxlake.warehouse.delta import copy as delta_copy

DAY = timedelta(days=1)
DAYS, ROWS = 40, 120
"""Days of each stream, over two months, and the most rows of one."""
STEPS = 8
"""The writes and commits of a night at most: two months of two streams, and what proves them."""


class Nights:
    """A lake that changes a little every night, and the Delta tables that are to follow it."""

    def __init__(self, root, uri, rng, days):
        self.hand, self.uri, self.rng, self.days = Hand(root), uri, rng, days
        self.night = 0
        for n in range(days):
            self._put(n)
        self._index()

    def change(self):
        """Let some days differ: other rows, none, or the same rows in another proof."""
        self.night += 1
        for n in self.rng.sample(range(self.days), self.rng.randint(1, min(6, self.days))):
            self._put(n)
        self._index()

    def wanted(self):
        """Return what the tables are to hold: rows by stream, and what is proved."""
        return lake_rows(self.hand.root), coverage_in(self.hand.root)

    def held(self):
        """Return what they hold, without what is not there yet."""
        try:
            return delta_rows(self.uri), coverage_of(self.uri)
        except TableNotFoundError:
            return {"sms": [], "a2p": []}, []

    def _put(self, n):
        day, rng = FIRST + DAY * n, self.rng
        for stream in ("sms", "a2p"):
            if self.night == 0 or rng.random() < 0.7:
                rows = [
                    row(1000 * n + i, day, text="x" * rng.randint(0, 80), cost=Decimal(rng.randint(-99, 9**9)) / 10**6)
                    for i in range(rng.choice([0, 1, ROWS]))
                ]
                other = "direction" if stream == "a2p" else "delivery_status"
                its = [{name: value for name, value in each.items() if name != other} for each in rows]
                self.hand.put(day, its, stream=stream, verified=rng.random() < 0.8)

    def _index(self):
        lake = Lake(self.hand.root)
        with private(group=False), lake.locked(holder="a test"):
            Manifest(lake).save()


def publish(root, uri, steps):
    """Bring the tables up to date in this process, as the command does, and say when a write or a commit begins."""
    for owner, name in ((delta_copy, "commit"), (delta_copy.NewFiles, "write")):
        setattr(owner, name, _telling(getattr(owner, name), steps))
    library.publish_delta(root, uri)


def _telling(original, steps):
    def step(*arguments, **options):
        steps.send(original.__name__)
        return original(*arguments, **options)

    return step


def write(root, uri, at):
    """Do the same without the locks of the data directory, as on another machine, at the same time as others."""
    lake = Lake(root)
    time.sleep(max(0, at - time.monotonic()))
    copy_to_delta(lake, uri, Manifest(lake).changes, finality=SETTLING, now=SYSTEM.now())


def started(target, *arguments):
    """Return a process that does this."""
    process = CONTEXT.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def ended(process):
    """Wait for a process, and return whether it was killed; any other end than a good one is an error."""
    process.join(300)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0


def steps_of(process, steps, wanted):
    """Wait for so many steps of a process, or for its end; return how many there were."""
    for n in range(wanted):
        try:
            steps.recv()
        except EOFError:
            return n
    return wanted


def publishing(nights):
    """Start a process that publishes, and return it with the steps that it tells of."""
    steps, its = CONTEXT.Pipe(duplex=False)
    process = started(publish, nights.hand.root, nights.uri, its)
    its.close()
    return process, steps


def assert_equal(nights):
    """Compare the tables with the lake, to the last row."""
    assert nights.held() == nights.wanted()


def kill(nights, seconds, tally):
    """Kill one commit, and look at what is there; sometimes the next night comes before it is made up for."""
    before = nights.held()
    nights.change()
    after = nights.wanted()
    process, steps = publishing(nights)
    steps_of(process, steps, nights.rng.randint(1, STEPS))
    time.sleep(nights.rng.uniform(0, seconds))
    process.kill()
    killed = ended(process)
    rows, proved = nights.held()
    tally["kills" if killed else "ends"] += 1
    for stream, found in rows.items():
        assert found in (before[0][stream], after[0][stream]), stream
    assert proved in (before[1], after[1])
    is_new = [rows[stream] == after[0][stream] for stream in rows]
    assert proved == before[1] or all(is_new)
    tally["reads"] += 1
    tally["rows"] += sum(map(len, rows.values()))
    tally["between tables"] += killed and any(is_new) and proved != after[1]
    tally["not begun"] += killed and (rows, proved) == before
    if nights.rng.random() < 0.7:
        library.publish_delta(nights.hand.root, nights.uri)
        assert_equal(nights)


def race(nights, tally):
    """Let several commit the same night at the same time, one of whom is sometimes killed."""
    nights.change()
    writers = nights.rng.randint(2, 4)
    at = time.monotonic() + 1
    processes = [started(write, nights.hand.root, nights.uri, at) for _ in range(writers)]
    if nights.rng.random() < 0.3:
        time.sleep(1 + nights.rng.uniform(0, 0.5))
        processes[0].kill()
    died = sum(map(ended, processes))
    tally["races"] += died < writers
    tally["writers"] += writers
    tally["writers that died"] += died
    if died:
        library.publish_delta(nights.hand.root, nights.uri)
    assert_equal(nights)


def left_files(uri):
    """Return the data files in a folder that no commit has ever named: of writers that were killed, or were second."""
    folder = Path(uri)
    named = "".join(path.read_text() for path in folder.glob("*/_delta_log/*.json"))
    return [path for path in folder.rglob("*.parquet") if path.parent.name != "_delta_log" and path.name not in named]


def campaign(root, uri, *, kills, races, seed, days=DAYS):
    """Do so many of both, and return what came of it; the tables are equal to the lake at the end."""
    tally = Counter()
    nights = Nights(root, uri, random.Random(seed), days)
    nights.hand.root.joinpath("tmp").mkdir(exist_ok=True)
    library.publish_delta(nights.hand.root, nights.uri)
    assert_equal(nights)
    seconds = 0.05 if "://" in uri else 0.015
    while tally["kills"] < kills:
        kill(nights, seconds, tally)
    while tally["races"] < races:
        race(nights, tally)
    library.publish_delta(nights.hand.root, nights.uri, vacuum_days=7)
    assert_equal(nights)
    tally["left files"] = 0 if "://" in uri else len(left_files(uri))
    tally["versions"] = DeltaTable(f"{uri}/sms_history").version()
    return tally


def main(arguments):
    """Kill and race so many times, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--races", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--uri", help="the address of the tables [a folder that is removed afterwards]")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="voxlake-deltas-") as folder:
        uri = chosen.uri or f"{folder}/tables"
        tally = campaign(Path(folder) / "data", uri, kills=chosen.kills, races=chosen.races, seed=chosen.seed)
        sys.stdout.write(f"seed {chosen.seed}: 0 differences, {dict(tally)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
