"""The calendar, and what each day had by sender, number, country and error: counts worked out by hand."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from support.lakes import ACCOUNT, FIRST, LAYOUTS, Hand, row

pytestmark = pytest.mark.dateless

DAY = timedelta(days=1)
SECOND = FIRST + DAY
SOUTH = 12
OURS, PHONE, OTHER, SHOP = "4930111222", "447400123456", "4915112345678", "My Shop"
ERROR = {"status": "error", "status_id": 2, "error_message": f"Error send sms to {PHONE} from {SHOP} Code = 1"}
WAITING = {"status": "waiting", "status_id": 3}
KIND = "Error send sms to # from # Code = 1"


def sms(message_id, source, destination, cost, /, **fields):
    """Return a message of sms of the first day."""
    return row(message_id, source_number=source, destination_number=destination, cost=Decimal(cost)) | fields


def a2p(message_id, destination, delivery_status, cost, /, **fields):
    """Return a message of a2p of the second day."""
    cost = None if cost is None else Decimal(cost)
    return row(message_id, SECOND, source_number=SHOP, destination_number=destination, cost=cost) | {
        "delivery_status": delivery_status, **fields
    }  # fmt: skip


@pytest.fixture(scope="module", params=LAYOUTS)
def hand(request, tmp_path_factory):
    """Publish two days of an account that writes one phone's number in four ways, and a day of another account."""
    hand = Hand(tmp_path_factory.mktemp("days") / "data", request.param)
    hand.know(ACCOUNT, name="North", currency="EUR")
    hand.know(SOUTH, currency="USD")
    first = [
        sms(1, "+49 30 111222", PHONE, "0.01"),
        sms(2, OURS, f"00{PHONE}", "0.02", fragments=2, **WAITING),
        sms(3, "+44 7400 123456", OURS, "0", hour=13, direction="IN"),
        sms(4, OURS, OTHER, "0.03", **ERROR | {"error_message": f"Error send sms to {OTHER} from {OURS} Code = 1"}),
        sms(5, OURS, "12345", "0.00", status=None, status_id=None),
    ]
    second = [
        a2p(1, PHONE, "DELIVERED", "0.04"),
        a2p(2, f"+{PHONE}", "FAILED", "0.05", fragments=2, **ERROR),
        a2p(3, OTHER, "QUEUED", None, **WAITING),
        a2p(4, OTHER, "DISPATCHED", "0.04"),
        a2p(5, OTHER, None, "0.04"),
    ]
    hand.put(FIRST, first)
    hand.put(SECOND, second, stream="a2p")
    hand.put(FIRST, [sms(1, OURS, PHONE, "0.50")], account=SOUTH)
    hand.publish()
    return hand


def asked(hand, view, *keys):
    """Return the rows of a view: its keys, and all that adds up, amounts as text."""
    counted = "messages, segments, cost::VARCHAR, succeeded, waiting, delivered, settled"
    return hand.ask(f"SELECT account_id, date, stream, {', '.join(keys)}, {counted} FROM {view} ORDER BY ALL")


def test_sender_days(hand):
    """A sender is one however it is written; what came in is nobody's sending."""
    assert asked(hand, "sender_days", "sender") == [
        (SOUTH, FIRST, "sms", OURS, 1, 1, "0.500000", 1, 0, None, 1),
        (ACCOUNT, FIRST, "sms", OURS, 4, 5, "0.060000", 1, 2, None, 2),
        (ACCOUNT, SECOND, "a2p", SHOP, 5, 6, "0.170000", 3, 1, 1, 2),
    ]


def test_country_days(hand):
    """Countries come from totals, and null is a country that no number tells."""
    assert asked(hand, "country_days", "country") == [
        (SOUTH, FIRST, "sms", "GB", 1, 1, "0.500000", 1, 0, None, 1),
        (ACCOUNT, FIRST, "sms", "DE", 1, 1, "0.030000", 0, 0, None, 1),
        (ACCOUNT, FIRST, "sms", "GB", 2, 3, "0.030000", 1, 1, None, 1),
        (ACCOUNT, FIRST, "sms", None, 1, 1, "0.000000", 0, 1, None, 0),
        (ACCOUNT, SECOND, "a2p", "DE", 3, 3, "0.080000", 2, 1, 0, 0),
        (ACCOUNT, SECOND, "a2p", "GB", 2, 3, "0.090000", 1, 0, 1, 2),
    ]


def test_error_days(hand):
    """An error is one kind whoever it hit."""
    assert asked(hand, "error_days", "error") == [
        (ACCOUNT, FIRST, "sms", KIND, 1, 1, "0.030000", 0, 0, None, 1),
        (ACCOUNT, SECOND, "a2p", KIND, 1, 2, "0.050000", 0, 0, 0, 1),
    ]


def test_number_days(hand):
    """Each message counts for its sender and for its recipient, each of whom is one however it is written."""
    found = [each for each in asked(hand, "number_days", "number", "sent", "received") if each[0] == ACCOUNT]
    assert found == [
        (ACCOUNT, FIRST, "sms", "12345", 0, 1, 1, 1, "0.000000", 0, 1, None, 0),
        (ACCOUNT, FIRST, "sms", PHONE, 1, 2, 3, 4, "0.030000", 2, 1, None, 2),
        (ACCOUNT, FIRST, "sms", OTHER, 0, 1, 1, 1, "0.030000", 0, 0, None, 1),
        (ACCOUNT, FIRST, "sms", OURS, 4, 1, 5, 6, "0.060000", 2, 2, None, 3),
        (ACCOUNT, SECOND, "a2p", PHONE, 0, 2, 2, 3, "0.090000", 1, 0, 1, 2),
        (ACCOUNT, SECOND, "a2p", OTHER, 0, 3, 3, 3, "0.080000", 2, 1, 0, 0),
        (ACCOUNT, SECOND, "a2p", SHOP, 5, 0, 5, 6, "0.170000", 3, 1, 1, 2),
    ]


def test_numbers(hand):
    """A number's life is that of all its spellings in both streams, in each account for itself."""
    noon = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - as the database has it
    query = "SELECT account, currency, * EXCLUDE (account_id, account, currency) FROM numbers WHERE number = $1"
    assert hand.ask(f"{query} ORDER BY account", PHONE) == [
        ("12", "USD", PHONE, noon, noon, 0, 1, 1, Decimal("0.50")),
        ("North", "EUR", PHONE, noon, noon + DAY, 1, 4, 7, Decimal("0.12")),
    ]


@pytest.mark.parametrize("view", ["sender_days", "country_days"])
def test_rates_add_up(hand, view):
    """The rates of any days follow from the counts, and are those that the view `daily` has for a day."""
    rates = "percent(sum(succeeded), sum(messages) - sum(waiting)), percent(sum(delivered), sum(settled))"
    mine = f"account_id = {ACCOUNT}"
    found = hand.ask(f"SELECT stream, {rates} FROM {view} WHERE {mine} GROUP BY stream ORDER BY stream")
    assert found == [("a2p", 75.0, 50.0), ("sms", 50.0, None)]
    daily = f"SELECT stream, success_pct, delivered_pct FROM daily WHERE {mine} AND direction = 'OUT' ORDER BY stream"
    assert hand.ask(daily) == found


@pytest.fixture(scope="module")
def looked_after(tmp_path_factory):
    """Publish a day of one stream, and know that exports look after both since then or some days before."""
    hand = Hand(tmp_path_factory.mktemp("calendar") / "data")
    hand.know(ACCOUNT, exported_since={"sms": FIRST - 3 * DAY, "a2p": FIRST})
    hand.put(FIRST, [row(1)])
    hand.publish()
    return hand


def calendar(hand, today, columns="date"):
    """Return columns of the calendar of whoever asks on a day."""
    with hand.warehouse.reader() as connection:
        connection.execute(f"SET VARIABLE voxlake_today = DATE '{today}'")
        return connection.execute(f"SELECT {columns} FROM calendar ORDER BY date").fetchall()


def test_calendar(looked_after):
    """It has every day from the first that exports look after to today, once, and today moves with whoever asks."""
    for today in (FIRST, date(2027, 1, 10)):
        days = [day for (day,) in calendar(looked_after, today)]
        assert days == [FIRST - 3 * DAY + n * DAY for n in range((today - FIRST).days + 4)]
    # A day that was exported is in it whatever the clock says.
    assert calendar(looked_after, FIRST - 2 * DAY)[-1] == (FIRST,)


def test_columns_of_the_calendar(looked_after):
    """Weeks are ISO's, whose year is not always that of the day."""
    columns = "date::VARCHAR, * EXCLUDE (date, month, week), month::VARCHAR, week::VARCHAR"
    found = {day: rest for day, *rest in calendar(looked_after, date(2027, 1, 3), columns)}
    assert found["2025-12-31"] == [2025, 4, 2026, 1, 3, "Wednesday", False, "2025-12-01", "2025-12-29"]
    assert found["2026-05-09"] == [2026, 2, 2026, 19, 6, "Saturday", True, "2026-05-01", "2026-05-04"]
    assert found["2027-01-03"] == [2027, 1, 2026, 53, 7, "Sunday", True, "2027-01-01", "2026-12-28"]
    assert list(found) == sorted(found)


def test_calendar_of_nothing(tmp_path):
    """A database in which nothing was exported yet has a calendar without a day."""
    hand = Hand(tmp_path / "data")
    hand.publish()
    assert calendar(hand, FIRST) == []
