"""Which days of a lake have a file, and which are not verified: by the index and the names of files, nothing is opened.

What an index of a million days says is read by a few questions; a manifest of them would take a minute. Days that were
retained away are none of these: the index has them as accepted, and `lake/accounts.json` says from which day on days
are kept (`kept_since`), from where the view `days` of the database names them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from voxlake.lake.entries import DAMAGED, FORGOTTEN, HELD
from voxlake.lake.index import Index
from voxlake.lake.presence import DaySet, held_days

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from voxlake.lake.directory import Lake

_COUNTS = """
SELECT account_id, stream, count(*), count(*) FILTER (WHERE verified AND state = 'held')
FROM day_files
GROUP BY account_id, stream
"""
_ODD = """
SELECT date, state, problem FROM day_files
WHERE account_id = ? AND stream = ? AND (verified AND state = 'held') IS NOT TRUE
"""
_DAYS = "SELECT date FROM day_files WHERE account_id = ? AND stream = ? AND state <> ?"


@dataclass(frozen=True, slots=True)
class StreamDays:
    """The UTC days of one stream of one account.

    `present` are those with a file, `gone` those that had one, `unverified` says what is wrong with days that are not
    verified, and `unknown` are those of which the index does not tell.
    """

    account_id: int
    stream: str
    present: DaySet
    gone: frozenset[date] = frozenset()
    unverified: dict[date, str] = field(default_factory=dict)
    unknown: frozenset[date] = frozenset()


class _Answers(NamedTuple):
    counts: dict[tuple[int, str], int]
    doubts: dict[tuple[int, str], dict[date, str]]
    days: dict[tuple[int, str], set[date]]


def day_states(lake: Lake, account_ids: Collection[int] | None = None) -> list[StreamDays]:
    """Return the days of some accounts or of all, by account and stream.

    Raises:
        SettingsError: a folder or the index may not be read, or a newer version wrote it.

    """
    present = {(found.account_id, found.stream): found.days for found in held_days(lake.layout, account_ids)}

    def question(connection: sqlite3.Connection) -> _Answers:
        counts: dict[tuple[int, str], int] = {}
        doubts: dict[tuple[int, str], dict[date, str]] = {}
        for account, stream, number, sound in connection.execute(_COUNTS).fetchall():
            if account_ids is not None and account not in account_ids:
                continue
            odd = connection.execute(_ODD, [account, stream]).fetchall() if number > sound else []
            if known := number - sum(state == FORGOTTEN for _, state, _ in odd):
                counts[account, stream] = known
            doubts[account, stream] = {
                date.fromisoformat(day): (problem or "not verified") if state == HELD else state
                for day, state, problem in odd
                if state in {HELD, DAMAGED}
            }
        differing = [key for key in {*counts, *present} if counts.get(key) != len(present.get(key, ()))]
        days = {
            key: {date.fromisoformat(day) for (day,) in connection.execute(_DAYS, [*key, FORGOTTEN])}
            for key in differing
        }
        return _Answers(counts, doubts, days)

    answers = Index(lake).read(question)
    found = []
    for key in sorted({*answers.counts, *present}):
        held = present.get(key, DaySet())
        known = answers.days.get(key)
        doubts = answers.doubts.get(key, {})
        found.append(
            StreamDays(
                *key,
                held,
                frozenset() if known is None else frozenset(day for day in known if day not in held),
                {day: problem for day, problem in sorted(doubts.items()) if day in held},
                frozenset() if known is None else frozenset(day for day in held if day not in known),
            )
        )
    return found
