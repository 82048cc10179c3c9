"""Counts and rows are held against each other, and what does not fit is said in words."""

from datetime import timedelta

import pyarrow as pa
import pytest
from support.scripted_api import DATE, ScriptedApi, message, messages

from voxlake.extract.paginate import Reading
from voxlake.extract.split_day import SplitDayCheck
from voxlake.extract.verify import (
    first_and_last,
    may_ignore_time,
    problem_of,
    rejects_inside,
    rows_of,
    times_inside,
    two_instants,
)
from voxlake.model import DAY, SECOND, Page, Reject, Window
from voxlake.transform import SMS

TODAY = Window(DATE, DATE + DAY)


def page(rows, *rejects):
    """Return a page of rows."""
    api = ScriptedApi(rows)
    one = api.page(SMS, Window(DATE - DAY, DATE + 2 * DAY), offset=0, count=1000)
    return Page(one.table, one.total, rejects)


def reading(rows, *totals, rejects=(), **options):
    """Return a reading of one page."""
    return Reading([page(rows, *rejects)], totals, **options)


@pytest.mark.parametrize(
    ("count", "totals", "complete", "agrees"),
    [
        (5, (5,), True, True),
        (5, (5, 5), True, True),
        (5, (5,), False, False),
        (5, (6,), True, False),
        (5, (4,), True, False),
        (5, (5, 6), True, False),
        (5, (6, 5), True, False),
        (5, (), True, False),
        (0, (0,), True, True),
        (0, (1,), True, False),
    ],
    ids=str,
)
def test_only_where_every_count_agrees(count, totals, complete, agrees):
    """Rows are proved by every count that came, not by the last, and not by none."""
    assert reading(messages(count), *totals, complete=complete).agrees is agrees


def test_a_row_that_cannot_be_read_is_counted():
    """It is one of those that the API counts, and keeps its window from being verified."""
    bad = Reject({"id": 3}, "cost", DATE)
    one = reading(messages(2), 3, rejects=[bad, bad])
    assert one.agrees
    rows = rows_of(one, TODAY, SMS)
    assert (rows.table.num_rows, rows.rejects, rows.problem) == (2, (bad,), "1 rows could not be read")


def test_a_bad_row_beside_the_window_is_no_problem_of_it():
    """It is left to the window where it lies; one whose time cannot be read may lie anywhere."""
    beside, anywhere = Reject({"id": 3}, "cost", DATE - SECOND), Reject({"id": 4}, "date")
    assert rows_of(reading(messages(2), 3, rejects=[beside]), TODAY, SMS).verified
    assert rejects_inside(reading([], 2, rejects=[beside, anywhere]), TODAY) == (anywhere,)


def test_the_problem_in_words():
    """What was read and every number that the API told."""
    assert problem_of(reading(messages(2), 2), ()) is None
    assert problem_of(reading(messages(2), 3), ()) == "2 messages were read where the API counts 3"
    assert problem_of(reading(messages(2), 2, 3, 2), ()) == "2 messages were read where the API counts 2 then 3"


def test_rows_beside_the_window_are_counted_before_they_are_dropped():
    """More is asked for than the window, so what is outside is subtracted from what the API counts."""
    rows = [message(1, -1), message(2, 0), message(3, 86_399), message(4, 86_400)]
    proved = rows_of(reading(rows, 4), TODAY, SMS)
    assert (proved.table["message_id"].to_pylist(), proved.total, proved.verified) == ([2, 3], 2, True)
    lacking = rows_of(reading(rows, 6), TODAY, SMS)
    assert (lacking.table.num_rows, lacking.total, lacking.verified) == (2, 4, False)


def test_nothing_is_a_table_too():
    """A window without rows has a table of none."""
    rows = rows_of(Reading([], [0, 0]), TODAY, SMS)
    assert (rows.table.num_rows, rows.table.schema, rows.verified) == (0, SMS.schema, True)


def test_times_of_pages():
    """Of messages that lie in a span, each once."""
    rows = [message(1, -1), message(2, 5), message(3, 9), message(4, 86_400)]
    pages = [page(rows), page(rows[1:2]), page([])]
    assert times_inside(pages, TODAY) == [DATE + 5 * SECOND, DATE + 9 * SECOND]
    assert first_and_last(pages, TODAY) == (DATE + 5 * SECOND, DATE + 9 * SECOND)
    assert first_and_last(pages, Window(DATE + 20 * SECOND, DATE + DAY)) is None


@pytest.mark.parametrize("seconds", [(5, 70_000), (5, 6), (5,), (80_000,), (43_200, 43_201)], ids=str)
def test_two_instants_share_no_row(seconds):
    """Their seconds do not overlap, lie in the day, and at one of them at least there is a row."""
    times = [DATE + timedelta(seconds=n) for n in seconds]
    one, other = two_instants(times, TODAY)
    assert abs(one - other) > 2 * SECOND
    assert {one, other} & set(times)
    assert all(DATE + SECOND < at < DATE + DAY - SECOND for at in (one, other))


@pytest.mark.parametrize(
    ("counts", "rows", "may"), [((1, 1), 40, False), ((40, 40), 40, True), ((40, 1), 40, False), ((0, 0), 40, True)]
)
def test_counts_of_seconds_that_may_be_counts_of_the_day(counts, rows, may):
    """Both count as much as is known of the day, or nothing although there is a row."""
    assert may_ignore_time(counts, rows) is may


def split_day(*pieces, expected):
    """Check a day whose pieces are given as (rows that came, window)."""
    check = SplitDayCheck(TODAY, expected)
    for rows, window in pieces:
        one = reading(rows, len(rows))
        check.add(rows_of(one, window, SMS), [one])
    return check


def test_pieces_that_are_the_day():
    """Each row came with the piece where it belongs, or with that one as well."""
    rows, (first, second) = messages(10, every=8000), TODAY.split(2)
    check = split_day((rows[:6], first), (rows[5:], second), expected=10)
    assert (check.problem(), check.kept) == (None, 10)


def test_pieces_that_lack_what_was_counted():
    """The day as a whole counted more."""
    rows, (first, second) = messages(10, every=8000), TODAY.split(2)
    assert split_day((rows[:6], first), (rows[6:8], second), expected=10).problem() == (
        "cut in time, the day gave 8 messages where the API counted 10 before"
    )


def test_rows_that_came_with_the_wrong_piece():
    """A row of the second half that came with the first alone was not kept anywhere."""
    rows, (first, second) = messages(10, every=8000), TODAY.split(2)
    assert split_day((rows, first), ([], second), expected=10).problem() == (
        "cut in time, 4 messages of the day came where they do not belong"
    )


def test_rows_beside_the_day_are_not_missed_in_it():
    """They count among what came, because the API counted them with the day."""
    rows, (first, second) = messages(10, every=8000), TODAY.split(2)
    beside = [message(90, -1), message(91, 86_400)]
    assert split_day(([beside[0], *rows[:6]], first), ([*rows[6:], beside[1]], second), expected=12).problem() is None


@pytest.mark.parametrize("days", [-30, 23_000, -739_000], ids=["a month ago", "2089", "year 2"])
def test_a_row_from_far_outside_is_set_aside(days):
    """A row that no meaning of the dates explains is named and kept as a reject, and its window is not verified."""
    far = message(3, 0) | {"processed_at": DATE + days * DAY}
    rows = rows_of(reading_of([*messages(2), far], 3), TODAY, SMS)
    assert (rows.verified, rows.table.num_rows, rows.total) == (False, 2, 3)
    (reject,) = rows.rejects
    assert reject.at == far["processed_at"]
    assert reject.raw == {"message_id": 3, "processed_at": str(reject.at), "direction": "OUT"}
    assert rows.problem.startswith(
        f"message 3 of {reject.at.isoformat(' ', 'seconds')} came although it lies more than"
    )
    assert "(1 such row)" in rows.problem


@pytest.mark.parametrize("at", [DATE - DAY - SECOND, DATE + 2 * DAY], ids=["a second before", "the second after"])
def test_a_row_just_outside_of_the_days_beside_is_set_aside(at):
    """The days beside end where they end, and a stray row that came with two pages is one."""
    far = message(3, 0) | {"processed_at": at}
    pages = [Page(pa.Table.from_pylist(rows, schema=SMS.wire), 3) for rows in ([*messages(2), far], [far])]
    rows = rows_of(Reading(pages, [3, 3]), TODAY, SMS)
    assert (rows.verified, rows.table.num_rows, rows.total, len(rows.rejects)) == (False, 2, 3, 1)
    assert "(1 such row)" in rows.problem


@pytest.mark.parametrize("hours", [-25, 30], ids=["before", "after"])
def test_a_row_far_from_a_part_of_a_day_is_set_aside(hours):
    """Where an hour was asked for, a day before and after it is as far as for a day."""
    hour = Window(DATE, DATE + timedelta(hours=1))
    far = message(3, hours * 3600)
    rows = rows_of(reading_of([*messages(2), far], 3), hour, SMS)
    assert (rows.verified, rows.table.num_rows, [reject.at for reject in rows.rejects]) == (
        False, 2, [far["processed_at"]]
    )  # fmt: skip


def test_a_row_of_a_day_beside_is_dropped():
    """Bounds to the day, or in another zone, bring rows of the days beside: they belong there."""
    beside = [message(3, -86_400), message(4, 2 * 86_400 - 1)]
    rows = rows_of(reading_of([*messages(2), *beside], 4), TODAY, SMS)
    assert (rows.verified, rows.table.num_rows, rows.rejects) == (True, 2, ())


def test_an_unreadable_row_from_far_outside_is_named():
    """What cannot be read and has a date far away is in no other day's rejects."""
    far = Reject({"id": 3}, "cost", DATE - 40 * DAY)
    rows = rows_of(reading(messages(2), 3, rejects=[far]), TODAY, SMS)
    assert (rows.rejects, rows.problem) == ((far,), "1 rows could not be read")


def reading_of(rows, *totals):
    """Return a reading of one page with rows of any time."""
    return Reading([Page(pa.Table.from_pylist(rows, schema=SMS.wire), len(rows))], totals)
