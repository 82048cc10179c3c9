"""Add up rows of days, and name what is made of the sums: rates, and prices."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]
COUNTS = ("messages", "received", "sent", "settled", "arrived", "moving", "failed")
BY_CURRENCY = ("costs", "settled_costs", "arrived_in")
"""What a row holds by currency: costs, those of what was sent and has settled, and how much of that arrived."""


def added(rows: Iterable[Row]) -> Row:
    """Return the sums of rows; what a row does not have counts as nothing."""
    total: Row = {**dict.fromkeys(COUNTS, 0), **{name: {} for name in BY_CURRENCY}}
    for row in rows:
        for name in COUNTS:
            total[name] += row.get(name, 0)
        for name in BY_CURRENCY:
            sums = total[name]
            for currency, value in row.get(name, {}).items():
                sums[currency] = sums.get(currency, 0) + value
    return total


def rate(row: Row) -> float | None:
    """Return the share of what has settled that arrived; None where nothing has."""
    return row["arrived"] / row["settled"] if row["settled"] else None


def price(row: Row, currency: str) -> Decimal | None:
    """Return what each message that arrived cost, of what has settled; None where none arrived."""
    arrived, cost = row["arrived_in"].get(currency), row["settled_costs"].get(currency)
    return Decimal(cost) / arrived if arrived and cost is not None else None


def in_currency(row: Row, currency: str) -> Row:
    """Return a row whose amounts are in one currency in the form of those that have several."""
    return row | {
        "costs": {currency: row["cost"]},
        "settled_costs": {currency: row.get("settled_cost", 0)},
        "arrived_in": {currency: row["arrived"]},
    }
