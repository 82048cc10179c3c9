"""Panels that rank: errors, countries by messages and by cost. Each of their bars unfolds over time."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from voxlake.reporting.dashboard import shapes, sums, words
from voxlake.reporting.dashboard.blocks import Fold, Panel, Rank, by, step_names
from voxlake.reporting.dashboard.figures import TOP
from voxlake.reporting.dashboard.spans import month_steps
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.dashboard.sums import Row

ON_THEIR_WAY = "on their way"
NOTHING_SENT = "Nothing was sent in these days."
_DAYS = 31
"""The days of an error that are listed, at most."""


def cost_heads(figures: Figures) -> list[str]:
    """Return the names of the columns of costs, one for each currency."""
    currencies = figures.currencies
    if currencies == [""]:
        return ["cost"]
    return [f"cost, {words.unit(currency, alone=False)}" for currency in currencies]


def costs(figures: Figures, row: Row) -> list[Decimal | None]:
    """Return the costs of a row, one for each currency of the page; None where it has none in that."""
    return [figures.amount(currency, row["costs"].get(currency)) for currency in figures.currencies]


def errors(figures: Figures) -> Panel:
    """Return the panel of errors; each unfolds into the days that have it."""
    rows = [
        (
            row["error"],
            row["messages"],
            words.share(row["messages"], row["total"]),
            *costs(figures, row),
            row["last_day"],
        )
        for row in figures.errors
    ]
    head = ("error, numbers and names as #", "messages", "share of errors", *cost_heads(figures), "last seen")
    folds = [_error_days(row) for row in figures.errors]
    return ranked("errors", "Top errors", rows, head, folds, empty="No message of these days has an error.")


def _error_days(row: Row) -> Fold:
    days: Counter[date] = Counter()
    for its in row["days"]:
        days.update(its)
    rows = sorted(days.items(), reverse=True)[:_DAYS]
    note = f"The newest {_DAYS} of {len(days):,} days that have it." if len(days) > _DAYS else ""
    return Fold("by day", ("day", "messages"), rows, note)


def countries(figures: Figures) -> Iterator[Panel]:
    """Yield the panels of countries: first by cost, in each currency, then by messages; each unfolds into months."""
    found = {
        code: [sums.in_currency(row, row["currency"]) for row in rows]
        for code, rows in by("country", figures.countries).items()
    }
    totals = {code: sums.added(rows) for code, rows in found.items()}
    whole = sums.added(totals.values())
    for currency in figures.currencies:
        yield _costs_of_countries(figures, currency, found, totals, whole["costs"].get(currency))
    order = sorted(totals, key=lambda code: (-totals[code]["messages"], code))
    rows = [
        (
            words.country(code),
            its["messages"],
            words.share(its["messages"], whole["messages"]),
            *costs(figures, its),
            sums.rate(its),
            words.share(its["moving"], its["messages"]),
        )
        for code, its in ((code, totals[code]) for code in order)
    ]
    head = ("country", "messages", "share of sent", *cost_heads(figures), "arrived", ON_THEIR_WAY)
    folds = [_months(figures, found[code], figures.currencies) for code in order[:TOP]]
    yield ranked("countries", "Messages by country", rows, head, folds, empty=NOTHING_SENT)


def _costs_of_countries(
    figures: Figures,
    currency: str,
    found: Mapping[str, Sequence[Row]],
    totals: Mapping[str, Row],
    whole: Decimal | None,
) -> Panel:
    alone = len(figures.currencies) == 1
    unit = "" if alone else words.unit(currency, alone=False)
    mine = {code: its["costs"][currency] for code, its in totals.items() if its["costs"].get(currency)}
    order = sorted(mine, key=lambda code: (-mine[code], code))
    rows = [
        (
            words.country(code),
            figures.amount(currency, mine[code]),
            float(mine[code] / whole) if whole else None,
            sum(row["messages"] for row in found[code] if row["currency"] == currency),
            figures.price(currency, sums.price(totals[code], currency)),
        )
        for code in order
    ]
    head = ("country", "cost", "share of cost", "messages", "cost per message that arrived")
    folds = [
        _months(figures, [row for row in found[code] if row["currency"] == currency], [currency])
        for code in order[:TOP]
    ]
    return ranked(
        "country-cost" if alone else f"country-cost-{currency.lower() or 'unknown'}",
        f"Cost by country{unit and f', {unit}'}",
        rows,
        head,
        folds,
        empty="Nothing that was sent cost anything." if figures.countries else NOTHING_SENT,
        what=words.unit(currency, alone=alone),
    )


def _months(figures: Figures, rows: Sequence[Row], currencies: Sequence[str]) -> Fold:
    """Return the months of a country, the newest first."""
    steps = month_steps(figures.span)
    names = step_names(steps)
    table = []
    for step, its in sorted(by("step", rows).items(), reverse=True):
        total = sums.added(its)
        costs = [figures.amount(currency, total["costs"].get(currency)) for currency in currencies]
        table.append((names[step], total["messages"], sums.rate(total), *costs))
    heads = ["cost"] if len(currencies) == 1 else [f"cost, {words.unit(its, alone=False)}" for its in currencies]
    return Fold(f"by {steps.unit}", (steps.unit, "messages", "arrived", *heads), table)


def ranked(
    name: str,
    title: str,
    rows: Sequence[tuple[Any, ...]],
    head: Sequence[str],
    folds: Sequence[Fold] = (),
    *,
    empty: str,
    what: str = "messages",
) -> Panel:
    """Return a panel of bars; each row has a name, what its bar is long for, and a share or rate."""
    top = rows[:TOP]
    longest = max((float(row[1]) for row in top), default=0) or 1
    bars = [(words.plain(row[0]), float(row[1]), f"{words.as_text(row[1])} · {words.as_text(row[2])}") for row in top]
    ranks = [
        Rank(label, said, max(0.0, length / longest), fold)
        for (label, length, said), fold in zip(bars, folds, strict=False)
    ]
    summary = (
        f"{title}, {len(bars)} of them: first {bars[0][0]} with {words.as_text(top[0][1])} {what}." if bars else ""
    )
    left = len(rows) - len(top)
    return Panel(
        name=name,
        title=title,
        summary=summary,
        draw=partial(shapes.bars, bars, title=title),
        head=head,
        rows=rows,
        note=f"The first {TOP}; the table has {counted(left, 'other')}." if left > 0 and ranks else "",
        empty=empty,
        half=True,
        ranks=ranks,
    )
