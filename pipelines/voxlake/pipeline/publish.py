"""Rebuild the database from the lake, and decide what becomes of days whose file has vanished."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from voxlake.events import SILENT
from voxlake.pipeline import announce
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.horizon import forget_horizons
from voxlake.pipeline.place import part_days

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voxlake.events import Emitter
    from voxlake.lake import Lake
    from voxlake.model import DayFile, DayKey, FinalityPolicy
    from voxlake.warehouse import DatabaseBuild, Warehouse

PART: Final = 1_000_000
"""Rows that are loaded at a time, after which is said how far a publish is."""


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


def _load(build: DatabaseBuild, day_files: Sequence[DayFile], events: Emitter) -> None:
    """Load all days a part at a time, and say how far that is; a few rows are left to the end of the build."""
    rows, planned = sum(day_file.row_count for day_file in day_files), len(day_files)
    if rows <= PART:
        announce.loaded(events, done=0, planned=planned, rows=0)
        return
    waiting: list[DayFile] = []
    held = loaded = 0
    for n, day_file in enumerate(day_files, start=1):
        waiting.append(day_file)
        held += day_file.row_count
        if held >= PART or n == planned:
            build.load(waiting)
            loaded += held
            announce.loaded(events, done=n, planned=planned, rows=loaded)
            waiting, held = [], 0


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
    with closing(warehouse.begin(lake, rebuild=True)) as build:
        changes = manifest.changes(build.includes(finality))
        _load(build, changes.day_files, events)
        done = warehouse.complete(build, changes, finality=finality)
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
