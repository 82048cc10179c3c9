"""How many messages each day of a world has: shares of a total that are stable from day to day."""

from __future__ import annotations

import random
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

STREAMS = ("sms", "a2p")
_SHARE = 0.6
_FEW = 2
"""Up to this many days are shared evenly: with no middle between newest and oldest, nothing else is stable."""


@lru_cache
def days_before(until: date, days: int) -> tuple[date, ...]:
    """Return as many days, newest first; the worlds of a reseller share them."""
    return tuple(until - timedelta(days=n + 1) for n in range(days))


def shares(rows: int, dates: Sequence[date], seed: int) -> dict[str, dict[date, int]]:
    """Return the number of rows by history and day; `dates` are newest first.

    The counts of a history add up to its total. With at least as many rows as days, every day has a message in one of
    the histories, and in each history that has as many rows itself. A day keeps its count in tomorrow's window until
    it enters the oldest half.
    """
    if not dates:
        return {stream: {} for stream in STREAMS}
    sms = round(rows * _SHARE)
    totals = {"sms": sms, "a2p": rows - sms}
    counts = {stream: _allotted(f"{seed}/{stream}", dates, total) for stream, total in totals.items()}
    if max(totals.values()) < len(dates) <= rows:
        # Neither history has enough rows for every day, so one gets the days that the other lacks.
        whole = _even(str(seed), dates, rows)
        counts["sms"] = _even(str(seed), dates, sms)
        counts["a2p"] = {day: whole[day] - counts["sms"][day] for day in dates}
    return counts


def _allotted(seed: str, dates: Sequence[date], total: int) -> dict[date, int]:
    """Return a total shared among days by weekday and chance; the oldest days take the remainder.

    The counts of the newer days (one more than half of them) depend on the day alone, so that they are the same
    tomorrow. The others keep at least a quarter of the average, and never less than one message.
    """
    days = len(dates)
    if total < days or days <= _FEW:
        return _even(seed, dates, total)
    newer, older = dates[: days // 2 + 1], dates[days // 2 + 1 :]
    least = max(1, total // (4 * days))
    most = (total - len(older) * least) // len(newer)
    weights = _weights(seed, dates)
    counts = {day: min(most, max(1, round(total / days * weights[day]))) for day in newer}
    spare = total - sum(counts.values()) - len(older) * least
    whole, passed, given = sum(weights[day] for day in older), 0.0, 0
    for day in older:
        passed += weights[day]
        upto = spare if day == older[-1] else min(spare, round(spare * passed / whole))
        counts[day], given = least + upto - given, upto
    return counts


def _even(seed: str, dates: Sequence[date], total: int) -> dict[date, int]:
    """Return a total shared evenly among days; a day's count is the same in any window of that length."""
    days, first = len(dates), random.Random(seed).randrange(10**6)
    return {day: (n + 1) * total // days - n * total // days for day in dates for n in (first + day.toordinal(),)}


def _weights(seed: str, dates: Sequence[date]) -> dict[date, float]:
    """Return weights of days by weekday and chance; the days of a week, Monday to Sunday, average 1."""
    weights: dict[date, float] = {}
    for monday in {day - timedelta(days=day.weekday()) for day in dates}:
        rng = random.Random(f"{seed}/{monday}")
        week = [
            (0.55 if n >= 5 else 1.15) * rng.uniform(0.75, 1.2) * (1.8 if rng.random() < 0.05 else 1) for n in range(7)
        ]
        weights |= {monday + timedelta(days=n): 7 * weight / sum(week) for n, weight in enumerate(week)}
    return weights
