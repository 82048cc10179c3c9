"""Bring what is stored under the present policy: days, rejects, files kept aside, replies, and the database.

Each file is written again in one step, and says how it was treated. Whoever is killed on the way does the same again,
which goes on from there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from voxlake.errors import DataError
from voxlake.events import SILENT
from voxlake.lake import empty, put_days, treat_kept
from voxlake.pipeline import announce
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.delta import erase_in_delta
from voxlake.pipeline.treatment import can_treat, compare, require_one_key

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from voxlake.events import Emitter
    from voxlake.lake import Lake, Manifest
    from voxlake.model import DayFile, FinalityPolicy
    from voxlake.warehouse import Warehouse

_SUFFIX = ".treated.parquet"


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What was brought under a policy, or with `dry_run` would be: days, other files, and archives of replies.

    `notes` are sentences about what cannot be treated any more, `left` about files that could not be treated.
    """

    days: int
    files: int
    archives: int
    notes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        """The exit code: 4 where something is left."""
        return DataError.exit_code if self.left else 0

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return asdict(self) | {"exit_code": self.exit_code}


def apply_policy(
    lake: Lake,
    warehouse: Warehouse,
    *,
    now: datetime,
    finality: FinalityPolicy,
    dry_run: bool = False,
    events: Emitter = SILENT,
) -> ApplyResult:
    """Treat by the policy of a lake whatever it has that is not treated so; the caller holds its lock.

    Proofs, counts and ids stay as they are. With `dry_run`, nothing is changed.

    Raises:
        SettingsError: days were hashed with another key.
        DataError: the database cannot be built again.
        StorageFull: the disk is full; to do it again goes on from there.

    """
    with announce.run(events, "treatment") as ending:
        done = _apply(lake, warehouse, now, finality, dry_run=dry_run)
        ending.exit_code = done.exit_code
    return done


def _apply(lake: Lake, warehouse: Warehouse, now: datetime, finality: FinalityPolicy, *, dry_run: bool) -> ApplyResult:
    manifest = open_manifest(lake, warehouse, now=now)
    require_one_key(manifest, lake.policy)
    wanted = [day_file for day_file in manifest if can_treat(day_file, lake.policy)]
    archives = (
        []
        if lake.policy.keeps_all
        else [path for path in lake.store.files(lake.layout.replies) if path.suffix == ".gz"]
    )
    left: list[str] = [str(error) for error in manifest.damaged.values()]
    if not dry_run:
        left += _treat_days(lake, manifest, wanted)
        manifest.save()
    files, untreated = treat_kept(lake, dry_run=dry_run)
    left += untreated
    if not dry_run:
        for path in archives:
            lake.store.remove(path)
        if wanted or files or archives:
            warehouse.publish(manifest.changes, lake, finality=finality, rebuild=True)
            left += (f"{path} cannot be removed: remove it." for path in warehouse.remove_earlier())
        left += erase_in_delta(lake, manifest, now=now, finality=finality)
        empty(lake.tmp)
    notes = [f"{note}." for note in compare([its for its in manifest if its not in wanted], lake.policy).notes()]
    return ApplyResult(len(wanted), files, len(archives), tuple(notes), tuple(left), dry_run)


def _treat_days(lake: Lake, manifest: Manifest, day_files: list[DayFile]) -> list[str]:
    """Write days again; those of a month that lie in one file together. Returns sentences about damaged ones."""
    by_path: dict[Path, list[DayFile]] = defaultdict(list)
    for day_file in day_files:
        by_path[lake.place(day_file.key)].append(day_file)
    lake.store.fetch_many(by_path)
    problems = []
    for its in by_path.values():
        try:
            sealed = [_draft(lake, day_file) for day_file in its]
            drafts = {day_file.key: lake.layout.draft(day_file.key, _SUFFIX) for day_file in sealed}
            put_days(lake, drafts, on_file=lambda _path, _aside: None)
        except DataError as error:
            problems.append(str(error))
        else:
            for day_file in sealed:
                manifest.add(day_file)
    return problems


def _draft(lake: Lake, day_file: DayFile) -> DayFile:
    """Write a day aside as the policy has it."""
    writer = lake.writer(day_file.key, _SUFFIX)
    for table in lake.treated_rows(day_file.key):
        writer.add(table)
    return lake.seal(writer, replace(day_file, privacy=lake.policy.label))
