"""Bring over the index of versions up to 0.2: `ledger.json`, and `learned.json` beside it."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from voxlake.lake.day_file import from_json
from voxlake.lake.entries import HELD, MISSING, Entry, ids_of, write_entries

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from voxlake.lake.layout import Layout
    from voxlake.model import DayKey

_VERSION = 1
NOBODY = 0
"""The account of a run of which it is not known: earlier versions remembered one run for all accounts."""


def bring_over(connection: sqlite3.Connection, layout: Layout, old: dict[str, Any]) -> None:
    """Fill an empty index with what `ledger.json` holds, which is given, and `learned.json`.

    What is damaged is left out as a whole: the footers say the same, and what was learned is learned again.
    """
    if old.get("version") == _VERSION:
        accounts: list[int] = []
        try:
            entries = [*_entries(layout, old)]
            declared = str(old.get("declared"))
            write_entries(connection, entries)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError):
            connection.execute("DELETE FROM day_files")
        else:
            connection.execute("UPDATE ledger SET value = 1 WHERE name = 'whole'")
            accounts = sorted({entry.key.account_id for entry in entries})
            connection.executemany("INSERT INTO accounts VALUES (?, ?)", [(account, declared) for account in accounts])
        if old.get("last_run") is not None:
            account = accounts[0] if len(accounts) == 1 else NOBODY
            connection.execute("INSERT INTO runs VALUES (?, ?)", (account, json.dumps(old["last_run"])))
    connection.executemany("INSERT OR REPLACE INTO learned VALUES (?, ?, ?, ?, ?)", _facts(layout))


def _entries(layout: Layout, old: dict[str, Any]) -> Iterator[Entry]:
    for entry in old["parts"]:
        key = _key(layout, entry["path"])
        fields = {name: value for name, value in entry.items() if name not in ("path", "stamp", "ids")}
        ids = entry.get("ids")
        its = None if ids is None else ids_of(ids[0], ids[1])
        yield Entry(key, 0, HELD, str(entry["stamp"]), "ids" in entry, its, day_file=from_json(key, fields))
    for entry in old.get("lost", []):
        yield Entry(_key(layout, entry["path"]), 0, MISSING)


def _key(layout: Layout, name: str) -> DayKey:
    key = layout.key_of(layout.root / name)
    if key is None:
        raise ValueError(name)
    return key


def _facts(layout: Layout) -> list[tuple[Any, ...]]:
    """Return the rows of `learned` that `learned.json` holds, or none."""
    try:
        stored = json.loads(layout.old_learned.read_bytes())
        if stored["version"] != _VERSION:
            return []
        return [
            (int(its["account_id"]), str(its["stream"]), str(its["name"]), json.dumps(its["value"]),
             str(date.fromisoformat(its["on"])))
            for its in stored["facts"]
        ]  # fmt: skip
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return []
