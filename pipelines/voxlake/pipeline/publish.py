"""Rebuild the database from the lake, and decide what becomes of days whose file has vanished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.pipeline.context import open_manifest

if TYPE_CHECKING:
    from voxlake.lake import Lake
    from voxlake.model import DayKey, FinalityPolicy
    from voxlake.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish did.

    `rows` are in the database; `forgotten` had a file and have none any more, `holes` are those of them that follow on
    older days, so that an export reads them again; `moved_aside` is a sentence where a foreign file was in the way.
    """

    rows: int
    forgotten: tuple[DayKey, ...]
    holes: tuple[DayKey, ...]
    moved_aside: str


def publish(lake: Lake, warehouse: Warehouse, *, finality: FinalityPolicy, forget_missing: bool = True) -> Published:
    """Rebuild the database from the lake, without network; the caller holds the lock.

    With `forget_missing` the lake is taken as it is: days without a file count as never exported from then on.

    Raises:
        SettingsError: nothing was exported yet.
        DataError: a day file is damaged, or a check failed; the last good database stays.
        StorageFull: the disk is full; the same.

    """
    lake.require()
    manifest = open_manifest(lake, warehouse)
    done = warehouse.publish(manifest.sound(), lake.path, finality=finality, rebuild=True)
    missing = tuple(sorted(manifest.missing)) if forget_missing else ()
    if missing:
        manifest.forget_missing()
    manifest.save()
    holes = []
    for key in missing:
        oldest = manifest.oldest(key.account_id, key.stream)
        if oldest is not None and oldest < key.date:
            holes.append(key)
    rows = sum(day_file.row_count for day_file in manifest)
    return Published(rows, missing, tuple(holes), done.moved_aside)
