"""Do the counts agree with what came, and what is the problem where they do not: judgements that ask nobody.

The API documents neither the order of rows nor what its dates mean, and rows move while they are paged. So more is
asked for than the window, and the distinct ids are held against every count that came: only where all agree is a window
verified.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voxlake.extract.doubled import doubled_times
from voxlake.model import DAY, SECOND, Reject, Window, WindowRows
from voxlake.text import counted
from voxlake.transform import Stream, distinct, integers, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voxlake.extract.paginate import Reading
    from voxlake.model import Page

_STRAY = "came although it lies more than a day outside of what was asked for"
_FAR = DAY / 2 - 4 * SECOND
_PART = DAY - timedelta(hours=1)
_NEAR = timedelta(minutes=1)
_TWO = 2
_NAMED = 3
_LEAST_CAP = 100
_UNCLEAR = "different rows have the message id"
_EVER = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def told_apart(page: Page) -> Page:
    """Return a page with different rows of one id among its rejects: which of them is the message, nobody knows."""
    ids = page.table["message_id"]
    if pc.count_distinct(ids).as_py() == page.table.num_rows:
        return page
    distinct_rows = page.table.group_by(page.table.column_names).aggregate([])
    counts = distinct_rows["message_id"].value_counts()
    twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if not len(twice):
        return page
    unclear = pc.is_in(ids, twice)
    rejects = [
        Reject(
            row | {"processed_at": f"{row['processed_at']:%Y-%m-%d %H:%M:%S}"},
            f"{_UNCLEAR} {row['message_id']}",
            row["processed_at"],
        )
        for row in distinct_rows.filter(pc.is_in(distinct_rows["message_id"], twice)).to_pylist()
    ]
    return replace(page, table=page.table.filter(pc.invert(unclear)), rejects=(*page.rejects, *rejects))


def problem_of(reading: Reading, rejects: Sequence[Reject]) -> str | None:
    """Return in words what keeps a reading from being proved, with the rejects of its window; else None."""
    if not reading.agrees and not reading.totals:
        return f"{reading.ids} messages were read, and not the same ones again; the API's counts prove nothing"
    if not reading.agrees:
        totals = " then ".join(map(str, dict.fromkeys(reading.totals)))
        return f"{reading.ids} messages were read where the API counts {totals}"
    if not rejects:
        return None
    stray = [reject.reason for reject in rejects if reject.reason.endswith(_STRAY)]
    unclear = sorted({reject.reason for reject in rejects if reject.reason.startswith(_UNCLEAR)})
    others = sum(not reject.reason.endswith(_STRAY) and not reject.reason.startswith(_UNCLEAR) for reject in rejects)
    unread = f"{others} rows could not be read" if others else ""
    first = f"{stray[0]} ({counted(len(stray), 'such row')})" if stray else ""
    return "; ".join(filter(None, [unread, first, *unclear[:_NAMED]]))


def rejects_inside(reading: Reading, window: Window) -> tuple[Reject, ...]:
    """Return the rows that a window has to set aside.

    Those are unreadable rows that lie in it, or may because their time cannot be read either, and rows of any kind that
    lie so far outside that no meaning of its dates explains why they came.
    """
    wide = Window(window.start - DAY, window.end + DAY)
    unread = (reject for reject in reading.rejects if reject.at is None or reject.at in window or reject.at not in wide)
    return (*unread, *_stray_rows(reading, wide))


def _stray_rows(reading: Reading, wide: Window) -> list[Reject]:
    """Return the readable rows outside a span, each once."""
    found = {}
    for page in reading.pages:
        times = page.table["processed_at"]
        least, most = pc.min_max(times).as_py().values()
        if least is not None and not (least in wide and most in wide):
            for row in page.table.filter(pc.invert(is_inside(times, wide))).to_pylist():
                at = row["processed_at"]
                raw = {name: value for name, value in row.items() if value is not None} | {"processed_at": str(at)}
                reason = f"message {row['message_id']} of {at.isoformat(' ', 'seconds')} {_STRAY}"
                found[row["message_id"]] = Reject(raw, reason, at)
    return list(found.values())


def rows_of(reading: Reading, window: Window, stream: Stream) -> WindowRows:
    """Return the rows of a reading that lie in its window, proved or with the problem that they have."""
    tables = [page.table for page in reading.pages] or [stream.wire.empty_table()]
    table = normalise(tables, stream=stream, window=window)
    rejects = rejects_inside(reading, window)
    problem = problem_of(reading, rejects)
    doubled = doubled_times(reading)
    before, after, at_end = beside(reading, window, inside=table.num_rows, doubled=doubled)
    edges: dict[str, Any] = {
        "doubled": tuple(at for at in doubled if at in window),
        "before": before,
        "after": after,
        "at_end": at_end,
        "asked": reading.asked,
        "alone": is_alone(reading),
        "repeated": reading.repeated,
    }
    if problem is None:
        return WindowRows(window, table, table.num_rows, **edges)
    stray = sum(reject.reason.endswith(_STRAY) for reject in rejects)
    counted_rows = reading.totals[-1] if reading.totals else reading.ids
    total = max(counted_rows - (reading.ids - table.num_rows - stray), 0)
    return WindowRows(window, table, total, rejects, problem, **edges)


def is_alone(reading: Reading) -> bool:
    """Whether one reply is all that speaks for a reading: of no rows at all, two counts are no more than one."""
    return not reading.repeated and (len(reading.totals) < _TWO or not (reading.ids or reading.rejects))


def beside(reading: Reading, window: Window, *, inside: int, doubled: Sequence[datetime] = ()) -> tuple[int, int, int]:
    """Return how many rows of a reading are counted before its window, after it, and in the second that follows it.

    `inside` is how many messages lie in the window; `doubled` are the times of rows that are counted once more.
    """
    rejects = [reject.at for reject in reading.rejects if reject.at is not None]
    before = sum(at < window.start for at in (*rejects, *doubled)) + reading.settled
    after = sum(at >= window.end for at in (*rejects, *doubled))
    messages = reading.ids - inside
    if not messages:
        return before, after, 0
    early = _messages_in(reading, Window(_EVER.start, window.start))
    at_end = _messages_in(reading, _second_after(window))
    at_end += sum(at in _second_after(window) for at in doubled)
    return before + early, after + messages - early, at_end


def without_settled(reading: Reading, settled: set[str]) -> Reading:
    """Return a reading without the rows that no date assigns to it, and that were rejected with an earlier window."""
    known = [r for r in reading.rejects if r.at is None and repr(r.raw) in settled]
    if not known:
        return reading
    pages = [
        replace(page, rejects=tuple(r for r in page.rejects if r.at is not None or repr(r.raw) not in settled))
        for page in reading.pages
    ]
    return replace(reading, pages=pages, settled=len(known))


def _messages_in(reading: Reading, span: Window) -> int:
    return distinct(
        page.table["message_id"].filter(is_inside(page.table["processed_at"], span)) for page in reading.pages
    )


def _second_after(window: Window) -> Window:
    return Window(window.end, window.end + SECOND)


def repeats_from(reading: Reading) -> int | None:
    """Return the offset from which on pages are the one before again, as the API goes no deeper; None without one."""
    offset = 0
    for one, other in pairwise(reading.pages):
        offset += one.served
        if is_again(one, other):
            return offset
    return None


def is_again(one: Page, other: Page) -> bool:
    """Whether two pages in a row hold the same rows."""
    return one.served == other.served > 1 and one.table["message_id"].equals(other.table["message_id"])


def counts_end(reading: Reading) -> bool:
    """Whether more came than the API counted, which is always the same round number: it counts no further."""
    total = reading.totals[-1] if reading.totals else 0
    is_round = total >= _LEAST_CAP and not total % _LEAST_CAP
    return reading.complete and set(reading.totals) == {total} and is_round and reading.ids > total


def is_unordered(reading: Reading) -> bool:
    """Whether several pages have as many rows as were counted, of which some came in the place of others.

    Where that is so twice, the API has another order for every page.
    """
    is_in_pages = reading.complete and len(reading.pages) > 1
    return is_in_pages and reading.ids < reading.rows and set(reading.totals) == {reading.rows}


def ids_inside(reading: Reading, span: Window) -> Any:
    """Return the ids of the messages of a reading that lie in a span, as an array."""
    tables = [page.table.filter(is_inside(page.table["processed_at"], span)) for page in reading.pages]
    return np.concatenate([np.empty(0, np.int64), *(integers(table["message_id"]) for table in tables)])


def is_inside(times: pa.ChunkedArray, span: Window) -> pa.ChunkedArray:
    """Mark the times that lie in a span."""
    start, end = (pa.scalar(edge, times.type) for edge in (span.start, span.end))
    return pc.and_(pc.greater_equal(times, start), pc.less(times, end))


def first_and_last(pages: Iterable[Page], span: Window) -> tuple[datetime, datetime] | None:
    """Return the first and the last time of the messages of pages that lie in a span; None where none does."""
    times = [page.table["processed_at"] for page in pages]
    found = [pc.min_max(its.filter(is_inside(its, span))).as_py() for its in times]
    filled = [entry for entry in found if entry["min"] is not None]
    if not filled:
        return None
    return min(entry["min"] for entry in filled), max(entry["max"] for entry in filled)


def times_inside(pages: Iterable[Page], span: Window) -> list[datetime]:
    """Return the times of the distinct messages of pages that lie in a span."""
    times: dict[int, datetime] = {}
    for page in pages:
        times |= zip(*(page.table[name].to_pylist() for name in ("message_id", "processed_at")), strict=True)
    return [at for at in times.values() if at in span]


def two_instants(times: Sequence[datetime], day: Window) -> tuple[datetime, datetime]:
    """Choose two instants of a day whose seconds share no row: the first time and the last, or else one far from it.

    At one of them at least there is a row; `times` is not empty.
    """
    first, last = min(times), max(times)
    if last - first <= 2 * SECOND:
        last = first + _FAR if first < day.start + DAY / 2 else first - _FAR
    return first, last


def may_ignore_time(counts: Sequence[int], rows: int) -> bool:
    """Whether counts around two instants may both be counts of the whole day, of which `rows` rows are known.

    If so, together they count more than the day holds, which takes a count of the day to tell. No row around an
    instant at which there is one does not count that instant either.
    """
    return min(counts) >= rows or not any(counts)


def gives_more_than_asked(reading: Reading) -> bool:
    """Whether what was asked for is a part of a day, and rows came from well outside of it: times were ignored."""
    asked = reading.asked
    if asked is None or asked.seconds > _PART.total_seconds():
        return False
    near = Window(asked.start - _NEAR, asked.end + _NEAR)
    return _messages_in(reading, near) < distinct(page.table["message_id"] for page in reading.pages)
