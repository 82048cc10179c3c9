"""Query everything that the page shows once, so that drawing needs no connection."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from voxlake.model import DAY
from voxlake.reporting.scope import OWN_ZONES
from voxlake.sql import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    import duckdb

    from voxlake.reporting.scope import Scope

TOP = 10
SENDERS = 15
ACCOUNTS = 30
STEPS = 40
"""The bars in which the days of a sender or an account are drawn, at most."""
_APART = 6
"""Accounts whose days are shown apart; of more, each stream has one calendar, in the worst state of any account."""
WEEK = 7
SKIPPED = "skipped"
"""The state of days that no export looks after, between a backfill and the first that exports do look after."""
UNREAD = ("missing", "unverified", SKIPPED)
"""The states of days whose figures may be too low."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """UTC days, `[first, end)`."""

    first: date
    end: date

    def __len__(self) -> int:
        return (self.end - self.first).days

    def __iter__(self) -> Iterator[date]:
        return (self.first + DAY * n for n in range(len(self)))

    def __str__(self) -> str:
        last = self.end - DAY
        return f"{self.first}" if len(self) == 1 else f"{self.first} to {last}"

    @property
    def before(self) -> Span:
        """The same number of days, just before."""
        return Span(self.first - DAY * len(self), self.first)


@dataclass(frozen=True, slots=True)
class Extent:
    """The UTC days that the database covers: the first, the last, and the last that was over when it was exported.

    `accounts` is how many there are.
    """

    first: date | None
    last: date | None
    whole: date | None
    accounts: int


@dataclass(frozen=True, slots=True)
class Period:
    """The totals of a span and of the span before; `gap` says why those cannot be compared."""

    span: Span
    totals: Row
    before: Row
    gap: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the page shows of a span; the rows are those of `sql/dashboard/`.

    Costs are by currency, '' where that is not known. Days are those of the scope's zone, of `coverage` UTC.
    """

    span: Span
    scope: Scope
    whole: Period
    week: Period | None
    daily: Sequence[Row]
    hours: Sequence[Row]
    errors: Sequence[Row]
    countries: Sequence[Row]
    senders: Sequence[Row]
    accounts: Sequence[Row]
    coverage: Sequence[Row]

    @property
    def messages(self) -> int:
        """The number of messages in the span."""
        return int(self.whole.totals["messages"])

    @property
    def clock(self) -> str:
        """The zone of days and hours, in words."""
        return "each account's own time" if self.scope.tz == OWN_ZONES else self.scope.tz

    @property
    def currencies(self) -> list[str]:
        """The currencies of the costs, in order; the unknown one is '' and comes last."""
        return sorted(self.whole.totals["costs"] or {"": None}, key=lambda currency: (not currency, currency))

    def in_state(self, *states: str) -> list[date]:
        """Return the days that are in one of these states in at least one stream, oldest first."""
        return sorted({row["date"] for row in self.coverage if row["state"] in states})


def covered_days(connection: duckdb.DuckDBPyConnection, scope: Scope) -> Extent:
    """Return which UTC days the database covers of some accounts."""
    return Extent(**_ask(connection, "extent", accounts=_wanted(scope))[0])


def _wanted(scope: Scope) -> list[int] | None:
    """Return the accounts that are asked for; None for all, of which no row needs to be compared with them."""
    return None if scope.accounts == scope.everyone else scope.account_ids


def gather(connection: duckdb.DuckDBPyConnection, span: Span, scope: Scope) -> Figures:
    """Query all figures of a span."""
    ask = partial(_ask, connection, first=span.first, end=span.end, accounts=_wanted(scope), tz=scope.tz)
    # States depend on the end of the days that are asked for, which all the spans share.
    coverage = _ask(
        connection,
        "coverage",
        first=span.before.first,
        end=span.end,
        accounts=_wanted(scope),
        together=covered_days(connection, scope).accounts > _APART,
    )
    week, steps = Span(span.end - DAY * WEEK, span.end), min(len(span), STEPS)
    return Figures(
        span=span,
        scope=scope,
        whole=_period(ask, coverage, span),
        week=_period(ask, coverage, week) if len(span) > WEEK else None,
        daily=ask("daily"),
        hours=ask("hours"),
        errors=ask("errors", top=TOP),
        countries=ask("countries", top=TOP),
        senders=[row | {"steps": _added(row["steps"])} for row in ask("senders", top=SENDERS, steps=steps)],
        accounts=ask("accounts", top=ACCOUNTS, steps=steps),
        coverage=[row for row in coverage if row["date"] >= span.first],
    )


def _period(ask: Callable[..., list[Row]], coverage: Iterable[Row], span: Span) -> Period:
    """Return the totals of a span and of the one before, and why they cannot be compared if days are incomplete."""
    totals, before = (ask("totals", first=s.first, end=s.end)[0] for s in (span, span.before))
    states = {(row["date"] < span.first, row["state"]) for row in coverage if row["date"] >= span.before.first}
    gap = None
    if all(state in ("missing", SKIPPED) for earlier, state in states if earlier):
        gap = "nothing before to compare with"
    elif not set(UNREAD).isdisjoint(state for _, state in states):
        gap = "not compared: days are missing or unverified"
    return Period(span, totals, before, gap)


def _added(counts: Iterable[Mapping[int, int]]) -> Counter[int]:
    """Return how many messages there are in each step, over all currencies."""
    steps: Counter[int] = Counter()
    for each in counts:
        steps.update(each)
    return steps


def _ask(connection: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> list[Row]:
    result = connection.execute(statements("dashboard")[name], parameters or None)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
