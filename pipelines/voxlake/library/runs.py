"""The runs that ask the API: export, backfill and audit, and what an export would do."""

from __future__ import annotations

import os
import random
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake import pipeline
from voxlake.errors import SettingsError
from voxlake.lake import Lake
from voxlake.library.arguments import day_range, finality, find_folder, find_streams
from voxlake.library.composition import holder, run_context
from voxlake.model import DAY
from voxlake.pipeline import windows_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from voxlake.clock import Clock
    from voxlake.events import Listener
    from voxlake.library.account import Account
    from voxlake.library.arguments import Day
    from voxlake.pipeline import AuditResult, DayRange, ExportResult, Plan, StreamAudit

_ALL = ("sms", "a2p")
_SETTLE_HOURS, _GIVE_UP_DAYS = 72, 14


def export(
    account: Account,
    data_dir: str | os.PathLike[str],
    *,
    streams: str | Iterable[str] = _ALL,
    since: Day | None = None,
    until: Day | None = None,
    executor: Executor | None = None,
    on_event: Listener | None = None,
    keep_raw: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
) -> ExportResult:
    """Export every UTC day of `[since, until)` that is not final, publish the database, and return what was done.

    Without `since` the range begins with the oldest day in the lake, else 30 days back; without `until` it ends
    with today. `executor` reads the windows, and is not shut down; without one, threads do. `on_event` is called
    with each event of the run, in the thread in which it happens, one at a time. With `keep_raw` every reply is
    kept for `replay`. A day is final when it was verified `settle_hours` after its end, and no status in it can
    change, or `give_up_days` after it.

    Trouble with a day, a stream or the API is part of the result, and decides its `exit_code`.

    Raises:
        SettingsError: an argument cannot be used.
        AlreadyRunning: another run is working in this data directory.
        StorageFull: the data directory cannot be written.

    """
    days = _days(account, since, until)
    return _run(
        account, data_dir, streams, days, force=False, executor=executor, on_event=on_event,
        keep_raw=keep_raw, settle_hours=settle_hours, give_up_days=give_up_days,
    )  # fmt: skip


def backfill(
    account: Account,
    data_dir: str | os.PathLike[str],
    *,
    since: Day,
    until: Day,
    streams: str | Iterable[str] = _ALL,
    force: bool = False,
    executor: Executor | None = None,
    on_event: Listener | None = None,
    keep_raw: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
) -> ExportResult:
    """Export a span of days as `export` does; with `force`, final days are read again, and what is gone is taken out.

    Raises what `export` raises.
    """
    for name, value in (("since", since), ("until", until)):
        if value is None:
            raise SettingsError(f"A backfill has no {name}: name both days.")
    days = _days(account, since, until)
    return _run(
        account, data_dir, streams, days, force=force, executor=executor, on_event=on_event,
        keep_raw=keep_raw, settle_hours=settle_hours, give_up_days=give_up_days,
    )  # fmt: skip


def plan(
    account: Account,
    data_dir: str | os.PathLike[str],
    *,
    streams: str | Iterable[str] = _ALL,
    since: Day | None = None,
    until: Day | None = None,
    force: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
) -> dict[str, Plan]:
    """Return what `export` or `backfill` would do, by stream, without a request and without the lock."""
    days, policy = _days(account, since, until), finality(settle_hours, give_up_days)
    with run_context(account, Lake(find_folder(data_dir)), finality=policy, workers=1) as context:
        plans = pipeline.plan_export(context, find_streams(streams), days, force=force)
    return {stream.name: its for stream, its in plans.items()}


def audit(
    account: Account,
    data_dir: str | os.PathLike[str],
    *,
    repair: bool = False,
    streams: str | Iterable[str] = _ALL,
    since: Day | None = None,
    until: Day | None = None,
    pages: int = 10,
    seed: int | None = None,
    executor: Executor | None = None,
    on_round: Callable[[Sequence[StreamAudit]], None] = lambda _found: None,
    on_event: Listener | None = None,
    keep_raw: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
) -> AuditResult:
    """Compare the lake with the API, with the database and with its own checksums; return what differs.

    With `repair` the days that differ are read again, and audited again. `pages` of each history are read again, at
    places that `seed` decides. `on_round` is called with what was found before a repair, and after it, `on_event` with
    each event. Without `since`
    the range begins with the oldest day in the lake; it ends with yesterday at the latest. A folder that cannot be
    written is audited without its lock, unless there is something to write.

    Raises:
        SettingsError: an argument cannot be used, or nothing was exported yet.
        AlreadyRunning: another run is working in this data directory.

    """
    today = account.clock.now().date()
    days, chosen = day_range(since, until, today=today, limit=today), find_streams(streams)
    policy, lake = finality(settle_hours, give_up_days), Lake(find_folder(data_dir))
    lake.require()
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    locked = repair or keep_raw or os.access(lake.root, os.W_OK)
    with (
        _held(lake, account.clock, locked=locked),
        run_context(
            account,
            lake,
            finality=policy,
            workers=account.jobs,
            executor=executor,
            keep_raw=keep_raw,
            on_event=on_event,
        ) as context,
    ):
        found = pipeline.audit(context, chosen, days, pages=pages, seed=seed, repair=repair, on_round=on_round)
    return replace(found, locked=locked)


@contextmanager
def _held(lake: Lake, clock: Clock, *, locked: bool) -> Iterator[None]:
    """Hold the lock, so that no run changes files that are compared."""
    if not locked:
        yield
        return
    with lake.locked(holder=holder(clock)):
        yield


def _days(account: Account, since: Day | None, until: Day | None) -> DayRange:
    today = account.clock.now().date()
    return day_range(since, until, today=today, limit=today + DAY)


def _run(
    account: Account, data_dir: str | os.PathLike[str], streams: str | Iterable[str], days: DayRange, *, force: bool,
    executor: Executor | None, on_event: Listener | None, keep_raw: bool, settle_hours: float, give_up_days: float,
) -> ExportResult:  # fmt: skip
    chosen, policy, lake = find_streams(streams), finality(settle_hours, give_up_days), Lake(find_folder(data_dir))
    workers = windows_at_once(account.jobs)
    with (
        lake.locked(holder=holder(account.clock)),
        run_context(
            account, lake, finality=policy, workers=workers, executor=executor, keep_raw=keep_raw,
            on_event=on_event,
        ) as context,
    ):  # fmt: skip
        return pipeline.export(context, chosen, days, force=force)
