"""Time what a database costs as it grows: built, with one more day, with nothing new, and asked for its reports.

    python benchmarks/layouts.py --rows 10000000 --days 365 [--database linked] [--lake DIR] [--write FILE]

With --lake the made-up lake stays there, to be measured again; its database is built anew each time. Without
--database both layouts are measured. `make layouts` writes the table of benchmarks/LAYOUTS.md.
"""

from __future__ import annotations

import argparse
import inspect
import resource
import shutil
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from measure import folder

from voxlake.lake import Lake, Manifest
from voxlake.model import DayFile, DayKey, FinalityPolicy
from voxlake.reporting import bind_parameters, load_saved_queries
from voxlake.transform import STREAMS
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT, FIRST, STEPS = 4711, date(2017, 1, 1), 3
LAYOUTS = ["portable", "linked"]
SETTLING = FinalityPolicy(timedelta(hours=72), timedelta(days=14))
_ABOUT = """\
{rows:,} rows of two histories of one account, 2 cores; written by `make layouts`. Where others use the machine at the
same time, wall times are long and uneven, and cpu seconds are the better measure.
"""
REPORTS = (
    "daily", "monthly-cost", "delivery-rate", "inbound-vs-outbound", "cost-anomalies", "top-errors", "top-destinations",
    "top-recipients",
)  # fmt: skip
_CODES = ("4479", "4917", "3361", "3934", "3466", "4367", "4175", "1212", "9198", "5511")
_DELIVERY = ("DELIVERED",) * 17 + ("FAILED", "EXPIRED", "REJECTED")


def columns(rows: int, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Make up the columns of a day that may be the same in every day."""
    status = rng.choice(np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 2]), rows)
    prefixes = rng.choice(np.array(_CODES), rows)
    return {
        "source_number": pa.array(np.char.add("SENDER", rng.integers(10, 60, rows).astype(str))),
        "destination_number": pa.array(np.char.add(prefixes, rng.integers(10**6, 10**7, rows).astype(str))),
        "direction": pa.array(rng.choice(np.array(["OUT", "OUT", "OUT", "IN"]), rows)),
        "delivery_status": pa.array(rng.choice(np.array(_DELIVERY), rows)),
        "fragments": pa.array(rng.integers(1, 4, rows), pa.int32()),
        "cost": pa.array(rng.integers(1, 900, rows), pa.int32()).cast(pa.decimal128(18, 6)),
        "status_id": pa.array(status, pa.int8()),
        "status": pa.array(np.where(status == 1, "success", "error")),
        "error_message": pa.array(np.where(status == 1, None, "No route"), pa.string()),
        "text": pa.array(np.char.add("Your code is ", rng.integers(0, 10**6, rows).astype(str))),
    }


def put(lake: Lake, key: DayKey, same: dict[str, pa.Array], rng: np.random.Generator) -> None:
    """Write a day."""
    schema, rows = STREAMS[key.stream].schema, len(same["cost"])
    start = int(datetime.combine(key.date, datetime.min.time(), UTC).timestamp())
    seconds = np.sort(rng.integers(0, 86_400, rows))
    own = {
        "message_id": pa.array(key.date.toordinal() * 10**7 + np.arange(rows), pa.int64()),
        "processed_at": pa.array((start + seconds) * 1_000_000, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
    }
    made = [(same | own).get(field.name, pa.nulls(rows, field.type)) for field in schema]
    writer = lake.writer(key)
    writer.add(pa.table(made, schema=schema))
    lake.commit(
        writer,
        DayFile(
            key=key,
            row_count=rows,
            total_count=rows,
            verified=True,
            moving=0,
            exported_at=datetime.now(UTC),
            checksum="",
        ),
    )


def fill(lake: Lake, rows: int, days: int, *, first: int = 0) -> None:
    """Write so many rows of both histories over so many days."""
    rng = np.random.default_rng()
    same = columns(rows // days // len(STREAMS), rng)
    for n in range(first, first + days):
        for stream in STREAMS:
            put(lake, DayKey(ACCOUNT, stream, FIRST + timedelta(days=n)), same, rng)


@contextmanager
def timed(label: str, found: dict[str, dict[str, float]]) -> Iterator[None]:
    """Measure seconds by the clock and of the processors, and the bytes that this process wrote."""
    began, cpu, written = time.perf_counter(), time.process_time(), _written()
    yield
    found[label] = {
        "wall s": time.perf_counter() - began,
        "cpu s": time.process_time() - cpu,
        "written MB": (_written() - written) / 1e6,
    }
    print(label, {name: round(value, 3) for name, value in found[label].items()}, flush=True)


def _written() -> int:
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes"):
            return int(line.partition(":")[2])
    return 0


def measured(lake: Lake, rows: int, days: int, *, options: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Build the database of a lake that has these rows, publish a day more, and ask for reports."""
    found: dict[str, dict[str, float]] = {}
    warehouse = Warehouse(lake.root, **options)

    def publish(label: str, *, rebuild: bool = False) -> None:
        manifest = Manifest(lake)
        with timed(label, found):
            warehouse.publish(manifest.changes, lake, finality=SETTLING, rebuild=rebuild)

    publish("build", rebuild=True)
    for n in range(STEPS):
        fill(lake, rows // days, 1, first=days + n)
        publish(f"one day more, {n + 1}")
    publish("nothing new")
    for name in REPORTS:
        query = load_saved_queries(None)[name]
        bound = bind_parameters(query, first=None, end=None, number=None, tz="UTC" if "$tz" in query.sql else None)
        with timed(f"report {name}", found), warehouse.reader() as connection:
            connection.execute(query.sql, bound).fetchall()
    query = load_saved_queries(None)["daily"]
    for label, given in (("--tz", {"tz": "Europe/Berlin"}), ("--number", {"number": "SENDER11", "tz": "UTC"})):
        bound = bind_parameters(query, **{"first": None, "end": None, "number": None} | given)
        with timed(f"report daily {label}", found), warehouse.reader() as connection:
            connection.execute(query.sql, bound).fetchall()
    with timed("checks over everything", found):
        failed = warehouse.failed_checks()
    assert not failed, failed
    size = sum(file.stat().st_size for file in (lake.root / "warehouse").rglob("*") if file.is_file())
    found["size"] = {"MB": size / 1e6}
    found["peak"] = {"MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    print(found["size"], found["peak"])
    return found


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--database", choices=LAYOUTS, action="append")
    parser.add_argument("--lake", type=Path)
    parser.add_argument("--write", type=Path)
    chosen = parser.parse_args()
    knows = "database" in inspect.signature(Warehouse).parameters
    with folder() as made:
        lake = Lake(chosen.lake or Path(made))
        with lake.locked(holder="a benchmark"):
            if not lake.layout.lake.is_dir():
                began = time.perf_counter()
                fill(lake, chosen.rows, chosen.days)
                print(f"a lake of {chosen.rows:,} rows in {time.perf_counter() - began:.1f} s", flush=True)
            found = {}
            for layout in chosen.database or LAYOUTS:
                options = {"database": layout} if knows else {}
                found[layout] = measured(lake, chosen.rows, chosen.days, options=options)
                shutil.rmtree(lake.root / "warehouse")
    if chosen.write:
        chosen.write.write_text(table(chosen.rows, found), encoding="utf-8")


def table(rows: int, found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return what was measured of each layout as a page."""
    names = [f"{layout}, {unit}" for layout in found for unit in ("wall s", "cpu s", "written MB")]
    lines = [
        "# What a database costs by its layout\n",
        _ABOUT.format(rows=rows),
        f"| | {' | '.join(names)} |",
        f"|---{'|---' * len(names)}|",
    ]
    for step in next(iter(found.values())):
        values = [its[step].get(unit) for its in found.values() for unit in ("wall s", "cpu s", "written MB")]
        if any(value is not None for value in values):
            lines.append(f"| {step} | {' | '.join('' if value is None else f'{value:.2f}' for value in values)} |")
    for name in ("size", "peak"):
        shown = [f"{layout} {value:.0f} {unit}" for layout in found for unit, value in found[layout][name].items()]
        lines.append(f"\n{name.capitalize()}: {', '.join(shown)}.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
