"""A fortnight of two accounts, made by hand, of which the answers to an analyst's questions are known.

The days are those from Monday, 20 October 2025, to Sunday, 2 November, in which clocks in Berlin went back, and it is
Monday, the 3rd. The shop sends by a2p and by sms, and people answer it; the support writes two messages.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from support.clock import SleepingClock
from support.lakes import Hand

DAY = timedelta(days=1)
MONDAY, NOW = date(2025, 10, 20), datetime(2025, 11, 3, 12, tzinfo=UTC)
FORTNIGHT = [MONDAY + DAY * n for n in range(14)]
SHOP, SUPPORT = 4711, 815
ANNA = "447400123456"
LONG, LONGER = "Dear customer, " * 15, "Our new opening hours: " * 15
MISSING, UNVERIFIED = date(2025, 10, 23), date(2025, 10, 25)


def at(day, hour=12, minute=0, second=0):
    """Return a time of October 2025, whose 32nd is the first of November."""
    return datetime(2025, 10, 1, hour, minute, second, tzinfo=UTC) + DAY * (day - 1)


def put_questions(root):
    """Write the fortnight into a data directory, publish it, and return it as a `Hand`, with its clock at noon."""
    clock = SleepingClock()
    clock.at = NOW.timestamp()
    hand = Hand(root, clock=clock)
    hand.know(SHOP, name="shop", currency="EUR", time_zone="Europe/Berlin")
    hand.know(SUPPORT, name="support", currency="USD", time_zone="America/New_York")
    rows = {(SHOP, "a2p"): _a2p(), (SHOP, "sms"): _sms(), (SUPPORT, "sms"): _support()}
    hand.fill(rows, FORTNIGHT, without={(SHOP, "sms", MISSING)}, unverified={(SHOP, "a2p", UNVERIFIED)}, read_at=NOW)
    hand.publish()
    return hand


def message(number, when, source, destination, **fields):
    """Return a message that went out, was delivered and cost a cent; `fields` differ."""
    return {
        "message_id": number,
        "source_number": source,
        "destination_number": destination,
        "direction": "OUT",
        "delivery_status": "DELIVERED",
        "fragments": 1,
        "cost": Decimal("0.01"),
        "status_id": 1,
        "status": "success",
        "processed_at": when,
        "text": f"Message {number}",
    } | fields


def _a2p():
    """Return what the shop sent by a2p: a week 10 messages of MyShop to Germany, and 50 of News to France, and more."""
    failed = {"delivery_status": "FAILED", "status": "error", "status_id": 2}
    rows = []
    for week, fails in ((20, 1), (27, 2)):
        # Of ten messages of MyShop, one fails in the first week and two in the second; of 50 of News, none and one.
        rows += [
            message(week * 100 + n, at(week + n % 5), "MyShop", f"49301112{n:02}", cost=Decimal("0.07"))
            | (failed if n < fails else {})
            for n in range(10)
        ]
        rows += [
            message(week * 100 + 10 + n, at(week + n % 5, 13), "News", f"336001112{n:02}", cost=Decimal("0.02"))
            | (failed if n < fails - 1 else {})
            for n in range(50)
        ]
    # One is on its way, and one sender is misspelt, on the first of November.
    rows.append(message(9001, at(32), "MyShop", "4930111299", cost=Decimal("0.07"), delivery_status="QUEUED"))
    rows.append(message(9002, at(32, 14), "MyShpo", "4930111298", cost=Decimal("0.07")))
    # Anna gets one text twice within a minute, and one whose text is not stored, from one sender.
    rows.append(message(9003, at(30, 9), "MyShop", ANNA, cost=Decimal("0.05"), text="Your code is 1234"))
    rows.append(message(9004, at(30, 9, 0, 20), "MyShop", ANNA, cost=Decimal("0.05"), text="Your code is 1234"))
    rows.append(message(9005, at(31, 9), "MyShop", ANNA, cost=Decimal("0.05"), text=None, extra='{"route": "direct"}'))
    rows.append(
        message(9006, at(31, 9, 0, 59), "MyShop", ANNA, cost=Decimal("0.05"), text=None)
        | {"extra": '{"route": "transit", "mcc": 262}'}
    )
    return rows


def _sms():
    """Return what the shop sent and got by sms."""
    ours = "4930999"
    return [
        # Anna answers two hours after the code, and Ben ten minutes after a question.
        message(1, at(31, 11, 30), f"+{ANNA}", ours, direction="IN", cost=Decimal(0), text="Thanks"),
        message(2, at(22, 8), ours, "4915112345678", cost=Decimal("0.03"), text="Are you coming?"),
        message(3, at(22, 8, 10), "004915112345678", ours, direction="IN", cost=Decimal(0), text="Yes"),
        # Long texts, of two and three segments: 0.03 a segment.
        message(4, at(21), ours, "4915100000001", cost=Decimal("0.06"), fragments=2, text=LONG),
        message(5, at(21), ours, "4915100000002", cost=Decimal("0.06"), fragments=2, text=LONG),
        message(6, at(28), ours, "4915100000003", cost=Decimal("0.09"), fragments=3, text=LONGER),
        message(7, at(28), ours, "4915100000004", cost=Decimal("0.06"), fragments=2, text=None),
        # Around the night in which clocks go back: Friday 23:59 and Saturday 0:30 in Berlin, Sunday 23:30, Monday 0:30.
        message(11, at(24, 21, 59), ours, "4915100000005", cost=Decimal("0.03")),
        message(12, at(24, 22, 30), ours, "4915100000006", cost=Decimal("0.03")),
        message(13, at(26, 22, 30), ours, "4915100000007", cost=Decimal("0.03")),
        message(14, at(26, 23, 30), ours, "4915100000008", cost=Decimal("0.03")),
    ]


def _support():
    """Return what the support sent: one message in October and one in November, to the United States."""
    return [
        message(1, at(29), "12125550100", "12125550123", cost=Decimal("0.50")),
        message(2, at(33), "12125550100", "12125550123", cost=Decimal("0.75"), status="waiting", status_id=3),
    ]
