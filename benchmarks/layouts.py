"""Measure what a database costs as it grows: built, with a day more, with nothing new, audited, asked for its reports.

    python benchmarks/layouts.py --rows 10000000 --rows 100000000 [--database linked] [--folder DIR] [--write FILE]

Each step runs in a process of its own, which says what it took without its start: so the peak of memory is the step's.
With --folder the made-up lakes stay there, to be measured again, and --part asks the databases that are there already.
What was measured is kept in the file --results: what is measured again takes its place. `make layouts` writes
benchmarks/LAYOUTS.md and benchmarks/layouts.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import server
from measure import folder
from synthetic_lake import ACCOUNT, DAY_ROWS, days_of, fill

from voxlake.lake import Lake
from voxlake.model import DAY, DayKey
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

Results = dict[str, dict[str, dict[str, dict[str, float]]]]
"""What was measured by rows, layout, step and unit."""
HERE = Path(__file__).resolve().parent
NEW_DAYS = 3
LAYOUTS = ["portable", "linked"]
UNITS = ("wall s", "cpu s", "written MB", "peak MiB")
REPORTS = (
    "daily", "monthly-cost", "delivery-rate", "inbound-vs-outbound", "cost-anomalies", "top-errors", "top-destinations",
    "sender-performance", "failed-but-billed", "segment-audit", "stuck-messages", "top-recipients",
)  # fmt: skip
ASKED = [f"report {name}" for name in REPORTS]
ASKED += ["report daily --tz Europe/Berlin", "report daily --number SENDER11", "report top-recipients, 10 rows"]
_ABOUT = """\
Two histories of one account, {day:,} rows a day, 2 cores; {today}, written by `make layouts`. Each step is a process of
its own, measured after its start and its imports; a process that has done no more had a peak of {start:.0f} MiB. Where
others use the machine at the same time, wall times are long and uneven, and cpu seconds are the better measure.
"""


class LakeHistory(server.History):
    """The last days of a history in a lake, served as the API would, so that an audit finds them as they are."""

    def __init__(self, lake: Lake, stream: str, days: Sequence[date]) -> None:
        method, self.date = STREAMS[stream].method, server.STREAMS[STREAMS[stream].method]
        self.a2p, self.read, self.seconds, pieces = method.startswith("A2P"), set(), [], []
        own = "delivery_status" if self.a2p else "direction"
        for day in days:
            for table in lake.read_rows(DayKey(ACCOUNT, stream, day)):
                for row in table.to_pylist():
                    at = row.pop("processed_at")
                    self.seconds.append(int(at.timestamp()))
                    sent = {name: row[name] for name in server.FIELDS.split() if row.get(name) is not None}
                    sent |= {own: row[own], "cost": float(row["cost"]), self.date: f"{at:%Y-%m-%d %H:%M:%S}"}
                    pieces.append(f"{json.dumps(sent | {'status_id': str(row['status_id'])})},".encode())
        ends = [0]
        for piece in pieces:
            ends.append(ends[-1] + len(piece))
        self.buffers, self.ends = {"json": memoryview(b"".join(pieces))}, {"json": ends}


def serve(lake: Lake, days: Sequence[date]) -> str:
    """Serve the last days of a lake from now on, in a thread, and return the address."""
    handler = server.Handler
    handler.histories = {its.method: LakeHistory(lake, name, days) for name, its in STREAMS.items()}
    handler.wire, handler.latency = server.ApiClient(), 0.0
    serving = server.Server(("127.0.0.1", 0), handler)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{serving.server_address[1]}"


def step(name: str, root: Path, layout: str, *more: str) -> dict[str, float]:
    """Run a step of `layout_steps.py`, and return what it took."""
    command = [sys.executable, HERE / "layout_steps.py", name, root, layout, *more]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(layout, name, {unit: round(value, 3) for unit, value in found.items()}, flush=True)
    return found


def published(lake: Lake, rows: int, layout: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Build the database of a lake, and publish days more."""
    root, last = lake.root, datetime.now(UTC).date() - DAY
    shutil.rmtree(root / "warehouse", ignore_errors=True)
    (root / "voxlake.duckdb").unlink(missing_ok=True)
    with lake.locked(holder="a benchmark"):
        for n in range(NEW_DAYS):
            for stream in STREAMS:
                shutil.rmtree(lake.path(DayKey(ACCOUNT, stream, last - n * DAY)).parent, ignore_errors=True)
        yield "build", step("build", root, layout)
        for n in reversed(range(NEW_DAYS)):
            fill(lake, last - n * DAY, 1, recipients=max(1, rows // 12))
            yield f"one day more, {NEW_DAYS - n}", step("publish", root, layout)
        yield "nothing new", step("publish", root, layout)
    sizes = [file.stat().st_size for file in (root / "warehouse" / "rows").glob("*")]
    yield "size MB", {"size": ((root / "voxlake.duckdb").resolve().stat().st_size + sum(sizes)) / 1e6}


def asked(lake: Lake, layout: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Ask a database for what there is to ask."""
    root, last = lake.root, datetime.now(UTC).date() - DAY
    week = [last - n * DAY for n in reversed(range(7))]
    url = serve(lake, week)
    yield "audit of a week", step("audit", root, layout, url, str(week[0]))
    for name in ASKED:
        yield name, step(name, root, layout)
    yield "checks over everything", step("checks", root, layout)
    yield "nothing", step("nothing", root, layout)


def lake_of(root: Path, rows: int) -> Lake:
    """Return the lake of so many rows in a folder, after filling it if it is not there."""
    lake, days = Lake(root), days_of(rows)
    if not lake.layout.lake.is_dir():
        lake.layout.lake.mkdir(parents=True)
        with lake.locked(holder="a benchmark"):
            first = datetime.now(UTC).date() - timedelta(days=days + NEW_DAYS)
            fill(lake, first, days, recipients=max(1, rows // 12))
    return lake


def table(found: Results) -> str:
    """Return what was measured as a page: a table for each number of rows."""
    lines = ["# What a database costs by its layout\n"]
    start = max(steps["nothing"]["peak MiB"] for its in found.values() for steps in its.values() if "nothing" in steps)
    lines.append(_ABOUT.format(day=DAY_ROWS, today=datetime.now(UTC).date(), start=start))
    for rows, its in sorted(found.items(), key=lambda each: int(each[0])):
        names = [f"{layout}, {unit}" for layout in its for unit in UNITS]
        lines += [f"## {int(rows):,} rows\n", f"| | {' | '.join(names)} |", f"|---{'|---' * len(names)}|"]
        for name in dict.fromkeys(name for steps in its.values() for name in steps):
            if name not in ("size MB", "nothing"):
                values = [steps.get(name, {}).get(unit) for steps in its.values() for unit in UNITS]
                digits = [0 if unit == "peak MiB" else 2 for _ in its for unit in UNITS]
                shown = ["" if value is None else f"{value:,.{n}f}" for value, n in zip(values, digits, strict=True)]
                lines.append(f"| {name} | {' | '.join(shown)} |")
        sizes = ", ".join(f"{layout} {steps['size MB']['size']:,.0f} MB" for layout, steps in its.items())
        lines.append(f"\nSize of one generation with its files: {sizes}.\n")
    return "\n".join(lines).rstrip("\n") + "\n"


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--database", choices=LAYOUTS, action="append")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--part", choices=("publish", "ask"), action="append")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--write", type=Path)
    chosen = parser.parse_args()
    found: Results = {}
    if chosen.results and chosen.results.exists():
        found = json.loads(chosen.results.read_text(encoding="utf-8"))
    with folder() as made:
        for rows, layout in product(chosen.rows or [10_000_000], chosen.database or LAYOUTS):
            # A folder for each layout: two databases of one lake would publish by turns.
            lake = lake_of((chosen.folder or Path(made)) / f"{rows}-{layout}", rows)
            steps = found.setdefault(str(rows), {}).setdefault(layout, {})
            parts = chosen.part or ["publish", "ask"]
            for part in parts:
                steps |= dict(published(lake, rows, layout) if part == "publish" else asked(lake, layout))
                if chosen.results:
                    chosen.results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            if not chosen.folder:
                shutil.rmtree(lake.root)
    if chosen.write:
        chosen.write.write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
