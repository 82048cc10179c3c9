"""What the index says of the days of each stream in all: how many of which state, their rows, the newest verified one.

A few sums over the index, where a manifest would read every entry of it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from voxlake.lake.entries import HELD
from voxlake.lake.index import Index

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from voxlake.lake.directory import Lake
    from voxlake.model import FinalityPolicy

_SUMS = """
SELECT
    account_id, stream, sum(row_count), sum(verified AND is_final), sum(verified AND NOT is_final),
    sum(NOT verified), max(CASE WHEN verified THEN date END)
FROM (
    SELECT *, age >= $time AND (moving = 0 OR age >= $give_up) AS is_final
    FROM (
        SELECT *, CAST(strftime('%s', exported_at) AS INTEGER) - CAST(strftime('%s', date) AS INTEGER) - 86400 AS age
        FROM day_files
        WHERE state = $held
    )
)
GROUP BY account_id, stream
"""


class StreamSums(NamedTuple):
    """The UTC days of one stream of one account that have a file; `newest_verified` is None where none is verified."""

    account_id: int
    stream: str
    rows: int
    final: int
    open: int
    unverified: int
    newest_verified: date | None


def day_sums(lake: Lake, *, finality: FinalityPolicy, account_ids: Collection[int] | None = None) -> list[StreamSums]:
    """Return the sums of some accounts or of all, by account and stream, as the index knows them.

    Raises:
        SettingsError: the index may not be read, or a newer version wrote it.

    """
    bound = {"held": HELD, "time": finality.time.total_seconds(), "give_up": finality.give_up.total_seconds()}

    def question(connection: sqlite3.Connection) -> list[StreamSums]:
        return [
            StreamSums(account, stream, rows, final, still_open, bad, newest and date.fromisoformat(newest))
            for account, stream, rows, final, still_open, bad, newest in connection.execute(_SUMS, bound)
            if account_ids is None or account in account_ids
        ]

    return sorted(Index(lake).read(question))


def last_runs(lake: Lake) -> dict[int, dict[str, Any]]:
    """Return how the last export or backfill of each account ended, as the index remembers it.

    Raises what `day_sums` raises.
    """

    def question(connection: sqlite3.Connection) -> dict[int, dict[str, Any]]:
        found = {}
        for account_id, result in connection.execute("SELECT account_id, result FROM runs"):
            with suppress(ValueError, TypeError, RecursionError):
                found[account_id] = dict(json.loads(result))
        return found

    return Index(lake).read(question)
