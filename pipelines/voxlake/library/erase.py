"""What takes data away for good: a person who is to be forgotten, and what is older than it is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake import pipeline
from voxlake.clock import SYSTEM
from voxlake.errors import SettingsError
from voxlake.events import Emitter
from voxlake.lake import Lake
from voxlake.library.arguments import finality
from voxlake.library.composition import holder, list_everything
from voxlake.library.inputs import find_folder
from voxlake.library.privacy import find_policy
from voxlake.messaging import erase_in_journal, treat_journal
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from datetime import timedelta
    from pathlib import Path

    from voxlake.clock import Clock
    from voxlake.events import Listener
    from voxlake.library.privacy import Privacy
    from voxlake.pipeline import ApplyResult, ForgetResult, RetainResult
    from voxlake.privacy import PrivacyKey
    from voxlake.transform import Forgotten

_SETTLE_HOURS, _GIVE_UP_DAYS = 72, 14


def forget(
    data_dir: str | os.PathLike[str],
    number: str,
    *,
    privacy_key: PrivacyKey | None,
    anonymise: bool = False,
    dry_run: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    database: str = "auto",
    on_event: Listener | None = None,
    clock: Clock = SYSTEM,
) -> ForgetResult:
    """Erase a person from a data directory: every message from or to a number, and every mention of it.

    With `anonymise` these messages stay, without the number and without what was written. A tombstone, which holds no
    number, keeps later runs from bringing them back. With `dry_run` nothing is changed.

    Raises:
        SettingsError: there is no key or no such data directory, or it is not a number.
        DataError: a file cannot be read, so that the database cannot be built again.
        AlreadyRunning: another run is working in this data directory.
        StorageFull: the data directory cannot be written.

    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    if privacy_key is None:
        raise SettingsError(
            "A privacy key is needed, by whose digests later runs know what was forgotten: run 'voxlake privacy init'."
        )
    if not folder.is_dir():
        raise SettingsError(f"There is no data directory {folder}: name another one with --data-dir.")
    lake, events = Lake(folder, key=privacy_key), Emitter(clock, *filter(None, [on_event]))
    warehouse = Warehouse(folder, database=database, clock=clock)

    def journal(forgotten: Forgotten, on_file: Callable[[Path, Path], None] | None) -> int:
        return erase_in_journal(folder, forgotten, on_file=on_file)

    def run() -> ForgetResult:
        return pipeline.forget(
            lake, warehouse, number, privacy_key, now=clock.now(), finality=policy, journal=journal,
            anonymise=anonymise, dry_run=dry_run, events=events,
        )  # fmt: skip

    if dry_run:
        return run()
    with lake.locked(holder=holder(clock)):
        list_everything(lake)
        return run()


def apply_privacy(
    data_dir: str | os.PathLike[str],
    privacy: Privacy,
    *,
    dry_run: bool = False,
    privacy_key: PrivacyKey | None = None,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    database: str = "auto",
    on_event: Listener | None = None,
    clock: Clock = SYSTEM,
) -> ApplyResult:
    """Treat whatever a data directory has by a policy, as `export` treats what is new, and remove archived replies.

    Raises:
        SettingsError: nothing was exported yet, or it was hashed with another key.
        DataError: a file cannot be read, so that the database cannot be built again.
        AlreadyRunning: another run is working in this data directory.
        StorageFull: the data directory cannot be written.

    """
    folder, finals = find_folder(data_dir), finality(settle_hours, give_up_days)
    lake = Lake(folder, key=privacy_key, policy=find_policy(privacy, folder))
    lake.require()
    warehouse, events = Warehouse(folder, database=database, clock=clock), Emitter(clock, *filter(None, [on_event]))

    def run() -> ApplyResult:
        lines = treat_journal(folder, lake.policy, dry_run=dry_run)
        done = pipeline.apply_policy(lake, warehouse, now=clock.now(), finality=finals, dry_run=dry_run, events=events)
        return replace(done, files=done.files + bool(lines))

    if dry_run:
        return run()
    with lake.locked(holder=holder(clock)):
        list_everything(lake)
        return run()


def retain(
    data_dir: str | os.PathLike[str],
    *,
    older_than: timedelta | None = None,
    texts_older_than: timedelta | None = None,
    privacy_key: PrivacyKey | None = None,
    dry_run: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    database: str = "auto",
    on_event: Listener | None = None,
    clock: Clock = SYSTEM,
) -> RetainResult:
    """Take away days that are `older_than` so much, and the texts of days that are `texts_older_than`, for good.

    Nothing asks for such days again, and nothing brings such texts back. With `dry_run` nothing is changed.

    Raises:
        SettingsError: neither is given, or nothing was exported yet.
        DataError: a file cannot be read, so that the database cannot be built again.
        AlreadyRunning: another run is working in this data directory.
        StorageFull: the data directory cannot be written.

    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    if older_than is None and texts_older_than is None:
        raise SettingsError("Nothing is to be taken away: give --older-than, --texts-older-than, or both.")
    lake, events = Lake(folder, key=privacy_key), Emitter(clock, *filter(None, [on_event]))
    lake.require()
    warehouse = Warehouse(folder, database=database, clock=clock)

    def run() -> RetainResult:
        return pipeline.retain(
            lake, warehouse, older_than=older_than, texts_older_than=texts_older_than, now=clock.now(),
            finality=policy, dry_run=dry_run, events=events,
        )  # fmt: skip

    if dry_run:
        return run()
    with lake.locked(holder=holder(clock)):
        list_everything(lake)
        return run()
