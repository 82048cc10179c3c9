"""Time what it takes to bring over `ledger.json` of a large lake, and to make the index again from the footers.

Footers are also read where the ledger is of version 0.1 or other fields were declared since.

    python benchmarks/migrate.py --days 100000

The lake has two histories of several accounts with 3,650 days each, all without a message: what the index costs depends
on how many days there are, and not on what is in them. Each step is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from measure import folder

from voxlake.lake import Lake, Manifest
from voxlake.lake.entries import FACTS
from voxlake.lake.evolve import declaration
from voxlake.model import DayFile, DayKey
from voxlake.transform import STREAMS

DAYS, FIRST = 3650, date(2016, 1, 1)


def fill(lake: Lake, days: int) -> None:
    """Write so many days, and what version 0.2 would know of them."""
    parts: list[dict[str, object]] = []
    for account in range(1, -(-days // (DAYS * len(STREAMS))) + 1):
        for stream in STREAMS.values():
            if len(parts) == days:
                break
            key = DayKey(account, stream.name, FIRST)
            writer = lake.writer(key)
            day_file = lake.commit(
                writer,
                DayFile(
                    key=key, row_count=0, total_count=0, verified=True, moving=0, checksum="",
                    exported_at=datetime(2026, 1, 1, tzinfo=UTC),
                ),
            )  # fmt: skip
            stat = lake.path(key).stat()
            said = {name: getattr(day_file, name) for name in FACTS if hasattr(day_file, name)}
            said["exported_at"] = said["exported_at"].isoformat()
            for n in range(min(DAYS, days - len(parts))):
                path = lake.path(key._replace(date=FIRST + timedelta(days=n)))
                if n:
                    path.parent.mkdir()
                    os.link(lake.path(key), path)
                parts.append(
                    {
                        "path": str(path.relative_to(lake.root)), "ids": None,
                        "stamp": f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}", **said,
                    }
                )  # fmt: skip
    old = {"version": 1, "voxlake": "0.2.0", "declared": declaration(), "last_run": None, "lost": [], "parts": parts}
    lake.layout.old_index.write_text(json.dumps(old), encoding="utf-8")


def step(root: Path) -> None:
    """Open the manifest of everything, and save it."""
    began, cpu = time.perf_counter(), time.process_time()
    lake = Lake(root)
    with lake.locked(holder="a benchmark"):
        manifest = Manifest(lake)
        manifest.save(last_runs={1: {"ended_at": "2026-01-01T00:00:00+00:00", "exit_code": 0}})
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    print(
        f"{len(list(manifest)):,} days: {time.perf_counter() - began:.2f} s, {time.process_time() - cpu:.2f} cpu s,"
        f" {peak:.0f} MiB, index {lake.layout.index.stat().st_size / 1e6:.1f} MB"
    )


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=100_000)
    parser.add_argument("--step", type=Path)
    chosen = parser.parse_args()
    if chosen.step:
        step(chosen.step)
        return
    with folder() as made:
        lake = Lake(Path(made))
        with lake.locked(holder="a benchmark"):
            fill(lake, chosen.days)
        print(f"ledger.json: {lake.layout.old_index.stat().st_size / 1e6:.1f} MB", flush=True)
        for name in ("bring over ledger.json", "open the index", "read the footers"):
            if name == "read the footers":
                lake.layout.index.unlink()
                lake.layout.old_index.unlink()
            print(f"{name}: ", end="", flush=True)
            subprocess.run([sys.executable, __file__, "--step", lake.root], check=True)


if __name__ == "__main__":
    main()
