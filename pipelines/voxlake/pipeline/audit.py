"""Compare the lake with the API, with the database and with itself, and repair what differs.

Every day is counted, every file is compared with its own checksum and schema, every day of the database with its file,
and some pages of some days are requested again and compared row by row.
"""

from __future__ import annotations

import random
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from voxlake.errors import DataError, VoxlakeError, gravest
from voxlake.lake import Learned
from voxlake.pipeline import announce
from voxlake.pipeline.account_result import AccountResult
from voxlake.pipeline.audit_stream import StreamAudit, audit_stream
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.database import EarlyBuild
from voxlake.pipeline.export import reread
from voxlake.pipeline.horizon import horizon
from voxlake.pipeline.result import jsonable
from voxlake.pipeline.run import Assignment, Run, side_by_side
from voxlake.pipeline.shifted_dates import recall_history
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from pathlib import Path
    from typing import Any

    from voxlake.lake import Manifest
    from voxlake.pipeline.account_result import ExportResult
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.plan import DayRange
    from voxlake.transform import Stream

_NOBODY: Mapping[int, VoxlakeError] = MappingProxyType({})
Round = tuple[StreamAudit, ...]
_DIFFERS = 4


@dataclass(frozen=True, slots=True)
class AccountAudit:
    """What was found of one account, stream by stream; `errors` are of those that could not be asked for."""

    account_id: int
    found: Round = ()
    errors: tuple[VoxlakeError, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit found, and what it repaired.

    `rounds` are the findings before and, where days were read again, after a repair; `rebuilt` says that the database
    was, `moved_out` where files that are not ours lay and lie. The rest is the state at the end: `strays` are files
    that are not ours, `damage` is why the database cannot be read, `failed_checks` what each failing check found,
    `warnings` what is odd in the vendor's data. `seed` chose the pages; `locked` says that no run could change files
    while they were compared. `account_errors` has the errors by account, where there are several.
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
    account_errors: Mapping[int, tuple[VoxlakeError, ...]] = field(default_factory=dict)

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
        """Return what was found on each stream, before and after a repair, ready for `json.dumps`.

        `account_id` says of which account, where there are several.
        """
        rounds = [(n, found) for n, its in enumerate(self.rounds) for found in its]
        found_json = [found.to_json() | {"repaired": n > 0} for n, found in rounds]
        if len({found.account_id for _, found in rounds} | self.account_errors.keys()) > 1:
            return found_json
        return [{name: value for name, value in each.items() if name != "account_id"} for each in found_json]


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
    assignment = Assignment(context.history.account_id, streams, days, lambda: nullcontext(context))
    return audit_accounts(Run.of(context), [assignment], pages=pages, seed=seed, repair=repair, on_round=on_round)


def audit_accounts(
    run: Run,
    assignments: Sequence[Assignment],
    *,
    pages: int,
    seed: int,
    repair: bool = False,
    on_round: Callable[[Round], None] = lambda _found: None,
    taken: Mapping[int, VoxlakeError] = _NOBODY,
) -> AuditResult:
    """Do what `audit` does for several accounts; what stops one of them stops no other. Other runs have those `taken`.

    The pages of an account are those that it alone would have with the same `seed`.
    """
    with announce.run(run.events, "audit", run.requests) as ending:
        result = _audit(run, assignments, pages, seed, repair=repair, on_round=on_round)
        if taken:
            by_account = {account: (error,) for account, error in taken.items()}
            result = replace(
                result,
                errors=(*result.errors, *taken.values()),
                account_errors={**result.account_errors, **by_account},
            )
        ending.exit_code = result.exit_code
    return result


def _audit(
    run: Run,
    assignments: Sequence[Assignment],
    pages: int,
    seed: int,
    *,
    repair: bool,
    on_round: Callable[[Round], None],
) -> AuditResult:
    result = _look(run, assignments, {}, pages=pages, seed=seed)
    on_round(result.last_round)
    if not repair:
        return result
    moved_out = tuple((path, run.lake.move_out(path)) for path in result.strays)
    differing: dict[int, dict[Stream, list[date]]] = {}
    for found in result.last_round:
        if found.differences and found.account_id is not None:
            days = sorted({difference.date for difference in found.differences})
            differing.setdefault(found.account_id, {})[STREAMS[found.stream]] = days
    if not differing:
        return replace(_rebuild(run, result), moved_out=moved_out, strays=tuple(run.lake.strays()))
    again = [its for its in assignments if its.account_id in differing]
    done = reread(run, again, differing)
    second = _look(run, again, differing, pages=pages, seed=seed)
    on_round(second.last_round)
    errors = {**result.account_errors}
    for account in (*done.accounts, *(AccountResult(n, (), errors=its) for n, its in second.account_errors.items())):
        if account.all_errors:
            errors[account.account_id] = (*errors.get(account.account_id, ()), *account.all_errors)
    return replace(
        second,
        rounds=(*result.rounds, *second.rounds),
        errors=(*result.errors, *done.all_errors, *second.errors),
        account_errors=errors,
        repair=done,
        moved_out=moved_out,
    )


def _look(
    run: Run,
    assignments: Sequence[Assignment],
    days: Mapping[int, Mapping[Stream, Sequence[date]]],
    *,
    pages: int,
    seed: int,
) -> AuditResult:
    """Compare everything once, or of each account some `days`; a stream that cannot be asked for gives its error."""
    damage = run.warehouse.damage()

    def work(assignment: Assignment) -> AccountAudit:
        try:
            with assignment.open() as context:
                its = days.get(assignment.account_id)
                return _look_at(context, assignment, its, pages=pages, seed=seed, database=damage is None)
        except VoxlakeError as error:
            if not run.shared.several:
                raise
            return AccountAudit(assignment.account_id, errors=(error,))

    accounts = side_by_side(run, assignments, work)
    return AuditResult(
        rounds=(tuple(found for account in accounts for found in account.found),),
        errors=tuple(error for account in accounts for error in account.errors),
        strays=tuple(run.lake.strays()),
        damage=damage,
        failed_checks=run.warehouse.failed_checks() if damage is None else {},
        warnings=run.warehouse.warnings() if damage is None else (),
        seed=seed,
        account_errors={account.account_id: account.errors for account in accounts if account.errors},
    )


def _look_at(
    context: Context,
    assignment: Assignment,
    days: Mapping[Stream, Sequence[date]] | None,
    *,
    pages: int,
    seed: int,
    database: bool,
) -> AccountAudit:
    """Compare one account, and its days in the database unless that is left out."""
    recall_history(context, assignment.streams)
    account = assignment.account_id
    manifest = open_manifest(context.lake, context.warehouse, now=context.now(), account_ids=[account])
    found: list[StreamAudit] = []
    errors: list[VoxlakeError] = []
    context.history.ceiling.begin()
    for stream, its in (_days(context, manifest, assignment) if days is None else days).items():
        draw = random.Random(f"{seed}/{stream.name}").random  # noqa: S311 - a sample, not a secret
        try:
            found.append(audit_stream(context, manifest, stream, its, pages=pages, draw=draw, database=database))
        except VoxlakeError as error:
            errors.append(error)
            announce.failed(context.events, stream.name, error)
        else:
            announce.audited(context.events, found[-1])
    return AccountAudit(assignment.account_id, tuple(found), tuple(errors))


def _rebuild(run: Run, result: AuditResult) -> AuditResult:
    """Build the database again where it is damaged and nothing else is wrong."""
    if result.damage is None:
        return result
    with closing(EarlyBuild(run, rebuild=True)) as database:
        published = database.publish()
    damage = run.warehouse.damage()
    return replace(
        result,
        rebuilt=True,
        moved_aside=published.moved_aside,
        damage=damage,
        failed_checks=run.warehouse.failed_checks() if damage is None else {},
        warnings=run.warehouse.warnings() if damage is None else (),
    )


def _days(context: Context, manifest: Manifest, assignment: Assignment) -> dict[Stream, list[date]]:
    account, days = assignment.account_id, assignment.days
    begins = horizon(context, assignment.streams, days, manifest, Learned(context.lake, [account]))
    found = {}
    for stream in assignment.streams:
        known = manifest.known_days(account, stream.name)
        # Of a stream that was only backfilled, or never exported, no other day is expected to be there.
        found[stream] = days.days(begins.first[stream] if stream in begins.known else days.end, known)
    return found
