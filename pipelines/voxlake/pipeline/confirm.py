"""No reply is its own witness: hold what a run has read against counts of their own, before a day counts as verified.

One count over all days that were read must be what their readings gave, together. Where it is not, and is not when it
is asked for again, the days that disagree are looked for by counts, and read again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected, VoxlakeError
from voxlake.extract import NOTHING_LEARNED, RANGE_CODES, ApiQuirks, closing_spans
from voxlake.model import Window
from voxlake.pipeline.refresh import differing, learn_lake_bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.extract import ClosingSpan, CountedDay
    from voxlake.lake import Lake
    from voxlake.model import DayFile
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.recorder import Recorder
    from voxlake.transform import Stream

WRONG = 2
"""How many counts over a span disagree before it is doubted: a reply may be wrong once."""

FEW = 2000
"""Rows that are sooner read again than counted by halves."""

MANY = 4
"""How many counts have to agree with a single reply of an API that has contradicted itself."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Which days a second reply agrees with, and for the others in words what disagrees."""

    confirmed: frozenset[date] = frozenset()
    doubts: tuple[tuple[date, str], ...] = ()
    quirks: ApiQuirks = NOTHING_LEARNED
    contradicted: bool = False
    error: VoxlakeError | None = None


def confirm(context: Context, record: Recorder) -> dict[Stream, set[date]]:
    """Compare what was read of each stream with counts of their own, and return the days to be read again.

    Days that are confirmed are verified from now on, days that are not are unverified and say why.
    """
    pending = {}
    for stream, readings in record.readings.items():
        files = {day: file for day, file in record.day_files(stream, readings).items() if is_whole(file)}
        days = [readings[day] for day in files]
        if days and (stream in record.news or any(file.unconfirmed for file in files.values())):
            pending[stream] = context.submit(
                _confirm,
                context.lake,
                stream,
                days,
                files,
                record.quirks[stream],
                contradicted=stream in record.contradicted,
            )
    record.news.clear()
    doubtful: dict[Stream, set[date]] = {stream: set() for stream in record.streams}
    for stream, future in pending.items():
        found = context.result(future)
        record.learn(stream, found.quirks)
        record.contradicted |= {stream} if found.contradicted else set()
        if found.error is not None:
            record.fail(stream, found.error)
        for day in sorted(found.confirmed):
            if record.manifest[record.key(stream, day)].unconfirmed:
                _restate(context, record, stream, day, None)
        for day, problem in found.doubts:
            _restate(context, record, stream, day, problem)
            doubtful[stream].add(day)
        record.readings[stream].clear()
    return doubtful


def is_whole(day_file: DayFile) -> bool:
    """Whether a reading gave all that it counted itself."""
    return day_file.verified or day_file.unconfirmed


def _restate(context: Context, record: Recorder, stream: Stream, day: date, problem: str | None) -> None:
    """Write the file of a day again with the same rows, verified or with a problem."""
    day_file = replace(record.manifest[record.key(stream, day)], verified=problem is None, problem=problem)
    nothing = stream.schema.empty_table()
    try:
        record.change(stream, context.lake.update_rows(day_file, nothing), changed=0)
    except VoxlakeError as error:
        record.fail(stream, error)


def _confirm(
    history: HistoryApi,
    lake: Lake,
    stream: Stream,
    days: Iterable[CountedDay],
    files: Mapping[date, DayFile],
    quirks: ApiQuirks,
    *,
    contradicted: bool,
) -> Confirmation:
    """Count spans of days. A day that has ended, and that one reply alone speaks for so far, takes two that agree.

    Where the API has `contradicted` itself in this run, it takes `MANY`.
    """
    failure: VoxlakeError | None = None
    confirmed: set[date] = set()
    doubts: list[tuple[date, str]] = []
    waiting = closing_spans(days, quirks.longest_window, quirks.largest_total)
    agreed: list[ClosingSpan] = []
    try:
        while waiting:
            span = waiting.pop()
            is_alone = rests_on_one_reply(span, files)
            if span.rows >= quirks.largest_total and not is_alone:
                # More than the API counts: the pieces of the day were counted one by one.
                confirmed.update(day.date for day in span.days)
                continue
            try:
                totals = _count(history, stream, span, needed=MANY if is_alone and contradicted else 1 + is_alone)
            except ApiRejected as error:
                smaller = _smaller(span, error)
                if smaller is not None:
                    quirks = quirks.merge(ApiQuirks(longest_window=span.asked.seconds))
                    waiting += smaller
                    continue
                totals = []
            if not contradicted and not all(map(span.agrees, totals)):
                # Who is wrong once may be wrong twice: what was believed of it so far is asked for again.
                contradicted = True
                waiting += agreed
                agreed.clear()
            if totals and span.agrees(totals[-1]):
                confirmed.update(day.date for day in span.days)
                agreed += [span] if is_alone else []
                continue
            differ, problem = _doubts(history, lake, stream, span, files, totals)
            doubts += [(day, problem) for day in sorted(differ)]
            confirmed.update(day.date for day in span.days)
    except VoxlakeError as error:
        failure = error
    confirmed -= {day for day, _ in doubts}
    return Confirmation(frozenset(confirmed), tuple(doubts), quirks, contradicted=contradicted, error=failure)


def rests_on_one_reply(span: ClosingSpan, files: Mapping[date, DayFile]) -> bool:
    """Whether a count that lacks rows could agree with a span: no day that is known surely has any."""
    ended = [day for day in span.days if not day.in_progress]
    known = any(day.rows for day in ended if not files[day.date].unconfirmed)
    return not known and any(files[day.date].unconfirmed for day in ended)


def _count(history: HistoryApi, stream: Stream, span: ClosingSpan, *, needed: int) -> list[int]:
    """Count a span until as many counts as needed agree with what was read, or too many do not; the last one decides.

    Nothing is counted where it is not known which rows came from beside the days.
    """
    totals: list[int] = []
    agreeing = 0
    asked = span.asked
    history.ceiling.need(min(needed, WRONG))
    while span.can_be_closed and agreeing < needed and len(totals) - agreeing < WRONG:
        history.ceiling.ask()
        totals.append(history.total(stream, asked))
        if span.agrees(totals[-1]):
            agreeing += 1
        else:
            asked = span.asked_wide
    return totals


def _smaller(span: ClosingSpan, error: ApiRejected) -> list[ClosingSpan] | None:
    """Return the halves of a span that the API refuses to count as too long; None where that is not the matter."""
    if error.code not in RANGE_CODES:
        return None
    smaller = closing_spans(span.days, span.asked.seconds)
    return smaller if len(smaller) > 1 else None


def _doubts(
    history: HistoryApi,
    lake: Lake,
    stream: Stream,
    span: ClosingSpan,
    files: Mapping[date, DayFile],
    totals: list[int],
) -> tuple[set[date], str]:
    """Return the days of a span that disagree with counts, found by halving, and in words what is wrong.

    Only days that have ended can be counted exactly. Where it cannot be learned what the API's dates mean, every day is
    in doubt, and where all rows are a page or two: to read these takes fewer requests than to count.
    """
    said = " then ".join(f"{total:,}" for total in dict.fromkeys(totals)) or "nothing that can be compared"
    problem = f"{span.rows:,} messages were read of {_name(span)} where the API counts {said}"
    ended = {day.date: files[day.date] for day in span.days if not day.in_progress}
    doubted = {day.date for day in span.days} - ended.keys()
    is_small = len(ended) == 1 or max(totals, default=0) <= FEW
    bounds = None if is_small else learn_lake_bounds(history, lake, stream, ended)
    if bounds is None or not ended:
        return {day.date for day in span.days}, problem
    window = Window.of_days(min(ended), max(ended))
    return doubted | differing(history, stream, window, bounds, ended, {}), problem


def _name(span: ClosingSpan) -> str:
    first, last = span.days[0].date, span.days[-1].date
    return str(first) if first == last else f"{first} to {last}"
