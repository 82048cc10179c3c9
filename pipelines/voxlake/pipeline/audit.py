"""Compare the lake with the API, with the database and with itself, and repair what differs.

Every day is counted, every file is compared with its own checksum and schema, every day of the database with its file,
and some pages of some days are requested again and compared row by row.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxlake.errors import DataError, VoxlakeError, gravest
from voxlake.pipeline import announce
from voxlake.pipeline.audit_stream import StreamAudit, audit_stream
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.export import reread
from voxlake.pipeline.result import jsonable
from voxlake.pipeline.shifted_dates import recall_history

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from pathlib import Path
    from typing import Any

    from voxlake.lake import Manifest
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.plan import DayRange
    from voxlake.pipeline.result import ExportResult
    from voxlake.transform import Stream

Round = tuple[StreamAudit, ...]
_DIFFERS = 4


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit found, and what it repaired.

    `rounds` are the findings before and, where days were read again, after a repair; `rebuilt` says that the database
    was, `moved_out` where files that are not ours lay and lie. The rest is the state at the end: `strays` are files
    that are not ours, `damage` is why the database cannot be read, `failed_checks` what each failing check found,
    `warnings` what is odd in the vendor's data. `seed` chose the pages; `locked` says that no run could change files
    while they were compared.
    """

    rounds: tuple[Round, ...]
    errors: tuple[VoxlakeError, ...]
    strays: tuple[Path, ...]
    damage: VoxlakeError | None
    failed_checks: Mapping[str, str]
    warnings: Sequence[Mapping[str, Any]]
    seed: int
    repair: ExportResult | None = None
    rebuilt: bool = False
    moved_aside: str = ""
    moved_out: tuple[tuple[Path, Path], ...] = ()
    locked: bool = True

    @property
    def exit_code(self) -> int:
        """Return 4 where anything differs or could not be compared, or the code of a graver error; else 0."""
        codes = {error.exit_code for error in self.errors}
        if self.strays or self.damage is not None or self.failed_checks:
            codes.add(DataError.exit_code)
        if any(found.differences or found.unread for found in self.last_round):
            codes.add(_DIFFERS)
        return gravest(codes)

    @property
    def last_round(self) -> Round:
        """What was found last."""
        return self.rounds[-1]

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {
            "exit_code": self.exit_code,
            "findings": self.findings(),
            "errors": [str(error) for error in self.errors],
            "strays": [str(path) for path in self.strays],
            "damage": None if self.damage is None else str(self.damage),
            "failed_checks": dict(self.failed_checks),
            "warnings": jsonable(self.warnings),
            "seed": self.seed,
            "repair": None if self.repair is None else self.repair.to_json(),
            "rebuilt": self.rebuilt,
            "moved_aside": self.moved_aside,
            "moved_out": {str(path): str(moved) for path, moved in self.moved_out},
            "locked": self.locked,
        }

    def findings(self) -> list[dict[str, Any]]:
        """Return what was found on each stream, before and after a repair, ready for `json.dumps`."""
        return [found.to_json() | {"repaired": n > 0} for n, its in enumerate(self.rounds) for found in its]


def audit(
    context: Context,
    streams: Sequence[Stream],
    days: DayRange,
    *,
    pages: int,
    seed: int,
    repair: bool = False,
    on_round: Callable[[Round], None] = lambda _found: None,
) -> AuditResult:
    """Audit some days of some streams, and with `repair` read those that differ again, and audit these once more.

    Of each stream `pages` are read again, at places that `seed` decides. Days without a first one begin with the oldest
    in the lake. `on_round` is called with what was found before the repair begins, and after it.
    """
    with announce.run(context.events, "audit", lambda: context.history.requests) as ending:
        result = _audit(context, streams, days, pages, seed, repair=repair, on_round=on_round)
        ending.exit_code = result.exit_code
    return result


def _audit(
    context: Context,
    streams: Sequence[Stream],
    days: DayRange,
    pages: int,
    seed: int,
    *,
    repair: bool,
    on_round: Callable[[Round], None],
) -> AuditResult:
    recall_history(context, streams)
    manifest = open_manifest(context.lake, context.warehouse, now=context.now())
    result = _look(context, manifest, _days(context, manifest, streams, days), pages=pages, seed=seed)
    on_round(result.last_round)
    if not repair:
        return result
    moved_out = tuple((path, context.lake.move_out(path)) for path in result.strays)
    differing = {
        stream: sorted({difference.date for difference in found.differences})
        for stream in streams
        for found in result.last_round
        if found.stream == stream.name and found.differences
    }
    if not differing:
        return replace(_rebuild(context, manifest, result), moved_out=moved_out, strays=tuple(context.lake.strays()))
    done = reread(context, differing)
    manifest = open_manifest(context.lake, context.warehouse, now=context.now())
    again = _look(context, manifest, differing, pages=pages, seed=seed)
    on_round(again.last_round)
    return replace(
        again,
        rounds=(*result.rounds, *again.rounds),
        errors=(*result.errors, *done.all_errors, *again.errors),
        repair=done,
        moved_out=moved_out,
    )


def _look(
    context: Context, manifest: Manifest, days: Mapping[Stream, Sequence[date]], *, pages: int, seed: int
) -> AuditResult:
    """Compare everything once; a stream that cannot be asked for gives its error in place of its findings."""
    damage = context.warehouse.damage()
    found: list[StreamAudit] = []
    errors: list[VoxlakeError] = []
    for stream, its in days.items():
        draw = random.Random(f"{seed}/{stream.name}").random  # noqa: S311 - a sample, not a secret
        try:
            found.append(audit_stream(context, manifest, stream, its, pages=pages, draw=draw, database=damage is None))
        except VoxlakeError as error:
            errors.append(error)
            announce.failed(context.events, stream.name, error)
        else:
            announce.audited(context.events, found[-1])
    return AuditResult(
        rounds=(tuple(found),),
        errors=tuple(errors),
        strays=tuple(context.lake.strays()),
        damage=damage,
        failed_checks=context.warehouse.failed_checks() if damage is None else {},
        warnings=context.warehouse.warnings() if damage is None else (),
        seed=seed,
    )


def _rebuild(context: Context, manifest: Manifest, result: AuditResult) -> AuditResult:
    """Build the database again where it is damaged and nothing else is wrong."""
    if result.damage is None:
        return result
    began = context.events.seconds()
    published = context.warehouse.publish(manifest.sound(), context.lake, finality=context.finality, rebuild=True)
    rows = sum(day_file.row_count for day_file in manifest)
    announce.published(context.events, days=published.changed, rows=rows, began=began)
    manifest.save()
    damage = context.warehouse.damage()
    return replace(
        result,
        rebuilt=True,
        moved_aside=published.moved_aside,
        damage=damage,
        failed_checks=context.warehouse.failed_checks() if damage is None else {},
        warnings=context.warehouse.warnings() if damage is None else (),
    )


def _days(context: Context, manifest: Manifest, streams: Sequence[Stream], days: DayRange) -> dict[Stream, list[date]]:
    today, account = context.now().date(), context.history.account_id
    return {stream: days.days(manifest.oldest(account, stream.name) or today) for stream in streams}
