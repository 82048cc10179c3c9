"""One step of `layouts.py` in a process of its own: it prints what the step took, without its start, as JSON.

python layout_steps.py "report daily" DATA_DIR LAYOUT
"""

from __future__ import annotations

import json
import shlex
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from synthetic_lake import ACCOUNT

import voxlake
from voxlake import library
from voxlake.lake import Lake, Manifest
from voxlake.model import FinalityPolicy
from voxlake.reporting import bind_parameters, load_saved_queries, query_pieces, read_scope
from voxlake.warehouse import Warehouse

SETTLING = FinalityPolicy(timedelta(hours=72), timedelta(days=14))


def publish(root: Path, layout: str, *, rebuild: bool = False) -> None:
    """Publish what is new, or everything."""
    lake = Lake(root)
    warehouse = Warehouse(root, database=layout)
    warehouse.publish(lambda mark: Manifest(lake).changes(mark), lake, finality=SETTLING, rebuild=rebuild)


def report(root: Path, words: str) -> None:
    """Answer a report as csv, as the program does: its name, its options, and after a comma how many rows of it."""
    asked, _, rows = words.partition(",")
    name, *options = shlex.split(asked)
    given: dict[str, Any] = {"first": None, "end": None, "number": None, "tz": None}
    given |= {option.removeprefix("--"): value for option, value in zip(options[::2], options[1::2], strict=True)}
    query = load_saved_queries(None)[name]
    with Warehouse(root).reader() as connection:
        scope = read_scope(connection, given["tz"])
        bound = scope.bind(bind_parameters(query, **given))
        limit = int(rows.split()[0]) if rows else None
        for _ in query_pieces(connection, query.sql, bound, form="csv", limit=limit, report_of=scope):
            pass


def audit(root: Path, url: str, since: str) -> None:
    """Compare the days since that one with the API at `url`, with the database, and with their own checksums."""
    account = voxlake.connect((ACCOUNT, "key"), api_url=url)
    found = library.audit(account, root, since=since, pages=10, seed=1)
    if found.exit_code:
        raise SystemExit(f"the audit found something: {found}")


def checks(root: Path) -> None:
    """Check everything."""
    failed = Warehouse(root).examine().failed_checks
    if failed:
        raise SystemExit(f"checks failed: {failed}")


def run(name: str, root: Path, layout: str, *more: str) -> None:
    """Do one step."""
    if name in ("build", "publish"):
        publish(root, layout, rebuild=name == "build")
    elif name == "audit":
        audit(root, *more)
    elif name == "checks":
        checks(root)
    elif name.startswith("report "):
        report(root, name.removeprefix("report "))


def _of_process(file: str, name: str) -> int:
    lines = Path("/proc/self", file).read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def main() -> None:
    """Measure one step."""
    name, root, *more = sys.argv[1:]
    began, cpu, written = time.perf_counter(), time.process_time(), _of_process("io", "write_bytes")
    run(name, Path(root), *more)
    taken = {
        "wall s": time.perf_counter() - began,
        "cpu s": time.process_time() - cpu,
        "written MB": (_of_process("io", "write_bytes") - written) / 1e6,
        # Of this program alone: what `getrusage` says begins with what the parent had.
        "peak MiB": _of_process("status", "VmHWM") / 1024,
    }
    print(json.dumps(taken))


if __name__ == "__main__":
    main()
