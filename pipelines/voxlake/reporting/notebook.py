"""What a database shows of itself in a notebook: accounts, span, trouble, and which days are complete.

It is HTML that needs nothing else: no script, no style sheet, nothing that is fetched. Texts have the notebook's own
colour, so that it fits light and dark ones; the colours of states can be seen on both, and each state has a shape, too.
"""

from __future__ import annotations

from datetime import timedelta
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final

from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    import duckdb

    from voxlake.reporting.gaps import Gaps
    from voxlake.reporting.scope import Scope

    _Held = tuple[date | None, date | None, int]
    """The first and the last day of an account that are there, and how many messages there are."""

_STATES: Final = ("final", "open", "unverified", "missing")
"""The states that are drawn, from the best to the worst: a day of several accounts is in the worst state of any."""
_COLOURS: Final = {"final": "#009e73", "open": "#2f8fd0", "unverified": "#c98200", "missing": "#d55e00"}
_SHAPES: Final = {
    "final": "h10v10h-10z",
    "open": "h10v10h-10zm2 2v6h6v-6z",
    "unverified": "m5 0l5 10h-10z",
    "missing": "l2-2 3 3 3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3z",
}
"""What is drawn from the top left corner of a day: a full square, a frame, a triangle, a cross."""
_LOW: Final = {"missing": 2}
"""Pixels by which a shape begins lower."""
_ROWS = """
SELECT account_id, min(date) FILTER (state <> 'missing'), max(date) FILTER (state <> 'missing'), sum(row_count)::BIGINT
FROM days WHERE list_contains($accounts::BIGINT[], account_id)
GROUP BY account_id
"""
_DAYS = """
SELECT stream, date, max(list_position($states::VARCHAR[], state))
FROM days WHERE list_contains($accounts::BIGINT[], account_id) AND list_contains($states::VARCHAR[], state)
GROUP BY stream, date
ORDER BY stream DESC, date
"""
_SHOWN: Final = 10
"""Accounts that are listed, at most."""
_WEEKS: Final = 53
"""Weeks that are drawn, at most; earlier days are counted in a sentence."""
_WEEK: Final = timedelta(days=7)
_MONTH: Final = 3
"""Weeks that the name of a month covers."""
_PITCH, _LEFT, _TOP, _NARROW = 13, 32, 18, 30


def draw_overview(connection: duckdb.DuckDBPyConnection, scope: Scope, gaps: Gaps, *, name: str) -> str:
    """Return what a database holds as HTML; `name` says which it is, and `gaps` what it lacks.

    The connection is one that `read_gaps` has read: its view `days` ends where that says.
    """
    spans: dict[int, _Held] = {
        number: (first, last, rows)
        for number, first, last, rows in connection.execute(_ROWS, {"accounts": scope.account_ids}).fetchall()
    }
    found = connection.execute(_DAYS, {"accounts": scope.account_ids, "states": list(_STATES)}).fetchall()
    days = {
        stream: {day: _STATES[place - 1] for _, day, place in rows}
        for stream, rows in groupby(found, key=lambda row: row[0])
    }
    pieces = [f"<p><b>{escape(name)}</b>: {escape(_summary(spans, gaps))}</p>"]
    pieces += [f"<p><b>{escape(sentence)}</b></p>" for sentence in gaps.trouble()]
    pieces += [f"<p>{escape(sentence)}</p>" for sentence in gaps.sentences()[len(gaps.trouble()) :]]
    pieces += [_accounts(scope, spans)] if scope.accounts else []
    pieces += [_calendar(stream, states) for stream, states in days.items()]
    pieces += [_legend()] if days else []
    return f"<div>{''.join(pieces)}</div>"


def _summary(spans: Mapping[int, _Held], gaps: Gaps) -> str:
    """Return how many messages of which days there are, and when the newest export ended well."""
    messages = sum(rows for _, _, rows in spans.values())
    edges = [day for first, last, _ in spans.values() for day in (first, last) if day is not None]
    span = f", {min(edges)} to {max(edges)}" if edges else ""
    newest = "" if gaps.newest is None else f"; the newest export ended well on {gaps.newest:%Y-%m-%d %H:%M} UTC"
    return f"{counted(messages, 'message')}{span}{newest}"


def _accounts(scope: Scope, spans: Mapping[int, _Held]) -> str:
    """Return a table of the accounts."""
    heads = ("account", "name", "currency", "time zone", "first day", "last day", "messages")
    lines: list[tuple[str, ...]] = [heads]
    for account in scope.accounts[:_SHOWN]:
        first, last, messages = spans.get(account.account_id, (None, None, 0))
        known = (account.account_id, account.name, account.currency, account.time_zone, first, last)
        lines.append((*("" if its is None else str(its) for its in known), f"{messages:,}"))
    head, *body = ("".join(f"<{tag}>{escape(its)}</{tag}>" for its in line) for tag, line in _tagged(lines))
    more = len(scope.accounts) - _SHOWN
    rest = f"<p>and {counted(more, 'account')} more: see the table accounts</p>" if more > 0 else ""
    rows = "".join(f"<tr>{row}</tr>" for row in body)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{rest}"


def _tagged(lines: Sequence[Sequence[str]]) -> Iterator[tuple[str, Sequence[str]]]:
    for number, line in enumerate(lines):
        yield ("td" if number else "th"), line


def _calendar(stream: str, states: Mapping[date, str]) -> str:
    """Return the days of a stream: weeks side by side, with a shape for each day, drawn as one path for each state."""
    newest = _monday(max(states))
    first = max(_monday(min(states)), newest - (_WEEKS - 1) * _WEEK)
    shown = {day: state for day, state in states.items() if day >= first}
    earlier = {day: state for day, state in states.items() if day < first}
    weeks = (newest - first) // _WEEK + 1
    width, height = _LEFT + max(weeks * _PITCH, _NARROW), _TOP + 7 * _PITCH
    paths = []
    for state in _STATES:
        places = [
            _shape(state, _LEFT + (day - first) // _WEEK * _PITCH, _TOP + day.weekday() * _PITCH)
            for day, its in shown.items()
            if its == state
        ]
        if places:
            paths.append(_path(state, "".join(places), f"{state}: {counted(len(places))}"))
    summary = f"{stream}: {_counts(states)}"
    note = f"<br>earlier, {min(earlier)} to {max(earlier)}: {escape(_counts(earlier))}" if earlier else ""
    return (
        f"<p>{escape(summary)}{note}</p>"
        f'<svg width="{width}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(summary)}"'
        ' style="max-width:100%" font-size="10" font-family="sans-serif">'
        f"{_labels(first, max(states))}{''.join(paths)}</svg>"
    )


def _labels(first: date, last: date) -> str:
    """Return the weekdays, and each month above the week in which it begins; the year stands for January."""
    found = [
        f'<text x="0" y="{_TOP + n * _PITCH + 9}" fill="currentColor">{name}</text>'
        for n, name in ((0, "Mon"), (2, "Wed"), (4, "Fri"), (6, "Sun"))
    ]
    begins = {(day - first) // _WEEK: day for day in _days(first, last) if day.day == 1}
    # The name of a month that began earlier gives way to one that begins where it would stand.
    if not begins.keys() & range(_MONTH):
        begins[0] = first
    for week, day in begins.items():
        name = f"{day:%Y}" if day.month == 1 else f"{day:%b}"
        found.append(f'<text x="{_LEFT + week * _PITCH}" y="11" fill="currentColor">{name}</text>')
    return "".join(found)


def _legend() -> str:
    """Return what the shapes mean."""
    drawn = (
        f'<svg width="10" height="10" viewBox="0 0 10 10">{_path(state, _shape(state, 0, 0), words)}</svg> {words}'
        for state, words in (
            ("final", "final"),
            ("open", "open (verified, may still change)"),
            ("unverified", "not verified"),
            ("missing", "missing"),
        )
    )
    return f"<p>{' &nbsp; '.join(drawn)}</p>"


def _shape(state: str, x: int, y: int) -> str:
    return f"M{x} {y + _LOW.get(state, 0)}{_SHAPES[state]}"


def _path(state: str, places: str, title: str) -> str:
    return f'<path fill="{_COLOURS[state]}" fill-rule="evenodd" d="{places}"><title>{escape(title)}</title></path>'


def _counts(states: Mapping[date, str]) -> str:
    """Return how many days are in which state, such as `57 final, 3 open`."""
    its = list(states.values())
    return ", ".join(f"{its.count(state):,} {state}" for state in _STATES if state in its)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
