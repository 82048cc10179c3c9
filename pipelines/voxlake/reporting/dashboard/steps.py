"""What is drawn over time: the rows of days, added up by step and stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.reporting.dashboard.spans import chart_steps
from voxlake.reporting.dashboard.sums import added

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from voxlake.reporting.dashboard.spans import Span, Step
    from voxlake.reporting.dashboard.sums import Row


@dataclass(frozen=True, slots=True)
class Timeline:
    """The steps of a span, each a `unit` of time, and what is to be drawn of each step and stream.

    The rows are those of `sql/dashboard/daily.sql`, added up; their keys are the number of the step and the stream.
    """

    unit: str
    steps: Sequence[Step]
    rows: Mapping[tuple[int, str], Row]

    @property
    def streams(self) -> set[str]:
        """The streams that have a row."""
        return {stream for _, stream in self.rows}

    @property
    def partial(self) -> list[Step]:
        """The steps that the span cuts: the first and the last, if any."""
        return [step for step in self.steps if not step.whole]


def timeline(span: Span, daily: Iterable[Row]) -> Timeline:
    """Return the rows of the days of a span by step and stream."""
    its = chart_steps(span)
    of_day = {day: number for number, step in enumerate(its.steps) for day in step.days}
    rows: dict[tuple[int, str], list[Row]] = {}
    for row in daily:
        rows.setdefault((of_day[row["date"]], row["stream"]), []).append(row)
    return Timeline(its.unit, its.steps, {key: added(found) for key, found in rows.items()})
