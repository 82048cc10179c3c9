"""Rebuild the database from the lake, and decide what becomes of days whose file has vanished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.events import SILENT
from voxlake.pipeline import announce
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.horizon import forget_horizons
from voxlake.pipeline.place import part_days

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.events import Emitter
    from voxlake.lake import Lake
    from voxlake.model import DayKey, FinalityPolicy
    from voxlake.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What a publish did.

    `rows` are in the database; `missing` are days that had a file and have none any more, `forgotten` those of them
    that count as never exported from now on, `holes` those of these that follow on older days, so that an export reads
    them again; `moved_aside` is a sentence where a foreign file was in the way;
    `database` is the path.
    """

    rows: int
    missing: tuple[DayKey, ...]
    forgotten: tuple[DayKey, ...]
    holes: tuple[DayKey, ...]
    moved_aside: str
    database: str

    @property
    def exit_code(self) -> int:
        """Return 0: what stops a publish is raised."""
        return 0

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {
            "exit_code": self.exit_code,
            "rows": self.rows,
            "missing": [key.to_json() for key in self.missing],
            "forgotten": [key.to_json() for key in self.forgotten],
            "holes": [key.to_json() for key in self.holes],
            "moved_aside": self.moved_aside,
            "database": self.database,
        }


def publish(
    lake: Lake,
    warehouse: Warehouse,
    *,
    now: datetime,
    finality: FinalityPolicy,
    forget_missing: bool = True,
    events: Emitter = SILENT,
) -> PublishResult:
    """Rebuild the database from the lake, without network; the caller holds the lock.

    Days that were exported later than `now` (UTC) count as not verified. With `forget_missing` the lake is taken as it
    is: days without a file count as never exported from then on.

    Raises:
        SettingsError: nothing was exported yet.
        DataError: a day file is damaged, or a check failed; the last good database stays.
        StorageFull: the disk is full; the same.

    """
    with announce.run(events, "publish") as ending:
        published = _publish(lake, warehouse, now, finality, events, forget_missing=forget_missing)
        ending.exit_code = published.exit_code
    return published


def _publish(
    lake: Lake,
    warehouse: Warehouse,
    now: datetime,
    finality: FinalityPolicy,
    events: Emitter,
    *,
    forget_missing: bool,
) -> PublishResult:
    lake.require()
    manifest, began = open_manifest(lake, warehouse, now=now), events.seconds()
    part_days(lake, manifest, suspects_only=True)
    done = warehouse.publish(manifest.changes, lake, finality=finality, rebuild=True)
    announce.published(events, days=done.changed, rows=done.rows, began=began)
    missing = tuple(sorted(manifest.missing))
    forgotten = missing if forget_missing else ()
    if forgotten:
        manifest.forget_missing()
        forget_horizons(lake, manifest, forgotten)
    manifest.save()
    holes = []
    for key in forgotten:
        oldest = manifest.oldest(key.account_id, key.stream)
        if oldest is not None and oldest < key.date:
            holes.append(key)
    return PublishResult(done.rows, missing, forgotten, tuple(holes), done.moved_aside, str(warehouse.path))
