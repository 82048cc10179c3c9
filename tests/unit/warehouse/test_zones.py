"""Local days are right in the hours in which clocks change."""

from datetime import date, datetime, timedelta

import duckdb
import pytest

from voxlake.model import DayKey
from voxlake.warehouse import restrict
from voxlake.warehouse.accounts import load_accounts
from voxlake.warehouse.ddl import create
from voxlake.warehouse.totals import load_totals

pytestmark = pytest.mark.dateless

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


@pytest.fixture(scope="module")
def connection():
    """Give empty tables, on a connection that may open nothing, as readers have one."""
    with duckdb.connect() as connection:
        create(connection)
        restrict(connection)
        yield connection


def ask(connection, sql, *bound):
    """Return the only value of an answer."""
    ((value,),) = connection.execute(f"SELECT {sql}", list(bound)).fetchall()
    return value


@pytest.mark.parametrize(
    ("zone", "utc", "local"),
    [
        # Clocks go from 02:00 to 03:00 at 01:00 UTC, and back from 03:00 to 02:00.
        (BERLIN, "2026-03-29 00:59:59", "2026-03-29 01:59:59"),
        (BERLIN, "2026-03-29 01:00:00", "2026-03-29 03:00:00"),
        (BERLIN, "2026-10-25 00:30:00", "2026-10-25 02:30:00"),
        (BERLIN, "2026-10-25 01:30:00", "2026-10-25 02:30:00"),
        # From 02:00 to 03:00 at 07:00 UTC, and back from 02:00 to 01:00 at 06:00 UTC.
        (NEW_YORK, "2026-03-08 06:59:59", "2026-03-08 01:59:59"),
        (NEW_YORK, "2026-03-08 07:00:00", "2026-03-08 03:00:00"),
        (NEW_YORK, "2026-11-01 05:30:00", "2026-11-01 01:30:00"),
        (NEW_YORK, "2026-11-01 06:30:00", "2026-11-01 01:30:00"),
        # Half an hour, from 02:00 to 01:30 at 15:00 UTC.
        (LORD_HOWE, "2026-04-04 14:59:00", "2026-04-05 01:59:00"),
        (LORD_HOWE, "2026-04-04 15:00:00", "2026-04-05 01:30:00"),
        # As the API spells a zone: eight hours ahead of UTC, whatever the sign says.
        ("Etc/GMT-8", "2026-01-01 16:00:00", "2026-01-02 00:00:00"),
        ("UTC", "2026-03-29 01:00:00", "2026-03-29 01:00:00"),
    ],
)
def test_local_time(connection, zone, utc, local):
    """The clock in a zone shows what it shows there, and the day is that of the clock."""
    at, shown = datetime.fromisoformat(utc), datetime.fromisoformat(local)
    assert ask(connection, "local_time($1::TIMESTAMP, $2)", at, zone) == shown
    assert ask(connection, "local_date($1::TIMESTAMP, $2)", at, zone) == shown.date()


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        (BERLIN, "2026-03-29", "2026-03-28 23:00", 23),
        (BERLIN, "2026-10-25", "2026-10-24 22:00", 25),
        (NEW_YORK, "2026-03-08", "2026-03-08 05:00", 23),
        (NEW_YORK, "2026-11-01", "2026-11-01 04:00", 25),
        # Where clocks go forward at midnight, the day begins at one.
        ("Asia/Beirut", "2026-03-29", "2026-03-28 22:00", 23),
        ("UTC", "2026-03-29", "2026-03-29 00:00", 24),
    ],
)
def test_length_of_days(connection, zone, day, begins, hours):
    """A day begins when its zone's clocks say so, and has as many hours as there are."""
    first = datetime.fromisoformat(day)
    start = ask(connection, "utc_time($1::TIMESTAMP, $2)", first, zone)
    assert start == datetime.fromisoformat(begins)
    assert ask(connection, "utc_time($1::TIMESTAMP, $2)", first + timedelta(days=1), zone) - start == timedelta(
        hours=hours
    )


def put_hours(connection, account, first, days):
    """Insert one message in the middle of every hour of some UTC days."""
    connection.execute(
        "INSERT INTO sms_history BY NAME SELECT $1 AS account_id, processed_at::DATE AS date, n AS message_id,"
        " processed_at FROM (SELECT range AS n, $2::TIMESTAMP + to_minutes(range * 60 + 30) AS processed_at"
        " FROM range($3 * 24))",
        [account, first, days],
    )
    connection.execute(
        "INSERT INTO coverage SELECT $1, 'sms', $2::DATE + range::INTEGER, 24, 24, 0, true, true, NULL, 'counts',"
        " TIMESTAMP '2027-01-01' FROM range($3)",
        [account, first, days],
    )


@pytest.fixture(scope="module")
def hours(connection):
    """Fill in the days around both changes, for an account in Berlin, one in New York, and one that is nowhere."""
    for account in (1, 2, 3):
        put_hours(connection, account, date(2026, 3, 28), 3)
        put_hours(connection, account, date(2026, 10, 24), 3)
    zones = {1: BERLIN, 2: NEW_YORK, 3: None}
    load_accounts(connection, [{"account_id": account, "time_zone": zone} for account, zone in zones.items()])
    return connection


def counts(connection, account, tz, since=None, until=None):
    """Return how many messages are on which day of a zone."""
    return dict(
        connection.execute(
            "SELECT date::VARCHAR, count(*) FROM messages_of($1, $2, NULL, $3, $4) GROUP BY date ORDER BY date",
            [since, until, [account], tz],
        ).fetchall()
    )


IN_BERLIN = {
    "2026-03-28": 23, "2026-03-29": 23, "2026-03-30": 24, "2026-03-31": 2,
    "2026-10-24": 22, "2026-10-25": 25, "2026-10-26": 24, "2026-10-27": 1,
}  # fmt: skip
IN_NEW_YORK = {
    "2026-03-27": 4, "2026-03-28": 24, "2026-03-29": 24, "2026-03-30": 20,
    "2026-10-23": 4, "2026-10-24": 24, "2026-10-25": 24, "2026-10-26": 20,
}  # fmt: skip
IN_UTC = dict.fromkeys([f"2026-03-{n}" for n in (28, 29, 30)] + [f"2026-10-{n}" for n in (24, 25, 26)], 24)


@pytest.mark.parametrize(
    ("account", "tz", "expected"),
    [
        (1, BERLIN, IN_BERLIN),
        (1, "account", IN_BERLIN),
        (2, BERLIN, IN_BERLIN),
        (2, "account", IN_NEW_YORK),
        (3, "account", IN_UTC),
        (1, "UTC", IN_UTC),
        (1, None, IN_UTC),
    ],
)
def test_days(hours, account, tz, expected):
    """Every message is on its local day, whoever's zone that is: 23 of the short day, 25 of the long one."""
    assert counts(hours, account, tz) == expected


@pytest.mark.parametrize("day", sorted(IN_BERLIN))
def test_bounds(hours, day):
    """A local day that is asked for is whole, though it lies in two UTC days."""
    first = date.fromisoformat(day)
    assert counts(hours, 1, BERLIN, first, first + timedelta(days=1)) == {day: IN_BERLIN[day]}


ODD = ["Asia/Kolkata", "Asia/Kathmandu", LORD_HOWE, "Pacific/Apia"]
"""Zones that are half or three quarters of an hour off, always or for some of the year, and one that skipped a day."""

GOOSE_BAY = "America/Goose_Bay"
"""Where clocks went back a minute after midnight, into the day before, in the middle of an hour of UTC."""

MESSAGES = """
INSERT INTO sms_history BY NAME
SELECT
    1 + n % 3 AS account_id, moment::DATE AS date, n AS message_id, if(n % 4 = 0, 'IN', 'OUT') AS direction,
    n % 3 AS segments, n / 1000 AS cost, 1 + n % 2 AS status_id, if(n % 2 = 0, 'success', 'error') AS status,
    moment AS processed_at, '1' AS source_number, '2' AS destination_number
FROM (
    SELECT range AS n, first + to_seconds((hash(range) % (8 * 86400))::BIGINT) AS moment
    FROM range(5000), (SELECT unnest($1::TIMESTAMP[]) AS first, unnest(range(5)) AS share)
    WHERE range % 5 = share
)
"""
CHANGES = [datetime(*day) for day in ((2010, 11, 3), (2011, 12, 27), (2026, 3, 26), (2026, 4, 2), (2026, 10, 22))]  # noqa: DTZ001


@pytest.fixture(scope="module")
def busy():
    """Give messages of all minutes around changes of clocks, of accounts in three zones, with their totals."""
    with duckdb.connect() as connection:
        create(connection)
        connection.execute(MESSAGES, [CHANGES])
        days = connection.execute("SELECT DISTINCT account_id, date FROM sms_history").fetchall()
        load_totals(connection, [DayKey(account, "sms", day) for account, day in days])
        connection.execute(
            "INSERT INTO coverage BY NAME SELECT account_id, 'sms' AS stream, date, 0 AS row_count, 0 AS forgotten,"
            " true AS verified, true AS final, date AS exported_at FROM sms_history GROUP BY ALL"
        )
        zones = {1: BERLIN, 2: "Asia/Kolkata", 3: None}
        load_accounts(connection, [{"account_id": account, "time_zone": zone} for account, zone in zones.items()])
        restrict(connection)
        yield connection


def both_ways(connection, tz, *span):
    """Return the days of a zone, with all that a report asks for, by totals and by rows."""
    by = "account_id, date, stream, direction, status_id, status, delivery_status"
    sums = ("sum(messages)::BIGINT, sum(segments)::BIGINT, sum(cost)", "count(*), sum(segments)::BIGINT, sum(cost)")
    bound = [*(span or (None, None)), tz]
    return [
        connection.execute(f"SELECT {by}, {its} FROM {macro}($1, $2, NULL, NULL, $3) GROUP BY ALL ORDER BY ALL", bound)
        .fetchall()
        for its, macro in zip(sums, ("days_of", "messages_of"), strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("tz", ["UTC", "account", BERLIN, NEW_YORK, GOOSE_BAY, "Etc/GMT-8", *ODD])
def test_totals_are_the_rows(busy, tz):
    """Local days are the same by totals of hours as by rows, whenever clocks change and by how much."""
    assert len(counts(busy, 1, tz)) >= 30
    for span in ((), (date(2026, 3, 29), date(2026, 3, 30)), (date(2010, 11, 6), date(2010, 11, 8))):
        totals, rows = both_ways(busy, tz, *span)
        assert totals == rows
        assert rows
    hours = busy.execute(
        "SELECT hour, sum(messages)::BIGINT FROM hours_of(tz := $1) GROUP BY ALL ORDER BY ALL", [tz]
    ).fetchall()
    assert (
        hours
        == busy.execute(
            "SELECT date_trunc('hour', processed_at), count(*) FROM messages_of(tz := $1) GROUP BY ALL ORDER BY ALL",
            [tz],
        ).fetchall()
    )


def test_rows_are_read_where_hours_do_not_fit(busy):
    """Without rows, a zone of whole hours has the same days; one of half hours has none, or those of the other half."""
    whole, half = both_ways(busy, BERLIN)[1], len(both_ways(busy, LORD_HOWE)[1])
    busy.execute("BEGIN; DELETE FROM sms_history")
    try:
        assert both_ways(busy, BERLIN) == [whole, []]
        assert both_ways(busy, "Asia/Kolkata") == [[], []]
        assert 0 < len(both_ways(busy, LORD_HOWE)[0]) < half
    finally:
        busy.execute("ROLLBACK")
