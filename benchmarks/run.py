"""Measure voxlake against other ways to the same files, and write RESULTS.md: `make bench`.

Each program is run in turn with voxlake, several times, so that what else the machine does falls on both; what counts
are medians of the ratios within such a pair. Every contestant's database is counted afterwards.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import board
import night
import publish
from measure import Taken, folder, rows, run, server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DAYS = 60
QUIET = 0.9
"""The share of a reseller's accounts that have hardly any messages."""
CONTESTANTS = {
    "floor_fetch": "fetch all pages and drop them",
    "leanest": "leanest unverified program, daily Parquet + DuckDB",
    "leanest_same": "the same with every column, view and comment of voxlake's database",
    "script": "hand-written requests + pandas script",
    "dlt_tuned": "dlt rest_api, parallel, pages made Arrow tables by hand",
    "dlt_settings": "dlt rest_api, best of its settings: parallel, workers, large Parquet files",
    "dlt_default": "dlt rest_api, default",
    "vendor_sdk": "vendor's SDK in a script, date bug patched",
    "singer": "Singer tap into target-duckdb",
    "pyairbyte": "PyAirbyte, low-code source into its DuckDB cache",
}
FLOORS = {"floor_fetch"}
SLOW = {"dlt_settings", "dlt_default", "vendor_sdk", "singer", "pyairbyte"}
"""Run once: what takes a minute and more differs by factors, not by the noise."""


def contest(size: int, rounds: int, names: Sequence[str]) -> Iterable[str]:
    """Pair voxlake with each contestant."""
    yield f"## {2 * size:,} rows over {DAYS} days, no latency, 4 jobs"
    yield ""
    yield "| program | wall s | spread | cpu s | peak MiB | requests | wall ÷ voxlake | cpu ÷ voxlake |"
    yield "|---|---|---|---|---|---|---|---|"
    ours: list[Taken] = []
    lines = []
    with server("--rows", size, "--days", DAYS) as url:
        for name in names:
            pairs = []
            for _ in range(1 if name in SLOW else rounds):
                pairs.append((_once(name, url, 2 * size), _once("voxlake_export", url, 2 * size)))
                _say(f"{name}: {pairs[-1]}")
            ours += [our for _, our in pairs]
            lines.append(
                _line(CONTESTANTS[name], [its for its, _ in pairs])
                + f" {_median(its.wall / our.wall for its, our in pairs):.2f} |"
                f" {_median(its.cpu / our.cpu for its, our in pairs):.2f} |"
            )
    yield _line("**voxlake export, everything on**", ours) + " 1 | 1 |"
    yield from lines


def latency(size: int, rounds: int) -> Iterable[str]:
    """Put the API far away, and ask over more and more connections."""
    yield f"## {2 * size:,} rows, latency and jobs"
    yield ""
    yield "| latency ms | jobs | wall s | cpu s | requests | wire idle | faster than 1 job |"
    yield "|---|---|---|---|---|---|---|"
    for delay in (0.02, 0.1):
        with server("--rows", size, "--days", DAYS, "--latency", delay) as url:
            alone = 0.0
            for jobs in (1, 4, 8, 16):
                taken = [_once("voxlake_export", url, 2 * size, jobs) for _ in range(rounds if jobs > 1 else 1)]
                wall = _median(t.wall for t in taken)
                alone = alone or wall
                _say(f"{delay} s, {jobs} jobs: {taken}")
                yield (
                    f"| {delay * 1000:.0f} | {jobs} | {wall:.1f} | {_median(t.cpu for t in taken):.1f} |"
                    f" {taken[0].requests} | {_median(t.idle for t in taken):.0%} | {alone / wall:.1f} |"
                )


def busy_day(size: int) -> Iterable[str]:
    """Read one day of very many rows, which offsets do not reach at once."""
    jobs, delay = 16, 0.1
    yield f"## A busy day: {2 * size:,} rows of one UTC day, {delay * 1000:.0f} ms a request, {jobs} jobs (single runs)"
    yield ""
    yield "The ideal is what its full pages take on the wire where no job ever waits."
    yield ""
    yield "| output | wall s | ideal s | wall ÷ ideal | cpu s | peak MiB | requests |"
    yield "|---|---|---|---|---|---|---|"
    with server("--rows", size, "--days", 1, "--latency", delay) as url:
        for output in ("json", "csv"):
            taken = _once("voxlake_export", url, 2 * size, jobs, 1, output)
            ideal = 2 * size / 1000 / jobs * delay
            _say(f"busy day, {output}: {taken}")
            yield (
                f"| {output} | {taken.wall:.1f} | {ideal:.1f} | {taken.wall / ideal:.1f} | {taken.cpu:.1f} |"
                f" {taken.peak:.0f} | {taken.requests} |"
            )


def growth(sizes: Sequence[int]) -> Iterable[str]:
    """Watch time, requests and memory grow with the rows; one run each, and csv beside JSON."""
    yield "## Growth, and csv (single runs, no latency, 4 jobs)"
    yield ""
    yield (
        "| rows | output | wall s | cpu s | cpu ms per 1000 rows | peak MiB | requests"
        " | ÷ pages of all rows | ÷ pages of its windows |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for size in sizes:
        with server("--rows", size // 2, "--days", DAYS) as url:
            for output in ("json", "csv"):
                taken = _once("voxlake_export", url, size, 4, DAYS, output)
                _say(f"{size} rows, {output}: {taken}")
                yield (
                    f"| {size:,} | {output} | {taken.wall:.1f} | {taken.cpu:.1f} | {taken.cpu * 1e6 / size:.1f} |"
                    f" {taken.peak:.0f} | {taken.requests} | {taken.requests / (size / 1000):.2f} |"
                    f" {taken.requests / taken.least:.2f} |"
                )


def nightly(rounds: int) -> Iterable[str]:
    """Run on the morning after 30 quiet days of which none is final, with 5,000 rows of one new day."""
    yield "## Nightly run: 30 quiet open days, one new day of 5,000 rows"
    yield ""
    yield "| wall s | cpu s | requests |"
    yield "|---|---|---|"
    taken = []
    today = datetime.now(tz=UTC).date()
    os.environ["VOXLAKE_SETTLE_HOURS"] = str(90 * 24)
    with server("--rows", 75_000, "--days", 30, "--last", 2500) as url:
        for _ in range(rounds):
            with folder() as where:
                first = {"VOXIMPLANT_ACCOUNT_ID": "1", "VOXIMPLANT_API_KEY": "key", "VOXIMPLANT_API_URL": url}
                subprocess.run(
                    [
                        *(Path(sys.executable).parent / "voxlake", "backfill", "--data-dir", where),
                        *("--from", str(today - timedelta(days=31)), "--to", str(today - timedelta(days=1))),
                    ],
                    env={**os.environ, **first},
                    check=True,
                    capture_output=True,
                )
                taken.append(run("voxlake_export", url, where, 4, 31))
                if rows(where) != 155_000:
                    raise SystemExit(f"the nightly run left {rows(where)} rows")
    del os.environ["VOXLAKE_SETTLE_HOURS"]
    _say(f"nightly: {taken}")
    wall, cpu, requests = (_median(getattr(t, name) for t in taken) for name in ("wall", "cpu", "requests"))
    yield f"| {wall:.2f} | {cpu:.2f} | {requests:.0f} |"


def start(rounds: int) -> Iterable[str]:
    """See how long the command takes to say what it can do."""
    yield "## Start"
    yield ""
    yield "| command | wall ms, median | fastest |"
    yield "|---|---|---|"
    for flag in ("--version", "--help"):
        seconds = []
        for _ in range(max(5, 3 * rounds)):
            began = time.perf_counter()
            subprocess.run([Path(sys.executable).parent / "voxlake", flag], check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
        yield f"| voxlake {flag} | {_median(seconds) * 1000:.0f} | {min(seconds) * 1000:.0f} |"


def before(size: int, rounds: int, program: Path | None) -> Iterable[str]:
    """Pair this voxlake with an earlier one, whose folder of programs is `program`; nothing where there is none."""
    if program is None:
        return
    yield f"## Before and after: {2 * size:,} rows, this version against the one in `--before`, in pairs"
    yield ""
    yield "| latency ms | jobs | before, wall s | after, wall s | after ÷ before, wall | cpu | peak MiB before, after |"
    yield "|---|---|---|---|---|---|---|"
    for delay, jobs in ((0, 4), (0.05, 8), (0.05, 16), (0.1, 8), (0.1, 16)):
        with server("--rows", size, "--days", DAYS, "--latency", delay) as url:
            pairs = [
                (
                    _once("voxlake_export", url, 2 * size, jobs, program=program),
                    _once("voxlake_export", url, 2 * size, jobs),
                )
                for _ in range(rounds)
            ]
        _say(f"before and after, {delay} s, {jobs} jobs: {pairs}")
        walls, cpus = (
            [getattr(after, name) / getattr(earlier, name) for earlier, after in pairs] for name in ("wall", "cpu")
        )
        yield (
            f"| {delay * 1000:.0f} | {jobs} | {_median(b.wall for b, _ in pairs):.2f} |"
            f" {_median(a.wall for _, a in pairs):.2f} | {_median(walls):.2f} | {_median(cpus):.2f} |"
            f" {_median(b.peak for b, _ in pairs):.0f}, {_median(a.peak for _, a in pairs):.0f} |"
        )


def publishing(size: int, days: int) -> Iterable[str]:
    """Publish one new day of a large database, and rebuild the database, in turn."""
    yield f"## Publishing: one new day on {size:,} rows in {days} days, and a rebuild, in turn"
    yield ""
    yield "| what | seconds, median | all |"
    yield "|---|---|---|"
    rebuilds, steps = publish.measured(size, days)
    for what, seconds in (("rebuild", rebuilds), ("one new day", steps)):
        yield f"| {what} | {_median(seconds):.2f} | {', '.join(f'{s:.2f}' for s in seconds)} |"
    yield f"| a rebuild takes so many times as long | {_median(rebuilds) / _median(steps):.1f} | |"
    _say(f"publishing: {rebuilds}, {steps}")


def reseller(sizes: Sequence[int], days: int) -> Iterable[str]:
    """Export the accounts of resellers on the night after the last export."""
    yield "## A reseller's night"
    yield ""
    yield (
        f"`voxlake export` on the day after the last one: {days} days of history of each account, two streams,"
        f" {night.LATENCY * 1000:.0f} ms a request, {night.JOBS} jobs. A quiet account has a message"
        " a week, the others have three a day, which is what all have in the last row. Single runs,"
        f" {datetime.now(tz=UTC).date()}, load {os.getloadavg()[0]:.0f}."
    )
    yield ""
    yield "| accounts | quiet | new rows | requests | cpu s | cpu ms an account | peak MiB | wall s |"
    yield "|---|---|---|---|---|---|---|---|"
    for accounts, quiet in (*((size, QUIET) for size in sizes), (min(100, max(sizes)), 0.0)):
        taken = night.measured(accounts, days, quiet=quiet)
        _say(f"night of {accounts}: {taken}")
        yield (
            f"| {accounts:,} | {quiet:.0%} | {taken.rows:,} | {taken.requests:,} | {taken.cpu:.1f} |"
            f" {taken.cpu * 1000 / accounts:.0f} | {taken.peak:.0f} | {taken.wall:.1f} |"
        )


def _once(name: str, url: str, expected: int, *arguments: object, program: Path | None = None) -> Taken:
    with folder() as where:
        taken = run(name, url, where, *arguments, program=program)
        if name not in FLOORS and rows(where) != expected:
            raise SystemExit(f"{name} left {rows(where):,} rows of {expected:,}")
    return taken


def _line(label: str, taken: Sequence[Taken]) -> str:
    walls = [t.wall for t in taken]
    spread = f"{min(walls):.2f} to {max(walls):.2f}"
    return (
        f"| {label} | {_median(walls):.2f} | {spread} | {_median(t.cpu for t in taken):.2f} |"
        f" {_median(t.peak for t in taken):.0f} | {taken[0].requests} |"
    )


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def sections(text: str) -> dict[str, list[str]]:
    """Return the lines of each section by its heading, which is the first of them."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            its = found[line] = []
        its.append(line)
    return found


def main() -> None:
    """Measure what was chosen, and write it down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000, help="rows of each history")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--contestants", nargs="*", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--sizes", nargs="*", type=int, default=[40_000, 400_000, 4_000_000])
    parser.add_argument(
        "--parts",
        nargs="*",
        default=[
            *("contest", "before", "latency", "busy-day", "growth", "nightly", "reseller", "start", "publishing"),
            "dashboard",
        ],
    )
    parser.add_argument("--busy-rows", type=int, default=250_000, help="rows of each history on the busy day")
    parser.add_argument("--keep", action="store_true", help="leave the other sections of the file as they are")
    parser.add_argument("--before", type=Path, help="the folder of programs (bin) of an earlier voxlake, to pair with")
    parser.add_argument("--publish-rows", type=int, default=10_000_000)
    parser.add_argument("--publish-days", type=int, default=366)
    parser.add_argument("--accounts", nargs="*", type=int, default=[1, 10, 100, 1000], help="of the resellers")
    parser.add_argument("--history", type=int, default=365, help="days of history of each of their accounts")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    chosen = parser.parse_args()
    parts: dict[str, Callable[[], Iterable[str]]] = {
        "contest": lambda: contest(chosen.rows, chosen.rounds, chosen.contestants),
        "latency": lambda: latency(chosen.rows, chosen.rounds),
        "busy-day": lambda: busy_day(chosen.busy_rows),
        "growth": lambda: growth(chosen.sizes),
        "nightly": lambda: nightly(chosen.rounds),
        "reseller": lambda: reseller(chosen.accounts, chosen.history),
        "start": lambda: start(chosen.rounds),
        "before": lambda: before(chosen.rows, chosen.rounds, chosen.before),
        "publishing": lambda: publishing(chosen.publish_rows, chosen.publish_days),
        "dashboard": lambda: board.pages([(1, 1, 4), (10, 1, 4), (1, 100, 4), (10, 100, 4), (1, 1, 13_700)]),
    }
    cores, load = os.cpu_count(), os.getloadavg()[0]
    told = [
        "# What was measured",
        "",
        (
            f"{datetime.now(tz=UTC).date()}, {cores} cores, {platform.system()} {platform.machine()},"
            f" Python {platform.python_version()}; load of the machine at the start: {load:.1f}. Medians of"
            f" {chosen.rounds} paired runs; written by `make bench`. Where others use the machine at the same time,"
            " wall times are long and uneven, and cpu seconds are the better measure."
        ),
    ]
    written = sections(chosen.out.read_text(encoding="utf-8")) if chosen.keep and chosen.out.exists() else {}
    written = written or {told[0]: told}
    for name in chosen.parts:
        if lines := list(parts[name]()):
            written[lines[0]] = lines
        chosen.out.write_text("\n\n".join("\n".join(its).strip() for its in written.values()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
