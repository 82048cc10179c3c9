"""Decide which days are still open, how each is looked after, and which of them to ask for together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.model import DAY, Part, Window, midnight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from voxlake.model import Settling


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does with the days it was asked for: read them, probe those that were verified, skip the final."""

    read: tuple[date, ...]
    probe: tuple[Part, ...]
    final: tuple[date, ...]

    @property
    def open(self) -> int:
        """How many days are not final."""
        return len(self.read) + len(self.probe)


def plan(days: Iterable[date], known: Mapping[date, Part], *, settling: Settling, force: bool = False) -> Plan:
    """Sort days by what is known of them; `force` reads them all.

    A day whose export was verified before the day had ended says nothing of the rest of that day.
    """
    read, probe, final = [], [], []
    for day in sorted(set(days)):
        part = known.get(day)
        if force or part is None or not part.verified or part.exported_at < midnight(day) + DAY:
            read.append(day)
        elif part.final(settling):
            final.append(day)
        else:
            probe.append(part)
    return Plan(tuple(read), tuple(probe), tuple(final))


def neighbours(days: Iterable[date]) -> list[Window]:
    """Join days into windows of neighbours, oldest first."""
    windows: list[Window] = []
    for day in sorted(days):
        following = Window.of_days(day, day)
        if windows and windows[-1].end == following.start:
            windows[-1] = Window(windows[-1].start, following.end)
        else:
            windows.append(following)
    return windows


def span(first: date, end: date) -> list[date]:
    """List the days of `[first, end)`."""
    return [first + DAY * n for n in range((end - first).days)]
