"""A check names the first row that breaks its promise, within the days that it is asked about."""

from datetime import date, datetime, timedelta

import duckdb
import pytest

from voxlake.errors import DataError, DuplicateMessage
from voxlake.model import DayKey, DaySpan
from voxlake.sql import promise, statements
from voxlake.warehouse import checks
from voxlake.warehouse.accounts import load_accounts
from voxlake.warehouse.checks import check, failed_checks, warnings
from voxlake.warehouse.ddl import create
from voxlake.warehouse.totals import load_totals

FIRST = date(2026, 1, 1)
SECOND = FIRST + timedelta(days=1)


@pytest.fixture
def connection():
    """Give empty tables in memory."""
    with duckdb.connect() as connection:
        create(connection)
        yield connection


def put(connection, message_id, day, *, processed=None, cost=1):
    """Insert one message."""
    at = datetime.combine(processed or day, datetime.min.time())
    connection.execute(
        "INSERT INTO sms_history BY NAME SELECT 1 AS account_id, $day::DATE AS date, $id AS message_id, $at AS"
        " processed_at, 'OUT' AS direction, 1 AS segments, $cost AS cost, 1 AS status_id, 'success' AS status,"
        " '1' AS source_number, '2' AS destination_number",
        {"day": day, "id": message_id, "at": at, "cost": cost},
    )
    load_totals(connection, {DayKey(1, "sms", day)})


def cover(connection, day, rows, *, forgotten=0, total=None):
    """Insert a day's coverage."""
    connection.execute(
        "INSERT INTO coverage VALUES (1, 'sms', $1, $2, $3, $4, true, true, NULL, 'counts', TIMESTAMP '2026-02-01')",
        [day, rows, rows if total is None else total, forgotten],
    )
    load_accounts(connection, [])


def test_sound_and_empty(connection):
    """Nothing fails where nothing is, nor where rows and coverage agree."""
    assert failed_checks(connection) == {}
    put(connection, 1, FIRST)
    cover(connection, FIRST, 1)
    check(connection)
    assert warnings(connection) == []


@pytest.mark.parametrize("changed", [None, {DayKey(1, "sms", FIRST)}, {DayKey(1, "sms", SECOND)}])
def test_the_first_failure_is_raised(connection, changed):
    """A duplicate is an error of its own kind, found from either of its days; the message holds the promise."""
    for day in (FIRST, SECOND):
        put(connection, 1, day)
        cover(connection, day, 1)
    with pytest.raises(DuplicateMessage, match="'sms-duplicates' failed") as raised:
        check(connection, changed=changed)
    assert promise(statements("checks")["sms-duplicates"]) in str(raised.value)
    assert "last good database stays" in str(raised.value)


def test_days_that_did_not_change(connection):
    """An update is not checked beyond the days that it changed, but for the number of rows."""
    put(connection, 1, FIRST, processed=SECOND)
    cover(connection, FIRST, 1)
    check(connection, changed={DayKey(1, "sms", SECOND)})
    assert list(failed_checks(connection)) == ["sms-days"]


def test_every_failure_is_listed(connection):
    """All failing checks are returned by name, each with what it found."""
    put(connection, 1, FIRST, processed=SECOND)
    cover(connection, FIRST, 2)
    failed = failed_checks(connection)
    assert list(failed) == ["sms-counts", "sms-days", "sms-sums"]
    assert all(" Yet: (" in found for found in failed.values())
    with pytest.raises(DataError, match="'sms-counts' failed"):
        check(connection)


@pytest.mark.parametrize(("total", "failing"), [(3, []), (1, ["sms-counts"]), (4, ["sms-counts"])])
def test_erased_messages_are_counted(connection, total, failing):
    """The API counts a message that was erased here, and neither more nor less."""
    put(connection, 1, FIRST)
    cover(connection, FIRST, 1, forgotten=2, total=total)
    assert list(failed_checks(connection)) == failing


def test_warnings(connection):
    """A warning counts messages by stream, with their first and last day, and fails nothing."""
    for day in (FIRST, SECOND):
        put(connection, day.toordinal(), day, cost=-1)
        cover(connection, day, 1)
    assert failed_checks(connection) == {}
    assert warnings(connection) == [
        {
            "warning": "negative-cost",
            "promise": promise(statements("warnings")["negative-cost"]),
            "stream": "sms",
            "messages": 2,
            "first_day": FIRST,
            "last_day": SECOND,
        }
    ]


def test_ids_are_compared_some_at_a_time(connection, monkeypatch):
    """A message that is in two days is found where their ids are compared apart, in whatever order ids come."""
    monkeypatch.setattr(checks, "ID_ROWS", 1)
    for message_id, day in ((7, FIRST), (3, SECOND), (9, FIRST), (5, SECOND)):
        put(connection, message_id, day)
    for day in (FIRST, SECOND):
        cover(connection, day, 2)
    assert failed_checks(connection) == {}
    put(connection, 9, SECOND + timedelta(days=1))
    cover(connection, SECOND + timedelta(days=1), 1)
    assert list(failed_checks(connection)) == ["sms-duplicates"]


def test_only_some_days(connection):
    """Of days outside of the spans neither checks nor warnings say anything, whatever is wrong with them."""
    third = SECOND + timedelta(days=1)
    for message_id, day in ((1, FIRST), (2, SECOND), (3, third)):
        put(connection, message_id, day, processed=day if day == SECOND else third, cost=-1)
        cover(connection, day, 1)

    def failing(*spans):
        return list(failed_checks(connection, spans=[DaySpan(1, stream, *days) for stream, *days in spans]))

    assert list(failed_checks(connection)) == failing(("sms", None, third)) == ["sms-days"]
    assert failing(("sms", SECOND, third), ("a2p", None, third)) == failing() == []
    (found,) = warnings(connection, first=SECOND, end=third)
    assert (found["messages"], found["first_day"], found["last_day"]) == (1, SECOND, SECOND)
    assert warnings(connection, accounts=[2], first=SECOND, end=third) == []


def test_warnings_of_an_earlier_version(connection):
    """A database in which nothing odd was counted has no warnings, and can be read."""
    connection.execute("DROP TABLE meta.odd_totals")
    assert warnings(connection) == []
