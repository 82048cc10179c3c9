"""What a run did and did not do; the report decides the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voxlake.errors import gravest
from voxlake.model import Window
from voxlake.text import counted
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from voxlake.errors import VoxlakeError
    from voxlake.model import DayFile, DayKey


@dataclass(slots=True)
class StreamResult:
    """The days of one stream in this run: what was proved of each, and how it differs from what was there.

    `days` are those that were open, `final` those that needed no look.
    """

    stream: str
    days: int = 0
    final: int = 0
    day_files: dict[date, DayFile] = field(default_factory=dict)
    new: int = 0
    changed: int = 0
    gone: int = 0
    errors: list[VoxlakeError] = field(default_factory=list)

    def add(self, day_file: DayFile, *, new: int, changed: int, gone: int = 0) -> None:
        """Take note of a day; the last word on it counts."""
        self.day_files[day_file.key.date] = day_file
        self.new += new
        self.changed += changed
        self.gone += gone

    @property
    def verified(self) -> int:
        """How many days are proved."""
        return sum(day_file.verified for day_file in self.day_files.values())

    @property
    def rows(self) -> int:
        """How many rows these days hold."""
        return sum(day_file.row_count for day_file in self.day_files.values())

    @property
    def rejects(self) -> int:
        """How many rows could not be read."""
        return sum(day_file.rejects for day_file in self.day_files.values())

    @property
    def unverified(self) -> dict[date, str]:
        """Why days are not proved."""
        return {
            day: day_file.problem or "not verified"
            for day, day_file in sorted(self.day_files.items())
            if not day_file.verified
        }


@dataclass(slots=True)
class RunResult:
    """One run over all its streams."""

    streams: list[StreamResult]
    requests: int = 0
    database: str = ""
    moved: str = ""
    errors: list[VoxlakeError] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """Give 0 where everything was read, verified and published."""
        codes = {error.exit_code for error in self.all_errors}
        if any(stream.unverified or stream.rejects for stream in self.streams):
            codes.add(4)
        return gravest(codes)

    @property
    def all_errors(self) -> list[VoxlakeError]:
        """Give the errors of the run and of its streams, each sentence once."""
        errors = [*self.errors, *(error for stream in self.streams for error in stream.errors)]
        return list({str(error): error for error in errors}.values())

    def to_json(self) -> dict[str, Any]:
        """Give what `status` remembers of the run."""
        return {
            "exit_code": self.exit_code,
            "requests": self.requests,
            "errors": [str(error) for error in self.all_errors],
            "streams": {
                s.stream: {
                    "days": s.days,
                    "verified": s.verified,
                    "rows": s.rows,
                    "new": s.new,
                    "changed": s.changed,
                    "gone": s.gone,
                    "rejects": s.rejects,
                    "unverified": {str(day): problem for day, problem in s.unverified.items()},
                }
                for s in self.streams
            },
        }

    def __str__(self) -> str:
        lines = []
        for s in self.streams:
            if not s.days:
                lines.append(
                    f"{s.stream}: " + ("every day is final" if s.final else "no such day") + ", nothing to ask"
                )
                continue
            if all(day_file.total_count is None for day_file in s.day_files.values()):
                lines.append(f"{s.stream}: none of {counted(s.days)} could be read")
                continue
            days = max(s.days, len(s.day_files))
            news = f"{s.new:,} new, {s.changed:,} changed" if s.new or s.changed or s.gone else "nothing new"
            news += f", {s.gone:,} gone (kept in rejects/gone/)" if s.gone else ""
            lines.append(
                f"{s.stream}: {counted(s.rows, 'row')} in {counted(days)}, {news};"
                f" {s.verified:,} of {counted(days)} verified"
            )
            if s.rejects:
                lines.append(f"{s.stream}: {counted(s.rejects, 'row')} could not be read, see rejects/")
            lines += [f"{s.stream}: {days} is not verified: {problem}" for days, problem in _together(s.unverified)]
        lines += [self.moved] if self.moved else []
        lines += [f"error: {error}" for error in self.all_errors]
        lines.append(f"{counted(self.requests, 'request')}; database {self.database}")
        return "\n".join(lines)


def _together(problems: dict[date, str]) -> list[tuple[str, str]]:
    """Name neighbours that have the same problem as one span."""
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
