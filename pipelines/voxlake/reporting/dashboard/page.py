"""The page: one file without scripts that loads nothing; every text from the data is escaped."""

from __future__ import annotations

from html import escape
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.model import DAY, Window
from voxlake.reporting.dashboard import draw, style, words
from voxlake.reporting.dashboard.figures import ACCOUNTS, SENDERS, SKIPPED, STEPS, Span
from voxlake.reporting.dashboard.paint import DARK, LIGHT
from voxlake.reporting.dashboard.panels import ON_THEIR_WAY, cost_heads, costs
from voxlake.reporting.dashboard.tiles import tiles
from voxlake.reporting.dashboard.timelines import STREAM_NAMES
from voxlake.reporting.gaps import days_of
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from voxlake.reporting.dashboard.figures import Figures, Row
    from voxlake.reporting.dashboard.panels import Panel
    from voxlake.reporting.dashboard.tiles import Change, Tile
    from voxlake.reporting.gaps import Gaps

# Whatever the data holds, the browser runs nothing and asks nobody.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_TILES = 5
"""Headline figures side by side, at most."""
_NAMED = 5


def page(figures: Figures, panels: Iterable[Panel], gaps: Gaps) -> str:
    """Return the page as HTML, made at the time as of which the gaps are."""
    title = f"SMS, {figures.span}"
    cards = "\n".join(_CARDS[p.name](figures, p) if p.name in _CARDS else _card(p) for p in panels)
    styles = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
:root{{{LIGHT.css()}}}
@media screen and (prefers-color-scheme:dark){{:root{{{DARK.css()}}}}}
{styles}</style>
</head>
<body>
<main>
<header>
<h1>SMS at a glance</h1>
<p>{escape(str(figures.span))}, {counted(len(figures.span))}, {escape(figures.clock)}</p>
{_settling(figures, gaps)}</header>
{_notice(figures, gaps)}
{_tiles(figures)}
<div class="cards">
{cards}
</div>
<footer>
<p>Made by voxlake on {gaps.now:%Y-%m-%d at %H:%M} UTC from the published database. {_units(figures)}</p>
</footer>
</main>
</body>
</html>
"""


def _units(figures: Figures) -> str:
    """Return in which zone days lie, and in which unit amounts are."""
    zone = figures.scope.tz
    days = (
        "All days and hours are UTC"
        if zone == "UTC"
        else (f"Days and hours are {escape(figures.clock)}, but which days are complete is known of UTC days")
    )
    currencies = figures.currencies
    if currencies == [""]:
        return f"{days}, amounts are\nin the account's currency, which is not known."
    named = ", ".join(escape(words.unit(currency, alone=False)) for currency in currencies)
    return f"{days}, amounts are\nin {named}{'' if len(currencies) == 1 else ', and never added up across currencies'}."


def _settling(figures: Figures, gaps: Gaps) -> str:
    """Return a calm line about days of which statuses can still change."""
    days = [day for day in days_of(gaps.settling) if figures.span.first <= day < figures.span.end]
    if not days:
        return ""
    are = "is" if len(days) == 1 else "are"
    said = f"{counted(len(days))} {are} still settling: {_named(Window.joining(days))}. Their figures may still change."
    return f"<p>{said}</p>\n"


def _notice(figures: Figures, gaps: Gaps) -> str:
    """Return the notices at the top: what is stale, missing or unverified, and what to do about it."""
    if not figures.coverage:
        return _warned("Nothing was exported yet.", "Run 'voxlake export', then make this page again.")
    skipped = {*figures.in_state(SKIPPED)}
    missing = [day for day in days_of((*gaps.missing, *gaps.before)) if day not in skipped]
    unverified = days_of(gaps.unverified)
    told = [
        f"{counted(len(days))} {'is' if len(days) == 1 else 'are'} {state}: {_named(Window.joining(days))}"
        for state, days in (("missing", missing), ("not verified", unverified))
        if days
    ]
    if gaps.stale:
        told.insert(0, f"The newest export that ended well was {gaps.age}")
    if not told:
        return "" if figures.messages else _warned("No messages in these days.", "All of them were read and verified.")
    unproved = sorted({*missing, *unverified})
    advice = "Run 'voxlake export', then make this page again."
    if not gaps.stale:
        command = f"voxlake backfill --from {unproved[0]} --to {unproved[-1] + DAY}"
        advice = f"Read them with '{command}'; the calendar below shows which stream they lack."
    return _warned(f"{'; '.join(told)}.", f"Figures that touch these days may be too low. {advice}")


def _named(windows: Sequence[Window]) -> str:
    spans = [str(Span(w.start.date(), w.end.date())) for w in windows[:_NAMED]]
    return ", ".join(spans) + (f" and {len(windows) - _NAMED:,} more" if len(windows) > _NAMED else "")


def _warned(problem: str, advice: str) -> str:
    return f'<div class="notice" role="note"><p>{escape(problem)}</p><p>{escape(advice)}</p></div>'


def _tiles(figures: Figures) -> str:
    if not figures.messages:
        return ""
    found = tiles(figures)
    columns = ceil(len(found) / ceil(len(found) / _TILES))
    return f'<ul class="tiles" style="--columns:{columns}">\n{"".join(map(_tile, found))}</ul>'


def _tile(tile: Tile) -> str:
    week = ""
    if tile.week:
        value, change = tile.week
        moved = _moved(change) if change.moved else ""
        week = f'<span class="week" title="{escape(change.text)}">last 7 days <b>{escape(value)}</b> {moved}</span>'
    return (
        f'<li><span class="name">{escape(tile.name)}</span>'
        f'<span class="value" title="{escape(tile.exact)}">{escape(tile.value)}</span>'
        f"{_way(tile.moving)}"
        f'<span class="change">{_moved(tile.change)} {escape(tile.change.text)}</span>{week}</li>\n'
    )


def _way(moving: str) -> str:
    return f'<span class="way">{escape(moving)}</span>' if moving else ""


def _moved(change: Change) -> str:
    return f'<b class="{change.news}">{escape(change.moved)}</b>' if change.moved else ""


def _card(panel: Panel) -> str:
    half = " half" if panel.half else ""
    note = f"<p>{escape(panel.note)}</p>" if panel.note and panel.rows else ""
    top = f"{_top(panel, f'card{half}')}{note}\n"
    if not panel.rows:
        return f'{top}<p class="empty">{escape(panel.empty)}</p></section>'
    wide = draw.svg(panel.draw, style.on_page(half=panel.half), kind="wide", label=panel.summary)
    narrow = draw.svg(panel.draw, style.on_phone(), kind="narrow", label=panel.summary)
    return f'{top}<div class="chart">{wide}{narrow}</div>\n{_table(panel)}</section>'


def _top(panel: Panel, kind: str) -> str:
    return (
        f'<section class="{kind}" id="{panel.name}" aria-labelledby="{panel.name}-title">\n'
        f'<h2 id="{panel.name}-title">{escape(panel.title)}</h2>'
    )


def _table(panel: Panel) -> str:
    """Return the table behind a chart, folded."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in panel.head)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(words.as_text(v))}</td>" for v in row) + "</tr>" for row in panel.rows
    )
    label = escape(f"{panel.title}: the figures")
    return (
        f"<details><summary>The data behind it, {counted(len(panel.rows), 'row')}</summary>"
        f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div></details>\n"
    )


def _senders(figures: Figures, panel: Panel) -> str:
    """Return the table of senders, with small bars in its cells."""
    top = _top(panel, "card")
    if not figures.senders:
        return f'{top}<p class="empty">{escape(panel.empty)}</p></section>'
    all_of_them = figures.senders[0]["senders"]
    if all_of_them > SENDERS:
        top += f"<p>The {SENDERS} that sent the most, of {all_of_them:,}.</p>"
    most = max(row["messages"] for row in figures.senders)
    rows = "\n".join(_sender(figures, row, most) for row in figures.senders)
    return f"{top}{_bar_table(figures, panel, rows)}"


def _accounts(figures: Figures, panel: Panel) -> str:
    """Return the table of accounts, with small bars in its cells."""
    top = _top(panel, "card")
    all_of_them = figures.accounts[0]["accounts"]
    if all_of_them > ACCOUNTS:
        top += f"<p>The {ACCOUNTS} with the most messages, of {all_of_them:,}.</p>"
    most = max(row["messages"] for row in figures.accounts)
    rows = "\n".join(_account(figures, row, most) for row in figures.accounts)
    return f"{top}{_bar_table(figures, panel, rows)}"


_CARDS = {"senders": _senders, "accounts": _accounts}


def _bar_table(figures: Figures, panel: Panel, rows: str) -> str:
    """Return a table of rows that are HTML, with the columns of a panel and the days beside them."""
    names = [name for name in panel.head if name not in {"currency", ON_THEIR_WAY}] + [_over(figures)]
    head = "".join(f'<th role="columnheader" scope="col">{escape(name)}</th>' for name in names)
    return (
        f'\n<table class="senders" role="table" aria-labelledby="{panel.name}-title">'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>\n'
        f'<tbody role="rowgroup">{rows}</tbody></table></section>'
    )


def _sender(figures: Figures, row: Row, most: int) -> str:
    name = escape(words.plain(row["sender"]) or "unknown")
    its = [
        _cell(escape(name), words.as_text(cost))
        for name, cost in zip(cost_heads(figures), costs(figures, row), strict=True)
    ]
    return _bars(figures, row, most, f"<bdi>{name}</bdi>{_chip(STREAM_NAMES[row['stream']])}", its)


def _account(figures: Figures, row: Row, most: int) -> str:
    name = escape(words.plain(row["account"]))
    currency = _chip(escape(words.plain(row["currency"]))) if row["currency"] else ""
    return _bars(figures, row, most, f"<bdi>{name}</bdi>{currency}", [_cell("cost", words.as_text(row["cost"]))])


def _bars(figures: Figures, row: Row, most: int, name: str, costs: Iterable[str]) -> str:
    rate = words.share(row["arrived"], row["settled"])
    moving = words.still_moving(row["moving"], row["sent"] if "sent" in row else row["messages"])
    return "".join(
        (
            f'<tr role="row"><th role="rowheader" scope="row">{name}</th>',
            _cell("messages", f"{row['messages']:,}{_meter(row['messages'] / most)}"),
            _cell("arrived", f"{words.as_text(rate)}{_meter(rate or 0, 'rate')}{_way(moving)}"),
            *costs,
            _cell(_over(figures), _spark(figures.span, row["steps"])),
            "</tr>",
        )
    )


def _over(figures: Figures) -> str:
    """Return what the small charts of a table are over: days, or steps of several."""
    return "by day" if len(figures.span) <= STEPS else "over time"


def _chip(text: str) -> str:
    return f'<span class="chip">{text}</span>'


def _cell(name: str, content: str) -> str:
    return f'<td role="cell" data-name="{name}">{content}</td>'


def _meter(share: float, kind: str = "") -> str:
    return f'<span class="meter {kind}" aria-hidden="true"><i style="width:{share:.1%}"></i></span>'


def _spark(span: Span, counts: Mapping[int, int]) -> str:
    """Return a small bar chart of the messages of a span, of which `counts` has those of each step by its number."""
    steps = min(len(span), STEPS)
    # Steps can differ by a day in length: compare what a day has.
    lengths = [len(span) * (n + 1) // steps - len(span) * n // steps for n in range(steps)]
    means = [counts.get(n, 0) / length for n, length in enumerate(lengths)]
    most = max(means) or 1
    width = 130 / steps
    bars = "".join(
        f"M{width * n:.1f},30V{30 - 28 * mean / most:.1f}H{width * (n + 0.85):.1f}V30Z" for n, mean in enumerate(means)
    )
    first, last, highest = (f"{mean:,.1f}".removesuffix(".0") for mean in (means[0], means[-1], max(means)))
    label = f"messages a day, from {first} at first to {last} at last, at most {highest}"
    return (
        f'<svg class="spark" viewBox="0 0 130 30" role="img" aria-label="{label}">'
        f'<path d="{bars}" fill="var(--bar)"/></svg>'
    )
