"""One day in the making: collect its rows piece by piece, then put its file in place of the one before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voxlake.extract import CountedDay
from voxlake.lake import NO_ROWS, Difference, erased_in, forgotten_in
from voxlake.model import COUNTS, DAY, READINGS, SECOND, UNCONFIRMED, DayFile, DayKey, Window, midnight
from voxlake.transform import distinct, treat

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from voxlake.lake import DayFileWriter, Lake
    from voxlake.model import FinalityPolicy, Reject, WindowRows
    from voxlake.transform import Stream

_ORDER = [("processed_at", "ascending"), ("message_id", "ascending")]


@dataclass(frozen=True, slots=True)
class WrittenDay:
    """A day whose file is sealed aside, at `Layout.draft`, and how many of its rows differ from the file before.

    `gone` counts rows that the API's word was taken for, so that only `rejects/gone/` has them. `unaccounted` are the
    ids of rows that the file before had and that the API does not report on this day any more; `kept` are those of rows
    that the file has from the one before, and not from the API. `counted` is what a count of the day has to agree with;
    None where the day was not read whole. Of a day that keeps its file as it is, nothing `is_sealed`. `doubled` is how
    many more rows than before the API counts beyond the messages.
    """

    day_file: DayFile
    new: int = 0
    changed: int = 0
    gone: int = 0
    unaccounted: frozenset[int] = frozenset()
    counted: CountedDay | None = None
    kept: frozenset[int] = frozenset()
    is_sealed: bool = True
    doubled: int = 0

    @property
    def is_news(self) -> bool:
        """Whether the file differs from the one before."""
        return bool(self.new or self.changed or self.gone)


class DayDraft:
    """One day in the making. Pieces are added in the order of time and go to disk, so that a day of any size fits.

    What was erased in the lake is counted with the rest, and not written. `previous` is the file that the day has.
    """

    def __init__(self, lake: Lake, stream: Stream, key: DayKey, previous: DayFile | None = None) -> None:
        self.key = key
        self._erased = erased_in(lake)
        self._textless = self._erased.is_textless(key, previous)
        self.problems: list[str] = []
        self._lake, self._stream = lake, stream
        self._writer: DayFileWriter | None = None
        self._rows = 0
        self._ids: list[pa.ChunkedArray] = []
        self._rejects: list[Reject] = []
        self._total = 0
        self._moving = 0
        self._pieces = 0
        self._surplus = 0
        self._forgotten = 0
        self._repeated = False
        self._first: WindowRows | None = None
        self._last: WindowRows | None = None

    @property
    def counted(self) -> CountedDay | None:
        """What a count of the day has to agree with; None before a piece was added.

        A day in several pieces was compared with a count of all of it, so that no reply is alone.
        """
        if self._first is None or self._last is None:
            return None
        return CountedDay(
            Window(self._first.window.start, self._last.window.end),
            rows=self._rows + len(self._rejects) + self._surplus + self._forgotten,
            asked_from=self._first.asked.start if self._first.asked else self._first.window.start - SECOND,
            asked_to=self._last.asked.end if self._last.asked else self._last.window.end,
            before=self._first.before,
            after=self._last.after,
            at_end=self._last.at_end,
            alone=self._pieces == 1 and self._first.alone,
        )

    @property
    def path(self) -> Path:
        """The file in the making."""
        return self._file().path

    @property
    def is_empty(self) -> bool:
        """Whether no row came, readable or not; there is no file before the day is sealed."""
        return not (self._rows or self._rejects)

    @property
    def rejects(self) -> list[Reject]:
        """The rows that could not be decoded."""
        return self._rejects

    def add(self, piece: WindowRows) -> None:
        """Append the rows of a piece of the day."""
        table, forgotten, *_ = self._erased.treat(piece.table, textless=self._textless)
        self._ids += piece.table["message_id"].chunks
        self._forgotten += forgotten
        if table.num_rows:
            self._file().add(treat(table, self._lake.policy))
            self._rows += table.num_rows
            self._moving += count_moving(self._stream, table)
        self._rejects += self._erased.treat_rejects(piece.rejects, textless=self._textless)
        self._total += piece.total
        self._pieces += 1
        self._surplus += piece.surplus
        self._repeated |= piece.repeated
        edge = replace(piece, table=piece.table.slice(0, 0))
        self._first, self._last = self._first or edge, edge
        if piece.problem is not None:
            self.problems.append(piece.problem)

    def has_duplicates(self) -> bool:
        """Return whether a message came with two pieces."""
        rows = self._rows + self._forgotten
        return rows > 1 and distinct(self._ids) != rows

    def describe(self, at: datetime, *, confirmed: bool = True) -> DayFile:
        """Return what the file will say of itself; `at` is up to when it is known. The checksum is that of no rows.

        Of a day that is not `confirmed` it says so, if that is all that is wrong.
        """
        problems = self.problems or ([] if confirmed else [UNCONFIRMED])
        return DayFile(
            key=self.key,
            row_count=self._rows,
            total_count=self._total,
            verified=not problems,
            moving=self._moving,
            exported_at=at,
            checksum=NO_ROWS,
            rejects=len(self._rejects),
            problem="; ".join(dict.fromkeys(problems)) or None,
            proof=READINGS if self._repeated else COUNTS,
            surplus=self._surplus,
            forgotten=self._forgotten,
            textless=self._textless,
            privacy=self._lake.policy.label,
        )

    def seal(self, at: datetime, *, confirmed: bool = True) -> DayFile:
        """Finish the file aside and return what it says of itself, see `describe`."""
        return self._lake.seal(self._file(), self.describe(at, confirmed=confirmed))

    def merge(self, *, with_previous: bool) -> None:
        """Begin the file again with its rows and those of the day's previous file, each message once, as it came last.

        The file must be sealed. All rows of the day are held in memory: days are merged only where something is wrong.
        """
        rows = self._lake.treated_rows(self.key) if with_previous else ()
        previous = [self._erased.treat(table, textless=self._textless).table for table in rows]
        latest = pq.ParquetFile(self.path).read().replace_schema_metadata(None)
        table = latest_rows(pa.concat_tables([*previous, latest]))
        self._moving = count_moving(self._stream, table)
        self._writer, self._rows = None, table.num_rows
        self._file().add(table)

    def discard(self) -> None:
        """Remove the unfinished file, if there is one."""
        if self._writer is not None:
            self._writer.discard()

    def _file(self) -> DayFileWriter:
        """Return the file in the making, which begins when there is something to write."""
        if self._writer is None:
            self._writer = self._lake.writer(self.key)
        return self._writer


def seal_day(
    lake: Lake,
    draft: DayDraft,
    previous: DayFile | None,
    *,
    at: datetime,
    force: bool,
    confirmed: bool = True,
    finality: FinalityPolicy | None = None,
) -> WrittenDay:
    """Seal a whole day, to be put in place of its previous file; no message that was read once is lost on the way.

    A day that is not `confirmed` by a second reply says so. A day of which there is nothing new keeps its file, unless
    it is final now, by `finality`, or known for longer: a quiet night writes nothing.

    Messages that the previous file has, and that are not in the draft, stay in the day, which is unverified then. With
    `force` the API's word is taken against them, and the previous file is kept aside.

    Raises:
        DataError: the previous file holds values that do not fit their types of today; with `force` it is kept aside.
        StorageFull: the disk is full.

    """
    if previous is not None and draft.is_empty and not force:
        # Most days of a quiet account: no file has to be written to see that there is nothing new.
        described = draft.describe(at, confirmed=confirmed)
        if _is_kept(lake, previous, described, finality, confirmed=confirmed):
            return WrittenDay(previous, counted=draft.counted, is_sealed=False)
    misfit = lake.misfit(draft.key) if previous is not None else None
    if misfit is not None and not force:
        raise misfit
    if draft.has_duplicates():
        draft.problems.append("rows moved in time while they were read")
    counted, kept = draft.counted, frozenset[int]()
    sealed = draft.seal(at, confirmed=confirmed)
    if not force and previous is not None and _is_kept(lake, previous, sealed, finality, confirmed=confirmed):
        draft.discard()
        return WrittenDay(previous, counted=counted, is_sealed=False)
    if draft.problems:
        # What could not be proved complete may lack messages of an earlier reading.
        sound = previous is not None and lake.damage(previous) is None
        kept = _difference(lake, draft, sealed, previous).gone if sound else kept
        draft.merge(with_previous=sound)
        sealed = draft.seal(at)
    difference = _difference(lake, draft, sealed, previous)
    unaccounted = difference.gone
    if (unaccounted or misfit) and force:
        lake.keep_replaced(draft.key)
    elif unaccounted:
        draft.problems.append(
            f"{len(unaccounted):,} previously exported messages are missing from the API's reply and were kept"
            " ('voxlake backfill --force' accepts their deletion)"
        )
        draft.merge(with_previous=True)
        sealed = draft.seal(at)
        kept |= unaccounted
    lake.write_rejects(draft.key, draft.rejects)
    gone = len(unaccounted) if force else 0
    counted = None if draft.problems else counted
    known = previous.surplus if previous is not None else 0
    doubled = 0 if draft.problems else max(0, sealed.surplus - known)
    return WrittenDay(sealed, difference.new, difference.changed, gone, unaccounted, counted, kept, doubled=doubled)


def _is_kept(
    lake: Lake, previous: DayFile, sealed: DayFile, finality: FinalityPolicy | None, *, confirmed: bool
) -> bool:
    """Whether a day has the same rows as before, in a file that was verified, is still sound, and says enough.

    What is known of a day in progress by one reply alone adds nothing to it.
    """
    wanted = None if confirmed else UNCONFIRMED
    if sealed.problem != wanted or not previous.verified or _content(sealed) != _content(previous):
        return False
    over = midnight(sealed.key.date) + DAY
    if sealed.exported_at < over:
        is_enough = not confirmed
    else:
        would_be = replace(sealed, verified=True, problem=None)
        is_enough = previous.exported_at >= over and finality is not None and not would_be.final(finality)
    return is_enough and lake.damage(previous) is None


def _content(day_file: DayFile) -> tuple[Any, ...]:
    return day_file.checksum, day_file.total_count, day_file.rejects, day_file.forgotten, day_file.textless


def _difference(lake: Lake, draft: DayDraft, sealed: DayFile, previous: DayFile | None) -> Difference:
    """Compare a sealed draft with the previous file; a damaged one cannot lack messages, for it holds anything."""
    if previous is None:
        return Difference(new=sealed.row_count)
    if previous.checksum == sealed.checksum:
        return Difference()
    found = lake.compare(draft.key, draft.path)
    if found.gone and lake.damage(previous) is not None:
        return Difference(found.new, found.changed)
    return replace(found, gone=found.gone - forgotten_in(lake, draft.key)) if found.gone else found


def latest_rows(table: pa.Table) -> pa.Table:
    """Return each message once, as it is in its last row, in the order of time."""
    numbered = table.append_column("row", pa.array(range(table.num_rows), pa.int64()))
    last = numbered.group_by("message_id").aggregate([("row", "max")])["row_max"]
    return table.take(last).sort_by(_ORDER)


def count_moving(stream: Stream, table: pa.Table) -> int:
    """Return how many rows have a status that can still change."""
    if not table.num_rows:
        return 0
    return int(pc.sum(stream.moves(table)).as_py() or 0)
