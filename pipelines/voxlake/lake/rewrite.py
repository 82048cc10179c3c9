"""What is to be written again of a day: its rows, some in their latest state or left out, and its rejects as text."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import simplejson

from voxlake.model import DayFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from pathlib import Path

    from voxlake.lake.directory import Lake
    from voxlake.model import DayKey, Reject
    from voxlake.policy import PrivacyPolicy

_NAMED = 3
_ORDER = [("processed_at", "ascending"), ("message_id", "ascending")]


@contextmanager
def as_of_today(lake: Lake, key: DayKey) -> Iterator[Path]:
    """Yield for the block the path of a copy of a day's rows, alone and in the schema of today.

    Raises DataError where they cannot be read.
    """
    writer = lake.writer(key, ".copy.parquet")
    try:
        for table in lake.read_rows(key):
            writer.add(table)
        writer.finish()
        writer.seal({})
        yield writer.path
    finally:
        writer.discard()


def with_latest(tables: Iterable[pa.Table], rows: pa.Table) -> Iterator[pa.Table]:
    """Yield the rows of a day, those of the same messages in `rows` as they are there; they lie at the same times."""
    for table in tables:
        at = pc.index_in(table["message_id"], rows["message_id"])
        kept, latest = table.filter(pc.is_null(at)), rows.take(pc.drop_null(at))
        yield pa.concat_tables([kept, latest]).sort_by(_ORDER)


def without(tables: Iterable[pa.Table], ids: AbstractSet[int]) -> Iterator[pa.Table]:
    """Yield the rows of a day without some messages."""
    moved = pa.array(sorted(ids), pa.int64())
    for table in tables:
        yield table.filter(pc.invert(pc.is_in(table["message_id"], moved)))


def labelled(day_file: DayFile, policy: PrivacyPolicy) -> DayFile:
    """Return what a day's file says of itself once its rows are treated by a policy."""
    return replace(day_file, privacy=policy.label)


def placeholder(key: DayKey, problem: str, *, now: datetime) -> DayFile:
    """Return what the file of a day says of itself that could not be read."""
    return DayFile(
        key=key, row_count=0, total_count=None, verified=False, moving=0, exported_at=now, checksum="", problem=problem
    )


def reject_lines(rejects: Sequence[Reject]) -> str:
    """Return rows that could not be decoded as JSON lines, numbers as they came."""
    lines = (
        simplejson.dumps({"reason": reject.reason, "raw": reject.raw}, use_decimal=True, ensure_ascii=False)
        for reject in rejects
    )
    return "".join(f"{line}\n" for line in lines)


def named(ids: AbstractSet[int]) -> str:
    """Return which messages these are, or how many, where those are many."""
    return f"message {', '.join(map(str, sorted(ids)))}" if len(ids) <= _NAMED else f"{len(ids):,} messages"
