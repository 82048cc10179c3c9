"""The row that the vendor's reference documents, as it is sent and as it is read."""

import json
from datetime import UTC, datetime
from decimal import Decimal

ROW = {
    "message_id": 3,
    "source_number": "12345678111",
    "destination_number": "0012345678222",
    "direction": "IN",
    "fragments": 1,
    "cost": 2.7123,
    "status_id": "1",
    "processed_date": "2019-06-04 21:00:00",
    "transaction_id": 3333,
    "text": "Your reservation has been canceled",
}
READ = {
    "message_id": 3,
    "source_number": "12345678111",
    "destination_number": "0012345678222",
    "direction": "IN",
    "fragments": 1,
    "cost": Decimal("2.712300"),
    "status_id": 1,
    "error_message": None,
    "processed_at": datetime(2019, 6, 4, 21, tzinfo=UTC),
    "transaction_id": 3333,
    "text": "Your reservation has been canceled",
    "extra": None,
}


def reply(*rows, **envelope):
    """Return the bytes of a JSON reply."""
    return json.dumps({"result": list(rows), "total_count": len(rows), **envelope}).encode()
