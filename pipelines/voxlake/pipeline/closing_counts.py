"""Ask for the counts that have to agree with what was read of a stream: few while replies fit together, else more."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected, CountOfPage, DataError, VoxlakeError
from voxlake.extract import (
    NOTHING_LEARNED,
    RANGE_CODES,
    AnchoredSpan,
    ApiQuirks,
    NarrowDay,
    anchor_day,
    closing_spans,
    learn_count_step,
)
from voxlake.model import DAY, SECOND, DayKey, midnight
from voxlake.pipeline.doubts import days_in_doubt
from voxlake.pipeline.refresh import rows_by_second

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from voxlake.api import HistoryApi
    from voxlake.extract import ClosingSpan, CountedDay
    from voxlake.lake import Lake
    from voxlake.model import DayFile
    from voxlake.transform import Stream

WRONG = 2
"""How many counts over a span disagree before it is doubted: a reply may be wrong once."""

HUNDRED = 100
"""What an API counts to, if not further, is a multiple of this."""

SURE, MANY = 3, 5
"""How many counts have to agree with several replies, or a single one, of an API that has contradicted itself."""

SOME = 2
"""So many spans for which a single reply speaks take one count more each: one of many is sooner wrong three times."""


UNPROVED = "the API's counts prove nothing, and it was read once"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Which days a second reply agrees with, and for the others in words what disagrees."""

    confirmed: frozenset[date] = frozenset()
    doubts: tuple[tuple[date, str], ...] = ()
    quirks: ApiQuirks = NOTHING_LEARNED
    error: VoxlakeError | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a stream beside what was read of it now: `files` of the days that were read, as they are placed.

    `known` is how many rows verified days hold that have ended, and `open_days` are those of them that were compared
    with the API in this run. With `contradicted`, replies of the API did not fit together lately.
    """

    files: Mapping[date, DayFile]
    known: Mapping[date, int]
    open_days: frozenset[date]
    contradicted: bool


def hold_against_counts(
    history: HistoryApi,
    lake: Lake,
    stream: Stream,
    days: Iterable[CountedDay],
    evidence: Evidence,
    quirks: ApiQuirks,
) -> Confirmation:
    """Count spans of days, as often as it takes to believe what was read of each."""
    counts = _ClosingCounts(history, lake, stream, evidence, quirks)
    failure: VoxlakeError | None = None
    try:
        counts.close(days)
    except VoxlakeError as error:
        failure = error
    confirmed = counts.confirmed - {day for day, _ in counts.doubts}
    return Confirmation(frozenset(confirmed), tuple(counts.doubts), counts.quirks, failure)


@dataclass
class _ClosingCounts:
    """Spans of one stream that are being counted; `agreed` are those that were believed so far."""

    history: HistoryApi
    lake: Lake
    stream: Stream
    evidence: Evidence
    quirks: ApiQuirks
    has_many: bool = False
    confirmed: set[date] = field(default_factory=set)
    doubts: list[tuple[date, str]] = field(default_factory=list)
    waiting: list[ClosingSpan] = field(default_factory=list)
    agreed: list[ClosingSpan] = field(default_factory=list)

    def close(self, days: Iterable[CountedDay]) -> None:
        """Count days until all of them are confirmed or in doubt."""
        days = list(days)
        self._add(days)
        self.has_many = sum(rests_on_one_reply(span, self.evidence.files) for span in self.waiting) > SOME
        while self.waiting and self.quirks.counts_prove:
            span = self.waiting.pop()
            try:
                self._close(span)
            except CountOfPage:
                self._doubt(span, [])
            except ApiRejected as error:
                smaller = self._smaller(span) if error.code in RANGE_CODES else []
                if smaller:
                    self._learn(ApiQuirks(longest_window=span.asked.seconds))
                    self._wait(smaller)
                elif span.window.seconds < DAY.total_seconds() or rests_on_one_reply(span, self.evidence.files):
                    self._doubt(span, [])
                else:
                    # No day can be counted: its pieces were.
                    self._confirm(span)
        if not self.quirks.counts_prove:
            self.doubts = [(day.date, UNPROVED) for day in days]

    def _close(self, span: ClosingSpan) -> None:
        is_alone = rests_on_one_reply(span, self.evidence.files)
        if span.rows >= self.quirks.largest_total and not is_alone:
            # More than the API counts: the pieces of the day were counted one by one.
            self._confirm(span)
            return
        if not span.can_be_closed and all(self.evidence.files[day.date].verified for day in span.days):
            # What else came for their dates is not known any more: a day beside them was read again, and not whole.
            self._confirm(span)
            return
        if span.asked.seconds >= self.quirks.longest_window and (smaller := self._smaller(span)):
            self._wait(smaller)
            return
        anchored = self._beside_known(span, is_alone=is_alone)
        totals = [] if anchored is None else self._count_beside_known(anchored)
        if anchored is not None and totals and anchored.agrees(totals[-1]):
            self._believe(span)
            return
        if anchored is not None and len(totals) == WRONG and min(totals) > anchored.most:
            self._contradicted()
            self._doubt(span, totals, and_rows=anchored.rows)
            return
        more = bool(totals) + self.has_many if is_alone else 0
        needed = (SURE, MANY)[is_alone] if self._is_doubtful else 1 + is_alone + more
        totals = self._count(span, needed=needed)
        is_end = counts_end_below(span, totals) and totals[-1] < self.quirks.largest_total
        if is_end and self._proves(span):
            self._learn(ApiQuirks(largest_total=totals[-1]))
            self._add(span.days)
            return
        if not all(map(span.agrees, totals[span.days[-1].in_progress :])):
            self._contradicted()
        if totals and span.agrees(totals[-1]):
            self._believe(span)
        else:
            self._doubt(span, totals)

    @property
    def _is_doubtful(self) -> bool:
        """Whether the API is known to have contradicted itself."""
        return self.evidence.contradicted or self.quirks.contradicts

    def _add(self, days: Iterable[CountedDay]) -> None:
        self._wait(closing_spans(days, self.quirks.longest_window, self.quirks.largest_total))

    def _wait(self, spans: Iterable[ClosingSpan]) -> None:
        """Add spans to be counted; those with rows come first, so that others can be counted together with them."""
        self.waiting = sorted([*self.waiting, *spans], key=lambda span: span.rows > 0)

    def _smaller(self, span: ClosingSpan) -> list[ClosingSpan]:
        """Return the parts of a span that the API refuses to count as too long; none where it has none."""
        if len(span.days) > 1:
            smaller = closing_spans(span.days, span.asked.seconds)
            return smaller if len(smaller) > 1 else []
        if isinstance(span, NarrowDay) or span.days[0].in_progress or span.days[0].after is None:
            return []
        return [NarrowDay(span.days, self._rows_at(span.days[0].date, span.window.start))]

    def _rows_at(self, day: date, second: datetime) -> int:
        """Return how many rows the file of a day has at a second. Raises DataError where it cannot be read."""
        return rows_by_second(self.lake, DayKey(self.history.account_id, self.stream.name, day))[second]

    def _learn(self, quirks: ApiQuirks) -> None:
        self.quirks = self.quirks.merge(quirks)

    def _contradicted(self) -> None:
        """Learn that replies do not fit together: who is wrong once may be, and have been, wrong more often."""
        if not self._is_doubtful:
            self._wait(self.agreed)
            self.confirmed -= {day.date for span in self.agreed for day in span.days}
            self.agreed.clear()
        self._learn(ApiQuirks(contradicts=True))

    def _confirm(self, span: ClosingSpan) -> None:
        self.confirmed.update(day.date for day in span.days)

    def _believe(self, span: ClosingSpan) -> None:
        self._confirm(span)
        self.agreed.append(span)

    def _doubt(self, span: ClosingSpan, totals: list[int], *, and_rows: int = 0) -> None:
        """Record which days of a span are in doubt; `and_rows` known rows were counted with it."""
        if not self._proves(span):
            return
        totals = [total - and_rows for total in totals]
        differ, problem = days_in_doubt(self.history, self.lake, self.stream, span, self.evidence.files, totals)
        self.doubts += [(day, problem) for day in sorted(differ)]
        self._confirm(span)

    def _proves(self, span: ClosingSpan) -> bool:
        """Whether counts prove anything: learned once, where one disagrees with what was read."""
        if not self.quirks.count_step and span.can_be_closed:
            rows, total = span.rows + (span.days[0].before or 0), partial(self.history.total, self.stream)
            rows += span.days[-1].after or 0
            self._learn(ApiQuirks(count_step=learn_count_step(total, span.asked_wide, rows)))
        return self.quirks.counts_prove

    def _beside_known(self, span: ClosingSpan, *, is_alone: bool) -> AnchoredSpan | None:
        """Return a span with a day with rows beside it: no count that lacks rows agrees with both; None without one.

        A day that was not compared with the API in this run may have more rows by now: it is good enough where else one
        reply would speak for the span.
        """
        files = self.evidence.files
        known = {**self.evidence.known, **{day: files[day].counted for day in self.confirmed}}
        day = anchor_day(span, known)
        if day is None or not span.can_be_closed or not (is_alone or day in self.evidence.open_days):
            return None
        edge = midnight(day) if day < span.days[0].date else midnight(day) + DAY - SECOND
        try:
            anchored = AnchoredSpan(span, day, known[day], self._rows_at(day, edge))
        except DataError:
            return None
        is_too_long = anchored.asked.seconds >= self.quirks.longest_window
        return None if is_too_long or anchored.rows + span.rows >= self.quirks.largest_total else anchored

    def _count_beside_known(self, anchored: AnchoredSpan) -> list[int]:
        """Count a span with a day beside it until that agrees, and an API in doubt twice; none where it is refused.

        Disagreement with a day that was not compared with the API in this run proves nothing: it is counted once.
        """
        totals: list[int] = []
        agreeing, needed = 0, WRONG if self._is_doubtful else 1
        is_current = anchored.day in self.evidence.open_days or anchored.day in self.confirmed
        while agreeing < needed and len(totals) - agreeing < (WRONG if is_current else 1):
            try:
                totals.append(self.history.total(self.stream, anchored.asked))
            except ApiRejected as error:
                if error.code in RANGE_CODES:
                    self._learn(ApiQuirks(longest_window=anchored.asked.seconds))
                return []
            agreeing += anchored.agrees(totals[-1])
        return totals

    def _count(self, span: ClosingSpan, *, needed: int) -> list[int]:
        """Count a span until as many counts as needed agree with what was read, or too many do not.

        The last one decides. Nothing is counted where it is not known which rows came from beside the days.
        """
        totals: list[int] = []
        agreeing = 0
        asked = span.asked
        while span.can_be_closed and agreeing < needed and len(totals) - agreeing < WRONG:
            totals.append(self.history.total(self.stream, asked))
            if span.agrees(totals[-1]):
                agreeing += 1
            else:
                asked = span.asked_wide
        return totals


def counts_end_below(span: ClosingSpan, totals: list[int]) -> bool:
    """Whether all counts of a span are the same round number below what was read: the API counts no further."""
    return (
        len(totals) > 1
        and set(totals) == {totals[-1]}
        and HUNDRED <= totals[-1] < span.rows
        and not totals[-1] % HUNDRED
    )


def rests_on_one_reply(span: ClosingSpan, files: Mapping[date, DayFile]) -> bool:
    """Whether a count that lacks rows could agree with a span: it looked back, or no day known surely has any."""
    known = not span.looks_back and any(
        day.rows for day in span.days if not day.in_progress and not files[day.date].unconfirmed
    )
    return not known and any(files[day.date].unconfirmed for day in span.days)
