"""The night of a reseller: what an export of many quiet accounts takes on the day after the last one.

Each account has a year of history, of one of a few kinds. An account of each kind is exported as of yesterday from the
sandbox. To do that with all takes an hour, so that the others get links to the day files of its final days, which are
never asked for again, and have but their last days exported.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from measure import folder, timed

from voxlake.lake import Lake
from voxlake.library import connect_all, export
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HERE = Path(__file__).resolve().parent
KINDS = 10
"""How many histories there are: every tenth account has the same."""
JOBS, LATENCY = 16, 0.1

SETTINGS = """\
data_dir = "data"
api_url = "{url}"
jobs = {jobs}

[accounts.main]
credentials = "{credentials}"
enabled = false

[accounts.children]
parent = "main"
children = "all"
since = {since}
"""


class Night(NamedTuple):
    """What the export took: seconds of the processors and by the clock, MiB at its peak, requests, and its new rows."""

    cpu: float
    wall: float
    peak: float
    requests: int
    rows: int


class Yesterday:
    """A clock that is a day behind."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(tz=UTC) - timedelta(days=1)

    def time(self) -> float:
        """Return the time in seconds since 1970."""
        return self.now().timestamp()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def measured(accounts: int, days: int, *, quiet: float) -> Night:
    """Prepare the data directory of a reseller with so many accounts and days of history, and measure its next night.

    A share of the accounts (0 to 1) is `quiet`: they have a message a week, the others three a day. The export is the
    program as cron runs it, from its start to its end.
    """
    with folder() as made, _reseller(Path(made, "sandbox"), accounts, days, quiet) as ((url, credentials), ask):
        where, yesterday = Path(made), Yesterday().now().date()
        since = yesterday - timedelta(days=days - 1)
        settings = where / "voxlake.toml"
        settings.write_text(SETTINGS.format(url=url, jobs=JOBS, credentials=credentials, since=since), encoding="utf-8")
        children = connect_all(settings, data_dir=where / "data", clock=Yesterday())
        for several in (children[:KINDS], children):
            first = export(several, where / "data")
            if first.exit_code:
                raise SystemExit(f"the first export failed: {first}")
            if several is not children:
                copy_final_days(Lake(where / "data"), [child.account_id for child in children])
        _, before = _published(where)
        ask("tomorrow")
        night = _export(where)
        requests, (found, after) = int(ask("requests")), _published(where)
        if found != 2 * accounts * (days + 1):
            raise SystemExit(f"the night left {found:,} days of {accounts:,} accounts")
        return night._replace(requests=requests, rows=after - before)


def copy_final_days(lake: Lake, accounts: Sequence[int]) -> None:
    """Give the accounts after the first of each kind its final days: links to its files, and copies of its entries."""
    end = f"date={Yesterday().now().date() - timedelta(days=5)}"
    for table in (lake.layout.lake / stream.table for stream in STREAMS.values()):
        for number, account in enumerate(accounts[KINDS:]):
            folder = table / f"account_id={account}"
            folder.mkdir()
            for day in os.scandir(table / f"account_id={accounts[number % KINDS]}"):
                if day.name < end:
                    (folder / day.name).mkdir()
                    os.link(f"{day.path}/part.parquet", folder / day.name / "part.parquet")
    with closing(sqlite3.connect(lake.layout.index)) as index, index:
        for table in ("day_files", "accounts"):
            columns = ", ".join(name for _, name, *_ in index.execute(f"PRAGMA table_info({table})").fetchall()[1:])
            copy = f"INSERT INTO {table} SELECT ?, {columns} FROM {table} WHERE account_id = ?"
            if table == "day_files":
                # Under a number of their own, so that the next publish hears of them.
                newest = "(SELECT max(sequence) + 1 FROM day_files)"
                copy = copy.replace("sequence", newest) + f" AND 'date=' || date < '{end}'"
            index.executemany(copy, ((its, accounts[n % KINDS]) for n, its in enumerate(accounts[KINDS:])))


def _export(where: Path) -> Night:
    """Run the program, and say what it took but for requests and rows."""
    command = [str(Path(sys.executable).with_name("voxlake")), "export"]
    usage, wall = timed("voxlake", command, cwd=where)
    return Night(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, 0, 0)


def _published(where: Path) -> tuple[int, int]:
    """Count the verified days in the database, and their rows."""
    import duckdb

    with duckdb.connect(str(where / "data" / "voxlake.duckdb"), read_only=True) as database:
        return database.execute("SELECT count(*), sum(row_count) FROM coverage WHERE verified").fetchone()


@contextmanager
def _reseller(
    directory: Path, accounts: int, days: int, quiet: float
) -> Iterator[tuple[list[str], Callable[[str], str]]]:
    """Start the sandbox, and yield what it says first, and how to say a line to it and hear its answer."""
    directory.mkdir()
    command = [sys.executable, HERE / "reseller.py", directory, "--accounts", accounts, "--latency", LATENCY]
    command += ["--kinds", KINDS, "--days", days, "--quiet", quiet]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen(list(map(str, command)), **pipes) as process:

        def ask(line: str) -> str:
            process.stdin.write(f"{line}\n")
            return process.stdout.readline().strip()

        try:
            yield process.stdout.readline().split(), ask
        finally:
            process.stdin.close()
