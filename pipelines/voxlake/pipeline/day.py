"""Bring the days of one window into the lake: the unit of work, a plain call that knows nothing of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voxlake.errors import VoxlakeError
from voxlake.extract import ApiQuirks, WindowReader, days_of_messages
from voxlake.model import DAY, DayFile, DayKey, Window, WindowRows, midnight
from voxlake.transform import distinct, integers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import date, datetime
    from pathlib import Path

    from voxlake.api import HistoryApi
    from voxlake.lake import Lake, Manifest
    from voxlake.model import Reject
    from voxlake.transform import Stream


@dataclass(slots=True)
class DayResults:
    """The days that were written, and what ended the work early, if anything; to the days `moved`, messages moved.

    `quirks` is what is known of the API after the reading.
    """

    kept: list[WrittenDay] = field(default_factory=list)
    moved: set[date] = field(default_factory=set)
    error: VoxlakeError | None = None
    quirks: ApiQuirks = field(default_factory=ApiQuirks)

    @property
    def empty(self) -> set[date]:
        """The days of which nothing came, and nothing is proved."""
        return {kept.day_file.key.date for kept in self.kept if not (kept.day_file.row_count or kept.day_file.verified)}


class WrittenDay(NamedTuple):
    """A day that was written, with how many of its rows are new, changed, and gone against the file before."""

    day_file: DayFile
    new: int
    changed: int
    gone: int = 0


def extract(
    api: HistoryApi,
    lake: Lake,
    stream: Stream,
    window: Window,
    *,
    before: Manifest,
    quirks: ApiQuirks,
    counted: int | None = None,
    now: Callable[[], datetime],
    elsewhere: Collection[int] = (),
    force: bool = False,
) -> DayResults:
    """Fetch whole UTC days and put each in place as soon as it is complete.

    A day in progress is taken up to now, so that it holds still. What was written stays written when a later day
    of the window fails. Messages that the file before has, and that are neither given any more nor lie `elsewhere` in
    the lake, stay in the day, which is then not verified; with `force`, the API's word is taken, and the file kept.
    `counted` is how many rows the API has just counted of this window.
    """
    outcome = DayResults()
    asked = Window(window.start, min(window.end, now().replace(microsecond=0)))
    reader = WindowReader(api, stream, quirks, counted=counted)
    day = None
    try:
        for batch in reader.read(asked):
            for piece in _by_day(batch):
                if day is None or day.key.date != piece.window.start.date():
                    day = _Day(lake, stream, DayKey(api.account_id, stream.name, piece.window.start.date()))
                day.add(piece)
                if piece.window.end in (midnight(day.key.date) + DAY, asked.end):
                    # Of the seconds since it was asked for, nothing is known.
                    at = now() if piece.window.end == midnight(day.key.date) + DAY else asked.end
                    kept, lost = day.keep(before.get(day.key), now=at, elsewhere=elsewhere, force=force)
                    outcome.kept.append(kept)
                    if lost:
                        outcome.moved |= days_of_messages(api, stream, day.key.date, lost)
                    day = None
    except VoxlakeError as error:
        outcome.error = error
    finally:
        outcome.quirks = reader.quirks
        if day is not None:
            day.draft.discard()
    return outcome


def _by_day(batch: WindowRows) -> Iterator[WindowRows]:
    """Cut a batch at its midnights; only proved batches span days, so their counts can be cut as well."""
    days = batch.window.days
    if len(days) == 1:
        yield batch
        return
    times = integers(batch.table["processed_at"])
    midnights = [int(midnight(day).timestamp()) * 1_000_000 for day in days]
    cuts = [*np.searchsorted(times, midnights).tolist(), len(times)]
    for day, start, end in zip(days, cuts[:-1], cuts[1:], strict=True):
        table = batch.table.slice(start, end - start)
        yield WindowRows(Window(midnight(day), min(midnight(day) + DAY, batch.window.end)), table, table.num_rows)


class _Day:
    """One cell in the making: the pieces come in the order of time, so that a day of any size fits in memory."""

    def __init__(self, lake: Lake, stream: Stream, day_key: DayKey) -> None:
        self.key = day_key
        self.draft = lake.writer(day_key)
        self._lake, self._stream = lake, stream
        self._ids: list[pa.ChunkedArray] = []
        self._rejects: list[Reject] = []
        self._problems: list[str] = []
        self._total = 0
        self._moving = 0

    def add(self, piece: WindowRows) -> None:
        """Append the rows of a part of the day."""
        self.draft.add(piece.table)
        self._ids += piece.table["message_id"].chunks
        self._rejects += piece.rejects
        self._total += piece.total
        self._moving += _count(self._stream.moves(piece.table))
        if piece.problem is not None:
            self._problems.append(piece.problem)

    def keep(
        self, old: DayFile | None, *, now: datetime, elsewhere: Collection[int], force: bool
    ) -> tuple[WrittenDay, set[int]]:
        """Put the file in place, and count what differs from the one before; the ids are those that it would lack."""
        if distinct(self._ids) != self.draft.rows:
            self._problems.append("rows moved in time while they were read")
        path = self._lake.path(self.key)
        if self._problems:
            self.draft.finish()
            self.draft.seal({})
            self._merge(path if old is not None and self._lake.damage(old) is None else None)
        day_file = self._sealed(now)
        new, changed, gone = self.draft.rows, 0, set[int]()
        if old is not None:
            same = old.checksum == day_file.checksum
            if same:
                new = 0
            else:
                found = self._lake.compare(self.key, self.draft.path)
                new, changed, gone = found.new, found.changed, set(found.gone)
        lost = gone.difference(elsewhere)
        if old is not None and lost and self._lake.damage(old) is not None:
            # Not what was read once.
            gone, lost = set(), set()
        if lost and force:
            self._lake.keep_replaced(self.key)
        elif lost:
            self._problems.append(
                f"{len(lost):,} messages that were read before are not given any more"
                " ('voxlake backfill --force' takes the API's word)"
            )
            self._merge(path)
            day_file, gone = self._sealed(now), set()
        self._lake.write_rejects(self.key, self._rejects)
        self._lake.put(self.key, self.draft.path)
        return WrittenDay(day_file, new, changed, len(gone)), lost

    def _sealed(self, now: datetime) -> DayFile:
        """Finish the draft, and give what it proves."""
        day_file = DayFile(
            key=self.key,
            row_count=self.draft.rows,
            total_count=self._total,
            verified=not self._problems,
            moving=self._moving,
            exported_at=now,
            checksum="",
            rejects=len(self._rejects),
            problem="; ".join(dict.fromkeys(self._problems)) or None,
        )
        return self._lake.seal(self.draft, day_file)

    def _merge(self, old: Path | None) -> None:
        """Keep the rows of an earlier reading that this one, which is sealed, may lack: each once, as it came last."""
        tables = [pq.ParquetFile(path).read() for path in (old, self.draft.path) if path is not None]
        table = pa.concat_tables([table.replace_schema_metadata(None) for table in tables])
        numbered = table.append_column("row", pa.array(range(table.num_rows), pa.int64()))
        last = numbered.group_by("message_id").aggregate([("row", "max")])["row_max"]
        table = table.take(last).sort_by([("processed_at", "ascending"), ("message_id", "ascending")])
        self._moving = _count(self._stream.moves(table))
        self.draft = self._lake.writer(self.key)
        self.draft.add(table)


def _count(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)
