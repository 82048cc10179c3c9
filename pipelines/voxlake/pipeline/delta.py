"""Keep the Delta tables of a lake up to date, and free of what was erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.errors import VoxlakeError
from voxlake.lake import DeltaPlaces, indexing
from voxlake.pipeline.context import open_manifest
from voxlake.warehouse import DeltaCopy, copy_to_delta, make_delta_tables, vacuum_delta

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.lake import Lake, Manifest
    from voxlake.model import Changes, FinalityPolicy, Mark
    from voxlake.warehouse import Warehouse


def publish_delta(
    lake: Lake, warehouse: Warehouse, uri: str, *, now: datetime, finality: FinalityPolicy, vacuum: int | None = None
) -> DeltaCopy:
    """Commit what has changed to the Delta tables at an address, and then remove old files, as old as `vacuum` days.

    The caller shares the data directory. Where the tables are is remembered before they have a row, for whoever is to
    erase something.

    Raises:
        SettingsError: the place cannot be used.
        Unavailable: it does not answer, or others write all the time.
        DataError: a day file is damaged.
        StorageFull: there is no room.

    """

    def changes(since: Mark | None) -> Changes:
        with indexing(lake):
            return open_manifest(lake, warehouse, now=now, account_ids=()).changes(since)

    make_delta_tables(uri)
    with indexing(lake):
        DeltaPlaces(lake).add(uri)
    done = copy_to_delta(lake, uri, changes, finality=finality, now=now)
    if vacuum is not None:
        vacuum_delta(uri, days=vacuum)
    return done


def erase_in_delta(lake: Lake, manifest: Manifest, *, now: datetime, finality: FinalityPolicy) -> list[str]:
    """Take what was erased in a lake out of all of its Delta tables, and out of their earlier versions.

    The caller holds the data directory. Returns a sentence about each place where that failed.
    """
    left = []
    for uri in DeltaPlaces(lake).known():
        try:
            copy_to_delta(lake, uri, manifest.changes, finality=finality, now=now)
            vacuum_delta(uri, days=0)
        except VoxlakeError as error:
            left.append(
                f"The Delta tables at {uri} may still hold what was erased: {error} Then run the same command again; or"
                f" delete them, and their line in {DeltaPlaces(lake).path}."
            )
    return left
