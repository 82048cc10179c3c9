"""Where everything lies below a data directory. Pure: nothing here reads or writes a file.

lake/<table>/account_id=<n>/date=<UTC day>/part.parquet   one file a day of each stream and account
lake/<table>/account_id=<n>/date=<last of month>/days-<nn>.parquet   or one for the nn days up to the last of a month
rejects/<table>/account_id=<n>/date=<UTC day>.jsonl       rows that could not be decoded
rejects/gone/..., rejects/stray/...                       files that were replaced, or were not ours
raw/<start>-<process>.gz                                  replies, where they are kept
lake/accounts.json                                        what is known of each account
lake/forgotten.json                                       digests of numbers that were forgotten
ledger.sqlite                                             the index, and what was learned
ledger.json, learned.json                                 the same of versions up to 0.2; the first refuses them now
runs.jsonl, runs.1.jsonl                                  the history of runs
.lock, locks/, tmp/                                       the locks, files in the making
voxlake.duckdb -> warehouse/<generation>/voxlake.duckdb   the published database
warehouse/<generation>.duckdb                             the same of earlier versions, until two publishes later
warehouse/rows/                                           the messages of a linked database
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from voxlake.model import DAY, GREATEST_ID, DayKey
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS, DAYS, DAY_FILE = "account_id=", "date=", "part.parquet"
"""How the folders of accounts and of days begin, and the name of a day's file."""
TEMPORARY = ("*-*-????-??-??.parquet", "*-*-????-??-??.jsonl", "ledger.json", "accounts.json", "next.duckdb*")
"""Globs for what a run that died leaves in `tmp/`."""
_MONTH_FILE: Final = re.compile(r"days-([0-3][0-9])\.parquet")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of the data directory `root`; where it is shared, `run` is the name of the run that asks."""

    root: Path
    run: str = ""

    @property
    def lake(self) -> Path:
        """The folder of all day files, and of what is known of their accounts."""
        return self.root / "lake"

    @property
    def tmp(self) -> Path:
        """The folder of files in the making, of one run where several share the directory."""
        return self.root / "tmp" / self.run

    @property
    def lock(self) -> Path:
        """The file that is locked by what touches everything, and shared by runs of accounts."""
        return self.root / ".lock"

    @property
    def locks(self) -> Path:
        """The folder in which runs of accounts say what is theirs, and of the locks that they wait for."""
        return self.root / "locks"

    @property
    def accounts(self) -> Path:
        """What is known of each account."""
        return self.lake / "accounts.json"

    @property
    def forgotten(self) -> Path:
        """The digests of numbers that were forgotten."""
        return self.lake / "forgotten.json"

    @property
    def certificates(self) -> Path:
        """The folder of what was written about each erasure."""
        return self.root / "certificates"

    @property
    def old_learned(self) -> Path:
        """What runs of versions up to 0.2 learned of the API."""
        return self.root / "learned.json"

    @property
    def index(self) -> Path:
        """The index of the day files."""
        return self.root / "ledger.sqlite"

    @property
    def old_index(self) -> Path:
        """The index of versions up to 0.2, and now what makes them refuse the directory."""
        return self.root / "ledger.json"

    @property
    def runs(self) -> Path:
        """The history of runs."""
        return self.root / "runs.jsonl"

    @property
    def earlier_runs(self) -> Path:
        """The history of runs before those."""
        return self.root / "runs.1.jsonl"

    @property
    def replies(self) -> Path:
        """The folder of archived replies."""
        return self.root / "raw"

    @property
    def database(self) -> Path:
        """The link to the published database."""
        return self.root / "voxlake.duckdb"

    def day_file(self, key: DayKey) -> Path:
        """Return the path of a day's Parquet file."""
        return self.lake / STREAMS[key.stream].table / _account(key) / f"{DAYS}{key.date}" / DAY_FILE

    def month_file(self, last: DayKey, days: int) -> Path:
        """Return the path of the file that has the rows of some days up to the `last` one of a month."""
        return self.day_file(last).with_name(month_file_name(days))

    def key_of(self, path: Path) -> DayKey | None:
        """Return the day whose file lies at `path`; None where no day's file belongs there."""
        try:
            table, account, day, _ = path.relative_to(self.lake).parts
            stream = next(stream.name for stream in STREAMS.values() if stream.table == table)
            number = self.account_of(account)
            day_of = date.fromisoformat(day.partition("=")[2])
        except (ValueError, StopIteration):
            return None
        key = None if number is None else DayKey(number, stream, day_of)
        return key if key is not None and path == self.day_file(key) else None

    @staticmethod
    def account_of(folder: str) -> int | None:
        """Return the account whose folders have this name; None for another name, or too large a number."""
        try:
            number = int(folder.removeprefix(ACCOUNTS))
        except ValueError:
            return None
        return number if folder == f"{ACCOUNTS}{number}" and abs(number) <= GREATEST_ID else None

    def draft(self, key: DayKey, suffix: str = ".parquet") -> Path:
        """Return where a file of a day is made before it is put in place."""
        return self.tmp / f"{key.stream}-{key.account_id}-{key.date}{suffix}"

    def rejects(self, key: DayKey) -> Path:
        """Return the path of the JSON lines that hold the undecodable rows of a day."""
        return self.root / "rejects" / STREAMS[key.stream].table / _account(key) / f"date={key.date}.jsonl"

    def replaced(self, key: DayKey) -> Path:
        """Return where a day's file is kept when rows of it are given up."""
        return self.root / "rejects" / "gone" / self.day_file(key).relative_to(self.lake)

    def stray(self, path: Path) -> Path:
        """Return where a file that is not ours is moved to."""
        return self.root / "rejects" / "stray" / path.relative_to(self.root)


def _account(key: DayKey) -> str:
    return f"{ACCOUNTS}{key.account_id}"


def last_of_month(day: date) -> date:
    """Return the last day of the month of a day."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def month_file_name(days: int) -> str:
    """Return the name of the file that has the rows of so many days up to the last one of a month."""
    return f"days-{days:02}.parquet"


def days_of_month_file(last: date, name: str) -> list[date]:
    """Return the days whose rows a file of this name has in the folder of the `last` day of a month; none for others.

    These are so many days as the name says, up to that one.
    """
    found = _MONTH_FILE.fullmatch(name)
    days = int(found[1]) if found else 0
    return [last - DAY * n for n in reversed(range(days))] if days <= last.day else []
