"""What the index holds for a manifest: loaded for some accounts or for all, stored as a change, listed since a mark.

Every change of entries has a number, the `sequence`, which only grows. Who knows up to which one he has heard, and of
which index, hears no more than what came later.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voxlake.lake.entries import SELECT, read_entries, write_entries
from voxlake.model import Mark
from voxlake.version import __version__

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from voxlake.lake.entries import Entry
    from voxlake.lake.index import Index
    from voxlake.model import DayKey

_RESTAMP = "UPDATE day_files SET stamp = ? WHERE (account_id, stream, date) = (?, ?, ?) AND state = 'held'"
_SEQUENCE = "SELECT coalesce(max(sequence), 0) FROM day_files"


@dataclass(slots=True)
class Stored:
    """What was loaded: entries and last runs of some accounts, and which fields were declared when any was indexed.

    `entries` are by account and stream, and then by UTC day. An account that was loaded and is not in `declared`
    was never indexed. With `whole`, every account in the lake once was.
    """

    entries: dict[tuple[int, str], dict[date, Entry]]
    runs: dict[int, Any]
    declared: dict[int, str]
    whole: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be stored: entries, which fields are declared now, and how the last runs of accounts have ended.

    `stamps` are those of days that are as they were, and lie in another file now: no news to anybody.
    """

    entries: Sequence[Entry]
    declared: Mapping[int, str]
    runs: Mapping[int, Mapping[str, Any]]
    whole: bool
    stamps: Mapping[DayKey, str] = field(default_factory=dict)


def load(index: Index, account_ids: Collection[int] | None, *, declared: str) -> Stored:
    """Load the entries of some accounts, or of all; raises what `Index.read` raises.

    Of other accounts, only those are named for which other fields than these were `declared`.
    """

    def question(connection: sqlite3.Connection) -> Stored:
        if account_ids is None:
            rows = connection.execute(SELECT).fetchall()
            runs = connection.execute("SELECT account_id, result FROM runs").fetchall()
            known = connection.execute("SELECT account_id, declared FROM accounts").fetchall()
        else:
            wanted = [[account] for account in account_ids]
            rows = [row for its in wanted for row in connection.execute(f"{SELECT} WHERE account_id = ?", its)]
            one = "SELECT account_id, result FROM runs WHERE account_id = ?"
            runs = [row for its in wanted for row in connection.execute(one, its)]
            known = connection.execute(
                "SELECT account_id, declared FROM accounts WHERE declared <> ?", [declared]
            ).fetchall()
            one = "SELECT account_id, declared FROM accounts WHERE account_id = ?"
            known += [row for its in wanted for row in connection.execute(one, its)]
        entries: dict[tuple[int, str], dict[date, Entry]] = {}
        for entry in read_entries(rows):
            entries.setdefault((entry.key.account_id, entry.key.stream), {})[entry.key.date] = entry
        return Stored(
            entries,
            runs={account: json.loads(result) for account, result in runs},
            declared=dict(known),
            whole=bool(_fact(connection, "whole")),
        )

    return index.read(question)


def store(index: Index, change: Change) -> int | None:
    """Store what changed, its entries under a new number, which is returned; raises what `Index.write` raises."""

    def write(connection: sqlite3.Connection) -> int | None:
        number = None
        if change.entries:
            number = 1 + _last(connection)
            write_entries(connection, (entry._replace(sequence=number) for entry in change.entries))
            connection.execute("UPDATE ledger SET value = ? WHERE name = 'sequence'", [number])
        stamps = [(stamp, key.account_id, key.stream, str(key.date)) for key, stamp in change.stamps.items()]
        connection.executemany(_RESTAMP, stamps)
        connection.executemany("INSERT OR REPLACE INTO accounts VALUES (?, ?)", change.declared.items())
        runs = [(account, json.dumps(run)) for account, run in change.runs.items()]
        connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?)", runs)
        if change.whole:
            connection.execute("UPDATE ledger SET value = 1 WHERE name = 'whole' AND value <> 1")
        connection.execute("UPDATE ledger SET value = ? WHERE name = 'voxlake' AND value <> ?", [__version__] * 2)
        return number

    return index.write(write)


def find_news(index: Index, since: Mark | None) -> tuple[Mark, list[Entry] | None]:
    """Return up to where the index goes, and what came after a mark; None where the mark is not one of this index."""

    def question(connection: sqlite3.Connection) -> tuple[Mark, list[Entry] | None]:
        mark = Mark(str(_fact(connection, "index_id")), _last(connection))
        if since is None or since.index_id != mark.index_id or since.sequence > mark.sequence:
            return mark, None
        rows = connection.execute(f"{SELECT} WHERE sequence > ? ORDER BY account_id, stream, date", [since.sequence])
        return mark, list(read_entries(rows))

    return index.read(question)


def _fact(connection: sqlite3.Connection, name: str) -> Any:
    ((value,),) = connection.execute("SELECT value FROM ledger WHERE name = ?", [name]).fetchall()
    return value


def _last(connection: sqlite3.Connection) -> int:
    ((number,),) = connection.execute(_SEQUENCE).fetchall()
    return max(int(number), int(_fact(connection, "sequence")))
