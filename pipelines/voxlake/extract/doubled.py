"""Rows that the API gives and counts more than once: how many, and when, where two readings agree on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from voxlake.transform import integers

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.extract.paginate import Reading


def with_surplus(reading: Reading, before: Reading | None, *, known: int) -> Reading:
    """Return a reading with how many of its rows came more than once, where another one gave the same.

    That may be the reading `before`, or those of an earlier run, of which `known` is what is left.
    """
    if reading.agrees:
        return reading
    if before is not None:
        return replace(reading, surplus=doubled_alike(before, reading))
    return replace(reading, surplus=known) if known and known == doubled_in(reading) else reading


def doubled_alike(one: Reading, other: Reading) -> int:
    """Return how many rows two readings gave, and the API counted, more than once; 0 where they do not agree on it.

    Rows that are equal in every column are one message. A row that comes twice because rows moved between two pages
    takes the place of another, and does not come twice in the next reading as well.
    """
    if not one.complete or set(one.totals) != {one.rows} or one.rows != other.rows:
        return 0
    return doubled_in(other) if np.array_equal(np.sort(_ids(one)), np.sort(_ids(other))) else 0


def doubled_in(reading: Reading) -> int:
    """Return how many rows of a reading came more than once where the API counts every one of them; 0 elsewhere."""
    if not reading.complete or set(reading.totals) != {reading.rows}:
        return 0
    table = pa.concat_tables(page.table for page in reading.pages)
    distinct_rows = table.group_by(table.column_names).aggregate([]).num_rows
    return reading.rows - reading.ids - len(reading.rejects) if distinct_rows == reading.ids else 0


def doubled_times(reading: Reading) -> tuple[datetime, ...]:
    """Return the time of each row of a reading that came once more than its message, and is counted so."""
    if not reading.surplus:
        return ()
    table = pa.concat_tables(page.table.select(["message_id", "processed_at"]) for page in reading.pages)
    messages = table.group_by("message_id").aggregate([("processed_at", "count"), ("processed_at", "min")])
    times = zip(messages["processed_at_min"].to_pylist(), messages["processed_at_count"].to_pylist(), strict=True)
    return tuple(at for at, number in times for _ in range(number - 1))


def _ids(reading: Reading) -> Any:
    return np.concatenate([integers(page.table["message_id"]) for page in reading.pages])
