"""The Delta tables of a data directory, for readers such as Spark and Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake import pipeline
from voxlake.clock import SYSTEM
from voxlake.errors import SettingsError
from voxlake.lake import Lake, claimed, default_place
from voxlake.library.arguments import finality
from voxlake.library.composition import holder
from voxlake.library.inputs import find_folder
from voxlake.library.record import recorded
from voxlake.locks import waiting
from voxlake.warehouse import LEAST_DAYS, DeltaCopy, Warehouse

if TYPE_CHECKING:
    import os

    from voxlake.clock import Clock

_SETTLE_HOURS, _GIVE_UP_DAYS = 72, 14


def publish_delta(
    data_dir: str | os.PathLike[str],
    uri: str | None = None,
    *,
    vacuum_days: int | None = None,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    clock: Clock = SYSTEM,
) -> DeltaCopy:
    """Commit what has changed in the lake to its Delta tables: in `delta/` in the data directory, or at an address.

    An address is a path, or one such as `s3://bucket/sms`, whose keys are found where the store's own tools find them.
    With `vacuum_days`, files are removed that only versions need which were replaced so long ago.

    Raises:
        SettingsError: nothing was exported yet, the place cannot be used, or `vacuum_days` is below 7.
        AlreadyRunning: a run works in this data directory that shares it with nobody.
        Unavailable: the place does not answer, or others write to it all the time.
        DataError: a day file is damaged.
        StorageFull: there is no room.

    """
    folder, policy = find_folder(data_dir), finality(settle_hours, give_up_days)
    if vacuum_days is not None and vacuum_days < LEAST_DAYS:
        raise SettingsError(
            f"vacuum_days is {vacuum_days}: give at least {LEAST_DAYS}, as readers may have older files."
        )
    lake = Lake(folder)
    with recorded(folder, "publish", clock=clock):
        lake.require()
        # Whoever is to erase has the data directory alone, and two of us write one after the other.
        with claimed(lake, (), holder=holder(clock)) as (its, _), waiting(lake.layout.locks / "delta"):
            return pipeline.publish_delta(
                its,
                Warehouse(folder, clock=clock),
                uri or default_place(its),
                now=clock.now(),
                finality=policy,
                vacuum=vacuum_days,
            )
