"""The story of an export: gather the days of each account, publish the database once, report."""

from __future__ import annotations

from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake.errors import DuplicateMessage, StorageFull, VoxlakeError
from voxlake.lake import indexing
from voxlake.pipeline import announce
from voxlake.pipeline.account_result import AccountResult, ExportResult, join
from voxlake.pipeline.compact import CompactionAfter
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.database import EarlyBuild
from voxlake.pipeline.finish import ended, finish
from voxlake.pipeline.gather import Gathered, gather, gather_again, part_account
from voxlake.pipeline.run import Assignment, Run, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from voxlake.pipeline.context import Context
    from voxlake.pipeline.plan import DayRange
    from voxlake.transform import Stream


def export(context: Context, streams: Sequence[Stream], days: DayRange, *, force: bool = False) -> ExportResult:
    """Bring every day of a range of one account that is not final into the lake, and publish the database.

    With `force`, final days are read again, and the API's word is taken for messages that it does not report any more.
    Trouble with one window never stops the others; a refusal stops its stream. Neither is raised: the result names
    what was not done.

    Raises:
        SettingsError: this machine's clock and the API's are years apart, so that no day can be planned.

    """
    assignment = Assignment(context.history.account_id, streams, days, lambda: nullcontext(context))
    return export_accounts(Run.of(context), [assignment], force=force)


def export_accounts(
    run: Run, assignments: Sequence[Assignment], *, force: bool = False, taken: Sequence[AccountResult] = ()
) -> ExportResult:
    """Do what `export` does for several accounts, and publish the database once.

    What stops one account stops no other: it is part of the result. `taken` are accounts that other runs have.

    Raises:
        SettingsError: what `export` raises, where there is one account.

    """

    def bring(context: Context, assignment: Assignment, database: EarlyBuild) -> Gathered:
        return gather(context, assignment.streams, assignment.days, database, force=force)

    with announce.run(run.events, "export", run.requests) as ending:
        with closing(EarlyBuild(run)) as database:
            result = _export(run, assignments, bring, database, force=force)
        result = replace(result, accounts=tuple(sorted((*result.accounts, *taken), key=lambda its: its.account_id)))
        ending.exit_code = result.exit_code
    return result


def reread(
    run: Run, assignments: Sequence[Assignment], days: Mapping[int, Mapping[Stream, Sequence[date]]]
) -> ExportResult:
    """Read days again whatever is known of them, by account; take the API's word for them, and rebuild the database."""

    def bring(context: Context, assignment: Assignment, database: EarlyBuild) -> Gathered:
        return gather_again(context, days[assignment.account_id], database)

    with closing(EarlyBuild(run, rebuild=True)) as database:
        return _export(run, assignments, bring, database, force=True)


def _export(
    run: Run,
    assignments: Sequence[Assignment],
    bring: Callable[[Context, Assignment, EarlyBuild], Gathered],
    database: EarlyBuild,
    *,
    force: bool,
) -> ExportResult:
    alone = not run.shared.several
    afterwards = CompactionAfter(run)

    def work(assignment: Assignment) -> AccountResult:
        try:
            with assignment.open() as context:
                gathered = bring(context, assignment, database)
                result = finish(context, gathered, name=assignment.name)
                afterwards.note(gathered.record.manifest, assignment.account_id)
                offset = context.history.clock_offset
        except VoxlakeError as error:
            if alone:
                raise
            result, offset = AccountResult(assignment.account_id, (), errors=(error,), name=assignment.name), None
        so_far = run.shared.end_account(offset)
        if not alone:
            announce.progress(run.events, so_far)
        return result

    results = side_by_side(run, assignments, work)
    moved_aside = ""
    errors: list[VoxlakeError] = []
    try:
        if run.registry is not None:
            with indexing(run.lake):
                run.registry.save()
        run.note(ExportResult(tuple(results)))
        try:
            moved_aside = database.publish().moved_aside
        except DuplicateMessage:
            results = _part_days(run, assignments, results, database, force=force)
            moved_aside = database.publish().moved_aside
    except VoxlakeError as error:
        errors.append(error)
        _remember(run, results, error)
    afterwards.compact()
    if alone:
        errors = [*(error for result in results for error in result.errors), *errors]
    path = run.warehouse.path
    return ExportResult(tuple(results), str(path) if path.exists() else "", moved_aside, tuple(errors))


def _part_days(
    run: Run, assignments: Sequence[Assignment], results: Sequence[AccountResult], database: EarlyBuild, *, force: bool
) -> list[AccountResult]:
    """Part days that share a message, whichever account they are of, and return what was done in all."""
    before = {result.account_id: result for result in results}

    def work(assignment: Assignment) -> AccountResult:
        with assignment.open() as context:
            sent = context.history.requests
            gathered = part_account(context, assignment.streams, database, force=force)
            result = finish(context, gathered, name=assignment.name)
            return join(before[assignment.account_id], replace(result, requests=result.requests - sent))

    return side_by_side(run, assignments, work)


def _remember(run: Run, results: Sequence[AccountResult], error: VoxlakeError) -> None:
    """Remember for each account that the database could not be published."""
    last_runs = {
        result.account_id: ended(run.now(), replace(result, errors=(*result.errors, error))) for result in results
    }
    # Where there is no room for that either, the error of the run says so.
    with suppress(StorageFull), indexing(run.lake):
        open_manifest(run.lake, run.warehouse, now=run.now(), account_ids=[]).save(last_runs=last_runs)
