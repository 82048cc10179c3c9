"""A long span is drawn in few steps, each day in one of them, and steps that it cuts are known."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from voxlake.reporting import Span
from voxlake.reporting.dashboard.spans import CHART_DAYS, CHART_STEPS, month_steps, small_steps
from voxlake.reporting.dashboard.steps import timeline

DAY = timedelta(days=1)


def span(first, days):
    """Return a span of so many days."""
    return Span(first, first + DAY * days)


@pytest.mark.parametrize(
    ("days", "unit", "number"),
    [(1, "day", 1), (92, "day", 92), (93, "week", 14), (416, "week", 60), (417, "month", 14), (1826, "month", 60),
     (1827, "quarter", 21), (3660, "quarter", 41)],
)  # fmt: skip
def test_units(days, unit, number):
    """Days of up to a quarter, then as few steps as the page has room for."""
    line = timeline(span(date(2021, 1, 1), days), [])
    assert (line.unit, len(line.steps)) == (unit, number)
    assert number <= (CHART_DAYS if unit == "day" else CHART_STEPS)
    assert Counter(day for step in line.steps for day in step.days) == Counter(span(date(2021, 1, 1), days))


@pytest.mark.parametrize(
    ("first", "days", "cut"),
    [
        (date(2024, 1, 1), 98, []),  # fourteen weeks from a Monday on
        (date(2024, 1, 2), 98, ["2024-01-02 to 2024-01-07", "2024-04-08"]),
        (date(2023, 1, 1), 731, []),  # from a January to a December
        (date(2023, 1, 1), 730, ["2024-12-01 to 2024-12-30"]),
        (date(2016, 11, 1), 3652, ["2016-11-01 to 2016-12-31", "2026-10-01 to 2026-10-31"]),
    ],
)
def test_what_is_cut(first, days, cut):
    """A first or last step of which some days lie outside of the span is not whole."""
    assert list(map(str, timeline(span(first, days), []).partial)) == cut


@pytest.mark.parametrize(
    ("days", "small", "listed"),
    [(40, "day", "month"), (41, "week", "month"), (1096, "month", "quarter"), (3660, "quarter", "year")],
)
def test_other_units(days, small, listed):
    """Small bars and tables have steps of their own, each of which begins where the calendar says."""
    whole = span(date(2021, 1, 1), days)
    assert (small_steps(whole).unit, month_steps(whole).unit) == (small, listed)
    begins = {"month": lambda day: day.day == 1, "year": lambda day: (day.month, day.day) == (1, 1)}
    begins["quarter"] = lambda day: day.day == 1 and day.month % 3 == 1
    assert all(begins[listed](step.begin) for step in month_steps(whole).steps)
    assert sum(len(step.days) for step in month_steps(whole).steps) == days


def test_sums():
    """Rows of the days of a step are added up for each stream, costs by currency, and exactly."""
    days = span(date(2024, 1, 1), 98)
    daily = [
        {"date": day, "stream": stream, "messages": 2, "sent": 2, "settled": 1, "arrived": 1, "costs": costs}
        | {"moving": 1}
        for day in days
        for stream, costs in (("sms", {"EUR": Decimal("0.1")}), ("a2p", {"EUR" if day.day % 2 else "USD": Decimal(1)}))
    ]
    line = timeline(days, daily)
    assert line.streams == {"sms", "a2p"}
    assert line.rows[0, "sms"] == {
        "messages": 14, "received": 0, "sent": 14, "settled": 7, "arrived": 7, "moving": 7, "failed": 0,
        "costs": {"EUR": Decimal("0.7")}, "settled_costs": {}, "arrived_in": {},
    }  # fmt: skip
    assert line.rows[0, "a2p"]["costs"] == {"EUR": 4, "USD": 3}
    assert sum(row["messages"] for row in line.rows.values()) == 2 * len(daily)
