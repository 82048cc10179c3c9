"""What the page is made of, as plain values that the templates place: panels, ranks, tables with bars, what unfolds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.reporting.dashboard.words import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    import altair as alt

    from voxlake.reporting.dashboard.changes import Change
    from voxlake.reporting.dashboard.spans import Steps
    from voxlake.reporting.dashboard.style import Style

_TALL = 28
"""The height of the highest of small bars, in units of their drawing."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A table that unfolds below `label`."""

    label: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rank:
    """One bar of a ranking, as long as its `share` of the longest, and what unfolds when it is opened."""

    name: str
    said: str
    share: float
    fold: Fold | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table with bars: a bar is as long as its share of 1; small print stands below it."""

    name: str
    text: str
    share: float | None = None
    kind: str = ""
    below: str = ""
    change: Change | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether it has no figure, so that a phone leaves it out."""
        return self.text == NOTHING


@dataclass(frozen=True, slots=True)
class Spark:
    """Small bars, one a step: the outline of all of them, in a drawing of one unit for each, and what they say."""

    steps: int
    outline: str
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table with bars."""

    name: str
    chip: str
    cells: Sequence[Cell]
    spark: Spark
    fold: Fold | None = None


@dataclass(frozen=True, slots=True)
class BarTable:
    """A table with bars in its cells; all after the first `shown` rows are folded."""

    head: Sequence[str]
    lines: Sequence[Line]
    shown: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A calendar in pixels: its cells and its texts."""

    width: int
    height: int
    cells: Sequence[Mapping[str, Any]]
    texts: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One card; `summary` describes it in a sentence, and without rows there is nothing to draw.

    `draw` makes its picture. The page shows that, unless it has `ranks`, a `table`, or `calendars` for a wide screen
    and a phone; `plain` panels show their rows, which others fold.
    """

    name: str
    title: str
    summary: str
    draw: Callable[[Style], alt.LayerChart] | None
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""
    empty: str = ""
    half: bool = False
    ranks: Sequence[Rank] = ()
    table: BarTable | None = None
    calendars: tuple[Sequence[Drawing], Drawing] | None = None
    plain: bool = False


def spark(steps: Steps, counts: Mapping[date, int]) -> Spark:
    """Return small bars of the messages of each step; `counts` has them by the day on which the step begins."""
    # Steps differ in length: compare what a day has.
    means = [counts.get(step.begin, 0) / len(step.days) for step in steps.steps]
    most = max(means) or 1
    outline = f"M0,{_TALL}" + "".join(f"V{round(_TALL - (_TALL - 1) * mean / most)}h1" for mean in means)
    first, last, highest = (f"{mean:,.1f}".removesuffix(".0") for mean in (means[0], means[-1], max(means)))
    label = f"messages a day, from {first} at first to {last} at last, at most {highest}"
    return Spark(len(means), f"{outline}V{_TALL}Z", label)


def step_names(steps: Steps) -> Mapping[date, str]:
    """Return the name of each step by the day on which it begins: a month, a quarter, a year, or its days."""
    written: dict[str, Callable[[date], str]] = {
        "month": lambda day: f"{day:%Y-%m}",
        "quarter": lambda day: f"{day.year} Q{day.month // 3 + 1}",
        "year": lambda day: f"{day.year}",
    }
    name = written.get(steps.unit)
    return {its.begin: name(its.begin) if name and its.whole else str(its) for its in steps.steps}


def by(key: str, rows: Iterable[Mapping[str, Any]]) -> dict[Any, list[Any]]:
    """Return rows in groups by one of their fields, in the order of the first of each."""
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups
