"""The story of an export: plan the open days, refresh those verified earlier, read the others, publish, report."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from voxlake.errors import ExecutorFailed, VoxlakeError
from voxlake.pipeline import announce
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.database import EarlyBuild
from voxlake.pipeline.finish import finish
from voxlake.pipeline.place import part_days
from voxlake.pipeline.plan import plan_export
from voxlake.pipeline.read import read_days
from voxlake.pipeline.recorder import Recorder
from voxlake.pipeline.refresh import refresh
from voxlake.pipeline.second_opinion import ask_without_dates
from voxlake.pipeline.shifted_dates import recall_history
from voxlake.pipeline.two_clocks import require_usable_clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future
    from datetime import date

    from voxlake.pipeline.context import Context, Done
    from voxlake.pipeline.plan import DayRange, Plan
    from voxlake.pipeline.refresh import Refreshed
    from voxlake.pipeline.result import ExportResult
    from voxlake.transform import Stream


def export(context: Context, streams: Sequence[Stream], days: DayRange, *, force: bool = False) -> ExportResult:
    """Bring every day of a range that is not final into the lake, and publish the database.

    With `force`, final days are read again, and the API's word is taken for messages that it does not report any more.
    Trouble with one window never stops the others; a refusal stops its stream. Neither is raised: the result names
    what was not done.

    Raises:
        SettingsError: this machine's clock and the API's are years apart, so that no day can be planned.

    """
    with announce.run(context.events, "export", lambda: context.history.requests) as ending:
        result = _export(context, streams, days, force=force)
        ending.exit_code = result.exit_code
    return result


def _export(context: Context, streams: Sequence[Stream], days: DayRange, *, force: bool) -> ExportResult:
    context.history.ceiling.reset()
    recall_history(context, streams)
    manifest = open_manifest(context.lake, context.warehouse, now=context.now())
    part_days(context.lake, manifest, suspects_only=True)
    plans = plan_export(context, streams, days, force=force, manifest=manifest)
    record = Recorder(context, manifest, streams)
    record.plan(plans)
    with closing(EarlyBuild(context)) as database:
        try:
            stale = _refresh(context, plans, record)
            wanted = {stream: stale[stream].union(plans[stream].read) for stream in streams}
            read_days(context, wanted, record, database, force=force)
            ask_without_dates(context, record)
        except ExecutorFailed as failure:
            record.stop(failure, {stream: its.read for stream, its in plans.items()})
        return finish(context, record, database, force=force)


def reread(context: Context, days: Mapping[Stream, Sequence[date]]) -> ExportResult:
    """Read days again whatever is known of them, take the API's word for them, and rebuild the database."""
    context.history.ceiling.reset()
    recall_history(context, days)
    manifest = open_manifest(context.lake, context.warehouse, now=context.now())
    part_days(context.lake, manifest, suspects_only=True)
    record = Recorder(context, manifest, days)
    for stream, its in days.items():
        record.streams[stream].days = len(its)
    with closing(EarlyBuild(context, rebuild=True)) as database:
        try:
            read_days(context, days, record, database, force=True)
        except ExecutorFailed as failure:
            record.stop(failure, days)
        return finish(context, record, database, force=True)


def _refresh(context: Context, plans: Mapping[Stream, Plan], record: Recorder) -> dict[Stream, frozenset[date]]:
    """Refresh the days that were verified earlier, side by side, and return those that must be read again."""
    pending: dict[Stream, Future[Done[Refreshed]]] = {}
    stale: dict[Stream, frozenset[date]] = dict.fromkeys(plans, frozenset())
    failure: ExecutorFailed | None = None
    try:
        for stream, plan in plans.items():
            if plan.probe:
                pending[stream] = context.submit(
                    refresh, context.lake, stream, plan.probe, clock=context.clock, finality=context.finality
                )
    except ExecutorFailed as error:
        failure = error
    # What has begun writes into the lake, so it is waited for in any case.
    for stream, future in pending.items():
        try:
            found = context.result(future)
        except ExecutorFailed as error:
            failure = error
        except VoxlakeError as error:
            record.fail(stream, error)
        else:
            stale[stream] = found.stale
            record.counts[stream].update(found.counts)
            record.refresh(stream, found.days)
            changed = sum(day.changed for day in found.days)
            days = len(found.days)
            announce.refreshed(context.events, stream.name, days=days, changed=changed, stale=len(found.stale))
    if failure is not None:
        raise failure
    require_usable_clock(context.clock, context.history)
    return stale
