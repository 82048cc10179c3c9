"""A lake of made-up messages, as large as one likes: two histories of one account, the same number of rows each day.

Days are multiplied: what may be the same in every day is made once. What decides how much memory an answer takes is
not: ids and times are a day's own, and recipients are drawn from a twelfth as many numbers as there are messages.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voxlake.model import DayFile, DayKey
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.lake import Lake

ACCOUNT = 4711
DAY_ROWS = 27_400
"""Rows of a day, both histories together: 10,000,000 a year."""
_CODES = np.array([4479, 4917, 3361, 3934, 3466, 4367, 4175, 1212, 9198, 5511])
_DELIVERY = np.array(("DELIVERED",) * 47 + ("FAILED", "EXPIRED", "REJECTED"))
_SEQUENCE = 20_000
"""So many ids has a day, of which the rows have the first."""


def days_of(rows: int) -> int:
    """Return over how many days so many rows are spread."""
    return max(1, round(rows / DAY_ROWS))


def columns(rows: int, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Make up the columns of a day that are the same in every day."""
    failed = rng.random(rows) < 0.02
    billed = ~failed | (rng.random(rows) < 0.1)
    cost = np.where(billed, rng.integers(1, 900, rows), 0)
    return {
        "source_number": pa.array(np.char.add("SENDER", rng.integers(10, 60, rows).astype(str))),
        "direction": pa.array(rng.choice(np.array(["OUT", "OUT", "OUT", "IN"]), rows)),
        "delivery_status": pa.array(np.where(failed, "FAILED", rng.choice(_DELIVERY, rows))),
        "fragments": pa.array(np.where(rng.random(rows) < 0.001, 2, 1), pa.int32()),
        "cost": pa.array(cost, pa.int32()).cast(pa.decimal128(18, 6)),
        "status_id": pa.array(np.where(failed, 2, 1), pa.int8()),
        "status": pa.array(np.where(failed, "error", "success")),
        "error_message": pa.array(np.where(failed, "No route", None), pa.string()),
        "text": pa.array(np.char.add("Your code is ", rng.integers(0, 10**6, rows).astype(str))),
    }


def put(lake: Lake, key: DayKey, same: Mapping[str, pa.Array], rng: np.random.Generator, recipients: int) -> None:
    """Write a day."""
    schema, rows = STREAMS[key.stream].schema, len(same["cost"])
    start = int(datetime.combine(key.date, datetime.min.time(), UTC).timestamp())
    seconds = np.sort(rng.integers(0, 86_400, rows))
    drawn = rng.integers(0, recipients, rows)
    # Neighbours are not of one country, and the numbers of a country are not neighbours.
    numbers = _CODES[drawn % len(_CODES)] * 10**7 + (drawn * 7_919) % (10**7 - 1)
    own = {
        "message_id": pa.array(key.date.toordinal() * _SEQUENCE + np.arange(rows), pa.int64()),
        "destination_number": pc.cast(pa.array(numbers), pa.string()),
        "processed_at": pa.array((start + seconds) * 1_000_000, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
    }
    made = [(dict(same) | own).get(field.name, pa.nulls(rows, field.type)) for field in schema]
    writer = lake.writer(key)
    writer.add(pa.table(made, schema=schema))
    day_file = DayFile(
        key=key, row_count=rows, total_count=rows, verified=True, moving=0, exported_at=datetime.now(UTC), checksum="",
    )  # fmt: skip
    lake.commit(writer, day_file)


def fill(lake: Lake, first: date, days: int, *, recipients: int) -> None:
    """Write days from the `first` one on."""
    rng = np.random.default_rng(first.toordinal())
    same = columns(DAY_ROWS // len(STREAMS), rng)
    fsync, os.fsync = os.fsync, lambda _file: None
    try:
        for n in range(days):
            for stream in STREAMS:
                put(lake, DayKey(ACCOUNT, stream, first + timedelta(days=n)), same, rng, recipients)
    finally:
        os.fsync = fsync
