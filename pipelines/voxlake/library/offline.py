"""What needs no account: publish, replay, compact and status."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from voxlake import pipeline
from voxlake.clock import SYSTEM
from voxlake.errors import SettingsError
from voxlake.events import Emitter
from voxlake.lake import Lake, archives, claimed, exported_accounts
from voxlake.library.arguments import finality, find_folder
from voxlake.library.composition import holder
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    import os
    from collections.abc import Collection

    from voxlake.clock import Clock
    from voxlake.events import Listener
    from voxlake.pipeline import CompactResult, Health, PublishResult, ReplayResult, Status

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
    lake, events = Lake(folder), Emitter(clock, *filter(None, [on_event]))
    lake.require()
    with lake.locked(holder=holder(clock)):
        return pipeline.publish(
            lake,
            Warehouse(folder, database=database, clock=clock),
            now=clock.now(),
            finality=policy,
            forget_missing=forget_missing,
            events=events,
        )


def replay(
    data_dir: str | os.PathLike[str],
    *,
    raw: str | os.PathLike[str] | None = None,
    accounts: Collection[int] | None = None,
    force: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    database: str = "auto",
    on_event: Listener | None = None,
    clock: Clock = SYSTEM,
) -> ReplayResult:
    """Rebuild the lake from replies that `keep_raw` kept, without network, and publish the database.

    The replies are in `raw`, or in `raw/` in the data directory; with `accounts`, only theirs are used. Days whose
    files are newer or prove more are left alone, unless `force` is set.

    Raises:
        SettingsError: there are no replies.
        DataError: they are damaged, or a check of the database failed.
        AlreadyRunning: another run is working in this data directory.
        StorageFull: the data directory cannot be written.

    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    lake, events = Lake(folder), Emitter(clock, *filter(None, [on_event]))
    replies = lake.layout.replies if raw is None else find_folder(raw)
    # Before a data directory is created for nothing.
    archives(replies)
    with lake.locked(holder=holder(clock)):
        return pipeline.replay(
            lake,
            Warehouse(folder, database=database, clock=clock),
            replies,
            now=clock.now(),
            finality=policy,
            accounts=accounts,
            force=force,
            events=events,
        )


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
    lake, events = Lake(folder), Emitter(clock, *filter(None, [on_event]))
    lake.require()
    held = exported_accounts(lake)
    wanted = sorted(held if accounts is None else held.intersection(accounts))
    if not wanted:
        raise SettingsError(f"Nothing was exported to {folder} of these accounts: 'voxlake accounts' lists others.")

    def run(its: Lake, account_ids: Collection[int]) -> CompactResult:
        return pipeline.compact(
            its, Warehouse(folder), account_ids, now=clock.now(), finality=policy, dry_run=dry_run, events=events
        )

    if dry_run:
        return run(lake, wanted)
    with claimed(lake, wanted, holder=holder(clock)) as (its, claim):
        done = run(its, claim.account_ids)
    return replace(done, errors=(*done.errors, *claim.taken.values()))


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
        SettingsError: the data directory is a file.
        DataError: the file of a newest day cannot be read.

    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    return pipeline.status(Lake(folder), Warehouse(folder), now=clock.now(), finality=policy, accounts=accounts)


def health(
    data_dir: str | os.PathLike[str],
    *,
    max_age: timedelta = timedelta(hours=26),
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
