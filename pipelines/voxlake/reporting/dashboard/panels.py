"""The panels of the page: a title, a summary in words, a chart, and its table."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from voxlake.reporting.dashboard import completeness, shapes, timelines, words
from voxlake.reporting.dashboard.blocks import Panel
from voxlake.reporting.dashboard.cells import STATES
from voxlake.reporting.dashboard.figures import SKIPPED, UNREAD
from voxlake.reporting.dashboard.news import changes, runs
from voxlake.reporting.dashboard.ranks import ON_THEIR_WAY, countries, errors
from voxlake.reporting.dashboard.steps import timeline
from voxlake.reporting.dashboard.sums import added
from voxlake.reporting.dashboard.tables import accounts, senders
from voxlake.reporting.dashboard.timelines import STREAM_NAMES, Series
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.dashboard.steps import Timeline
    from voxlake.reporting.dashboard.sums import Row


def panels(figures: Figures) -> list[Panel]:
    """Return all panels in the order of the page; without messages only the calendar."""
    if not figures.messages:
        return [_completeness(figures)] if figures.coverage else []
    line = timeline(figures.span, figures.whole.days)
    return _paired(
        _messages(figures, line),
        *_costs_over_time(figures, line),
        *([accounts(figures)] if len(figures.accounts) > 1 else []),
        *countries(figures),
        _arriving(figures, line),
        errors(figures),
        _week(figures),
        senders(figures),
        _completeness(figures),
        *([changes(figures)] if figures.changes else []),
        *([runs(figures)] if figures.runs else []),
    )


def _paired(*found: Panel) -> list[Panel]:
    """Return panels in which none that has half of the width is alone: of an odd number, the last has all of it."""
    paired: list[Panel] = []
    for half, its in groupby(found, key=lambda panel: panel.half):
        group = list(its)
        if half and len(group) % 2:
            group[-1] = replace(group[-1], half=False)
        paired += group
    return paired


def _messages(figures: Figures, line: Timeline) -> Panel:
    """Return the panel of messages: what was sent by stream, and below the line what was received."""

    def sent(row: Row) -> int:
        return int(row["messages"] - row["received"])

    series = [Series(f"{STREAM_NAMES[its]} sent", its, _values(line, its, sent)) for its in STREAM_NAMES]
    received = [sum(values) for values in zip(*(_values(line, its, _received) for its in STREAM_NAMES), strict=True)]
    series.append(Series("received", "received", received, below=True))
    return _stacked(figures, line, "messages", f"Messages by {line.unit}", series, total="all", note=_cut(line))


def _received(row: Row) -> int:
    return int(row["received"])


def _costs_over_time(figures: Figures, line: Timeline) -> Iterator[Panel]:
    """Yield a panel for each currency, for amounts in two of them do not add up."""
    currencies = figures.currencies
    for currency in currencies:

        def of(row: Row, currency: str = currency) -> Decimal:
            return figures.amount(currency, row["costs"].get(currency, 0)) or Decimal(0)

        unit = words.unit(currency, alone=len(currencies) == 1)
        series = [Series(name, its, _values(line, its, of)) for its, name in STREAM_NAMES.items()]
        name = "cost" if len(currencies) == 1 else f"cost-{currency.lower() or 'unknown'}"
        yield _stacked(
            figures, line, name, f"Cost by {line.unit}, {unit}", series, total="both", half=len(currencies) > 1
        )


def _values(line: Timeline, stream: str, of: Callable[[Row], Any]) -> list[Any]:
    """Return a value for each step."""
    nothing = added([])
    return [of(line.rows.get((number, stream), nothing)) for number in range(len(line.steps))]


def _stacked(
    figures: Figures,
    line: Timeline,
    name: str,
    title: str,
    series: Sequence[Series],
    *,
    total: str,
    note: str = "",
    half: bool = False,
) -> Panel:
    drawn = [its for its in series if any(its.values)] or series[:1]
    rows = [
        (str(step), *(its.values[number] for its in series), sum(its.values[number] for its in series))
        for number, step in enumerate(line.steps)
    ]
    most = max(rows, key=lambda row: row[-1])
    names = ", ".join(its.name for its in drawn)
    return Panel(
        name=name,
        title=title,
        summary=f"{title}: {names}, {figures.span}: most {_at(line)} {most[0]}, {words.as_text(most[-1])}.",
        draw=partial(timelines.stacked, figures, line, series=drawn, title=title),
        head=(_days(figures, line), *(its.name for its in series), total),
        rows=rows,
        note=" ".join(filter(None, (note, _shaded(figures)))),
        half=half,
    )


def _days(figures: Figures, line: Timeline) -> str:
    """Return the head of the column with the days of each step."""
    return f"{'day' if line.unit == 'day' else f'days of the {line.unit}'}, {figures.clock}"


def _at(line: Timeline) -> str:
    return "on" if line.unit == "day" else "in"


def _cut(line: Timeline) -> str:
    """Return a sentence for the bars that are drawn lighter, if there are any."""
    if not (cut := line.partial):
        return ""
    here = " and ".join(f"{step} ({counted(len(step.days))})" for step in cut)
    return f"Lighter bars are parts of a {line.unit}: {here}."


def _shaded(figures: Figures) -> str:
    not_exported = "not exported, " if figures.in_state(SKIPPED) else ""
    return f"Shaded days are {not_exported}missing or not verified." if figures.in_state(*UNREAD) else ""


def _arriving(figures: Figures, line: Timeline) -> Panel:
    title = f"Delivery rate by {line.unit}"
    rows = [
        (
            str(line.steps[number]),
            timelines.STREAM_NAMES[stream],
            row["sent"],
            row["arrived"],
            words.share(row["arrived"], row["settled"]),
            row["moving"],
            words.share(row["moving"], row["sent"]),
        )
        for (number, stream), row in line.rows.items()
        if row["sent"]
    ]
    known = [row for row in rows if row[4] is not None]
    worst = min(known, key=lambda row: row[4] or 0.0, default=None)
    return Panel(
        name="delivery-rate",
        title=title,
        summary=f"{title}, {figures.span}: lowest {_at(line)} {worst[0]}, {worst[1]}, {words.as_text(worst[4])}."
        if worst
        else "",
        draw=partial(timelines.arriving, figures, line, title=title),
        head=(_days(figures, line), "stream", "sent", "arrived", "rate of settled", ON_THEIR_WAY, "share of sent"),
        rows=rows if known else [],
        empty="Nothing that was sent in these days has settled yet.",
        note="How much of what was sent arrived: A2P with the status DELIVERED, SMS with the status success."
        " What is still on its way is not part of a rate; days that may still change are shaded blue.",
    )


def _week(figures: Figures) -> Panel:
    title = "When messages are sent and received"
    averages = shapes.average_hours(figures)
    days = sorted({day for day, _ in averages})
    busiest = max(averages, key=averages.__getitem__)
    at = f"{shapes.WEEKDAYS[busiest[0]]} {busiest[1]:02d}:00"
    return Panel(
        name="hours",
        title=title,
        summary=f"Average messages by weekday and hour ({figures.clock}): most on {at}, {averages[busiest]:,.1f}"
        " an hour.",
        draw=partial(shapes.week, figures, title=title),
        head=(f"hour, {figures.clock}", *(shapes.WEEKDAYS[day] for day in days)),
        rows=[(f"{h:02d}:00", *(f"{averages[day, h]:,.1f}" for day in days)) for h in range(24)],
        half=True,
    )


def _completeness(figures: Figures) -> Panel:
    title = "Which days are complete"
    counts = {state: len(figures.in_state(state)) for state in STATES}
    head, rows, left_out = completeness.table(figures)
    summary = f"{title}: " + ", ".join(
        f"{counted(number)} {STATES[state]}" for state, number in counts.items() if number
    )
    return Panel(
        name="completeness",
        title=title,
        summary=f"{summary}.",
        draw=partial(completeness.calendar, figures, title=title),
        head=head,
        rows=rows,
        calendars=completeness.drawings(figures),
        note="Verified: the distinct messages here are as many as the API counts. A day that is missing or not"
        f" verified may hold more than this page shows.{left_out and f' {left_out}'}",
    )
