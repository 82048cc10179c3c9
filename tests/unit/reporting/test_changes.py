"""A change is told as it is, and stands out only where it is more than the figure does by itself."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from voxlake.reporting import Span
from voxlake.reporting.dashboard.changes import Comparison, noise, noise_of_sums, told
from voxlake.reporting.dashboard.figures import Period
from voxlake.reporting.dashboard.sums import rate

FIRST = date(2026, 3, 2)
"""A Monday."""


def period(new, old, *, gap=None, **fields):
    """Return a period with these messages on its days, and on those before; `fields` are of each message."""
    span = Span(FIRST, FIRST + timedelta(days=len(new)))
    days, earlier = (
        [
            {"date": day, "stream": "sms", "messages": number} | {name: number * its for name, its in fields.items()}
            for day, number in zip(its, numbers, strict=True)
        ]
        for its, numbers in ((span, new), (span.before, old))
    )
    return Period(span, days, earlier, gap)


def messages(row):
    """Return the figure that most of these tests look at."""
    return row["messages"]


@pytest.mark.parametrize(
    ("new", "old", "good", "moved", "kind"),
    [
        ([110, 111, 109, 110, 112, 60, 50], [100, 101, 99, 101, 100, 50, 40], 0, "▲ 12.0", "plain"),
        ([110, 111, 109, 110, 112, 60, 50], [100, 101, 99, 101, 100, 50, 40], -1, "▲ 12.0", "bad"),
        ([90, 91, 92, 90, 91, 90, 93, 90], [100] * 8, 1, "▼ 9.1", "bad"),
        ([90, 91, 92, 90, 91, 90, 93, 90], [100] * 8, -1, "▼ 9.1", "good"),
        ([100, 160, 40, 130, 90, 10, 80], [90, 40, 150, 60, 120, 20, 60], 1, "▲ 13.0", "noise"),
        ([200, 200], [100, 100], 1, "▲ 100.0", "noise"),  # too few days to know
        ([100] * 7, [100] * 7, 1, "unchanged", "noise"),
    ],
)
def test_counts(new, old, good, moved, kind):
    """A weekend is no spread where whole weeks are compared; days that vary as much as the change hide it."""
    change = Comparison(period(new, old)).change(messages, good)
    assert change.moved.replace("\N{NO-BREAK SPACE}", " ").startswith(moved)
    assert change.kind == kind


def test_rates():
    """A rate is compared in points, day by day, and days on which nothing settled count for nothing."""
    new, old = [100] * 7, [100] * 7
    its = period(new, old, settled=1, arrived=1)
    for row in its.earlier:
        row["arrived"] = 90
    its.earlier[3]["settled"] = its.earlier[3]["arrived"] = 0
    change = Comparison(its).change(rate, 1)
    assert (change.moved, change.kind) == ("▲\N{NO-BREAK SPACE}10.0\N{NO-BREAK SPACE}points", "good")
    assert Comparison(its, "a2p").change(rate, 1) is None


def test_nothing_to_compare():
    """Without days before, or without figures in them, there is no change."""
    assert Comparison(period([1] * 7, [0] * 7)).change(messages, 0) is None
    assert Comparison(period([1] * 7, [1] * 7, gap="days are missing")).change(messages, 0) is None


def test_sums_know_their_spread():
    """The spread of sums is that of their days, had these been looked at one by one."""
    new, old = [3.0, 8.0, 1.0, 7.0, 9.0, 4.0], [2.0, 2.0, 5.0, 1.0, 0.0, 4.0]
    sums = [(sum(days), sum(day * day for day in days)) for days in (new, old)]
    assert noise_of_sums(6, *sums) == pytest.approx(6 * noise(new, old))
    assert noise_of_sums(4, *sums) is None
    assert told(Decimal(-3), Decimal(-2), -1, 0.1).kind == "good"
