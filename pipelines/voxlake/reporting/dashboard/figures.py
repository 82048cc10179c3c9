"""Query everything that the page shows once, so that drawing needs no connection."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from voxlake.model import DAY
from voxlake.reporting.dashboard.spans import Span, month_steps, small_steps
from voxlake.reporting.dashboard.sums import added
from voxlake.reporting.scope import OWN_ZONES
from voxlake.sql import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    import duckdb

    from voxlake.reporting.dashboard.sums import Row
    from voxlake.reporting.scope import Scope

TOP = 10
SENDERS = 15
ACCOUNTS = 100
RUNS = 10
NEWS = 62
"""The days of the last publish that are listed, at most."""
_APART = 6
"""Accounts whose days are shown apart; of more, each stream has one calendar, in the worst state of any account."""
WEEK = 7
SKIPPED = "skipped"
"""The state of days that no export looks after, between a backfill and the first that exports do look after."""
UNREAD = ("missing", "unverified", SKIPPED)
"""The states of days whose figures may be too low."""
NOTHING_BEFORE = "there is nothing before"
INCOMPLETE = "days are missing or unverified"
"""Why a period cannot be compared with the one before."""
_CENTS, _PRICE = 2, 4
"""The decimals of an amount, and of a price for one message, at least."""
_EXACT = Context(prec=60)


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
    """The days of a span and of the same number of days before; `gap` says why those cannot be compared.

    The rows are those of `sql/dashboard/daily.sql`.
    """

    span: Span
    days: Sequence[Row]
    earlier: Sequence[Row]
    gap: str | None


@dataclass(frozen=True)
class Figures:
    """Everything that the page shows of a span; the rows are those of `sql/dashboard/`.

    Costs are by currency, '' where that is not known. Days are those of the scope's zone, of `coverage` UTC.
    """

    span: Span
    scope: Scope
    whole: Period
    week: Period | None
    hours: Sequence[Row]
    errors: Sequence[Row]
    countries: Sequence[Row]
    senders: Sequence[Row]
    accounts: Sequence[Row]
    coverage: Sequence[Row]
    changes: Sequence[Row] = ()
    runs: Sequence[Row] = ()

    @cached_property
    def totals(self) -> Row:
        """The sums of all days of the span."""
        return added(self.whole.days)

    @property
    def messages(self) -> int:
        """The number of messages in the span."""
        return int(self.totals["messages"])

    @property
    def clock(self) -> str:
        """The zone of days and hours, in words."""
        return "each account's own time" if self.scope.tz == OWN_ZONES else self.scope.tz

    @property
    def currencies(self) -> list[str]:
        """The currencies of the costs, in order; the unknown one is '' and comes last."""
        return sorted(self.totals["costs"] or {"": None}, key=lambda currency: (not currency, currency))

    @cached_property
    def _places(self) -> dict[str, int]:
        """The decimals of the amounts of each currency: as many as the most exact of them has."""
        found: dict[str, set[Decimal]] = {}
        for currency, cost in self._amounts():
            found.setdefault(currency, set()).add(cost)
        return {currency: max(_CENTS, *map(_decimals, costs)) for currency, costs in found.items()}

    def _amounts(self) -> Iterator[tuple[str, Decimal]]:
        for row in (*self.whole.days, *self.whole.earlier, *self.errors):
            yield from row["costs"].items()
        for row in self.countries:
            yield row["currency"], row["cost"]
        for row in (*self.senders, *self.accounts):
            for step in row["steps"]:
                yield step.get("currency", row.get("currency")), step["cost"]

    def amount(self, currency: str, value: Decimal | int | None) -> Decimal | None:
        """Return an amount with the decimals that all amounts in its currency have on the page; none of it is lost."""
        return None if value is None else _with_places(value, self._places.get(currency, _CENTS))

    def price(self, currency: str, value: Decimal | None) -> Decimal | None:
        """Return a price for one message, rounded to the decimals of its currency, or to at least four."""
        return None if value is None else _with_places(value, max(_PRICE, self._places.get(currency, _CENTS)))

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
    wanted = _wanted(scope)
    ask = partial(_ask, connection, first=span.first, end=span.end, accounts=wanted, tz=scope.tz)
    # States depend on the end of the days that are asked for, which all the spans share.
    coverage = _ask(
        connection,
        "coverage",
        first=span.before.first,
        end=span.end,
        accounts=wanted,
        together=covered_days(connection, scope).accounts > _APART,
    )
    daily = ask("daily", first=span.before.first)
    week, unit = Span(span.end - DAY * WEEK, span.end), small_steps(span).unit
    return Figures(
        span=span,
        scope=scope,
        whole=_period(daily, coverage, span),
        week=_period(daily, coverage, week) if len(span) > WEEK else None,
        hours=ask("hours"),
        errors=ask("errors", top=TOP),
        countries=ask("countries", unit=month_steps(span).unit),
        senders=ask("senders", top=SENDERS, unit=unit),
        accounts=ask("accounts", before=span.before.first, top=ACCOUNTS, unit=unit),
        coverage=[row for row in coverage if row["date"] >= span.first],
        changes=_ask(connection, "changes", accounts=wanted, top=NEWS),
        runs=_ask(connection, "runs", accounts=wanted, top=RUNS),
    )


def _period(daily: Iterable[Row], coverage: Iterable[Row], span: Span) -> Period:
    """Return the days of a span and of the one before, and why they cannot be compared if some are incomplete."""
    days = {its: [row for row in daily if its.first <= row["date"] < its.end] for its in (span, span.before)}
    states = {(row["date"] < span.first, row["state"]) for row in coverage if row["date"] >= span.before.first}
    gap = None
    if all(state in ("missing", SKIPPED) for earlier, state in states if earlier):
        gap = NOTHING_BEFORE
    elif not set(UNREAD).isdisjoint(state for _, state in states):
        gap = INCOMPLETE
    return Period(span, days[span], days[span.before], gap)


def _decimals(amount: Decimal) -> int:
    """Return how many digits an amount has after the point, without zeros at the end."""
    exponent = amount.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _with_places(value: Decimal | int, places: int) -> Decimal:
    return Decimal(value).quantize(Decimal(1).scaleb(-places), context=_EXACT)


def _ask(connection: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> list[Row]:
    result = connection.execute(statements("dashboard")[name], parameters or None)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
