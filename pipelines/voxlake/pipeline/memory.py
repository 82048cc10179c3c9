"""What runs learn of the API's limits, and remember for a month: a run can do without.

Only what the API says in so many words is remembered: the largest page and the longest window. What is learned of
counts and rows is learned anew by every run, because a reply that lacks some would be remembered as a habit. That
replies contradicted each other is remembered for a week: it makes the next runs ask more often, and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from voxlake.extract import NOTHING_LEARNED, ApiQuirks

if TYPE_CHECKING:
    from voxlake.lake import Learned
    from voxlake.transform import Stream

_LIMITS = ("page_size", "longest_window")
_REMEMBERED = timedelta(days=30)
_DOUBT = "contradicts"
_DOUBTED = timedelta(days=7)


def recall(learned: Learned, account_id: int, stream: Stream, today: date) -> ApiQuirks:
    """Return what is remembered of one stream; nothing of what is old, of the future, or no limit."""
    facts = {name: learned.get(account_id, stream.name, name) for name in _LIMITS}
    known: dict[str, Any] = {
        name: fact.value
        for name, fact in facts.items()
        if fact is not None
        and timedelta() <= today - fact.learned_on <= _REMEMBERED
        and type(fact.value) is int
        and fact.value >= 1
    }
    doubt = learned.get(account_id, stream.name, _DOUBT)
    contradicts = doubt is not None and doubt.value == 1 and timedelta() <= today - doubt.learned_on <= _DOUBTED
    return replace(NOTHING_LEARNED, **known, contradicts=contradicts)


def remember(learned: Learned, account_id: int, stream: Stream, quirks: ApiQuirks, today: date) -> None:
    """Add what was learned of one stream, if it is news."""
    known = recall(learned, account_id, stream, today)
    if quirks.contradicts and not known.contradicts:
        learned.put(account_id, stream.name, _DOUBT, 1, on=today)
    for name in _LIMITS:
        value = getattr(quirks, name)
        if value not in (getattr(NOTHING_LEARNED, name), getattr(known, name)):
            learned.put(account_id, stream.name, name, value, on=today)
