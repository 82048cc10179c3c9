"""Bring the days of months that are final into one file a month, so that a lake of many years has few files."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final

from voxlake.errors import DataError, VoxlakeError, gravest
from voxlake.events import SILENT
from voxlake.lake import indexing, install_months, require_exchange, size_of, write_months
from voxlake.model import DAY
from voxlake.pipeline import announce
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.place import part_days
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import date, datetime

    from voxlake.events import Emitter
    from voxlake.lake import Lake, Manifest, Month
    from voxlake.model import DayFile, FinalityPolicy
    from voxlake.pipeline.run import Run
    from voxlake.warehouse import Warehouse

LARGEST: Final = 64 << 20
"""Bytes of a month above which it stays one file a day: these files are large, and any change writes a month again."""
AFTER_EXPORT: Final = 5.0
"""Seconds after which an export begins no other month, or a tenth of its own time where that is longer."""


@dataclass(frozen=True, slots=True)
class MonthOf:
    """A month of one stream of one account, by its first day; `days` of it have a file. `left` is why they keep it."""

    account_id: int
    stream: str
    month: date
    days: int
    left: str | None = None

    @classmethod
    def of(cls, month: Month, left: str | None = None) -> MonthOf:
        """Return the same of the files of its days."""
        key = month[-1].key
        return cls(key.account_id, key.stream, key.date.replace(day=1), len(month), left)

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        its = {"account_id": self.account_id, "stream": self.stream, "month": f"{self.month:%Y-%m}", "days": self.days}
        return its if self.left is None else its | {"left": self.left}


@dataclass(frozen=True, slots=True)
class CompactResult:
    """What became of months that are final.

    `months` lie in one file each now, or with `dry_run` would; `left` keep a file a day, each says why. `errors` are of
    accounts that could not be looked at; what is not `complete` has stopped for lack of time.
    """

    months: tuple[MonthOf, ...] = ()
    left: tuple[MonthOf, ...] = ()
    errors: tuple[VoxlakeError, ...] = ()
    dry_run: bool = False
    complete: bool = True

    @property
    def fewer(self) -> int:
        """How many files fewer there are."""
        return sum(month.days - 1 for month in self.months)

    @property
    def exit_code(self) -> int:
        """Return the code of the gravest error; 4 where a day is damaged; else 0."""
        return gravest({error.exit_code for error in self.errors})

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {
            "exit_code": self.exit_code,
            "dry_run": self.dry_run,
            "complete": self.complete,
            "fewer_files": self.fewer,
            "months": [month.to_json() for month in self.months],
            "left": [month.to_json() for month in self.left],
            "errors": [str(error) for error in self.errors],
        }


def ready_months(
    day_files: Iterable[DayFile], *, finality: FinalityPolicy, in_months: Collection[date], lost: Collection[date] = ()
) -> list[Month]:
    """Return the months of a stream that can become one file, in order: pure.

    All days from the first that has a file to the last of the month have one and are final, at least two of them. Of a
    month with a day that is `lost` (missing, or damaged) nothing can be said. What lies `in_months` already stays.
    """
    by_month: dict[tuple[int, int], list[DayFile]] = defaultdict(list)
    for day_file in day_files:
        by_month[day_file.key.date.year, day_file.key.date.month].append(day_file)
    hurt = {(day.year, day.month) for day in lost}
    return [
        tuple(sorted(its, key=lambda day_file: day_file.key))
        for month, its in sorted(by_month.items())
        if month not in hurt and _is_ready([file.key.date for file in its], in_months)
        and all(day_file.final(finality) for day_file in its)
    ]  # fmt: skip


def _is_ready(days: Collection[date], in_months: Collection[date]) -> bool:
    first, last = min(days), max(days)
    whole = (last + DAY).month != last.month and (last - first).days + 1 == len(days)
    return whole and len(days) > 1 and not all(day in in_months for day in days)


def ready_in(manifest: Manifest, account_id: int, finality: FinalityPolicy) -> dict[str, list[Month]]:
    """Return the months of an account that can become one file, by stream; nothing where there are none."""
    found = {}
    for stream in STREAMS:
        lost = [
            key.date
            for key in (*manifest.damaged, *manifest.missing)
            if (key.account_id, key.stream) == (account_id, stream)
        ]
        months = ready_months(
            manifest.of(account_id, stream).values(),
            finality=finality,
            in_months=manifest.in_months(account_id, stream),
            lost=lost,
        )
        if months:
            found[stream] = months
    return found


def compact(
    lake: Lake,
    warehouse: Warehouse,
    account_ids: Iterable[int],
    *,
    now: datetime,
    finality: FinalityPolicy,
    dry_run: bool = False,
    seconds: float = inf,
    events: Emitter = SILENT,
) -> CompactResult:
    """Bring the final months of some accounts into one file each; the caller holds these accounts.

    No month is begun after so many `seconds`. With `dry_run` nothing is written.

    Raises:
        SettingsError: the file system cannot exchange folders.
        StorageFull: the disk is full.

    """
    with announce.run(events, "compaction") as ending:
        done = _compact(lake, warehouse, account_ids, now, finality, dry_run=dry_run, seconds=seconds, events=events)
        ending.exit_code = done.exit_code
    return done


def _compact(
    lake: Lake,
    warehouse: Warehouse,
    account_ids: Iterable[int],
    now: datetime,
    finality: FinalityPolicy,
    *,
    dry_run: bool,
    seconds: float,
    events: Emitter,
) -> CompactResult:
    until = events.seconds() + seconds
    months: list[MonthOf] = []
    left: list[MonthOf] = []
    errors: list[VoxlakeError] = []
    complete, is_able = True, dry_run
    for account_id in account_ids:
        if events.seconds() >= until:
            complete = False
            break
        manifest = open_manifest(lake, warehouse, now=now, account_ids=[account_id])
        ready = ready_in(manifest, account_id, finality)
        if ready and not is_able:
            require_exchange(lake)
            is_able = True
        if ready and not dry_run:
            with indexing(lake):
                # A message in two days would be in a month's file twice.
                part_days(lake, manifest, suspects_only=True)
                manifest.save()
            ready = ready_in(manifest, account_id, finality)
        for of_stream in ready.values():
            fit = [month for month in of_stream if size_of(lake, month) <= LARGEST]
            left += (MonthOf.of(month, "its files are large") for month in of_stream if month not in fit)
            if dry_run:
                months += map(MonthOf.of, fit)
                continue
            try:
                done, damaged = _bring_together(lake, manifest, fit, lambda: events.seconds() >= until)
            except DataError as error:
                left += (MonthOf.of(month, str(error)) for month in fit)
                errors.append(error)
                continue
            months += map(MonthOf.of, done)
            left += (MonthOf.of(month, str(error)) for month, error in damaged)
            errors += (error for _, error in damaged)
            complete &= len(done) + len(damaged) == len(fit)
            announce.compacted(events, done)
    return CompactResult(tuple(months), tuple(left), tuple(errors), dry_run, complete)


def _bring_together(
    lake: Lake, manifest: Manifest, months: Sequence[Month], is_over: Callable[[], bool]
) -> tuple[list[Month], list[tuple[Month, DataError]]]:
    """Bring months of one stream into one file each, all in one step; returns these, and those that are damaged."""
    done: list[Month] = []
    damaged: list[tuple[Month, DataError]] = []
    for month, error in write_months(lake, _until(months, is_over)):
        if error is None:
            done.append(month)
        else:
            damaged.append((month, error))
    install_months(lake, done)
    with indexing(lake):
        manifest.restamp([day_file.key for month in done for day_file in month])
    return done, damaged


def _until(months: Iterable[Month], is_over: Callable[[], bool]) -> Iterator[Month]:
    for month in months:
        if is_over():
            return
        yield month


class CompactionAfter:
    """What a run compacts at its end, where it is to: months of its accounts that have become final."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._account_ids: set[int] = set()
        self._began = run.events.seconds()

    def note(self, manifest: Manifest, account_id: int) -> None:
        """Remember an account that has such months."""
        if self._run.compacts and ready_in(manifest, account_id, self._run.finality):
            self._account_ids.add(account_id)

    def compact(self) -> None:
        """Compact them, for a few seconds; whatever prevents it is announced, and left to the next run."""
        run = self._run
        seconds = max(AFTER_EXPORT, (run.events.seconds() - self._began) / 10)
        try:
            done = _compact(
                run.lake, run.warehouse, sorted(self._account_ids), run.now(), run.finality, dry_run=False,
                seconds=seconds, events=run.events,
            )  # fmt: skip
            for error in done.errors:
                announce.not_compacted(run.events, error)
        except (VoxlakeError, OSError) as error:
            announce.not_compacted(run.events, error)
