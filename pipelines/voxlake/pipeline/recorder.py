"""What a run has done so far: the manifest, the result of each stream, what was learned of the API, and progress."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxlake.extract import ApiQuirks
from voxlake.lake import OLDEST_DAY, Learned
from voxlake.model import DayKey
from voxlake.pipeline import announce
from voxlake.pipeline.memory import recall
from voxlake.pipeline.result import StreamResult

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from voxlake.errors import ExecutorFailed, VoxlakeError
    from voxlake.extract import CountedDay
    from voxlake.lake import Manifest
    from voxlake.model import DayFile, Window
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.day import WrittenDay
    from voxlake.pipeline.place import Placement
    from voxlake.pipeline.plan import Plan
    from voxlake.pipeline.refresh import RefreshedDay
    from voxlake.transform import Stream

_REREADS = 2
"""How often a day is read again in a run because messages moved from it."""


@dataclass(slots=True)
class StreamRecord:
    """What a run has done so far with the days of one stream; `result` is the same as a value."""

    account_id: int
    stream: str
    days: int = 0
    final: int = 0
    day_files: dict[date, DayFile] = field(default_factory=dict)
    new: int = 0
    changed: int = 0
    gone: int = 0
    errors: list[VoxlakeError] = field(default_factory=list)
    refused: int = 0
    since: date | None = None

    def add(self, day_file: DayFile, *, new: int, changed: int, gone: int = 0) -> None:
        """Record the result of a day, replacing an earlier one."""
        self.day_files[day_file.key.date] = day_file
        self.new += new
        self.changed += changed
        self.gone += gone

    def result(self) -> StreamResult:
        """Return what is recorded."""
        day_files = tuple(day_file for _, day_file in sorted(self.day_files.items()))
        return StreamResult(
            self.stream,
            self.days,
            self.final,
            day_files,
            self.new,
            self.changed,
            self.gone,
            tuple(self.errors),
            self.refused,
            self.account_id,
            self.since,
        )


class Recorder:
    """The record of one run; only the thread that runs the export writes it.

    `wanted` are the days that the run has set out to read, `started` those that it has begun to read; `counts` how many
    messages the API counted of days alone, before they were read; `readings` what was read of days, as long as no count
    over all of it has come, and `news` the streams of which something new came since the last such count. `surveyed` is
    what was counted of windows before they were read, and `unclosed` are streams of which a count over all that was
    read has disagreed. `failure` is what stopped the run; `learned` is what this run and others know of the API, and
    `refused` are days that it refuses as too old. `notes` are sentences about what is odd and was dealt with; `doubled`
    is how many more rows the API counts than there are messages, as far as that is news.
    """

    def __init__(
        self, context: Context, manifest: Manifest, streams: Iterable[Stream], learned: Learned | None = None
    ) -> None:
        self.manifest = manifest
        today, account = context.now().date(), context.history.account_id
        self.streams = {stream: StreamRecord(account, stream.name) for stream in streams}
        self.wanted: dict[Stream, set[date]] = {stream: set() for stream in self.streams}
        self.started: dict[Stream, set[date]] = {stream: set() for stream in self.streams}
        self.counts: dict[Stream, dict[date, int]] = {stream: {} for stream in self.streams}
        self.readings: dict[Stream, dict[date, CountedDay]] = {stream: {} for stream in self.streams}
        self.news: set[Stream] = set()
        self.unclosed: set[Stream] = set()
        self.surveyed: dict[Stream, dict[Window, int]] = {stream: {} for stream in self.streams}
        self.refused: dict[Stream, set[date]] = {stream: set() for stream in self.streams}
        self.learned = Learned(context.lake, [account]) if learned is None else learned
        self.quirks = {stream: recall(self.learned, account, stream, today) for stream in self.streams}
        self.notes: list[str] = []
        self.doubled = 0
        self.events, self.account_id = context.events, context.history.account_id
        self._shared, self._run_events = context.shared, context.events.of(None)
        self.failure: ExecutorFailed | None = None
        self._days_done = 0
        self._unannounced: dict[DayKey, WrittenDay] = {}
        self._disturbed: dict[Stream, set[date]] = {stream: set() for stream in self.streams}
        self._rereads: Counter[tuple[Stream, date]] = Counter()

    def plan(self, plans: Mapping[Stream, Plan]) -> None:
        """Record how many days each stream has to do."""
        for stream, plan in plans.items():
            its = self.streams[stream]
            its.days, its.final, its.refused = plan.open, len(plan.final), plan.refused
            announce.planned(self.events, stream.name, plan)

    def place(self, stream: Stream, day: WrittenDay, placement: Placement) -> None:
        """Record a day that was read and put in place, and the days that lost messages to it."""
        key = placement.day_file.key
        self.streams[stream].add(placement.day_file, new=day.new, changed=day.changed, gone=day.gone)
        for day_file in placement.disturbed:
            self.change(stream, day_file, changed=0)
        self._disturbed[stream].discard(key.date)
        self._disturbed[stream] |= placement.again
        self.readings[stream].pop(key.date, None)
        if day.counted is not None:
            self.readings[stream][key.date] = day.counted
            alone = self.counts[stream].get(key.date, day.counted.rows)
            if alone != day.counted.rows and not day.counted.in_progress:
                self.contradict(stream)
        self.doubled += day.doubled
        if day.is_news:
            self.news.add(stream)
        self._unannounced[key] = day
        if not placement.day_file.unconfirmed:
            self.announce_days([key])

    def take_disturbed(self, stream: Stream) -> set[date]:
        """Return the days that lost messages to others since they were read, and are worth reading again; forget them.

        A day is worth it a few times: an API that reports a message on two days would never come to an end.
        """
        found = {day for day in self._disturbed[stream] if self._rereads[stream, day] < _REREADS}
        self._rereads.update((stream, day) for day in found)
        self._disturbed[stream].clear()
        return found

    def announce_days(self, keys: Collection[DayKey] | None = None) -> None:
        """Announce what became of days that were written, or of all that nothing was announced of yet."""
        for key in list(self._unannounced) if keys is None else keys:
            announce.day_written(self.events, self.manifest[key], self._unannounced.pop(key))

    def refresh(self, stream: Stream, days: Sequence[RefreshedDay]) -> None:
        """Record days that are up to date without having been read."""
        for day in days:
            self.change(stream, day.day_file, changed=day.changed)
        self.advance(len(days))

    def change(self, stream: Stream, day_file: DayFile, *, changed: int) -> None:
        """Record a day whose file was written again with the same messages, some of them changed or taken out."""
        self.manifest.add(day_file)
        self.streams[stream].add(day_file, new=0, changed=changed)

    def fail(self, stream: Stream, error: VoxlakeError) -> None:
        """Record trouble with some or all days of a stream."""
        self.streams[stream].errors.append(error)
        announce.failed(self.events, stream.name, error)

    def stop(self, failure: ExecutorFailed, unread: Mapping[Stream, Iterable[date]]) -> None:
        """Record that nothing more can be read, and which days were to be."""
        self.failure = failure
        self.announce_days()
        for stream, days in unread.items():
            self.wanted[stream].update(days)

    @property
    def contradicted(self) -> bool:
        """Whether replies of the API contradicted each other lately, be it in one history or in the other."""
        return any(quirks.contradicts for quirks in self.quirks.values())

    def contradict(self, stream: Stream) -> None:
        """Record that replies did not fit together."""
        self.learn(stream, ApiQuirks(contradicts=True))

    def learn(self, stream: Stream, quirks: ApiQuirks) -> None:
        """Record what a task has learned of the API, for the tasks that are started later."""
        self.quirks[stream] = self.quirks[stream].merge(quirks)

    def refuse(self, stream: Stream, oldest: date, *, today: date) -> None:
        """Record that the API gives no day before `oldest`, so that those are not wanted any more."""
        self.learned.put(self.account_id, stream.name, OLDEST_DAY, str(oldest), on=today)
        refused = {day for day in self.wanted[stream] if day < oldest}
        self.refused[stream] |= refused
        self.wanted[stream] -= refused
        self.streams[stream].days = max(0, self.streams[stream].days - len(refused))

    def advance(self, days: int) -> None:
        """Report that some days need no more work."""
        self._days_done += days
        planned = sum(record.days for record in self.streams.values())
        announce.progress(self._run_events, self._shared.advance(self.account_id, self._days_done, planned))

    def key(self, stream: Stream, day: date) -> DayKey:
        """Return the key of a day of the account that is exported."""
        return DayKey(self.account_id, stream.name, day)

    def known_rows(self, stream: Stream) -> dict[date, int]:
        """Return how many rows the API counts of the verified days of a stream."""
        return {day: day_file.counted for day, day_file in self.day_files(stream).items() if day_file.verified}

    def rows_of(self, stream: Stream, window: Window) -> int:
        """Return how many rows a stream has now of the days of a window."""
        return sum(day_file.row_count + day_file.forgotten for day_file in self.day_files(stream, window.days).values())

    def day_files(self, stream: Stream, days: Collection[date] | None = None) -> dict[date, DayFile]:
        """Return the files that a stream has now, of all days or of some."""
        held = self.manifest.of(self.account_id, stream.name)
        return held if days is None else {day: held[day] for day in days if day in held}
