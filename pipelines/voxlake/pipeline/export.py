"""The story of an export: plan the open days, probe those that were verified, read the others, publish, report."""

from __future__ import annotations

from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from voxlake.errors import CredentialsRefused, DuplicateMessage, Refused, StorageFull, VoxlakeError
from voxlake.extract import ApiQuirks, survey
from voxlake.lake import Manifest
from voxlake.model import DayKey, Window, midnight
from voxlake.pipeline.day import extract
from voxlake.pipeline.plan import Plan, plan
from voxlake.pipeline.refresh import probe
from voxlake.pipeline.result import RunResult, StreamResult
from voxlake.transform import load_pandas

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import date, datetime

    from voxlake.api import HistoryApi
    from voxlake.extract import Survey
    from voxlake.lake import Lake
    from voxlake.model import DayFile, FinalityPolicy
    from voxlake.pipeline.day import DayResults
    from voxlake.transform import Stream
    from voxlake.warehouse import DatabaseBuild, Warehouse


def export(
    api: HistoryApi,
    lake: Lake,
    streams: Sequence[Stream],
    days: Callable[[Manifest, Stream], Sequence[date]],
    *,
    now: Callable[[], datetime],
    jobs: int,
    finality: FinalityPolicy,
    force: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _planned: None,
) -> RunResult:
    """Bring every day that is asked for and not final into the lake, publish, and say what was not done.

    The caller holds the lock of the lake. `days` gives the UTC days of a stream; `now` the time in UTC; `progress` is
    told days done and days planned. Trouble with one window never stops the others; a refusal stops its stream.
    """
    run = Run(api, lake, streams, now=now, progress=progress)
    plans = run.plan(days, finality=finality, force=force)
    with run.pool(jobs):
        stale = run.probe(plans, finality=finality)
        run.read({stream: {*plans[stream].read, *stale[stream]} for stream in streams})
        return run.publish(finality=finality)


_LOAD = 100_000
"""Rows of a stream that are worth a statement of their own, and let both of DuckDB's threads fill whole row groups."""


class Run:
    """One export at work: the ledger, what the run has learned of the API, and its report."""

    def __init__(
        self,
        api: HistoryApi,
        lake: Lake,
        streams: Sequence[Stream],
        *,
        now: Callable[[], datetime],
        progress: Callable[[int, int], None] = lambda _done, _planned: None,
    ) -> None:
        self._lake = lake
        self.manifest = Manifest(lake, lambda: _published(self._warehouse))
        self.report = RunResult([StreamResult(stream.name) for stream in streams])
        self._reports = dict(zip(streams, self.report.streams, strict=True))
        self._api, self._now = api, now
        self._quirks = {stream: ApiQuirks() for stream in streams}
        self._wanted: dict[Stream, set[date]] = {stream: set() for stream in streams}
        self._loading: DatabaseBuild | None = None
        self._early = True
        self._ready: dict[Stream, dict[DayKey, DayFile]] = {stream: {} for stream in streams}
        self._loaded = 0
        self._progress, self._done = progress, 0
        self._force = False

    def plan(
        self, days: Callable[[Manifest, Stream], Sequence[date]], *, finality: FinalityPolicy, force: bool
    ) -> dict[Stream, Plan]:
        """Decide what to do with each day of each stream; asks nobody."""
        self._force = force
        began = self._begun()
        plans = {}
        for stream, report in self._reports.items():
            known = self.manifest.of(self._api.account_id, stream.name)
            begun = [day for day in days(self.manifest, stream) if midnight(day) < began]
            plans[stream] = plan(begun, known, finality=finality, force=force)
            report.days, report.final = plans[stream].open, len(plans[stream].final)
        return plans

    @cached_property
    def _warehouse(self) -> Warehouse:
        """Not before requests are on their way: what it imports takes a tenth of a second."""
        from voxlake.warehouse import Warehouse  # noqa: PLC0415

        return Warehouse(self._lake.root)

    @contextmanager
    def pool(self, jobs: int) -> Iterator[None]:
        """Keep `jobs` requests going, and load beside them; what has not begun when something breaks is dropped."""
        # Each window asks for its pages side by side: more windows would only hold more of them in memory.
        self._workers = jobs // 2 + 1
        with ThreadPoolExecutor(self._workers) as self._pool:
            try:
                yield
            except BaseException:
                self._pool.shutdown(wait=False, cancel_futures=True)
                raise
            finally:
                if self._loading is not None:
                    self._loading.close()

    def probe(self, plans: Mapping[Stream, Plan], *, finality: FinalityPolicy) -> dict[Stream, set[date]]:
        """Look after the days that were verified once, and give those that must be read again."""
        probes = {
            stream: self._pool.submit(
                probe, self._api, self._lake, stream, plan.probe, now=self._now(), finality=finality
            )
            for stream, plan in plans.items()
            if plan.probe
        }
        stale: dict[Stream, set[date]] = {stream: set() for stream in plans}
        for stream, pending in probes.items():
            try:
                found = pending.result()
            except VoxlakeError as error:
                self._reports[stream].errors.append(error)
                continue
            stale[stream] = found.stale
            for day_file, changed in found.day_files:
                self.manifest.add(day_file)
                self._reports[stream].add(day_file, new=0, changed=changed)
            self._advance(len(found.day_files))
        return stale

    def read(self, days: Mapping[Stream, Iterable[date]], *, elsewhere: Collection[int] = ()) -> None:
        """Read days side by side, and take note of each as soon as it is in the lake.

        A day to which a message moved from one of them is read as well; `elsewhere` are those whose new day was.
        """
        began = self._begun()
        days = {stream: {day for day in its if midnight(day) < began} for stream, its in days.items()}
        for stream, its in days.items():
            self._wanted[stream].update(its)
        more: dict[Stream, set[date]] = {stream: set() for stream in days}
        empty: dict[Stream, set[date]] = {stream: set() for stream in days}
        known = {stream: self._quirks[stream].day_bounds for stream in days}
        for stream, outcome, last in self._extracting(days, elsewhere):
            self._keep(stream, outcome, last=last)
            more[stream] |= outcome.moved - self._wanted[stream]
            empty[stream] |= outcome.empty
        for stream in days:
            # What shows a day that has rows was learned since, and proves one that has none.
            if self._quirks[stream].day_bounds != known[stream]:
                more[stream] |= empty[stream]
        if any(more.values()):
            self.read(more)

    def _extracting(
        self, days: Mapping[Stream, Iterable[date]], elsewhere: Collection[int]
    ) -> Iterator[tuple[Stream, DayResults, bool]]:
        """Read days window by window, each with what the ones before taught of the API; say which ends its stream.

        Few windows are under way at a time, and what is left of a stream is dropped when the API refuses it.
        """
        waiting = deque(self._surveyed(days))
        self._mark_beginnings([(stream, window) for stream, window, _ in waiting])
        left = Counter(stream for stream, _, _ in waiting)
        running: dict[Future[DayResults], tuple[Stream, Window]] = {}
        while waiting or running:
            while waiting and len(running) < self._workers:
                stream, window, counted = waiting.popleft()
                future = self._pool.submit(
                    extract, self._api, self._lake, stream, window, before=self.manifest, quirks=self._quirks[stream],
                    counted=counted, now=self._now, elsewhere=elsewhere, force=self._force,
                )  # fmt: skip
                running[future] = stream, window
            if self._early and self._loading is None:
                self._loading = self._warehouse.begin(self._lake.path)
                self._loading.prepare()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                stream, window = running.pop(future)
                outcome = future.result()
                self._quirks[stream] = self._quirks[stream].merge(outcome.quirks)
                left[stream] -= 1
                self._advance(len(window.days))
                if isinstance(outcome.error, Refused):
                    dropped = [window for other, window, _ in waiting if other is stream]
                    waiting = deque(entry for entry in waiting if entry[0] is not stream)
                    left[stream] -= len(dropped)
                    self._advance(sum(len(window.days) for window in dropped))
                yield stream, outcome, not left[stream]

    def _keep(self, stream: Stream, outcome: DayResults, *, last: bool) -> None:
        """Take note of what was read of a window, and load it when it is worth it."""
        report = self._reports[stream]
        for kept in outcome.kept:
            self.manifest.add(kept.day_file)
            report.add(kept.day_file, new=kept.new, changed=kept.changed, gone=kept.gone)
        self._load(stream, [kept.day_file for kept in outcome.kept], last=last)
        if outcome.error is not None:
            report.errors.append(outcome.error)

    def repair(self, days: Mapping[Stream, Sequence[date]], *, finality: FinalityPolicy) -> RunResult:
        """Read days again whatever is known of them, and build the database anew."""
        self._early, self._force = False, True
        for stream, its in days.items():
            self._reports[stream].days = len(its)
        self.read(days)
        return self.publish(finality=finality, anew=True)

    def publish(self, *, finality: FinalityPolicy, anew: bool = False) -> RunResult:
        """Bring the database up to the lake, and remember how the run ended."""
        self.report.database = str(self._warehouse.path)
        try:
            self._name_unread()
            try:
                self._swap(finality=finality, anew=anew)
            except DuplicateMessage:
                self._day_file()
                self._swap(finality=finality, anew=anew)
        except VoxlakeError as error:
            self.report.errors.append(error)
        self.report.requests = self._api.requests
        ended_at = self._now().isoformat(timespec="seconds")
        try:
            self.manifest.save(last_run={"ended_at": ended_at, **self.report.to_json()})
        except StorageFull as error:
            self.report.errors.append(error)
        return self.report

    def _mark_beginnings(self, surveyed: Sequence[tuple[Stream, Window]]) -> None:
        """Put down the first day of a stream before any other, so that a run that is killed leaves no day unnamed.

        The next run begins with the oldest day in the lake, and the days of this one come in any order.
        """
        account = self._api.account_id
        for stream in {stream for stream, _ in surveyed}:
            first = min(window for its, window in surveyed if its is stream).days[0]
            oldest = self.manifest.oldest(account, stream.name)
            if oldest is None or first < oldest:
                try:
                    self._lake.put_placeholder(
                        DayKey(account, stream.name, first), "its export has not ended", now=self._now()
                    )
                except VoxlakeError as error:
                    self._reports[stream].errors.append(error)

    def _load(self, stream: Stream, day_files: Iterable[DayFile], *, last: bool) -> None:
        """Load days that are in place, more at a time the more there are, while the threads read others."""
        ready = self._ready[stream]
        ready.update((day_file.key, day_file) for day_file in day_files)
        rows = sum(day_file.row_count for day_file in ready.values())
        if self._loading is not None and (last or rows >= max(_LOAD, self._loaded // 4)):
            self._loading.load(list(ready.values()))
            self._loaded += rows
            ready.clear()

    def _swap(self, *, finality: FinalityPolicy, anew: bool) -> None:
        """Put the next database in place: the one that was loaded beside the reading, unless it was given up."""
        loading, self._loading, self._early = self._loading, None, False
        if loading is None:
            done = self._warehouse.publish(self.manifest.sound(), self._lake.path, finality=finality, rebuild=anew)
        else:
            done = self._warehouse.complete(loading, self.manifest.sound(), finality=finality)
        self.report.moved = done.moved_aside

    def _name_unread(self) -> None:
        """Put down that days could not be read, unless an earlier reading of them lies in the lake.

        Of an account that has refused its credentials from the start, nothing is known, not even that it exists.
        """
        account = self._api.account_id
        refused = all(any(isinstance(e, CredentialsRefused) for e in r.errors) for r in self.report.streams)
        if refused and all(day_file.key.account_id != account for day_file in self.manifest):
            return
        for stream, report in self._reports.items():
            problem = str(report.errors[0]) if report.errors else "it was not read"
            for day in sorted(self._wanted[stream]):
                day_key = DayKey(account, stream.name, day)
                if self.manifest.get(day_key) is None and day_key not in self.manifest.damaged:
                    day_file = self._lake.put_placeholder(day_key, problem, now=self._now())
                    self.manifest.add(day_file)
                    report.add(day_file, new=0, changed=0)

    def _day_file(self) -> None:
        """Part two days that hold the same message: read the older file again; if that fails, its message goes."""
        for stream in self._reports:
            # Read again, the first may turn out to be the message's day, and the other the one to be read.
            for _ in range(2):
                doubled = self._lake.duplicates(self.manifest.of(self._api.account_id, stream.name).values())
                ids = {message_id for its in doubled.values() for message_id in its}
                self.read({stream: {day_key.date for day_key in doubled}}, elsewhere=ids)
            for day_key, ids in self._lake.duplicates(
                self.manifest.of(self._api.account_id, stream.name).values()
            ).items():
                day_file = self._lake.remove_rows(self.manifest[day_key], ids)
                self.manifest.add(day_file)
                self._reports[stream].add(day_file, new=0, changed=len(ids))

    def _surveyed(self, days: Mapping[Stream, Iterable[date]]) -> list[tuple[Stream, Window, int | None]]:
        """Cut the days into windows that are worth their requests; a stream that is refused drops out here."""
        windows = [(stream, window) for stream, its in days.items() for window in Window.joining(its)]
        surveys: list[tuple[Stream, Future[Survey]]] = [
            (stream, self._pool.submit(survey, self._api, stream, window, self._quirks[stream]))
            for stream, window in windows
        ]
        # Needed for the first rows, and imported while the first requests travel.
        load_pandas()
        pieces: list[tuple[Stream, Window, int | None]] = []
        for stream, pending in surveys:
            try:
                found = pending.result()
            except VoxlakeError as error:
                self._reports[stream].errors.append(error)
                continue
            self._quirks[stream] = self._quirks[stream].merge(found.quirks)
            pieces += [(stream, window, counted) for window, counted in found.pieces]
        return pieces

    def _begun(self) -> datetime:
        """Give the instant before which days begin that can be asked for: at midnight, today has no second yet."""
        return self._now().replace(microsecond=0)

    def _advance(self, days: int) -> None:
        self._done += days
        self._progress(self._done, max(self._done, sum(report.days for report in self._reports.values())))


def _published(warehouse: Warehouse) -> set[DayKey]:
    """Return the days that the published database covers; none where it cannot be read."""
    try:
        return warehouse.days()
    except VoxlakeError:
        return set()
