"""Gather the days of one account: plan the open ones, refresh those verified earlier, and read the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxlake.errors import CredentialsRefused, ExecutorFailed, VoxlakeError
from voxlake.pipeline import announce
from voxlake.pipeline.accounts import learn_facts
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.horizon import begin_span, end_span, horizon, set_horizon
from voxlake.pipeline.place import part_days
from voxlake.pipeline.plan import begun, plan_export
from voxlake.pipeline.read import read_days
from voxlake.pipeline.recorder import Recorder
from voxlake.pipeline.refresh import refresh
from voxlake.pipeline.retention import name_refused
from voxlake.pipeline.second_opinion import ask_without_dates
from voxlake.pipeline.shifted_dates import recall_history
from voxlake.pipeline.treatment import require_one_key
from voxlake.pipeline.two_clocks import require_usable_clock
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import date

    from voxlake.lake import Learned, Manifest
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.database import EarlyBuild
    from voxlake.pipeline.plan import DayRange, Plan
    from voxlake.pipeline.refresh import Refreshed
    from voxlake.pipeline.work import Done
    from voxlake.transform import Stream


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was brought into the lake for one account; `errors` are those that are not of one stream.

    `notes` are sentences for the user.
    """

    record: Recorder
    errors: tuple[VoxlakeError, ...] = ()
    notes: tuple[str, ...] = ()


def gather(
    context: Context, streams: Sequence[Stream], days: DayRange, database: EarlyBuild, *, force: bool
) -> Gathered:
    """Bring every day of a range that is not final into the lake; days that could not be read get placeholders.

    Raises:
        SettingsError: this machine's clock and the API's are years apart, so that no day can be planned.

    """
    manifest, learned = _begin(context, streams)
    begins = horizon(context, streams, days, manifest, learned)
    plans = plan_export(context, streams, days, force=force, manifest=manifest, learned=learned, begins=begins)
    record = Recorder(context, manifest, streams, learned)
    record.plan(plans)
    begin_span(context, record, plans, begins)
    try:
        stale = _refresh(context, plans, record)
        wanted = {stream: stale[stream].union(plans[stream].read) for stream in streams}
        read_days(context, wanted, record, database, force=force)
        ask_without_dates(context, record)
    except ExecutorFailed as failure:
        record.stop(failure, {stream: its.read for stream, its in plans.items()})
    gathered = _name_unread(context, record)
    if _is_stranger(context, record):
        return gathered
    end_span(record)
    return replace(gathered, notes=(*gathered.notes, *set_horizon(context, record, days, begins)))


def gather_again(context: Context, days: Mapping[Stream, Sequence[date]], database: EarlyBuild) -> Gathered:
    """Read days again whatever is known of them, and take the API's word for them."""
    manifest, learned = _begin(context, days)
    record = Recorder(context, manifest, days, learned)
    for stream, its in days.items():
        record.streams[stream].days = len(its)
    try:
        read_days(context, days, record, database, force=True)
    except ExecutorFailed as failure:
        record.stop(failure, days)
    return _name_unread(context, record)


def part_account(context: Context, streams: Sequence[Stream], database: EarlyBuild, *, force: bool) -> Gathered:
    """Part all days of the account that share a message, and read those again that gave theirs up."""
    manifest = _own_manifest(context)
    record = Recorder(context, manifest, streams)
    days: dict[Stream, set[date]] = {stream: set() for stream in streams}
    for day_file in part_days(context.lake, manifest):
        stream = STREAMS[day_file.key.stream]
        if stream in days:
            record.change(stream, day_file, changed=0)
            days[stream].add(day_file.key.date)
    read_days(context, days, record, database, force=force)
    return Gathered(record)


def _begin(context: Context, streams: Iterable[Stream]) -> tuple[Manifest, Learned]:
    """Recall what is known of the API and of the lake, and part days that share messages since a run was killed."""
    context.history.ceiling.begin()
    learned = recall_history(context, streams)
    manifest = _own_manifest(context)
    require_one_key(manifest, context.lake.policy)
    part_days(context.lake, manifest, suspects_only=True)
    return manifest, learned


def _own_manifest(context: Context) -> Manifest:
    """Return what is known of the days of the account: those of others are the business of other runs."""
    account = context.history.account_id
    return open_manifest(context.lake, context.warehouse, now=context.now(), account_ids=[account])


def _refresh(context: Context, plans: Mapping[Stream, Plan], record: Recorder) -> dict[Stream, frozenset[date]]:
    """Refresh the days that were verified earlier, side by side, and return those that must be read again."""
    pending: dict[Stream, Future[Done[Refreshed]]] = {}
    stale: dict[Stream, frozenset[date]] = dict.fromkeys(plans, frozenset())
    failure: ExecutorFailed | None = None
    try:
        for stream, plan in plans.items():
            if plan.probe and not record.quirks[stream].counts_prove:
                stale[stream] = frozenset(plan.probe_days)
            elif plan.probe:
                pending[stream] = context.submit(
                    refresh,
                    context.lake,
                    stream,
                    plan.probe,
                    clock=context.clock,
                    finality=context.finality,
                    contradicted=record.contradicted,
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


def _name_unread(context: Context, record: Recorder) -> Gathered:
    """Put placeholders for days that could not be read, and return what was gathered; errors are part of it."""
    errors: list[VoxlakeError] = [] if record.failure is None else [record.failure]
    refusals: list[str] = []
    try:
        refusals = name_refused(context, record)
        _put_placeholders(context, record)
    except VoxlakeError as error:
        errors.append(error)
    return Gathered(record, tuple(errors), (*refusals, *_learn_facts(context, record)))


def _learn_facts(context: Context, record: Recorder) -> tuple[str, ...]:
    """Learn what there is to know of the account.

    Where its histories fail, the API is not asked more, and where there was nothing to ask of them, not at all.
    """
    if _is_stranger(context, record):
        return ()
    failed = record.failure is not None or any(result.errors for result in record.streams.values())
    return learn_facts(context, ask=not failed and context.history.requests > 0)


def _is_stranger(context: Context, record: Recorder) -> bool:
    """Return whether an account has refused its credentials from the start: nobody knows whether it exists."""
    account = context.history.account_id
    refused = all(
        any(isinstance(error, CredentialsRefused) for error in result.errors) for result in record.streams.values()
    )
    return refused and all(day_file.key.account_id != account for day_file in record.manifest)


def _put_placeholders(context: Context, record: Recorder) -> None:
    """Put placeholders for days that could not be read, unless an earlier reading of them lies in the lake."""
    if _is_stranger(context, record):
        return
    for stream, result in record.streams.items():
        causes = [*result.errors, *filter(None, [record.failure])]
        problem = str(causes[0]) if causes else "it was not read"
        for day in begun(sorted(record.wanted[stream]), context.now()):
            key = record.key(stream, day)
            if key not in record.manifest and key not in record.manifest.damaged:
                day_file = context.lake.put_placeholder(key, problem, now=context.now())
                record.change(stream, day_file, changed=0)
                announce.day_written(context.events, day_file, reason="it could not be read")
