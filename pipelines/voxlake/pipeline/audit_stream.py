"""Audit one stream: files against themselves, days against the API's counts, pages against the lake's rows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc

from voxlake.errors import ApiRejected, CeilingReached, DataError
from voxlake.extract import CALIBRATION, WindowReader, count
from voxlake.lake import Learned, erased_in
from voxlake.model import DAY, SECOND, Window, midnight
from voxlake.pipeline.memory import recall
from voxlake.pipeline.refresh import learn_lake_bounds
from voxlake.pipeline.treatment import comparable
from voxlake.text import counted
from voxlake.transform import normalise, treat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    import pyarrow as pa

    from voxlake.api import HistoryApi
    from voxlake.extract import ApiQuirks, DateBounds
    from voxlake.lake import Lake, Manifest
    from voxlake.model import DayFile, DayKey
    from voxlake.pipeline.context import Context
    from voxlake.transform import Stream

PAGE = 1000
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """One UTC day of one stream that is not as it should be; `told` is a clause that says how."""

    stream: str
    date: date
    told: str


@dataclass(frozen=True, slots=True)
class StreamAudit:
    """What was compared of one stream, and what differs.

    `days` were to be compared, `counted` were counted by the API, `files` were read; `pages` with `rows` were requested
    again. `unread` names what the API could not be asked.
    """

    stream: str
    days: int
    counted: int
    files: int
    pages: int
    rows: int
    unread: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    account_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return asdict(self) | {"differences": [asdict(each) | {"date": str(each.date)} for each in self.differences]}

    def __str__(self) -> str:
        summary = (
            f"{self.stream}: {counted(self.days)}; {self.counted:,} counted by the API,"
            f" {counted(self.files, 'file')} read, {counted(self.pages, 'page')} with {counted(self.rows, 'row')}"
            f" asked for again; {counted(len(self.differences), 'difference')}"
        )
        lines = [f"{self.stream}: {d.date}: {d.told}" for d in sorted(self.differences, key=lambda d: d.date)]
        return "\n".join([summary, *lines, *(f"{self.stream}: {day}" for day in self.unread)])


class _Finding(NamedTuple):
    """A difference of one day."""

    date: date
    told: str


def audit_stream(
    context: Context,
    manifest: Manifest,
    stream: Stream,
    days: Sequence[date],
    *,
    pages: int,
    draw: Callable[[], float],
    database: bool,
) -> StreamAudit:
    """Audit UTC days of one stream; `pages` of them are requested again, at places that `draw` decides.

    A day that was exported before it had ended is left out: it is not meant to be whole. Without `database`, the
    published database is left out.

    Raises:
        Refused, Unavailable: the API cannot be asked.

    """
    held = manifest.of(context.history.account_id, stream.name)
    day_files = {day: held[day] for day in days if day in held}
    known = [day for day in days if _has_ended(day, day_files.get(day), context.now())]
    found = [
        _Finding(key.date, str(error))
        for key, error in manifest.damaged.items()
        if (key.account_id, key.stream) == (context.history.account_id, stream.name) and key.date in days
    ]
    broken = _damaged_files(context, day_files)
    found += broken
    found += _unverified(day_files, known, {finding.date for finding in found})
    sound = {day: day_files[day] for day in day_files.keys() - {finding.date for finding in broken}}
    sound = dict(sorted(sound.items()))
    found += _shared(context.lake, manifest, day_files)
    if database:
        differing = context.warehouse.differing(sound.values(), context.lake)
        found += [_Finding(key.date, "the database does not hold what the lake holds") for key in differing]
    proved = {day: day_file for day, day_file in sound.items() if day_file.verified}
    # A count of each day, or where counts cannot be understood, its pages; and the pages that are asked for again.
    context.history.ceiling.need(stream.name, windows=len(known), counts=len(known) + pages + CALIBRATION)
    bounds = learn_lake_bounds(context.history, context.lake, stream, proved)
    learned = Learned(context.lake)
    quirks = recall(learned, context.history.account_id, stream, context.now().date())
    counts = _counts(context, stream, known, bounds if quirks.counts_prove else None, quirks)
    found += _wrong_counts(counts, day_files)
    filled = [sound[day] for day in known if day in sound and sound[day].row_count]
    chosen = [(filled[int(draw() * len(filled))], draw()) for _ in range(pages if filled else 0)]
    reread = _pages(context, stream, chosen, bounds)
    for (day_file, _), page in zip(chosen, reread, strict=True):
        if page is not None:
            found += [_Finding(day_file.key.date, told) for told in _compare(context.lake, day_file, page)]
    no_count = [day for day, number in counts.items() if number is None]
    no_page = [day_file.key.date for (day_file, _), page in zip(chosen, reread, strict=True) if page is None]
    return StreamAudit(
        stream.name,
        days=len(known),
        counted=len(known) - len(no_count),
        files=len(day_files),
        pages=len(chosen) - len(no_page),
        rows=sum(page.num_rows for page in reread if page is not None),
        unread=(
            *(f"{day}: the API returned no count that can be trusted" for day in no_count),
            *(f"{day}: a page could not be requested again" for day in no_page),
        ),
        differences=tuple(Difference(stream.name, *finding) for finding in found),
        account_id=context.history.account_id,
    )


def _has_ended(day: date, day_file: DayFile | None, now: datetime) -> bool:
    """Return whether a day is over, and was when its file was exported, if it has one."""
    end = midnight(day) + DAY
    return end <= now and (day_file is None or day_file.exported_at >= end)


def _damaged_files(context: Context, day_files: Mapping[date, DayFile]) -> list[_Finding]:
    """Read every file and compare it with its own checksum and schema."""
    context.lake.fetch(day_file.key for day_file in day_files.values())
    pending = [context.submit(_damage, context.lake, day_file) for day_file in day_files.values()]
    problems = map(context.result, pending)
    return [_Finding(day, problem) for day, problem in zip(day_files, problems, strict=True) if problem is not None]


def _damage(_history: HistoryApi, lake: Lake, day_file: DayFile) -> str | None:
    return lake.damage(day_file)


def _shared(lake: Lake, manifest: Manifest, day_files: Mapping[date, DayFile]) -> Iterator[_Finding]:
    """Name the days whose messages lie in another day of the stream, too: a glob over the lake reads them twice."""
    keys = {day_file.key for day_file in day_files.values()}
    for group in manifest.overlapping(suspects_only=False, among=keys):
        for key in (shared := _duplicates(lake, group)).keys() & keys:
            some = _some(sorted(map(str, shared[key])))
            yield _Finding(key.date, f"the lake has {some} on another day, too")


def _duplicates(lake: Lake, day_files: Sequence[DayFile]) -> dict[DayKey, set[int]]:
    """Find messages in several files; a damaged file is named for itself, and hides them until it is repaired."""
    try:
        return lake.duplicates(day_files)
    except DataError:
        return {}


def _unverified(day_files: Mapping[date, DayFile], known: Sequence[date], damaged: set[date]) -> Iterator[_Finding]:
    """Name the days without a file, or without a verified one."""
    for day in known:
        if day not in day_files and day not in damaged:
            yield _Finding(day, "the lake has no file of this day")
        elif day in day_files and not day_files[day].verified:
            yield _Finding(day, f"not verified: {day_files[day].problem}")


def _counts(
    context: Context, stream: Stream, days: Sequence[date], bounds: DateBounds | None, quirks: ApiQuirks
) -> dict[date, int | None]:
    """Ask how many messages each day has; None where the API gives no count that can be trusted."""
    pending = [context.submit(_count, stream, day, bounds, quirks) for day in days]
    return {day: context.result(future) for day, future in zip(days, pending, strict=True)}


def _count(history: HistoryApi, stream: Stream, day: date, bounds: DateBounds | None, quirks: ApiQuirks) -> int | None:
    window = Window.of_days(day, day)
    if bounds is not None:
        with suppress(CeilingReached):
            return count(history, stream, window, bounds)
        return None
    # Without known bounds nobody can say what a count means, so the day is read.
    pieces = list(WindowReader(history, stream, quirks).read(window))
    return sum(piece.total + piece.surplus for piece in pieces) if all(piece.verified for piece in pieces) else None


def _wrong_counts(counts: Mapping[date, int | None], day_files: Mapping[date, DayFile]) -> Iterator[_Finding]:
    for day, number in counts.items():
        file = day_files.get(day)
        rows, surplus = (0, 0) if file is None else (file.row_count + file.rejects, file.surplus)
        forgotten = 0 if file is None else file.forgotten
        if number is not None and number != rows + surplus + forgotten:
            known = f", of which it counted {counted(surplus, 'row')} more" if surplus else ""
            known += f", and {counted(forgotten, 'message')} of it were erased" if forgotten else ""
            yield _Finding(day, f"the API counts {number:,} messages, the lake holds {rows:,}{known}")


def _pages(
    context: Context, stream: Stream, chosen: Sequence[tuple[DayFile, float]], bounds: DateBounds | None
) -> list[pa.Table | None]:
    """Request a page of each chosen day again, at a place in it from 0 to 1; None where the API gives none."""
    pending = [context.submit(_page, stream, day_file, place, bounds) for day_file, place in chosen]
    return [context.result(future) for future in pending]


def _page(
    history: HistoryApi, stream: Stream, day_file: DayFile, place: float, bounds: DateBounds | None
) -> pa.Table | None:
    day = Window.of_days(day_file.key.date, day_file.key.date)
    asked = bounds.exactly(day) if bounds is not None else Window(day.start - SECOND, day.end)
    for offset in (int(place * max(1, day_file.row_count - PAGE)), 0):
        for size in (PAGE, 100):
            try:
                page = history.page(stream, asked, offset=offset, count=size)
            except (ApiRejected, CeilingReached):
                continue
            if page.served:
                return normalise([page.table], stream=stream, window=day)
    return None


def _compare(lake: Lake, day_file: DayFile, page: pa.Table) -> Iterator[str]:
    """Yield clauses that name the rows of a page that the lake lacks, or has otherwise, but for what was erased."""
    erased = erased_in(lake)
    page = erased.treat(page, textless=erased.is_textless(day_file.key, day_file)).table
    page = treat(page, lake.policy)
    ids = page["message_id"].combine_chunks()
    same = comparable(day_file, lake.policy)
    ours = {
        row["message_id"]: row
        for table in lake.treated_rows(day_file.key)
        for row in table.filter(pc.is_in(table["message_id"], ids)).to_pylist()
    }
    lacking, other = [], []
    for row in page.to_pylist():
        mine = ours.get(row["message_id"])
        if mine is None:
            lacking.append(str(row["message_id"]))
        elif columns := ", ".join(name for name in row if name in same and row[name] != mine[name]):
            other.append(f"{row['message_id']} ({columns})")
    if lacking:
        yield f"the lake lacks {_some(lacking)}"
    if other:
        yield f"the lake differs from the API in {_some(other)}"


def _some(messages: Sequence[str]) -> str:
    """Name a few messages by id alone: what they say is private."""
    more = f" and {len(messages) - _NAMED:,} more" if len(messages) > _NAMED else ""
    return f"message{'s' if len(messages) > 1 else ''} {', '.join(messages[:_NAMED])}{more}"
