"""A data directory that holds a person everywhere it can, and a search of its own for what is left of her.

`python -m support.forgets --kills 200 --seed 1` (in tests/, or with it on PYTHONPATH) kills an erasure at every step
that it takes, looks at the lake after each, does it again, and searches everything.
"""

import argparse
import gzip
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import zipfile
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from support.lakes import ACCOUNT, Hand, row
from support.processes import CONTEXT
from voxlake import library
from voxlake.clock import SYSTEM
from voxlake.lake import Lake, Manifest, ReplyArchive
from voxlake.messaging import open_journal
from voxlake.model import Reject
from voxlake.privacy import PrivacyKey

NUMBER, SPELLED = "447911123456", "+44 (0)7911 123-456"
OTHER = "4915112345678"
KEY = PrivacyKey(bytes(range(32)))
FIRST, DAYS = date(2026, 1, 29), 36
"""Three days of January, all of February, and the first days of March: the days of two months are compacted."""
CSV = f"""message_id;processed_date;destination_number;text
1;{FIRST} 10:00:00;{NUMBER};hi
2;{FIRST} 10:00:00;{OTHER};call {NUMBER}
"""
STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "open", "sqlite3.connect"}


def rows_of(day, n, stream):
    """Return the rows of a day: three of anybody, and on some days one to her, one from her, and one that names her."""
    first, other = 1 + 1000 * n, "direction" if stream == "a2p" else "delivery_status"
    rows = [row(first + i, day, hour=i, destination_number=OTHER) for i in range(3)]
    if n % 4 == 0:
        rows += [
            row(first + 10, day, hour=10, destination_number=NUMBER, text="to her"),
            row(first + 11, day, hour=11, source_number=SPELLED, destination_number=OTHER, text="of hers"),
            row(first + 12, day, hour=12, destination_number=OTHER, text=f"call 00{NUMBER} or 44-7911.123 456!"),
            row(first + 13, day, hour=13, destination_number=OTHER, extra=json.dumps({"to": int(NUMBER), "n": 7})),
            row(first + 14, day, hour=14, destination_number=OTHER, error_message=f"no route to {NUMBER}"),
        ]
    return [{name: value for name, value in its.items() if name != other} for its in rows]


def make(root, *, days=DAYS, compacted=True, database="auto"):
    """Make a data directory with days and months, a database of two generations, replies, rejects, and what else is."""
    hand = Hand(root, database=database)
    for stream in ("sms", "a2p"):
        for n in range(days):
            day = FIRST + timedelta(days=n)
            hand.put(day, rows_of(day, n, stream), stream=stream)
    hand.publish()
    if compacted:
        library.compact(root)
    last = FIRST + timedelta(days=days)
    hand.put(last, rows_of(last, DAYS, "sms")[:4])
    hand.publish()
    lake = Lake(root)
    key = Manifest(lake).of(ACCOUNT, "sms")[last].key
    with lake.locked(holder="a test"):
        lake.write_rejects(
            key, [Reject({"id": 1, "destination": SPELLED.replace("(0)", "")}, "no time"), Reject([1], "odd")]
        )
        lake.keep_replaced(key)
        (root / "dashboard.html").write_text(f"<p>top: {NUMBER}</p>")
        (root / "notes.csv").write_text(f"a;b\n1;{NUMBER}\n2;{OTHER}\n")
    archive = ReplyArchive(lake.layout, ACCOUNT, clock=SYSTEM)
    asked = {
        "from_date": f"{FIRST} 00:00:00",
        "to_date": f"{last} 00:00:00",
        "count": "1000",
        "offset": "0",
        "output": "json",
    }
    result = [
        {"message_id": n, "processed_date": f"{FIRST} 10:00:00", "destination_number": its, "text": "x"}
        for n, its in enumerate((OTHER, NUMBER, SPELLED))
    ]
    for output, body in (
        ("json", json.dumps({"total_count": 3, "result": result}).encode()),
        ("json", json.dumps({"total_count": 0, "result": []}).encode()),
        ("csv", CSV.encode()),
        ("csv", f'broken;{NUMBER}\n"'.encode()),
    ):  # fmt: skip
        archive.keep("GetSmsHistory", asked | {"output": output}, body, at=datetime(2026, 4, 1, tzinfo=UTC))
    archive.close()
    with open_journal(root) as journal:
        message = journal.message_key(ACCOUNT, "SendSmsMessage", "4930111222", "hi")
        intent = journal.record_intent(message, [NUMBER, OTHER], at=datetime(2026, 4, 1, tzinfo=UTC))
        journal.record_outcome(intent, at=datetime(2026, 4, 1, tzinfo=UTC), sent={NUMBER: 7, OTHER: 8})
        message = journal.message_key(ACCOUNT, "SendSmsMessage", "4930111222", "you")
        intent = journal.record_intent(message, [NUMBER], at=datetime(2026, 4, 1, tzinfo=UTC), text="you")
        journal.record_outcome(intent, at=datetime(2026, 4, 1, tzinfo=UTC), failed={NUMBER: (1, f"no {NUMBER}")})
    return hand


_GAP = rb"[^0-9A-Za-z]{0,9}?"
_WRITTEN = re.compile(_GAP.join(digit.encode() for digit in NUMBER))


def _texts(value):
    """Yield every text and number in nested values."""
    if isinstance(value, dict):
        for name, its in value.items():
            yield str(name)
            yield from _texts(its)
    elif isinstance(value, (list, tuple)):
        for its in value:
            yield from _texts(its)
    elif value is not None:
        yield str(value)


def _holds(values):
    return any(_WRITTEN.search(text.replace("(0)", "").encode()) for text in _texts(values))


def _database_holds(path):
    """Ask every column of every table of a database, and of what its views read."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            names = connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal UNION ALL"
                " SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
            return any(_holds(connection.execute(f'FROM "{schema}"."{name}"').fetchall()) for schema, name in names)
    except duckdb.Error:
        return True


def _sqlite_holds(path):
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return any(_holds(connection.execute(f"SELECT * FROM {name}").fetchall()) for name in names)


def holders(root):
    """Return the files below a folder that hold her number, unpacked and asked in every way that there is."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        holds = bool(_WRITTEN.search(content))
        if path.suffix == ".parquet":
            holds |= _holds(pq.read_table(path, partitioning=None).to_pylist())
            holds |= bool(_WRITTEN.search(repr(pq.read_metadata(path).metadata).encode()))
        elif path.suffix == ".gz":
            holds |= bool(_WRITTEN.search(gzip.decompress(content).replace(b"(0)", b"")))
        elif path.suffix == ".duckdb":
            holds |= _database_holds(path)
        elif path.suffix == ".sqlite":
            holds |= _sqlite_holds(path)
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                holds |= any(_WRITTEN.search(archive.read(name)) for name in archive.namelist())
        if holds:
            found.append(str(path.relative_to(root)))
    return found


def forget(root, **options):
    """Forget her."""
    return library.forget(root, SPELLED, privacy_key=KEY, **options)


def content(root):
    """Return the ids that a plain glob finds, in order, by stream."""
    found = {}
    for name in ("sms_history", "a2p_sms_history"):
        found[name] = sorted(pq.read_table(root / "lake" / name, partitioning=None)["message_id"].to_pylist())
    return found


def run(root, kill_at, steps):
    """Forget her in this process, which is killed before the step `kill_at`, or writes how many steps it took."""
    done = Counter()

    def step(event, arguments):
        if event in STEPS and any(str(root) in str(argument) for argument in arguments):
            done["steps"] += 1
            if done["steps"] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)
    forget(root)
    Path(steps).write_text(str(done["steps"]))


def killed(root, kill_at=0):
    """Forget her in a process that is killed at a step, or never; return whether it was, and else its steps."""
    steps = Path(f"{root}.steps")
    process = CONTEXT.Process(target=run, args=(root, kill_at, steps), daemon=True)
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0, int(steps.read_text()) if process.exitcode == 0 else 0


def campaign(folder, *, kills, seed, days=DAYS):
    """Kill an erasure at steps all over it, and look; then do it again, and search everything; return a tally."""
    rng = random.Random(seed)
    original, finished = folder / "original", folder / "finished"
    make(original, days=days, compacted=days > 4)
    shutil.copytree(original, finished, symlinks=True)
    _, length = killed(finished)
    assert holders(original)
    assert holders(finished) == []
    before, after, tally = content(original), content(finished), Counter(steps=length)
    certificate = certificates(finished)[0]
    plan = list(range(1, length + 1))
    rng.shuffle(plan)
    for step in (plan * (1 + kills // len(plan)))[:kills]:
        root = folder / "data"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(original, root, symlinks=True)
        died, _ = killed(root, step)
        tally["kills" if died else "ends"] += 1
        now = content(root)
        for name, ids in now.items():
            assert len(set(ids)) == len(ids), step
            assert set(after[name]) <= set(ids) <= set(before[name]), step
        done = forget(root)
        assert done.exit_code == 0, (step, done.left)
        assert content(root) == after, step
        assert holders(root) == [], step
        made = certificates(root)
        assert len(made) in (1, 2), step
        assert made[0]["streams"] == certificate["streams"], step
        assert [its["path"] for its in made[0]["files"]] == [its["path"] for its in certificate["files"]], step
        assert forget(root).nothing, step
    return tally


def certificates(root):
    """Return the certificates of a data directory."""
    return [json.loads(path.read_bytes()) for path in sorted((root / "certificates").glob("*.json"))]


def main(arguments):
    """Kill so many times, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="voxlake-forgets-") as folder:
        tally = campaign(Path(folder), kills=chosen.kills, seed=chosen.seed)
        sys.stdout.write(f"seed {chosen.seed}: {dict(tally)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
