"""What runs learn of the API's limits, and remember for a month: a run can do without.

Remembered is what the API says in so many words, the largest page and the longest window, and what many counts show:
how far it counts, by how much it may be off, and which seconds hold more rows than it gives out, as long as it counts
the same there. What one reply alone may have shown is learned anew by every run, because a reply that lacks rows would
be remembered as a habit. That replies contradicted each other, or that one lacked rows that are known, is remembered
for a week: it makes the next runs ask more often, and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from voxlake.extract import EXACT_COUNTS, NOTHING_LEARNED, ApiQuirks
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from voxlake.lake import Learned
    from voxlake.transform import Stream

_COUNT_STEP = "count_step"
_DEEP = "deep_seconds"
"""The name of a fact: seconds that hold more rows than the API gives out, as ISO times, with how many it counts."""

_LIMITS = ("page_size", "longest_window", "largest_total", _COUNT_STEP)
_REMEMBERED = timedelta(days=30)
_DOUBTS = ("contradicts", "no_look_back")
_DOUBTED = timedelta(days=7)


def recall(learned: Learned, account_id: int, stream: Stream, today: date) -> ApiQuirks:
    """Return what is remembered of one stream; nothing of what is old, of the future, or no limit."""
    # One API counts all streams: where rows are few, counts cannot tell what they are.
    others = [(other.name, _COUNT_STEP) for other in STREAMS.values()]
    facts = [(name, learned.get(account_id, of, name)) for of, name in [*others, *((stream.name, n) for n in _LIMITS)]]
    known: dict[str, Any] = {
        name: fact.value
        for name, fact in facts
        if fact is not None
        and timedelta() <= today - fact.learned_on <= _REMEMBERED
        and type(fact.value) is int
        and fact.value >= 1
    }
    deep = learned.get(account_id, stream.name, _DEEP)
    if deep is not None and timedelta() <= today - deep.learned_on <= _REMEMBERED:
        known[_DEEP] = _deep_seconds(deep.value)
    for name in _DOUBTS:
        doubt = learned.get(account_id, stream.name, name)
        known[name] = doubt is not None and doubt.value == 1 and timedelta() <= today - doubt.learned_on <= _DOUBTED
    quirks = replace(NOTHING_LEARNED, **known)
    # Counted whole are only windows that have fewer rows.
    return replace(quirks, deepest_offset=int(min(quirks.deepest_offset, quirks.largest_total)))


def _deep_seconds(value: Any) -> frozenset[tuple[datetime, int]]:
    try:
        return frozenset((datetime.fromisoformat(at).astimezone(UTC), int(total)) for at, total in value.items())
    except (AttributeError, TypeError, ValueError):
        return frozenset()


def remember(learned: Learned, account_id: int, stream: Stream, quirks: ApiQuirks, today: date) -> None:
    """Add what was learned of one stream, if it is news."""
    known = recall(learned, account_id, stream, today)
    for name in _DOUBTS:
        if getattr(quirks, name) and not getattr(known, name):
            learned.put(account_id, stream.name, name, 1, on=today)
    for name in _LIMITS:
        value = getattr(quirks, name)
        if value not in (getattr(NOTHING_LEARNED, name), getattr(known, name)) and value != EXACT_COUNTS:
            learned.put(account_id, stream.name, name, value, on=today)
    if quirks.deep_seconds != known.deep_seconds:
        seconds = {at.isoformat(): total for at, total in sorted(quirks.deep_seconds)}
        learned.put(account_id, stream.name, _DEEP, seconds, on=today)
