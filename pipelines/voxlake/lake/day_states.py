"""Which days of a lake have a file, and which are not verified: by the index and the names of files, nothing is opened.

What an index of a million days says is read by a few questions; a manifest of them would take a minute.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from voxlake.lake.entries import DAMAGED, FORGOTTEN, HELD
from voxlake.lake.index import Index
from voxlake.lake.scan import scan
from voxlake.model import DAY

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from voxlake.lake.directory import Lake

_COUNTS = "SELECT account_id, stream, count(*) FROM day_files WHERE state <> ? GROUP BY account_id, stream"
_DOUBTS = """
SELECT account_id, stream, date, CASE state WHEN 'held' THEN coalesce(problem, 'not verified') ELSE state END
FROM day_files
WHERE state = ? OR (state = ? AND NOT verified)
"""
_DAYS = "SELECT date FROM day_files WHERE account_id = ? AND stream = ? AND state <> ?"


@dataclass(frozen=True, slots=True)
class StreamDays:
    """The UTC days of one stream of one account.

    `present` are those with a file and its stamp, in order, `gone` those that had one, `unverified` says what is wrong
    with days that are not verified, and `unknown` are those of which the index does not tell.
    """

    account_id: int
    stream: str
    present: dict[date, str]
    gone: frozenset[date] = frozenset()
    unverified: dict[date, str] = field(default_factory=dict)
    unknown: frozenset[date] = frozenset()

    def covers(self, first: date, end: date) -> bool:
        """Return whether the days that have a file are one span with all of `[first, end)`: no day is looked at."""
        if not self.present:
            return first >= end
        oldest, newest = next(iter(self.present)), next(reversed(self.present))
        is_one_span = (newest - oldest).days + 1 == len(self.present)
        return is_one_span and oldest <= first and end <= newest + DAY


class _Answers(NamedTuple):
    counts: dict[tuple[int, str], int]
    doubts: dict[tuple[int, str], dict[date, str]]
    days: dict[tuple[int, str], set[date]]


def day_states(lake: Lake, account_ids: Collection[int] | None = None) -> list[StreamDays]:
    """Return the days of some accounts or of all, by account and stream.

    Raises:
        SettingsError: a folder or the index may not be read, or a newer version wrote it.

    """
    present = {(found.account_id, found.stream): found.stamps for found in scan(lake.layout, account_ids)}

    def question(connection: sqlite3.Connection) -> _Answers:
        counts = {
            (account, stream): number
            for account, stream, number in connection.execute(_COUNTS, [FORGOTTEN])
            if account_ids is None or account in account_ids
        }
        doubts: dict[tuple[int, str], dict[date, str]] = {}
        for account, stream, day, problem in connection.execute(_DOUBTS, [DAMAGED, HELD]):
            doubts.setdefault((account, stream), {})[date.fromisoformat(day)] = problem
        differing = [key for key in {*counts, *present} if counts.get(key) != len(present.get(key, ()))]
        days = {
            key: {date.fromisoformat(day) for (day,) in connection.execute(_DAYS, [*key, FORGOTTEN])}
            for key in differing
        }
        return _Answers(counts, doubts, days)

    answers = Index(lake).read(question)
    found = []
    for key in sorted({*answers.counts, *present}):
        held = present.get(key, {})
        known = answers.days.get(key)
        doubts = answers.doubts.get(key, {})
        found.append(
            StreamDays(
                *key,
                held,
                frozenset() if known is None else frozenset(known - held.keys()),
                {day: problem for day, problem in sorted(doubts.items()) if day in held},
                frozenset() if known is None else frozenset(held.keys() - known),
            )
        )
    return found
