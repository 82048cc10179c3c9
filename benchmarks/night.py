"""The night of a reseller: what an export of many quiet accounts takes on the day after the last one.

Each account has a year of history, of one of a few kinds. An account of each kind is exported as of yesterday from the
sandbox. To do that with all takes an hour, so that the others get what that has left: links to its day files, and
copies of its rows in the index, in the database, and of what is known of accounts.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from measure import folder, timed

from voxlake.lake import AccountRegistry, Lake
from voxlake.library import connect_all, export
from voxlake.transform import STREAMS
from voxlake.warehouse.own import remember

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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
        first = export(children[:KINDS], where / "data")
        if first.exit_code:
            raise SystemExit(f"the first export failed: {first}")
        copy_accounts(Lake(where / "data"), {child.account_id: child.name for child in children})
        _, before = _published(where)
        ask("tomorrow")
        night = _export(where)
        requests, (found, after) = int(ask("requests")), _published(where)
        if found != 2 * accounts * (days + 1):
            raise SystemExit(f"the night left {found:,} days of {accounts:,} accounts")
        return night._replace(requests=requests, rows=after - before)


def copy_accounts(lake: Lake, names: Mapping[int, str | None]) -> None:
    """Give the accounts after the first of each kind what an export of their own would have left.

    That is links to its day files, its rows of the index and of the database, and what is known of it; `names` are the
    names of all accounts by their numbers.
    """
    models, copies = list(names)[:KINDS], list(names)[KINDS:]
    pairs = [(copy, models[number % KINDS]) for number, copy in enumerate(copies)]
    if not pairs:
        return
    for table in (lake.layout.lake / stream.table for stream in STREAMS.values()):
        for copy, model in pairs:
            folder = table / f"account_id={copy}"
            folder.mkdir()
            for day in os.scandir(table / f"account_id={model}"):
                (folder / day.name).mkdir()
                os.link(f"{day.path}/part.parquet", folder / day.name / "part.parquet")
    with closing(sqlite3.connect(lake.layout.index)) as index, index:
        for table in ("day_files", "accounts", "runs", "learned"):
            columns = ", ".join(name for _, name, *_ in index.execute(f"PRAGMA table_info({table})").fetchall()[1:])
            index.executemany(f"INSERT INTO {table} SELECT ?, {columns} FROM {table} WHERE account_id = ?", pairs)
    registry = AccountRegistry(lake)
    for copy, model in pairs:
        registry.put(replace(registry.get(model), account_id=copy, name=names[copy]))
    registry.save()
    _copy_rows(lake.database, pairs)


def _copy_rows(database: Path, pairs: Sequence[tuple[int, int]]) -> None:
    """Give each account of `pairs` the rows that the other has in the published database."""
    import duckdb

    file = database.resolve()
    mode = file.stat().st_mode
    file.chmod(mode | 0o200)
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TEMP TABLE pairs (copy BIGINT, model BIGINT)")
        connection.executemany("INSERT INTO pairs VALUES (?, ?)", pairs)
        tables = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_columns() SEMI JOIN duckdb_tables() USING (table_oid)"
            " WHERE column_name = 'account_id' AND NOT internal"
        ).fetchall()
        for schema, table in tables:
            # DuckDB says nowhere which columns it generates but in the statement that makes the table.
            ((statement,),) = connection.execute(
                "SELECT sql FROM duckdb_tables() WHERE (schema_name, table_name) = (?, ?)", [schema, table]
            ).fetchall()
            columns = connection.execute(
                "SELECT column_name FROM duckdb_columns() WHERE (schema_name, table_name) = (?, ?)", [schema, table]
            ).fetchall()
            stored = [name for (name,) in columns if not re.search(rf"\b{name}\b [^,]*GENERATED ALWAYS", statement)]
            others = ", ".join(f"its.{name}" for name in stored if name != "account_id")
            connection.execute(
                f"INSERT INTO {schema}.{table} BY NAME SELECT copy AS account_id, {others}"
                f" FROM {schema}.{table} its JOIN pairs ON its.account_id = model"
            )
    file.chmod(mode)
    remember(database, file)


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
