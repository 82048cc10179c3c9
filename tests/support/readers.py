"""Readers that ask one long query after another while publishers work and are killed at any instant.

`PYTHONPATH=tests python -m support.readers KILLS LAYOUT` kills publishers of a `portable` or `linked` database.
"""

import json
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from support.lakes import FIRST, Hand, row
from support.processes import CONTEXT

DAYS = 20
TABLES = ("sms_history", "a2p_sms_history", "coverage", "meta.parts", "totals", "hourly")
# What is in all days together is the same in every version; a database of two versions would not add up.
WHOLE = 1000
ASK = """
SELECT
    (SELECT list(DISTINCT text ORDER BY text) FROM messages WHERE text IS NOT NULL) AS versions,
    (SELECT sum(cost) FROM messages)::INTEGER AS whole,
    (SELECT count(*) FROM messages) AS messages,
    (SELECT sum(row_count) FROM coverage)::BIGINT AS covered,
    (SELECT count(*) FROM coverage) AS days,
    (SELECT bit_xor(hash(m.message_id, m.text, r.n)) FROM messages AS m, range({rounds}) AS r(n)) AS work
"""


def write(hand, version, rows):
    """Write one version: two days in each of both histories, whose costs always add up to the same."""
    for stream in ("sms", "a2p"):
        for day, cost in enumerate((version, WHOLE - version)):
            at = FIRST + timedelta(days=day)
            first = row(10**6 * day, at, cost=Decimal(cost), text=str(version))
            others = [row(10**6 * day + n, at, cost=Decimal(0), text=str(version)) for n in range(1, rows)]
            hand.put(at, [first, *others], stream=stream)


def begin(root, rows, database="auto"):
    """Make a data directory of many days, and publish version 0."""
    hand = Hand(root, database)
    for stream in ("sms", "a2p"):
        for day in range(2, DAYS):
            at = FIRST + timedelta(days=day)
            hand.put(at, [row(10**6 * day + n, at, cost=Decimal(0), text=None) for n in range(rows)], stream=stream)
    write(hand, 0, rows)
    hand.publish()


def publisher(root, log, rows, database):
    """Publish version after version until killed; a line in the log for each."""
    hand = Hand(Path(root), database)
    done = Path(log)
    while True:
        version = len(done.read_text().splitlines()) + 1
        write(hand, version, rows)
        hand.publish()
        with done.open("a") as file:
            file.write(f"{version}\n")


def reader(root, stop, out, rows, rounds, keeps):
    """Ask until told to stop; one that keeps its connection must get the same answer three times."""
    path, found, newest = Path(root) / "voxlake.duckdb", Counter(), -1
    while not Path(stop).exists():
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                answers = [connection.execute(ASK.format(rounds=rounds)).fetchone() for _ in range(3 if keeps else 1)]
        except duckdb.Error as error:
            found["errors"] += 1
            found[str(error)[:200]] += 1
            continue
        versions, whole, *counts, _ = answers[0]
        right = len(versions) == 1 and whole == 2 * WHOLE and counts == [2 * rows * DAYS] * 2 + [2 * DAYS]
        found["answers"] += len(answers)
        found["inconsistent"] += not right or len({str(answer) for answer in answers}) > 1
        if right:
            found["older than before"] += int(versions[0]) < newest
            found["versions seen"] += int(versions[0]) > newest
            newest = max(newest, int(versions[0]))
    Path(out).write_text(json.dumps(found))


def trial(folder, *, publishes, kills, rows=50, rounds=200, seed=1, database="auto"):
    """Publish and kill that often under two readers, and count what they saw."""
    draw = random.Random(seed)
    root, log, stop = folder / "data", folder / "log", folder / "stop"
    log.write_text("")
    began = time.monotonic()
    begin(root, rows, database)
    pause = time.monotonic() - began
    outs = [folder / f"reader-{n}.json" for n in range(2)]
    readers = [
        CONTEXT.Process(target=reader, args=(str(root), str(stop), str(out), rows, rounds, keeps), daemon=True)
        for out, keeps in zip(outs, (True, False), strict=True)
    ]
    for process in readers:
        process.start()
    killed = 0
    while killed < kills or len(log.read_text().splitlines()) < publishes:
        process = CONTEXT.Process(target=publisher, args=(str(root), str(log), rows, database), daemon=True)
        process.start()
        if killed < kills:
            process.join(draw.uniform(0.05, 2 * pause))
            killed += 1
        else:
            while process.is_alive() and len(log.read_text().splitlines()) < publishes:
                process.join(0.05)
        alive = process.is_alive()
        process.kill()
        process.join()
        assert alive, "a publisher ended by itself"
    stop.touch()
    found = Counter(publishes=len(log.read_text().splitlines()), kills=killed)
    for process, out in zip(readers, outs, strict=True):
        process.join(120)
        found.update(json.loads(out.read_text()))
    hand = Hand(root, database)
    hand.publish()
    found["damaged at the end"] = len(hand.warehouse.examine().failed_checks)
    by_steps = {name: hand.ask(f"FROM {name} ORDER BY ALL") for name in TABLES}
    hand.publish(anew=True)
    found["differences at the end"] = sum(by_steps[name] != hand.ask(f"FROM {name} ORDER BY ALL") for name in TABLES)
    return dict(found)


if __name__ == "__main__":
    kills, layout = int(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory(prefix="voxlake-readers-") as made:
        print(trial(Path(made), publishes=kills // 2, kills=kills, rows=200, database=layout))  # noqa: T201 - the figures are wanted
