"""What needs no account: publish, replay, compact, status, health and the history of runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake import pipeline
from voxlake.clock import SYSTEM
from voxlake.errors import SettingsError
from voxlake.events import Emitter
from voxlake.lake import MOST, Lake, RunHistory, archives, claimed, exported_accounts
from voxlake.library.arguments import finality
from voxlake.library.composition import holder
from voxlake.library.inputs import find_folder
from voxlake.library.privacy import find_policy
from voxlake.library.record import recorded
from voxlake.model import MAX_AGE
from voxlake.remote import name_of
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    import os
    from collections.abc import Collection
    from datetime import timedelta

    from voxlake.clock import Clock
    from voxlake.events import Listener
    from voxlake.lake import RecordedRun
    from voxlake.library.privacy import Privacy
    from voxlake.pipeline import CompactResult, Health, Metrics, PublishResult, ReplayResult, Status
    from voxlake.privacy import PrivacyKey

_SETTLE_HOURS, _GIVE_UP_DAYS = 72, 14


def publish(
    data_dir: str | os.PathLike[str],
    *,
    forget_missing: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    database: str = "auto",
    on_event: Listener | None = None,
    clock: Clock = SYSTEM,
) -> PublishResult:
    """Rebuild the database from the lake, without network.

    With `forget_missing`, days that had a file and have none any more count as never exported from then on. `database`
    is `portable`, `linked` or `auto`, as `export` has it.

    Raises:
        SettingsError: nothing was exported yet.
        DataError: a day file is damaged, or a check failed; the last good database stays.
        AlreadyRunning: another run is working in this data directory.
        StorageFull: the data directory cannot be written.

    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    lake = Lake(folder)
    with recorded(folder, "publish", clock=clock) as record:
        events = Emitter(clock, record.hearing(on_event))
        lake.require()
        with lake.locked(holder=holder(clock)):
            record.settle()
            done = pipeline.publish(
                lake,
                Warehouse(folder, database=database, clock=clock),
                now=clock.now(),
                finality=policy,
                forget_missing=forget_missing,
                events=events,
            )
    return done


def replay(
    data_dir: str | os.PathLike[str],
    *,
    raw: str | os.PathLike[str] | None = None,
    accounts: Collection[int] | None = None,
    force: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    database: str = "auto",
    privacy_key: PrivacyKey | None = None,
    on_event: Listener | None = None,
    clock: Clock = SYSTEM,
    privacy: Privacy | None = None,
) -> ReplayResult:
    """Rebuild the lake from replies that `keep_raw` kept, without network, and publish the database.

    The replies are in `raw`, or in `raw/` in the data directory; with `accounts`, only theirs are used. Days whose
    files are newer or prove more are left alone, unless `force` is set. `privacy` says how the rows are treated, as
    `export` has it.

    Raises:
        SettingsError: there are no replies.
        DataError: they are damaged, or a check of the database failed.
        AlreadyRunning: another run is working in this data directory.
        StorageFull: the data directory cannot be written.

    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    lake = Lake(folder, key=privacy_key, policy=find_policy(privacy, folder))
    replies = lake.layout.replies if raw is None else find_folder(raw)
    with recorded(folder, "replay", clock=clock) as record:
        # Before a data directory is created for nothing.
        if raw is None:
            lake.store.fetch_all(replies)
        archives(replies)
        with lake.locked(holder=holder(clock)):
            record.begin()
            done = pipeline.replay(
                lake,
                Warehouse(folder, database=database, clock=clock),
                replies,
                now=clock.now(),
                finality=policy,
                accounts=accounts,
                force=force,
                events=Emitter(clock, record.hearing(on_event)),
            )
        # What the files had before was not compared row by row.
        record.take(rows_new=None, rows_changed=None, rows_gone=None)
        record.take_end(done.exit_code)
    return done


def compact(
    data_dir: str | os.PathLike[str],
    *,
    accounts: Collection[int] | None = None,
    dry_run: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    on_event: Listener | None = None,
    clock: Clock = SYSTEM,
) -> CompactResult:
    """Bring the days of months that are final into one file for each month, stream and account, without network.

    With `accounts`, only theirs. A glob over the lake has every row once at any moment; with `dry_run` nothing is
    written. A day of such a month that is read again later is replaced in the file of its month.

    Raises:
        SettingsError: nothing was exported yet, or the file system cannot exchange two folders in one step.
        AlreadyRunning: other runs are working in this data directory for all of these accounts.
        StorageFull: the data directory cannot be written.

    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    lake = Lake(folder)

    def run(its: Lake, account_ids: Collection[int], listener: Listener | None) -> CompactResult:
        events = Emitter(clock, *filter(None, [listener]))
        return pipeline.compact(
            its, Warehouse(folder), account_ids, now=clock.now(), finality=policy, dry_run=dry_run, events=events
        )

    if dry_run:
        return run(lake, _exported(lake, accounts), on_event)
    with recorded(folder, "compact", clock=clock) as record:
        wanted = _exported(lake, accounts)
        with claimed(lake, wanted, holder=holder(clock)) as (its, claim):
            done = run(its, claim.account_ids, record.hearing(on_event))
        done = replace(done, errors=(*done.errors, *claim.taken.values()))
        record.work_on((account_id, None) for account_id in wanted)
        record.take(days=sum(month.days for month in done.months))
        record.take_end(done.exit_code, done.errors)
    return done


def _exported(lake: Lake, accounts: Collection[int] | None) -> list[int]:
    """Return the accounts that were exported, all or those of some. Raises SettingsError where there are none."""
    lake.require()
    held = exported_accounts(lake)
    wanted = sorted(held if accounts is None else held.intersection(accounts))
    if not wanted:
        raise SettingsError(
            f"Nothing was exported to {name_of(lake.root)} of these accounts: 'voxlake accounts' lists others."
        )
    return wanted


def runs(data_dir: str | os.PathLike[str], *, limit: int = MOST) -> tuple[RecordedRun, ...]:
    """Return the last runs that worked on a data directory, the newest first, also those that failed or were refused.

    A run that was killed has no `exit_code`, and its `problem` says so; so has one that is still running.

    Raises:
        SettingsError: `limit` is not a number of runs, or the data directory is a file.

    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise SettingsError(f"limit is {limit!r}: give a whole number of at least 1.")
    return tuple(reversed(RunHistory(Lake(find_folder(data_dir)).layout).runs(limit=min(limit, MOST))))


def status(
    data_dir: str | os.PathLike[str],
    *,
    accounts: Collection[int] | None = None,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    clock: Clock = SYSTEM,
) -> Status:
    """Return which UTC days are final, open, missing or unverified, without network and without the lock.

    With `accounts`, only their days are looked at.

    Raises:
        SettingsError: there is no such data directory.
        DataError: the file of a newest day cannot be read.

    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    return pipeline.status(Lake(folder), Warehouse(folder), now=clock.now(), finality=policy, accounts=accounts)


def health(
    data_dir: str | os.PathLike[str],
    *,
    max_age: timedelta = MAX_AGE,
    accounts: Collection[int] | None = None,
    paused: Collection[int] = (),
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    clock: Clock = SYSTEM,
) -> Health:
    """Return what is wrong with a data directory: days missing or not verified, and exports that are too long ago.

    Without network, without the lock, and without opening a file of messages; an export that ended well may be as old
    as `max_age`. With `accounts`, only these are looked at; those that are `paused` may be old.

    Raises:
        SettingsError: there is no data directory, or nothing was exported yet.

    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    return pipeline.health(
        Lake(folder),
        Warehouse(folder),
        now=clock.now(),
        finality=policy,
        max_age=max_age,
        accounts=accounts,
        paused=paused,
    )


def metrics(
    data_dir: str | os.PathLike[str],
    *,
    max_age: timedelta = MAX_AGE,
    accounts: Collection[int] | None = None,
    paused: Collection[int] = (),
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    clock: Clock = SYSTEM,
) -> tuple[Metrics, Health]:
    """Return what can be measured of a data directory and its runs, and what `health` returns; raises what that does.

    The samples of each metric are by its name: labels and a value.
    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    return pipeline.metrics(
        Lake(folder), Warehouse(folder), now=clock.now(), finality=policy, max_age=max_age, accounts=accounts,
        paused=paused,
    )  # fmt: skip
