"""Query everything that the page shows once, so that drawing needs no connection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from voxlake.model import DAY
from voxlake.sql import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    import duckdb

TOP = 10
SENDERS = 15
WEEK = 7
Row = dict[str, Any]
_COUNTS = ("messages", "sms_settled", "sms_arrived", "a2p_settled", "a2p_arrived", "failed")
_NOTHING: Row = {**dict.fromkeys(_COUNTS, 0), "cost": None}
"""The totals where there is no message."""


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
    """The days that the database covers: the first, the last, and the last that was over when it was exported."""

    first: date | None
    last: date | None
    whole: date | None


@dataclass(frozen=True, slots=True)
class Period:
    """The totals of a span and of the span before; `gap` says why those cannot be compared."""

    span: Span
    totals: Row
    before: Row
    gap: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the page shows of a span; the rows are those of `sql/dashboard/`."""

    span: Span
    whole: Period
    week: Period | None
    daily: Sequence[Row]
    hours: Sequence[Row]
    errors: Sequence[Row]
    countries: Sequence[Row]
    senders: Sequence[Row]
    coverage: Sequence[Row]

    @property
    def messages(self) -> int:
        """The number of messages in the span."""
        return int(self.whole.totals["messages"])

    def in_state(self, *states: str) -> list[date]:
        """Return the days that are in one of these states in at least one stream, oldest first."""
        return sorted({row["date"] for row in self.coverage if row["state"] in states})


def covered_days(connection: duckdb.DuckDBPyConnection, accounts: Sequence[int] | None = None) -> Extent:
    """Return which days the database covers, of all accounts or of these."""
    return Extent(**_ask(connection, "extent", accounts=_listed(accounts))[0])


def gather(
    connection: duckdb.DuckDBPyConnection, span: Span, accounts: Sequence[int] | None = None, tz: str = "UTC"
) -> Figures:
    """Query all figures of a span of a zone's days, of all accounts or of these, which have one currency."""
    chosen = {"accounts": _listed(accounts), "tz": tz}
    ask = partial(_ask, connection, first=span.first, end=span.end, accounts=chosen["accounts"], tz=tz)
    week = Span(span.end - DAY * WEEK, span.end)
    return Figures(
        span=span,
        whole=_period(connection, span, chosen),
        week=_period(connection, week, chosen) if len(span) > WEEK else None,
        daily=ask("daily"),
        hours=ask("hours"),
        errors=ask("errors", top=TOP),
        countries=ask("countries", top=TOP),
        senders=ask("senders", top=SENDERS),
        coverage=_coverage(connection, span.first, span.end, chosen),
    )


def _listed(accounts: Sequence[int] | None) -> list[int] | None:
    return None if accounts is None else list(accounts)


def _coverage(connection: duckdb.DuckDBPyConnection, first: date, end: date, chosen: Mapping[str, Any]) -> list[Row]:
    return _ask(connection, "coverage", first=first, end=end, accounts=chosen["accounts"])


def _totals(connection: duckdb.DuckDBPyConnection, span: Span, chosen: Mapping[str, Any]) -> Row:
    """Return the totals of a span; there is one currency, or no message at all."""
    return next(iter(_ask(connection, "totals", first=span.first, end=span.end, **chosen)), _NOTHING)


def _period(connection: duckdb.DuckDBPyConnection, span: Span, chosen: Mapping[str, Any]) -> Period:
    """Return the totals of a span and of the one before, and why they cannot be compared if days are incomplete."""
    totals, before = (_totals(connection, each, chosen) for each in (span, span.before))
    states = [
        (row["date"] < span.first, row["state"]) for row in _coverage(connection, span.before.first, span.end, chosen)
    ]
    gap = None
    if all(state == "missing" for earlier, state in states if earlier):
        gap = "nothing before to compare with"
    elif not {"missing", "unverified"}.isdisjoint(state for _, state in states):
        gap = "not compared: days are missing or unverified"
    return Period(span, totals, before, gap)


def _ask(connection: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> list[Row]:
    result = connection.execute(statements("dashboard")[name], parameters or None)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
