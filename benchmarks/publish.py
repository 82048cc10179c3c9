"""Time the publish of one new day against a rebuild."""

import shutil
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from voxlake.lake import Lake, Manifest
from voxlake.model import DayFile, DayKey, FinalityPolicy
from voxlake.transform import SMS
from voxlake.warehouse import Warehouse

ACCOUNT, FIRST, STEPS = 4711, date(2025, 1, 1), 3
SETTLING = FinalityPolicy(timedelta(hours=72), timedelta(days=14))


def put(lake, day, rows, rng):
    """Write a day of made-up messages."""
    start = datetime.combine(day, datetime.min.time(), UTC)
    ids = (day.toordinal() * 10**7 + np.arange(rows)).astype(np.int64)
    seconds = np.sort(rng.integers(0, 86_400, rows))
    numbers = pa.array(np.char.add("447400", rng.integers(100_000, 999_999, rows).astype(str)))
    times = pa.array((int(start.timestamp()) + seconds) * 1_000_000, pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    columns = {
        "message_id": ids,
        "source_number": pa.array(["12345678111"] * rows),
        "destination_number": numbers,
        "direction": pa.array(["OUT"] * rows),
        "fragments": pa.array(rng.integers(1, 4, rows), pa.int32()),
        "cost": pa.array(rng.integers(1, 900, rows), pa.int32()).cast(pa.decimal128(18, 6)),
        "status_id": pa.array(np.ones(rows), pa.int8()),
        "status": pa.array(["success"] * rows),
        "processed_at": times,
        "text": pa.array(np.char.add("Your code is ", rng.integers(0, 10**6, rows).astype(str))),
    }
    table = pa.table([columns.get(field.name, pa.nulls(rows, field.type)) for field in SMS.schema], schema=SMS.schema)
    part = DayFile(
        key=DayKey(ACCOUNT, SMS.name, day), row_count=rows, total_count=rows, verified=True, moving=0,
        exported_at=datetime.now(UTC), checksum="",
    )  # fmt: skip
    draft = lake.writer(part.key)
    draft.add(table)
    lake.commit(draft, part)


def publish(lake, *, anew):
    """Publish, and give the seconds it took."""
    started = time.perf_counter()
    Warehouse(lake.root).publish(Manifest(lake).changes, lake, finality=SETTLING, rebuild=anew)
    return time.perf_counter() - started


def measured(rows, days):
    """Build a lake, then publish it anew and by steps, in turn: the seconds of the rebuilds, and of the steps."""
    rng = np.random.default_rng(1)
    folder = Path(tempfile.mkdtemp(prefix="voxlake-publish-"))
    lake = Lake(folder)
    try:
        with lake.locked(holder="a benchmark"):
            for n in range(days):
                put(lake, FIRST + timedelta(days=n), rows // days, rng)
            steps, rebuilds = [], [publish(lake, anew=True)]
            for n in range(STEPS):
                put(lake, FIRST + timedelta(days=days + n), rows // days, rng)
                steps.append(publish(lake, anew=False))
                rebuilds.append(publish(lake, anew=True))
    finally:
        shutil.rmtree(folder)
    return rebuilds, steps
