"""What was read is held against counts of its own: which days one count closes, and whether it agrees."""

from datetime import timedelta

import pytest
from support.scripted_api import DATE

from voxlake.extract import AnchoredSpan, ClosingSpan, CountedDay, NarrowDay, anchor_day, closing_spans
from voxlake.model import DAY, SECOND, Window


def day(number, rows=10, *, before=0, after=0, end=None, at_end=0):
    """Return what was read of a day, by default asked for alone."""
    start = DATE + number * DAY
    return CountedDay(
        Window(start, end or start + DAY),
        rows,
        asked_from=start - SECOND,
        asked_to=start + 2 * DAY if end else start + DAY,
        before=before,
        after=after,
        at_end=at_end,
        alone=True,
    )


def dates(spans):
    """Return the numbers of the days of each span."""
    return [[(one.window.start - DATE).days for one in span.days] for span in spans]


def test_one_count_closes_days_without_a_gap():
    """Days one after the other are one span, in whatever order they were read; a gap makes two."""
    assert dates(closing_spans([day(2), day(0), day(1), day(4)], float("inf"))) == [[0, 1, 2], [4]]
    assert closing_spans([], float("inf")) == []


def test_a_span_is_not_longer_than_the_api_allows():
    """It is cut where something was asked for twice, so that what lies beside it is known."""
    days = [day(0), day(1, after=None), day(2, before=None), day(3)]
    spans = closing_spans(days, 3 * DAY / SECOND)
    assert dates(spans) == [[0], [1, 2], [3]]
    assert all(span.can_be_closed for span in spans)
    assert dates(closing_spans(days, DAY / SECOND)) == [[0], [1, 2], [3]]


def test_what_lies_beside_counts():
    """The dates are those of the reading, so rows beside the first and the last day are counted as they came."""
    span = ClosingSpan((day(0, 10, before=2, after=5), day(1, 7, before=1, after=3)))
    assert span.asked == Window(DATE - SECOND, DATE + 2 * DAY)
    assert span.asked_wide == span.asked
    assert span.agrees(22)
    assert not any(span.agrees(total) for total in (0, 11, 17, 19, 21, 23))


@pytest.mark.parametrize("edge", [{"before": None}, {"after": None}])
def test_a_day_of_a_larger_window_cannot_be_closed_alone(edge):
    """What lies beside it came with its neighbours."""
    assert not ClosingSpan((day(0, **edge),)).can_be_closed


def test_a_day_in_progress_ends_where_it_was_read():
    """Rows that come meanwhile are not counted; those of its last second may be, and of whole days all that came."""
    noon = DATE + DAY / 2
    span = ClosingSpan((day(0, 10, after=9, end=noon, at_end=2),))
    assert (span.asked.end, span.asked_wide.end) == (noon, DATE + timedelta(days=2))
    assert [total for total in range(30) if span.agrees(total)] == [10, 12, 19]


def test_a_day_that_is_asked_for_between_its_midnights():
    """A second more may be longer than the API allows: rows at the first second, and behind the last, may count."""
    narrow = NarrowDay((day(0, 10, before=2, after=5),), at_start=3)
    assert narrow.asked == narrow.asked_wide == Window(DATE, DATE + DAY)
    assert [total for total in range(20) if narrow.agrees(total)] == [7, 10, 12, 15]


def test_days_that_are_known_stand_beside_a_span():
    """The nearest day with rows, with nothing unknown between; after a day in progress there is none."""
    span, known = ClosingSpan((day(0, 0),)), {(DATE + n * DAY).date(): rows for n, rows in ((-2, 5), (-1, 0), (1, 7))}
    assert anchor_day(span, known) == (DATE - 2 * DAY).date()
    assert anchor_day(span, {DATE.date() + DAY: 7}) == DATE.date() + DAY
    assert anchor_day(span, {DATE.date() - 2 * DAY: 5}) is None
    assert anchor_day(ClosingSpan((day(0, 0, end=DATE + DAY / 2),)), {DATE.date() + DAY: 7}) is None


@pytest.mark.parametrize("number", [-2, 1])
def test_no_count_without_rows_agrees_with_a_known_day(number):
    """Neither 0 nor half of all agrees with no rows and 40 known ones, of which 3 may not be counted."""
    known = (DATE + number * DAY).date()
    anchored = AnchoredSpan(ClosingSpan((day(0, 0),)), known, 40, 3)
    assert [total for total in range(50) if anchored.agrees(total)] == [37, 40]
    assert (anchored.asked.start == DATE - SECOND) == (number > 0)
    assert (anchored.asked.end == DATE + DAY) == (number < 0)
