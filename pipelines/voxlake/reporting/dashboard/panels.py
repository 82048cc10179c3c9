"""The panels of the page: a title, a summary in words, a chart, and its table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from voxlake.reporting.dashboard import completeness, shapes, timelines, words
from voxlake.reporting.dashboard.cells import STATES
from voxlake.reporting.dashboard.figures import SKIPPED, TOP, UNREAD
from voxlake.reporting.dashboard.steps import timeline
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal

    import altair as alt

    from voxlake.reporting.dashboard.figures import Figures, Row
    from voxlake.reporting.dashboard.steps import Timeline
    from voxlake.reporting.dashboard.style import Style


ON_THEIR_WAY = "on their way"
_NOTHING_SENT = "Nothing was sent in these days."


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart; `summary` describes it in a sentence, and without rows there is nothing to draw."""

    name: str
    title: str
    summary: str
    draw: Callable[[Style], alt.LayerChart]
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""
    empty: str = ""
    half: bool = False


def panels(figures: Figures) -> list[Panel]:
    """Return all panels in the order of the page; without messages only the calendar."""
    if not figures.messages:
        return [_completeness(figures)] if figures.coverage else []
    line = timeline(figures.span, figures.daily)
    return [
        _stacked(figures, line, "messages", "Messages", lambda row: row["messages"]),
        *_costs_over_time(figures, line),
        _arriving(figures, line),
        _week(figures),
        _errors(figures),
        _countries(figures),
        senders(figures),
        *([accounts(figures)] if len(figures.accounts) > 1 else []),
        _completeness(figures),
    ]


def _costs_over_time(figures: Figures, line: Timeline) -> Iterator[Panel]:
    """Yield a panel for each currency, for amounts in two of them do not add up."""
    currencies = figures.currencies
    for currency in currencies:
        of = partial(_cost, currency)
        if len(currencies) == 1:
            yield _stacked(figures, line, "cost", "Cost", of, said=f"{currency or 'Account currency'}.")
        else:
            name = f"cost-{currency.lower() or 'unknown'}"
            yield _stacked(figures, line, name, "Cost", of, unit=words.unit(currency, alone=False))


def _cost(currency: str, row: Row) -> Decimal | int:
    return row["costs"].get(currency, 0)  # type: ignore[no-any-return] # an amount, or nothing


def cost_heads(figures: Figures) -> list[str]:
    """Return the names of the columns of costs, one for each currency."""
    currencies = figures.currencies
    if currencies == [""]:
        return ["cost"]
    return [f"cost, {words.unit(currency, alone=False)}" for currency in currencies]


def costs(figures: Figures, row: Row) -> list[Decimal | None]:
    """Return the costs of a row, one for each currency of the page; None where it has none in that."""
    return [row["costs"].get(currency) for currency in figures.currencies]


def _stacked(
    figures: Figures,
    line: Timeline,
    name: str,
    what: str,
    of: Callable[[Row], Any],
    *,
    said: str = "",
    unit: str = "",
) -> Panel:
    title = f"{what} by {line.unit}{unit and f', {unit}'}"
    rows = []
    for number, step in enumerate(line.steps):
        found = (line.rows.get((number, stream)) for stream in timelines.STREAM_NAMES)
        values = [0 if row is None else of(row) for row in found]
        rows.append((str(step), *values, sum(values)))
    most = max(rows, key=lambda row: row[-1])
    return Panel(
        name=name,
        title=title,
        summary=f"{title}, SMS and A2P, {figures.span}: most {_at(line)} {most[0]}, {words.as_text(most[-1])}.",
        draw=partial(timelines.stacked, figures, line, of=of, title=title),
        head=(_days(figures, line), *timelines.STREAM_NAMES.values(), "both"),
        rows=rows,
        note=" ".join(filter(None, (said, _cut(line), _shaded(figures)))),
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
    )


def _errors(figures: Figures) -> Panel:
    title = "Top errors"
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
    return _ranked("errors", title, rows, head, empty="No message of these days has an error.")


def _countries(figures: Figures) -> Panel:
    rows = [
        (
            words.country(row["country"]),
            row["messages"],
            words.share(row["messages"], row["total"]),
            *costs(figures, row),
            words.share(row["arrived"], row["settled"]),
            words.share(row["moving"], row["messages"]),
        )
        for row in figures.countries
    ]
    head = ("country", "messages", "share of sent", *cost_heads(figures), "arrived", ON_THEIR_WAY)
    return _ranked("countries", "Top destination countries", rows, head, empty=_NOTHING_SENT)


def senders(figures: Figures) -> Panel:
    """Return the panel of senders; on the page, their table shows more than bars."""
    rows = [
        (
            f"{row['sender'] or 'unknown'} · {timelines.STREAM_NAMES[row['stream']]}",
            row["messages"],
            words.share(row["arrived"], row["settled"]),
            words.share(row["moving"], row["messages"]),
            *costs(figures, row),
        )
        for row in figures.senders
    ]
    head = ("sender", "messages", "arrived", ON_THEIR_WAY, *cost_heads(figures))
    return _ranked("senders", "Senders", rows, head, empty=_NOTHING_SENT)


def accounts(figures: Figures) -> Panel:
    """Return the panel of accounts, each with its cost in its own currency; on the page, it is a table with bars."""
    rows = [
        (
            row["account"],
            row["messages"],
            words.share(row["arrived"], row["settled"]),
            words.share(row["moving"], row["sent"]),
            row["cost"],
            words.unit(row["currency"], alone=False),
        )
        for row in figures.accounts
    ]
    head = ("account", "messages", "arrived", ON_THEIR_WAY, "cost", "currency")
    return _ranked("accounts", "Accounts", rows, head, empty="")


def _ranked(name: str, title: str, rows: Sequence[tuple[Any, ...]], head: Sequence[str], *, empty: str) -> Panel:
    bars = [(words.plain(row[0]), row[1], f"{row[1]:,} · {words.as_text(row[2])}") for row in rows[:TOP]]
    summary = f"{title}, {len(bars)} of them: first {bars[0][0]} with {bars[0][1]:,} messages." if bars else ""
    return Panel(
        name=name,
        title=title,
        summary=summary,
        draw=lambda style: shapes.bars(bars, style, title=title),
        head=head,
        rows=rows,
        empty=empty,
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
        note="Verified: the distinct messages here are as many as the API counts. A day that is missing or not"
        f" verified may hold more than this page shows.{left_out and f' {left_out}'}",
    )
