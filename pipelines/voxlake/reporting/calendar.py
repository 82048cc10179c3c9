"""Draw days as a calendar: weeks side by side, one glyph a day, in as many bands as the terminal's width requires."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

GLYPHS = {
    "final": "\N{BLACK SQUARE}",
    "open": "\N{WHITE SQUARE}",
    "unverified": "!",
    "missing": "\N{MULTIPLICATION SIGN}",
}
ASCII_GLYPHS = {"final": "#", "open": "o", "unverified": "!", "missing": "x"}
_COLOURS = {"final": "32", "open": "36", "unverified": "1;33", "missing": "1;31"}
_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEK = timedelta(days=7)
_MARGIN = "      "
# Bands before the most recent ones are drawn only where a day is not final.
_RECENT = 2


def draw_calendar(states: Mapping[date, str], *, width: int, glyphs: Mapping[str, str], colour: bool) -> list[str]:
    """Return the lines of a calendar of states by UTC day; older bands that are all final become one line."""
    mondays = sorted({day - timedelta(days=day.weekday()) for day in states})
    room = max(1, width - len(_MARGIN))
    step = 2 if len(mondays) * 2 <= room else 1
    per = max(1, room // step)
    bands = [mondays[max(0, end - per) : end] for end in range(len(mondays), 0, -per)][::-1]
    old = len(bands) - _RECENT
    lines: list[str] = []
    for (settled, _), group in groupby(
        enumerate(bands), key=lambda at: (at[0] < old and _settled(at[1], states), at[0] >= old)
    ):
        drawn = [band for _, band in group]
        if settled:
            days = [day for band in drawn for day in _days(band) if day in states]
            lines.append(f"  {days[0]} to {days[-1]}: {counted(len(days))}, all final")
        else:
            for band in drawn:
                lines += _band(band, states, step=step, glyphs=glyphs, colour=colour)
    return lines


def draw_legend(glyphs: Mapping[str, str], *, colour: bool) -> str:
    """Return a line that says what the glyphs mean."""
    return "  ".join(f"{_painted(state, glyphs, colour=colour)} {state}" for state in glyphs)


def _band(
    band: Sequence[date], states: Mapping[date, str], *, step: int, glyphs: Mapping[str, str], colour: bool
) -> Iterator[str]:
    yield _months(band, step)
    for n, name in enumerate(_NAMES):
        found = (states.get(monday + timedelta(days=n)) for monday in band)
        drawn = (_painted(state, glyphs, colour=colour) if state else " " for state in found)
        yield f"  {name} {(' ' * (step - 1)).join(drawn)}".rstrip()


def _months(band: Sequence[date], step: int) -> str:
    """Return the line of month names, each above the week in which the month begins; the year stands for January."""
    begins = {n: day for n, monday in enumerate(band) for day in _days([monday]) if day.day == 1}
    # The name of a month that began earlier gives way to one that begins where it would stand.
    if not any(n * step <= len(_month(band[0])) for n in begins):
        begins = {0: band[0], **begins}
    line = _MARGIN
    for n, first in begins.items():
        at = len(_MARGIN) + n * step
        if len(line) < at or line == _MARGIN:
            line = line.ljust(at) + _month(first)
    return line


def _month(day: date) -> str:
    return f"{day:%Y}" if day.month == 1 else f"{day:%b}"


def _painted(state: str, glyphs: Mapping[str, str], *, colour: bool) -> str:
    return f"\033[{_COLOURS[state]}m{glyphs[state]}\033[0m" if colour else glyphs[state]


def _settled(band: Sequence[date], states: Mapping[date, str]) -> bool:
    return all(states.get(day, "final") == "final" for day in _days(band))


def _days(band: Sequence[date]) -> Iterator[date]:
    return (monday + timedelta(days=n) for monday in band for n in range(_WEEK.days))
