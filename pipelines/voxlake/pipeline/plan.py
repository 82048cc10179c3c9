"""Decide which days are still open, how each is looked after, and which of them to ask for together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.model import DAY, DayFile, midnight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from voxlake.model import FinalityPolicy


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does with the days it was asked for: read them, probe those that were verified, skip the final."""

    read: tuple[date, ...]
    probe: tuple[DayFile, ...]
    final: tuple[date, ...]

    @property
    def open(self) -> int:
        """How many days are not final."""
        return len(self.read) + len(self.probe)


def plan(days: Iterable[date], known: Mapping[date, DayFile], *, finality: FinalityPolicy, force: bool = False) -> Plan:
    """Sort days by what is known of them; `force` reads them all.

    A day whose export was verified before the day had ended says nothing of the rest of that day.
    """
    read, probe, final = [], [], []
    for day in sorted(set(days)):
        day_file = known.get(day)
        if force or day_file is None or not day_file.verified or day_file.exported_at < midnight(day) + DAY:
            read.append(day)
        elif day_file.final(finality):
            final.append(day)
        else:
            probe.append(day_file)
    return Plan(tuple(read), tuple(probe), tuple(final))


def span(first: date, end: date) -> list[date]:
    """List the days of `[first, end)`."""
    return [first + DAY * n for n in range((end - first).days)]
