"""Bring the days of one window into the lake: the unit of work, a plain call that knows nothing of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from voxlake.errors import Declined, Unavailable, VoxlakeError
from voxlake.fetch import DEEPEST, PAGE, fetch
from voxlake.lake import checksum
from voxlake.model import DAY, Cell, Part, Window, midnight
from voxlake.plan import chunks
from voxlake.streams import WAITING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from voxlake.api import Api
    from voxlake.lake import Lake
    from voxlake.ledger import Ledger
    from voxlake.model import Batch
    from voxlake.streams import Stream

# A chunk should stay below the deepest offset even where a busy day follows quiet ones.
_CHUNK = DEEPEST - 2 * PAGE


@dataclass(slots=True)
class Outcome:
    """The days that were written, each with its new and changed rows, and what ended the work early, if anything."""

    parts: list[tuple[Part, int, int]] = field(default_factory=list)
    error: VoxlakeError | None = None


def survey(api: Api, stream: Stream, window: Window) -> list[Window]:
    """Ask once how many rows a window of whole days holds, and cut it so that each piece is worth its requests."""
    try:
        rows = api.total(stream, window)
    except (Declined, Unavailable):
        # Perhaps the window is too long, perhaps the moment is bad: the smaller windows will tell.
        rows = _CHUNK * len(window.days)
    return list(chunks(window, rows=rows, most=_CHUNK))


def extract(
    api: Api, lake: Lake, stream: Stream, window: Window, *, before: Ledger, now: Callable[[], datetime]
) -> Outcome:
    """Fetch whole UTC days and put each in place as soon as it is complete.

    A day in progress is asked for up to now, so that it holds still. What was written stays written when a later day
    of the window fails.
    """
    outcome = Outcome()
    asked = Window(window.start, min(window.end, now().replace(microsecond=0)))
    pending: list[Batch] = []
    try:
        for batch in fetch(api, stream, asked):
            pending.append(batch)
            if batch.window.end in (midnight(batch.window.end.date()), asked.end):
                for day in _days(pending):
                    inside = [_within(piece, day) for piece in pending]
                    cell = Cell(api.account_id, stream.name, day)
                    outcome.parts.append(_keep(lake, stream, cell, inside, before=before, now=now()))
                pending = []
    except VoxlakeError as error:
        outcome.error = error
    return outcome


def _days(batches: list[Batch]) -> list[date]:
    return sorted({day for batch in batches for day in batch.window.days})


def _within(batch: Batch, day: date) -> Batch:
    """Cut the rows of one day out of a batch; only proved batches span days, so their counts can be cut as well."""
    if len(batch.window.days) == 1:
        return batch
    start, end = (pa.scalar(at, pa.timestamp("us", tz="UTC")) for at in (midnight(day), midnight(day) + DAY))
    times = batch.table["processed_at"]
    table = batch.table.filter(pc.and_(pc.greater_equal(times, start), pc.less(times, end)))
    return type(batch)(Window.of_days(day, day), table, table.num_rows)


def _keep(
    lake: Lake, stream: Stream, cell: Cell, pieces: list[Batch], *, before: Ledger, now: datetime
) -> tuple[Part, int, int]:
    """Write the file of one day, and count what is new and what changed against the file before."""
    table = pa.concat_tables([piece.table for piece in pieces])
    rejects = [reject for piece in pieces for reject in piece.rejects]
    problems = [piece.problem for piece in pieces if piece.problem is not None]
    ids = pc.count_distinct(table["message_id"]).as_py()
    if ids != table.num_rows:
        problems.append("rows moved in time while they were read")
    old_part = before.get(cell)
    old = lake.read(cell) if old_part is not None else None
    total = sum(piece.total for piece in pieces)
    if problems:
        # An unproved reading may lack rows that an earlier one had: keep both, the later state winning.
        table = _merged(table, old)
    part = Part(
        cell=cell,
        row_count=table.num_rows,
        total_count=total,
        verified=not problems,
        moving=_moving(table, stream),
        exported_at=now,
        checksum=checksum(table),
        rejects=len(rejects),
        problem="; ".join(problems) or None,
    )
    lake.write_rejects(cell, rejects)
    lake.write(part, table)
    if old is None or old_part is None:
        return part, table.num_rows, 0
    if old_part.checksum == part.checksum:
        return part, 0, 0
    return part, *_difference(table, old)


def _moving(table: pa.Table, stream: Stream) -> int:
    """Count the rows whose status can still change."""
    moving = pc.or_kleene(
        pc.equal(table["status_id"], WAITING),
        pc.is_in(table[stream.own], pa.array(stream.moving, pa.string())),
    )
    return int(pc.sum(pc.cast(moving, pa.int64())).as_py() or 0)


def _merged(table: pa.Table, old: pa.Table | None) -> pa.Table:
    if old is not None:
        table = pa.concat_tables([old, table])
    frame = table.append_column("_row", pa.array(range(table.num_rows), pa.int64()))
    last = frame.group_by("message_id").aggregate([("_row", "max")])["_row_max"]
    return table.take(last).sort_by([("processed_at", "ascending"), ("message_id", "ascending")])


def _difference(table: pa.Table, old: pa.Table) -> tuple[int, int]:
    """Count the ids of a table that an older one lacks, and the rows that it has otherwise."""
    known = pc.is_in(table["message_id"], old["message_id"].combine_chunks())
    common = table.filter(known).sort_by("message_id").to_pylist()
    older = {row["message_id"]: row for row in old.to_pylist()}
    return table.num_rows - len(common), sum(row != older[row["message_id"]] for row in common)
