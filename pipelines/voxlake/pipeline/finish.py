"""The end of a run: publish the database, and remember how the run ended."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from voxlake.errors import DuplicateMessage, StorageFull, VoxlakeError
from voxlake.pipeline import announce
from voxlake.pipeline.accounts import note_good_run
from voxlake.pipeline.memory import remember
from voxlake.pipeline.place import part_days
from voxlake.pipeline.read import read_days
from voxlake.pipeline.result import ExportResult
from voxlake.pipeline.shifted_dates import remember_marks
from voxlake.pipeline.two_clocks import describe_offset
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from datetime import date

    from voxlake.pipeline.context import Context
    from voxlake.pipeline.database import EarlyBuild
    from voxlake.pipeline.gather import Gathered
    from voxlake.pipeline.recorder import Recorder
    from voxlake.transform import Stream
    from voxlake.warehouse import DatabaseUpdate


def finish(context: Context, gathered: Gathered, database: EarlyBuild, *, force: bool) -> ExportResult:
    """Publish what is in the lake, and return what the run did; errors are part of the result."""
    record, errors = gathered.record, list(gathered.errors)
    moved_aside = ""
    try:
        moved_aside = _publish(context, record, database, force=force).moved_aside
    except VoxlakeError as error:
        errors.append(error)
    result = ExportResult(
        tuple(stream.result() for stream in record.streams.values()),
        requests=context.history.requests,
        database=str(context.warehouse.path) if context.warehouse.path.exists() else "",
        moved_aside=moved_aside,
        errors=tuple(errors),
        missing=tuple(sorted(record.manifest.missing)),
        notes=tuple(
            filter(
                None,
                [
                    describe_offset(context.history),
                    _describe_csv(context),
                    _describe_counts(record),
                    *record.notes,
                    *gathered.notes,
                ],
            )
        ),
    )
    ended_at = context.now().isoformat(timespec="seconds")
    try:
        for stream, quirks in record.quirks.items():
            remember(record.learned, context.history.account_id, stream, quirks, context.now().date())
        ended = {"ended_at": ended_at, **result.summary()}
        record.manifest.save(last_runs={context.history.account_id: ended})
        remember_marks(context, record)
        record.learned.save()
        if context.identity is not None:
            if not result.exit_code:
                note_good_run(context)
            context.identity.registry.save()
    except StorageFull as error:
        return replace(result, errors=(*result.errors, error))
    return result


def _describe_counts(record: Recorder) -> str | None:
    """Return in a sentence how far the API counts, if that is known."""
    largest = min((quirks.largest_total for quirks in record.quirks.values()), default=inf)
    return None if largest == inf else f"this API's counts are capped at {int(largest):,}: smaller windows were read"


def _describe_csv(context: Context) -> str | None:
    """Return in a sentence that the API's csv could not be read, so that JSON was asked for."""
    why = context.history.unreadable_csv
    return why and f"the API's csv cannot be read with certainty ({why}): it was asked for JSON; use --output json"


def _publish(context: Context, record: Recorder, database: EarlyBuild, *, force: bool) -> DatabaseUpdate:
    """Publish the database; where a message lies in two days, part these days first."""
    began = context.events.seconds()
    try:
        done = database.publish(record.manifest)
    except DuplicateMessage:
        _part_days(context, record, database, force=force)
        began = context.events.seconds()
        done = database.publish(record.manifest)
    rows = sum(day_file.row_count for day_file in record.manifest)
    announce.published(context.events, days=done.changed, rows=rows, began=began)
    return done


def _part_days(context: Context, record: Recorder, database: EarlyBuild, *, force: bool) -> None:
    """Part days that share a message, and read those again that gave theirs up."""
    days: dict[Stream, set[date]] = {stream: set() for stream in record.streams}
    for day_file in part_days(context.lake, record.manifest):
        stream = STREAMS[day_file.key.stream]
        if stream in days and day_file.key.account_id == context.history.account_id:
            record.change(stream, day_file, changed=0)
            days[stream].add(day_file.key.date)
    read_days(context, days, record, database, force=force)
