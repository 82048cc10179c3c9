"""Panels that are tables: senders and accounts with small bars in their cells, and what the newest runs changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.reporting.dashboard import sums, words
from voxlake.reporting.dashboard.blocks import BarTable, Cell, Fold, Line, Panel, by, spark, step_names
from voxlake.reporting.dashboard.changes import noise_of_sums, told
from voxlake.reporting.dashboard.figures import ACCOUNTS, NOTHING_BEFORE, SENDERS
from voxlake.reporting.dashboard.ranks import NOTHING_SENT, ON_THEIR_WAY, cost_heads, costs, ranked
from voxlake.reporting.dashboard.spans import small_steps
from voxlake.reporting.dashboard.timelines import STREAM_NAMES
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlake.reporting.dashboard.changes import Change
    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.dashboard.spans import Steps
    from voxlake.reporting.dashboard.sums import Row

_FIRST = 15
"""The accounts that are shown; the others are folded."""


def _table(panel: Panel, figures: Figures, lines: Sequence[Line], *, note: str, drop: Sequence[str]) -> Panel:
    """Return the panel of a ranking as a table with bars."""
    over = f"by {small_steps(figures.span).unit}"
    head = [name for name in panel.head if name not in drop] + [over]
    return Panel(
        panel.name, panel.title, panel.summary, panel.draw, panel.head, panel.rows,
        note=note, empty=panel.empty, table=BarTable(head, lines, _FIRST),
    )  # fmt: skip


def senders(figures: Figures) -> Panel:
    """Return the panel of senders; each unfolds over time."""
    steps = small_steps(figures.span)
    found = [
        (row, sums.added(sums.in_currency(step, step["currency"]) for step in row["steps"])) for row in figures.senders
    ]
    rows = [
        (
            f"{row['sender'] or 'unknown'} · {STREAM_NAMES[row['stream']]}",
            its["messages"],
            sums.rate(its),
            words.share(its["moving"], its["messages"]),
            *costs(figures, its),
        )
        for row, its in found
    ]
    head = ("sender", "messages", "arrived", ON_THEIR_WAY, *cost_heads(figures))
    panel = ranked("senders", "Senders", rows, head, empty=NOTHING_SENT)
    if not rows:
        return panel
    all_of_them = figures.senders[0]["senders"]
    note = f"The {SENDERS} that sent the most, of {all_of_them:,}." if all_of_them > SENDERS else ""
    most = max(row["messages"] for row in figures.senders)
    lines = [
        Line(
            words.plain(row["sender"]) or "unknown",
            STREAM_NAMES[row["stream"]],
            [
                *_counted(its, its["messages"], most),
                *(
                    Cell(name, words.as_text(cost))
                    for name, cost in zip(cost_heads(figures), costs(figures, its), strict=True)
                ),
            ],
            _spark(steps, row["steps"]),
            _over_time(figures, steps, row),
        )
        for row, its in found
    ]
    return _table(panel, figures, lines, note=note, drop=(ON_THEIR_WAY,))


def _counted(its: Row, sent: int, most: int) -> list[Cell]:
    rate = sums.rate(its)
    return [
        Cell("messages", words.as_text(its["messages"]), its["messages"] / most if most else 0.0),
        Cell("arrived", words.as_text(rate), rate or 0.0, "rate", words.still_moving(its["moving"], sent)),
    ]


def _spark(steps: Steps, rows: Sequence[Row]) -> Any:
    counts: dict[Any, int] = {}
    for row in rows:
        counts[row["step"]] = counts.get(row["step"], 0) + row["messages"]
    return spark(steps, counts)


def _over_time(figures: Figures, steps: Steps, row: Row) -> Fold:
    """Return the steps of a sender, the newest first."""
    names = step_names(steps)
    rows = []
    for step, found in sorted(by("step", row["steps"]).items(), reverse=True):
        total = sums.added(sums.in_currency(its, its["currency"]) for its in found)
        rows.append((names[step], total["messages"], sums.rate(total), *costs(figures, total)))
    return Fold(f"by {steps.unit}", (steps.unit, "messages", "arrived", *cost_heads(figures)), rows)


def accounts(figures: Figures) -> Panel:
    """Return the comparison of accounts, each with its cost in its own currency."""
    found = [_account(row) for row in figures.accounts]
    comparable = not figures.whole.gap
    head = ["account", "currency", "messages", "change", "arrived", ON_THEIR_WAY, "cost", "cost per arrived"]
    if not comparable:
        head.remove("change")
    rows = [_account_row(figures, *its) for its in found]
    panel = ranked("accounts", "Accounts", [(row[0], row[2], row[4]) for row in rows], (), empty="")
    panel = Panel(
        panel.name, panel.title, panel.summary, panel.draw, head,
        rows if comparable else [(*row[:3], *row[4:]) for row in rows],
    )  # fmt: skip
    all_of_them = figures.accounts[0]["accounts"]
    note = [f"The {ACCOUNTS} with the most messages, of {all_of_them:,}."] if all_of_them > ACCOUNTS else []
    if comparable:
        note.append(f"Changes are of messages, against the {counted(len(figures.span)).removeprefix('1 ')} before.")
    elif figures.whole.gap != NOTHING_BEFORE:
        note.append(f"Not compared with the days before: {figures.whole.gap}.")
    return _table(panel, figures, _account_lines(figures, found), note=" ".join(note), drop=(ON_THEIR_WAY, "currency"))


def _account(row: Row) -> tuple[Row, Row, Mapping[str, Any]]:
    """Return an account, its sums in the span, and those of the days before."""
    now = [step for step in row["steps"] if step["step"] is not None]
    total = sums.added(sums.in_currency(step, row["currency"]) for step in now)
    (before,) = [step for step in row["steps"] if step["step"] is None] or [{"messages": 0, "squares": 0.0}]
    return row, total | {"squares": sum(step["squares"] for step in now)}, before


def _moved(figures: Figures, total: Row, before: Mapping[str, Any]) -> Change | None:
    """Return how the messages of an account moved."""
    if figures.whole.gap or not before["messages"]:
        return None
    periods = ((its["messages"], its["squares"]) for its in (total, before))
    return told(total["messages"], before["messages"], 0, noise_of_sums(len(figures.span), *periods))


def _account_row(figures: Figures, row: Row, total: Row, before: Mapping[str, Any]) -> tuple[Any, ...]:
    currency, change = row["currency"], _moved(figures, total, before)
    return (
        row["account"],
        words.unit(currency, alone=False),
        total["messages"],
        change.moved if change else None,
        sums.rate(total),
        words.share(total["moving"], total["sent"]),
        figures.amount(currency, total["costs"].get(currency)),
        figures.price(currency, sums.price(total, currency)),
    )


def _account_lines(figures: Figures, found: Sequence[tuple[Row, Row, Mapping[str, Any]]]) -> list[Line]:
    steps = small_steps(figures.span)
    most = max(total["messages"] for _, total, _ in found)
    paid: dict[str, list[Any]] = {}
    for row, total, _ in found:
        paid.setdefault(row["currency"], []).append(total["costs"].get(row["currency"], 0))
    lines = []
    for row, total, before in found:
        currency = row["currency"]
        cost = total["costs"].get(currency)
        messages, arrived = _counted(total, total["sent"], most)
        change = _moved(figures, total, before)
        moved = [] if figures.whole.gap else [Cell("change", "" if change else words.NOTHING, change=change)]
        price = figures.price(currency, sums.price(total, currency))
        others, dearest = len(paid[currency]) > 1, max(paid[currency])
        length = max(0.0, float(cost / dearest)) if cost and dearest > 0 else 0.0
        cells = [
            messages,
            *moved,
            arrived,
            Cell("cost", words.as_text(figures.amount(currency, cost)), length if others else None, "cost"),
            Cell("cost per arrived", words.as_text(price)),
        ]
        now = [step for step in row["steps"] if step["step"] is not None]
        unit = words.plain(currency) or "currency not known"
        lines.append(Line(words.plain(row["account"]), unit, cells, _spark(steps, now)))
    return lines
