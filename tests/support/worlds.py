"""Lakes made by hand in which every report has something to say."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from support.lakes import ACCOUNT, FIRST, Hand, row

DAY = timedelta(days=1)
THURSDAY, FRIDAY = FIRST, FIRST + DAY
BERLIN, LONDON, SHOP = "4930111222", "447400123456", "My Shop"
LONG = "x" * 161


def world(root, *, database="auto"):
    """Make two days in which every report has something to say."""
    hand = Hand(root, database)
    put_world(hand)
    hand.publish()
    return hand


def put_world(hand, account=ACCOUNT, *, times=1, first_id=0):
    """Put the two days of an account whose messages cost so many times as much, with ids from one on."""
    thursday, friday = _thursday(), _friday()
    for each in (*thursday, *friday):
        each["message_id"] += first_id
        each["cost"] = each["cost"] if each["cost"] is None else each["cost"] * times
    hand.put(THURSDAY, thursday, account=account)
    hand.put(FRIDAY, friday, stream="a2p", exported_at=datetime(2026, 1, 4, 12, tzinfo=UTC), account=account)


def _thursday():
    return [
        row(1, destination_number=BERLIN, cost=Decimal("0.05"), fragments=2, text=LONG),
        row(2, destination_number=BERLIN, cost=Decimal("0.06"), fragments=3, text=LONG),
        row(3, source_number=LONDON, destination_number="12345", direction="IN", cost=Decimal(0)),
        row(
            4,
            hour=13,
            status="error",
            status_id=2,
            error_message=f"Error send sms to {LONDON} from {BERLIN} Code = 1",
        )
        | {"destination_number": LONDON, "cost": Decimal("0.02"), "fragments": 0},
        row(5, status="error", status_id=2, error_message="Error send sms to 12345 from 4930111222 Code = 1")
        | {"destination_number": "12345", "cost": Decimal(0), "text": None},
    ]


def _friday():
    return [
        row(6, FRIDAY, source_number=SHOP, destination_number=LONDON, cost=Decimal("0.04")),
        row(7, FRIDAY, source_number=SHOP, destination_number=LONDON, delivery_status="FAILED", cost=Decimal("0.04"))
        | {"status": "error", "status_id": 2, "error_message": f"Error send sms to {LONDON} from {SHOP} Code = 1"},
        row(8, FRIDAY, source_number=SHOP, destination_number=BERLIN, delivery_status="DISPATCHED", cost=None),
    ]
