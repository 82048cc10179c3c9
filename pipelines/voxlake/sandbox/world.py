"""A seeded world of messages."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class World:
    """Messages of `days` UTC days before `until`; about 60 % sms."""

    def __init__(self, *, rows: int, days: int, seed: int, until: date) -> None:
        self.rows_of: dict[str, list[dict[str, Any]]] = {"sms": [], "a2p": []}
        for n in range(rows):
            day = until - timedelta(days=days - n * days // rows)
            stream = "sms" if n % 5 < 3 else "a2p"
            rng = random.Random(f"{seed}-{day}-{n}")
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            row: dict[str, Any] = {
                "message_id": n + 1,
                "source_number": "12345678111",
                "destination_number": "0044" + str(rng.randrange(10**8)),
                "fragments": 1,
                "cost": Decimal(rng.randrange(10**5)) / 10000,
                "status_id": 1,
                "error_message": None,
                "processed_at": start + timedelta(seconds=rng.randrange(86400)),
                "transaction_id": n,
                "text": rng.choice([None, 'Hello; "you"\n😀', "=1+1"]),
            }
            row |= {"direction": rng.choice(["IN", "OUT"])} if stream == "sms" else {"delivery_status": "DELIVERED"}
            self.rows_of[stream].append(row)

    def truth(self, stream: str) -> Iterator[dict[str, Any]]:
        """Give the rows."""
        yield from self.rows_of[stream]

    def insert(self, stream: str, row: dict[str, Any]) -> None:
        """Add a row."""
        self.rows_of[stream].append(dict(row))

    def change(self, stream: str, message_id: int, **fields: Any) -> None:
        """Change a row."""
        next(r for r in self.rows_of[stream] if r["message_id"] == message_id).update(fields)
