"""Compare the lake with the API, with the database and with itself, and repair what differs.

Every day is counted, every file is compared with its own checksum and schema, every day of the database with its file,
and some pages of some days are requested again and compared row by row.
"""

from __future__ import annotations

import random
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from voxlake.errors import VoxlakeError
from voxlake.lake import Learned, exported_accounts
from voxlake.model import DaySpan
from voxlake.pipeline import announce
from voxlake.pipeline.account_result import AccountResult
from voxlake.pipeline.audit_result import AuditResult, Round
from voxlake.pipeline.audit_stream import StreamAudit, audit_stream
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.database import EarlyBuild
from voxlake.pipeline.export import reread
from voxlake.pipeline.horizon import horizon
from voxlake.pipeline.run import Assignment, Run, side_by_side
from voxlake.pipeline.shifted_dates import recall_history
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from voxlake.lake import Manifest
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.plan import DayRange
    from voxlake.transform import Stream

_NOBODY: Mapping[int, VoxlakeError] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AccountAudit:
    """What was found of one account, stream by stream; `errors` are of those that could not be asked for."""

    account_id: int
    found: Round = ()
    errors: tuple[VoxlakeError, ...] = ()


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
        return replace(
            _rebuild(run, assignments, result),
            moved_out=moved_out,
            strays=tuple(run.lake.strays(_spans(run, assignments))),
        )
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
    spans = _spans(run, assignments)
    found = run.warehouse.examine(spans)

    def work(assignment: Assignment) -> AccountAudit:
        try:
            with assignment.open() as context:
                its = days.get(assignment.account_id)
                return _look_at(context, assignment, its, pages=pages, seed=seed, database=found.damage is None)
        except VoxlakeError as error:
            if not run.shared.several:
                raise
            return AccountAudit(assignment.account_id, errors=(error,))

    accounts = side_by_side(run, assignments, work)
    return AuditResult(
        rounds=(tuple(its for account in accounts for its in account.found),),
        errors=tuple(error for account in accounts for error in account.errors),
        strays=tuple(run.lake.strays(spans)),
        damage=found.damage,
        failed_checks=found.failed_checks,
        warnings=found.warnings,
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
    wanted, done = _days(context, manifest, assignment) if days is None else days, 0
    planned = sum(map(len, wanted.values()))
    announce.progress(context.events.of(None), context.shared.advance(account, done, planned))
    for stream, its in wanted.items():
        draw = random.Random(f"{seed}/{stream.name}").random  # noqa: S311 - a sample, not a secret
        try:
            found.append(audit_stream(context, manifest, stream, its, pages=pages, draw=draw, database=database))
        except VoxlakeError as error:
            errors.append(error)
            announce.failed(context.events, stream.name, error)
        else:
            announce.audited(context.events, found[-1])
        done += len(its)
        announce.progress(context.events.of(None), context.shared.advance(account, done, planned))
    return AccountAudit(assignment.account_id, tuple(found), tuple(errors))


def _rebuild(run: Run, assignments: Sequence[Assignment], result: AuditResult) -> AuditResult:
    """Build the database again where it is damaged and nothing else is wrong."""
    if result.damage is None:
        return result
    with closing(EarlyBuild(run, rebuild=True)) as database:
        published = database.publish()
    found = run.warehouse.examine(_spans(run, assignments))
    return replace(
        result,
        rebuilt=True,
        moved_aside=published.moved_aside,
        damage=found.damage,
        failed_checks=found.failed_checks,
        warnings=found.warnings,
    )


def _spans(run: Run, assignments: Sequence[Assignment]) -> list[DaySpan] | None:
    """Return the days that an audit looks at in the database and in the folders of the lake, None for all there are.

    That is so where it looks at every account and every day. What lies outside is not read.
    """
    spans = [
        DaySpan(its.account_id, stream.name, its.days.first, its.days.end)
        for its in assignments
        for stream in its.streams
    ]
    known = {(account, stream) for account in exported_accounts(run.lake) for stream in STREAMS}
    if any(span.first is not None for span in spans) or known - {(span.account_id, span.stream) for span in spans}:
        return spans
    return None


def _days(context: Context, manifest: Manifest, assignment: Assignment) -> dict[Stream, list[date]]:
    account, days = assignment.account_id, assignment.days
    begins = horizon(context, assignment.streams, days, manifest, Learned(context.lake, [account]))
    found = {}
    for stream in assignment.streams:
        known = manifest.known_days(account, stream.name)
        # Of a stream that was only backfilled, or never exported, no other day is expected to be there.
        found[stream] = days.days(begins.first[stream] if stream in begins.known else days.end, known)
    return found
