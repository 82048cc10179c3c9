"""What a run did and did not do; the result decides the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from voxlake.errors import DataError
from voxlake.model import Window
from voxlake.text import counted
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from voxlake.errors import VoxlakeError
    from voxlake.model import DayFile, DayKey


@dataclass(frozen=True, slots=True)
class StreamResult:
    """What a run did with the days of one stream.

    `days` is how many were open, `final` how many needed no look; `day_files` are those that were read, in order;
    `new`, `changed` and `gone` count rows against the files before. `refused` days are too old for the API.
    `since` is the first UTC day that exports look after, where that is known.
    """

    stream: str
    days: int = 0
    final: int = 0
    day_files: tuple[DayFile, ...] = ()
    new: int = 0
    changed: int = 0
    gone: int = 0
    errors: tuple[VoxlakeError, ...] = ()
    refused: int = 0
    account_id: int | None = None
    since: date | None = None

    @property
    def verified(self) -> int:
        """How many days are verified."""
        return sum(day_file.verified for day_file in self.day_files)

    @property
    def rows(self) -> int:
        """How many rows the days hold."""
        return sum(day_file.row_count for day_file in self.day_files)

    @property
    def rejects(self) -> int:
        """How many rows could not be decoded."""
        return sum(day_file.rejects for day_file in self.day_files)

    @property
    def unverified(self) -> dict[date, str]:
        """Why days are not verified, in order."""
        return {
            day_file.key.date: day_file.problem or "not verified"
            for day_file in self.day_files
            if not day_file.verified
        }

    def to_json(self) -> dict[str, Any]:
        """Return what `status` shows of the stream in the last run."""
        return {
            "since": None if self.since is None else str(self.since),
            "days": self.days,
            "verified": self.verified,
            "rows": self.rows,
            "new": self.new,
            "changed": self.changed,
            "gone": self.gone,
            "rejects": self.rejects,
            "unverified": {str(day): problem for day, problem in self.unverified.items()},
        }

    def lines(self) -> list[str]:
        """Return what a person wants to know of the stream, a sentence a line."""
        if not self.days:
            reason = "every day is final" if self.final else "no such day"
            if self.refused:
                reason = f"{counted(self.refused)} refused by the API before ('voxlake backfill --force' asks again)"
            return [f"{self.stream}: {reason}, nothing to ask"]
        if all(day_file.total_count is None for day_file in self.day_files):
            return [f"{self.stream}: none of {counted(self.days)} could be read"]
        days = max(self.days, len(self.day_files))
        rows = f"{counted(self.rows, 'row')} in {counted(days)}"
        lines = [f"{self.stream}: {rows}, {self._news()}; {self.verified:,} of {counted(days)} verified"]
        if self.rejects:
            lines.append(f"{self.stream}: {counted(self.rejects, 'row')} could not be read, see rejects/")
        spans = _by_span(self.unverified)
        return lines + [f"{self.stream}: {days} is not verified: {problem}" for days, problem in spans]

    def _news(self) -> str:
        news = f"{self.new:,} new, {self.changed:,} changed" if self.new or self.changed or self.gone else "nothing new"
        return news + (f", {self.gone:,} gone (kept in rejects/gone/)" if self.gone else "")


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay did.

    `day_files` were rebuilt; `kept` are days that were left alone, because their files are newer or prove more; of the
    archives in `torn` the last reply was skipped; `missing` are days that had a file and have none any more.
    """

    replies: int
    day_files: tuple[DayFile, ...]
    kept: tuple[DayKey, ...]
    torn: tuple[Path, ...]
    missing: tuple[DayKey, ...]
    moved_aside: str
    database: str

    @property
    def rows(self) -> int:
        """How many rows the rebuilt days hold."""
        return sum(day_file.row_count for day_file in self.day_files)

    @property
    def verified(self) -> int:
        """How many of the rebuilt days are verified."""
        return sum(day_file.verified for day_file in self.day_files)

    @property
    def exit_code(self) -> int:
        """Return 0 where every rebuilt day is verified, else 4."""
        return 0 if self.verified == len(self.day_files) else DataError.exit_code

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {
            "exit_code": self.exit_code,
            "replies": self.replies,
            "days": len(self.day_files),
            "verified": self.verified,
            "rows": self.rows,
            "kept": [key.to_json() for key in self.kept],
            "torn": [str(path) for path in self.torn],
            "missing": [key.to_json() for key in self.missing],
            "moved_aside": self.moved_aside,
            "database": self.database,
        }


def _by_span(problems: dict[date, str]) -> list[tuple[str, str]]:
    """Name neighbouring days with the same problem as one span."""
    found = []
    for problem in dict.fromkeys(problems.values()):
        for window in Window.joining(day for day, its in problems.items() if its == problem):
            first, last = window.days[0], window.days[-1]
            found.append((str(first) if first == last else f"{first} to {last}", problem))
    return sorted(found)


def describe_missing(days: Collection[DayKey]) -> str:
    """Name days that had a file and have none any more, as the beginning of a sentence."""
    dates = sorted({key.date for key in days})
    streams = " and ".join(stream for stream in STREAMS if any(key.stream == stream for key in days))
    span = str(dates[0]) if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"{counted(len(dates))} of {streams} ({span}) had files and have none any more"


def jsonable(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of the database with their dates as text, ready for `json.dumps`."""
    return [{name: str(it) if isinstance(it, date) else it for name, it in row.items()} for row in rows]
