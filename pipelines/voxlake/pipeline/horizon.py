"""The first day that exports look after, for each stream of an account, and what the API has of the time before it.

The first export decides it, `--since`, or the settings. A backfill fills a span, and moves nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from voxlake.errors import VoxlakeError
from voxlake.lake import FILLED, UNFINISHED, AccountRegistry, erased_in, indexing
from voxlake.model import DAY, SECOND, Window, midnight, span
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voxlake.lake import AccountFacts, Lake, Learned, Manifest
    from voxlake.model import DayKey
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.plan import DayRange, Plan
    from voxlake.pipeline.recorder import Recorder
    from voxlake.transform import Stream

DEFAULT_DAYS = 30
"""How many days before today a first export begins."""

_EVER = datetime(2000, 1, 1, tzinfo=UTC)
"""The API is younger than that."""
_REACHES = (90 * DAY, 365 * DAY, 5 * 365 * DAY)
"""How far back is tried to say where older messages begin."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """The first UTC day that exports look after of each stream; `known` are streams of which that was known before."""

    first: Mapping[Stream, date]
    known: frozenset[Stream]


def horizon(
    context: Context, streams: Iterable[Stream], days: DayRange, manifest: Manifest, learned: Learned
) -> Horizon:
    """Return the first day that exports look after: what the settings say, else what was written down.

    Where nothing was, as by earlier versions, it is the oldest day in the lake, else `DEFAULT_DAYS` ago. Asks nothing.
    """
    account, today, facts = context.history.account_id, context.now().date(), facts_of(context)
    default, erased = today - DEFAULT_DAYS * DAY, erased_in(context.lake)
    first, known = {}, set()
    for stream in streams:
        found = facts and facts.exported_since.get(stream.name)
        if not found and learned.get(account, stream.name, FILLED) is None:
            found = manifest.oldest(account, stream.name)
        known |= {stream} if found else set()
        first[stream] = days.since or found or default
        if days.since is None and manifest.ahead(account, stream.name):
            # Where a wrong clock decided where an export began, it may have begun too late.
            first[stream] = min(first[stream], default)
        # What was retained away is not asked for again.
        first[stream] = max(first[stream], erased.retained.get((account, stream.name), first[stream]))
    return Horizon(first, frozenset(known))


def unfinished(learned: Learned, account_id: int, stream: str) -> set[date]:
    """Return the days before the horizon that a run set out to read and has not ended."""
    fact = learned.get(account_id, stream, UNFINISHED)
    days: set[date] = set()
    with suppress(TypeError, ValueError):
        for first, end in fact.value if fact is not None else ():
            days.update(span(date.fromisoformat(first), date.fromisoformat(end)))
    return days


def begin_span(context: Context, record: Recorder, plans: Mapping[Stream, Plan], before: Horizon) -> None:
    """Write down which days before the horizon a run sets out to read, so that the next one reads what it leaves."""
    today = context.now().date()
    for stream, its in plans.items():
        known = record.manifest.known_days(record.account_id, stream.name)
        fresh = sorted(day for day in its.read if day < before.first[stream] and day not in known)
        pending = unfinished(record.learned, record.account_id, stream.name).union(fresh)
        if fresh:
            spans = [(str(window.days[0]), str(window.days[-1] + DAY)) for window in Window.joining(pending)]
            record.learned.put(record.account_id, stream.name, UNFINISHED, spans, on=today)
    if record.learned.is_changed:
        with indexing(context.lake):
            record.learned.save()


def end_span(record: Recorder) -> None:
    """Forget the days that a run set out to read: each has a file now, be it a placeholder."""
    for stream in record.streams:
        left = unfinished(record.learned, record.account_id, stream.name)
        if left <= record.manifest.known_days(record.account_id, stream.name):
            record.learned.drop(record.account_id, stream.name, UNFINISHED)


def facts_of(context: Context) -> AccountFacts | None:
    """Return what is known of the account of a run; None where nobody keeps that."""
    identity = context.identity
    return None if identity is None else identity.registry.get(identity.stated.account_id)


def moved(first: date, days: DayRange, *, is_known: bool) -> date | None:
    """Return the first day that is looked after once these days were exported; None where they change nothing.

    An export of earlier days reaches further back; one of later days is of these alone.
    """
    if days.fills:
        return None
    if days.first is None:
        return first
    return min(first, days.first) if is_known else days.first


def set_horizon(context: Context, record: Recorder, days: DayRange, before: Horizon) -> tuple[str, ...]:
    """Remember from which day on streams are looked after, and return sentences about messages before that day.

    These are counted once, where the run went well so far. Nothing is saved here.
    """
    facts = facts_of(context)
    if facts is None or context.identity is None:
        return ()
    notes = []
    for stream, its in record.streams.items():
        its.since = before.first[stream]
        is_known = stream in before.known
        since = moved(before.first[stream], days, is_known=is_known)
        if since is None and not is_known:
            record.learned.put(record.account_id, stream.name, FILLED, value=True, on=context.now().date())
        if since is None:
            continue
        is_new = facts.exported_since.get(stream.name) != since
        facts = replace(facts, exported_since={**facts.exported_since, stream.name: since})
        is_counted = stream.name in facts.older_messages and not is_new
        its.since = since
        has_failed = its.errors or record.failure is not None or not context.history.requests
        if is_counted or has_failed:
            continue
        number, begin = count_older(context, stream, since, longest=record.quirks[stream].longest_window)
        facts = replace(
            facts,
            older_messages={**facts.older_messages, stream.name: number},
            older_since={**facts.older_since, stream.name: begin},
        )
        notes.append(describe_older(facts, stream.name))
    context.identity.registry.put(facts)
    return tuple(filter(None, notes))


def forget_horizons(lake: Lake, manifest: Manifest, forgotten: Iterable[DayKey]) -> None:
    """Move the first day of streams of which the first days are forgotten to the oldest day that is left."""
    registry = AccountRegistry(lake)
    for account, stream in {(key.account_id, key.stream) for key in forgotten}:
        facts, oldest = registry.get(account), manifest.oldest(account, stream)
        since = facts.exported_since.get(stream)
        if since is not None and (oldest is None or since < oldest):
            left = {name: day for name, day in facts.exported_since.items() if name != stream}
            registry.put(replace(facts, exported_since=left if oldest is None else {**left, stream: oldest}))
    registry.save()


def count_older(context: Context, stream: Stream, since: date, *, longest: float) -> tuple[int | None, date | None]:
    """Return how many messages the API counts before a day, and a day from which on all of them lie.

    That is one count, and where there are any, a few more. The number is None where the API does not say; of an API
    that allows no long windows, it is that of one window.
    """
    end = midnight(since) - SECOND
    reach = min(end - _EVER, timedelta(seconds=longest - 1) if longest < inf else end - _EVER)
    try:
        number = context.history.total(stream, Window(end - reach, end))
        begin = (end - reach).date() if number else None
        for shorter in _REACHES:
            if number and shorter < reach and context.history.total(stream, Window(end - shorter, end)) == number:
                return number, (end - shorter).date()
    except VoxlakeError:
        # A courtesy of the run, which goes on without it.
        return None, None
    return number, begin


def describe_older(facts: AccountFacts, stream: str, *, held: int = 0) -> str:
    """Return a sentence about messages before the first day that is looked after, of which the lake holds `held`.

    Returns nothing where it holds all of them.
    """
    number, since = facts.older_messages.get(stream), facts.exported_since.get(stream)
    begin = facts.older_since.get(stream)
    if not number or since is None or begin is None or held >= number:
        return ""
    exist = f"{counted(number, 'older message')} {'exists' if number == 1 else 'exist'}"
    return f"{stream}: {exist}: 'voxlake backfill {stream} --from {begin} --to {since}' exports them"
