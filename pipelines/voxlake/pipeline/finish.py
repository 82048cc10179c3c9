"""The end of the work for an account: what was done, and what the lake remembers of it."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from voxlake.errors import StorageFull
from voxlake.extract import EXACT_COUNTS, PAGE_COUNTS
from voxlake.lake import indexing
from voxlake.pipeline.account_result import AccountResult
from voxlake.pipeline.accounts import note_good_run
from voxlake.pipeline.memory import recall, remember
from voxlake.pipeline.shifted_dates import remember_marks
from voxlake.pipeline.treatment import compare
from voxlake.pipeline.two_clocks import describe_offset
from voxlake.text import counted

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from voxlake.pipeline.context import Context
    from voxlake.pipeline.gather import Gathered
    from voxlake.pipeline.recorder import Recorder


def finish(context: Context, gathered: Gathered, *, name: str | None = None) -> AccountResult:
    """Save what was gathered for an account in the index, and return what was done; errors are part of it."""
    record = gathered.record
    notes = (
        describe_offset(context.history), _describe_csv(context), *_describe_counts(context, record),
        _describe_doubles(record), *record.notes, *gathered.notes,
        *compare(record.manifest, context.lake.policy).notes(),
    )  # fmt: skip
    result = AccountResult(
        record.account_id,
        tuple(stream.result() for stream in record.streams.values()),
        requests=context.history.requests,
        # What the database lacks of these days, it keeps as it was.
        errors=(*gathered.errors, *list(record.manifest.damaged.values())[:1]),
        missing=tuple(sorted(record.manifest.missing)),
        notes=tuple(note for note in notes if note),
        name=name,
    )
    if not result.exit_code:
        note_good_run(context)
    today = context.now().date()
    for stream, quirks in record.quirks.items():
        remember(record.learned, record.account_id, stream, quirks, today)
    remember_marks(context, record)
    try:
        with indexing(context.lake):
            record.manifest.save(last_runs={record.account_id: ended(context.now(), result)})
            record.learned.save()
    except StorageFull as error:
        return replace(result, errors=(*result.errors, error))
    return result


def ended(now: datetime, result: AccountResult) -> dict[str, Any]:
    """Return how a run ended for an account, as the index remembers it."""
    named = {} if result.name is None else {"name": result.name}
    return {"ended_at": now.isoformat(timespec="seconds"), **named, **result.summary()}


def _describe_counts(context: Context, record: Recorder) -> list[str]:
    """Return in sentences what this run learned of the API's counts: how far they go, and what they prove."""
    today = context.now().date()
    known = [recall(record.learned, record.account_id, stream, today) for stream in record.quirks]
    sentences = []
    largest = min((quirks.largest_total for quirks in record.quirks.values()), default=inf)
    if largest < min((quirks.largest_total for quirks in known), default=inf):
        sentences.append(f"this API's counts are capped at {int(largest):,}: smaller windows were read")
    step = max((quirks.count_step for quirks in record.quirks.values()), default=0)
    if step > max((EXACT_COUNTS, *(quirks.count_step for quirks in known))):
        what = "those of a page" if step == PAGE_COUNTS else f"rounded to a multiple of {step:,}"
        sentences.append(f"this API's counts are {what}: days are verified by two readings that give the same messages")
    return sentences


def _describe_doubles(record: Recorder) -> str | None:
    """Return in a sentence how many rows came more than once, and were not known to before."""
    if not record.doubled:
        return None
    return f"this API gives and counts {counted(record.doubled, 'row')} more than once: each message is kept once"


def _describe_csv(context: Context) -> str | None:
    """Return in a sentence that the API's csv could not be read, so that JSON was asked for."""
    why = context.history.unreadable_csv
    return why and f"the API's csv cannot be read with certainty ({why}): it was asked for JSON; use --output json"
