"""The state of the account: its numbers, its balance, and the messages sent and received since the sandbox started."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from voxlake.sandbox.account_config import DISABLED, ENABLED
from voxlake.sandbox.delivery import DeliveryClock, SentMessage, price, states
from voxlake.sandbox.journal import Event, Journal, from_json, to_json
from voxlake.sandbox.segments import segment_count
from voxlake.sandbox.synthetic_day import FIRST_ID_DAY, IDS_PER_DAY, Message, midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from voxlake.sandbox.account_config import AccountConfig
    from voxlake.sandbox.synthetic_day import Row
    from voxlake.sandbox.world import World


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message about to be sent; `code` is the API's error code where it fails at once."""

    source: str
    destination: str
    text: str
    stored: bool
    code: int | None = None

    @property
    def cost(self) -> Decimal:
        """The price in the account's currency; a message that fails at once is free."""
        return Decimal((price(self.destination) or 0) * self.fragments).scaleb(-4)

    @property
    def fragments(self) -> int:
        """The number of billed segments."""
        return 0 if self.code else segment_count(self.text)

    @property
    def key(self) -> str:
        """A hash that is equal for the same text from the same sender to the same number."""
        return hashlib.sha256(f"{self.source}\0{self.destination}\0{self.text}".encode()).hexdigest()


class AccountState:
    """The state behind the methods that change something; the journal restores all of it.

    `now` is the server's clock in UTC seconds. Callers hold `lock`, so that two requests never spend the same money.

    Raises:
        ValueError: the journal is in use by another sandbox, or its content cannot be read.

    """

    def __init__(self, world: World, config: AccountConfig, *, now: Callable[[], float], journal: Path | None) -> None:
        self.lock = threading.RLock()
        self.config, self.phones = config, dict(config.phones)
        self.balance = config.balance
        self.clock = DeliveryClock(now, speed=config.speed)
        self._world, self._now = world, now
        self._recent: dict[str, float] = {}
        self._number = 0
        self._journal = Journal(journal)
        try:
            for event in self._journal.read():
                self._apply(event)
        except (KeyError, TypeError, ArithmeticError, AttributeError):
            self.close()
            raise ValueError(f"The state in {journal} cannot be read: use another file.") from None
        except ValueError:
            self.close()
            raise

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def switch(self, number: str, *, on: bool) -> None:
        """Enable or disable SMS for a number."""
        self._record({"kind": "control", "number": number, "on": on})

    def advance(self, seconds: float) -> None:
        """Move the delivery clock forward."""
        self._record({"kind": "advance", "seconds": seconds})

    def repeats(self, message: OutgoingMessage, within: float | None) -> bool:
        """Return whether the same message was sent less than `within` seconds ago; False where `within` is None."""
        at = self._recent.get(message.key)
        return within is not None and at is not None and self.clock.now() - at < within

    def send(self, stream: str, messages: Iterable[OutgoingMessage]) -> list[Row]:
        """Send messages: charge them, add them to the history, and return their rows."""
        messages = list(messages)
        at = int(self._now())
        rows = [self._row(stream, message, at, n) for n, message in enumerate(messages, start=self._number)]
        keys = [message.key for message in messages if message.code is None]
        self._record({"kind": "sent", "stream": stream, "at": at, "rows": [to_json(row) for row in rows], "keys": keys})
        return rows

    def receive(self, source: str, destination: str, text: str) -> Row:
        """Receive a message and return its row; it is free, and its text is stored where the account stores texts."""
        at = int(self._now())
        message = OutgoingMessage(source, destination, text, stored=self.config.store_inbound)
        row = self._row("sms", message, at, self._number) | {"direction": "IN", "cost": Decimal(0)}
        self._record({"kind": "received", "rows": [to_json(row)]})
        return row

    def _record(self, event: Event) -> None:
        self._journal.write(event)
        self._apply(event)

    def _apply(self, event: Event) -> None:
        if event["kind"] == "control":
            self.phones[event["number"]] = ENABLED if event["on"] else DISABLED
        elif event["kind"] == "advance":
            self.clock.advance(event["seconds"])
        elif event["kind"] == "received":
            self._world.add("sms", [Message(from_json(row)) for row in event["rows"]])
            self._number += len(event["rows"])
        else:
            rows = [from_json(row) for row in event["rows"]]
            self._world.add(event["stream"], [self._sent(event["stream"], row, event["at"]) for row in rows])
            self._number += len(rows)
            self.balance -= sum((row["cost"] for row in rows), Decimal(0))
            self._recent |= dict.fromkeys(event["keys"], self.clock.of(event["at"]))

    def _sent(self, stream: str, row: Row, at: float) -> SentMessage:
        a2p = stream == "a2p"
        failed = row["status_id"] == 2
        plan = () if failed else states(row, a2p=a2p, since=self.clock.of(at), takes=self.config.delivery)
        return SentMessage(row, states=plan, clock=self.clock.now)

    def _row(self, stream: str, message: OutgoingMessage, at: int, number: int) -> Row:
        day = datetime.fromtimestamp(at, UTC).date()
        row: dict[str, Any] = {
            # Above the ids of a seeded day: after a restart on a later day, today is a seeded day too.
            "message_id": (day.toordinal() - FIRST_ID_DAY) * IDS_PER_DAY + IDS_PER_DAY // 2 + number,
            "source_number": message.source,
            "destination_number": message.destination,
            "fragments": message.fragments,
            "cost": message.cost,
            "status_id": 2 if message.code else 1,
            "error_message": f"Error send sms to {message.destination} from {message.source} Code = {message.code}"
            if message.code
            else None,
            "processed_at": datetime.fromtimestamp(at, UTC),
            "transaction_id": (at - midnight(day)) * 10**7 + day.toordinal() * 10**12 + number,
            "text": message.text if message.stored else None,
        }
        own = (
            {"direction": "OUT"} if stream == "sms" else {"delivery_status": "FAILED" if message.code else "DELIVERED"}
        )
        return row | own
