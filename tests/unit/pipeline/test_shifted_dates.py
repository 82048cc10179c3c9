"""What a run learned of the API's dates and amounts is known to the next one, for as long as it is believed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from support.contexts import FINALITY, StandingClock
from support.rows import message, messages
from support.scripted_api import ScriptedApi

from voxlake.errors import CeilingReached, Unavailable
from voxlake.lake import DECIMAL_MARK, Lake, Learned
from voxlake.pipeline import Context, DayRange, export
from voxlake.pipeline.shifted_dates import OTHER_ZONE, UNKNOWN
from voxlake.transform import SMS
from voxlake.warehouse import Warehouse

DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(3)]
NEAR = [row for n, day in enumerate(DAYS) for row in messages(day, 40, first=100 * (n + 1))]
"""Messages of one minute of each day."""

ROWS = [*NEAR, *(message(900 + n, datetime(2026, 3, 1 + n, 18, tzinfo=UTC)) for n in range(3))]
"""The same, and one of the evening."""

NOW = datetime(2026, 3, 4, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def night(tmp_path):
    """Return a function that exports the days at a time, and returns the result."""
    lake = Lake(tmp_path)

    def run(api, now=NOW, *, force=False):
        with lake.locked(holder="a test"), ThreadPoolExecutor(1) as executor:
            context = Context(api, lake, Warehouse(tmp_path), StandingClock(now), executor, FINALITY)
            return export(context, [SMS], DayRange(DAYS[0], DAYS[-1] + timedelta(days=1)), force=force)

    run.lake = lake
    return run


def by_id(api):
    """Return how many requests asked for one message by its id: for two seconds."""
    return sum(window.end - window.start == timedelta(seconds=2) for window, _, _ in api.asked)


def test_dates_are_compared_once_a_week(night):
    """One count tells that the dates agree; nights on which nothing is new, and those of a week, ask for none."""
    first, quiet, week = ScriptedApi(ROWS), ScriptedApi(ROWS), ScriptedApi([*ROWS, *messages(DAYS[1], 1, first=990)])
    assert [night(first).exit_code, night(quiet, NOW + HOUR).exit_code] == [0, 0]
    assert (by_id(first), by_id(quiet)) == (1, 0)
    assert night(week, NOW + timedelta(days=8), force=True).exit_code == 0
    assert by_id(week) == 1


@pytest.mark.sample(1)
@pytest.mark.parametrize("zone", [3 * HOUR, -5 * HOUR], ids=str)
def test_a_shift_is_known_to_the_next_run(night, zone):
    """The days are read again with the dates that the API means, which is said; the next night begins with these."""
    api = ScriptedApi(ROWS, zone=zone)
    result = night(api)
    assert (result.exit_code, len(result.notes), api.shifts) == (0, 1, {"sms": zone})
    assert sum(file.row_count for file in result.streams[0].day_files) == len(ROWS)
    following = ScriptedApi([*ROWS, *messages(DAYS[1], 1, first=990)], zone=zone)
    result = night(following, NOW + HOUR)
    assert (result.exit_code, result.notes, following.shifts) == (0, (), {"sms": zone})
    assert by_id(following) == 0


@pytest.mark.sample(1)
@pytest.mark.parametrize("error", [CeilingReached("no more requests"), Unavailable("no answer")], ids=repr)
@pytest.mark.parametrize("zone", [0 * HOUR, -5 * HOUR], ids=str)
def test_days_are_not_verified_before_dates_were_compared(night, zone, error):
    """Where they could not be, the days say so; the next night compares, and reads them again."""

    class Failing(ScriptedApi):
        def total(self, stream, window, *, filters=None):
            """Count, but not one message."""
            if filters:
                raise error
            return super().total(stream, window, filters=filters)

    files = night(Failing(ROWS, zone=zone)).streams[0].day_files
    assert {file.problem for file in files} == {UNKNOWN}
    result = night(ScriptedApi(ROWS, zone=zone), NOW + HOUR)
    assert result.exit_code == 0
    files = result.streams[0].day_files
    assert all(file.verified for file in files)
    assert sum(file.row_count for file in files) == len(ROWS)
    again = ScriptedApi([*ROWS, *messages(DAYS[1], 1, first=990)], zone=zone)
    assert night(again, NOW + 2 * HOUR).exit_code == 0


def test_days_that_are_not_read_again_are_not_verified(night):
    """Where the API fails once its zone is known, the days that were read before say so until they are read again."""

    class Failing(ScriptedApi):
        def total(self, stream, window, *, filters=None):
            """Count, until it is known what dates mean."""
            if self.shifts and not filters:
                raise Unavailable("no answer")
            return super().total(stream, window, filters=filters)

        def page(self, *arguments, **options):
            """Return a page until then."""
            if self.shifts:
                raise Unavailable("no answer")
            return super().page(*arguments, **options)

    night(Failing(ROWS, zone=-5 * HOUR))
    files = [night.lake.read_footer(key) for key in night.lake.day_keys()]
    assert {file.problem for file in files} == {OTHER_ZONE}
    result = night(ScriptedApi(ROWS, zone=-5 * HOUR), NOW + HOUR)
    assert (result.exit_code, {file.verified for file in result.streams[0].day_files}) == (0, {True})


def test_the_decimal_mark_is_known_to_the_next_run(night):
    """What separates decimals is remembered; an account that has both is not."""
    for mark, known in ((",", ","), ("?", ","), (".", ".")):
        night(ScriptedApi(ROWS, marks={"sms": mark}))
        assert Learned(night.lake).get(1, "sms", DECIMAL_MARK).value == known
        again = ScriptedApi(ROWS)
        night(again)
        assert again.marks == {"sms": known}


def test_rows_of_one_minute_are_not_compared(night):
    """Where a day's rows lie close together, an API that looks at whole days would confirm any shift: none is asked."""
    api = ScriptedApi(NEAR, unit=timedelta(days=1), bounds=(False, True))
    night(api)
    assert (by_id(api), api.shifts) == (0, {})
