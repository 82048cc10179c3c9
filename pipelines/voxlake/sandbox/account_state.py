"""One account's affairs: its numbers, its money, and what was sent and received since the sandbox began."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .account_config import DISABLED, ENABLED
from .delivery import Clock, Sent, price, states
from .journal import Event, Journal, packed, unpacked
from .segments import parts
from .synthetic_day import FIRST_ID_DAY, IDS_PER_DAY, Message, midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from .account_config import Setup
    from .synthetic_day import Row
    from .world import World


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that was accepted but for its id; `code` is the error of one that fails on the spot."""

    source: str
    destination: str
    text: str
    stored: bool
    code: int | None = None

    @property
    def cost(self) -> Decimal:
        """What it costs in the account's currency; one that fails on the spot is free."""
        return Decimal((price(self.destination) or 0) * self.fragments).scaleb(-4)

    @property
    def fragments(self) -> int:
        """How many parts are billed."""
        return 0 if self.code else parts(self.text)

    @property
    def key(self) -> str:
        """Recognise the same text from the same sender to the same number."""
        return hashlib.sha256(f"{self.source}\0{self.destination}\0{self.text}".encode()).hexdigest()


class Office:
    """The state behind the methods that change something; all of it is in the journal, and comes back from it.

    `now` is the server's clock. Methods hold the lock, so that two requests never spend the same money.
    """

    def __init__(self, world: World, setup: Setup, *, now: Callable[[], float], journal: Path | None) -> None:
        self.lock = threading.RLock()
        self.setup, self.phones = setup, dict(setup.phones)
        self.balance = setup.balance
        self.clock = Clock(now, speed=setup.speed)
        self._world, self._now = world, now
        self._recent: dict[str, float] = {}
        self._number = 0
        self._journal = Journal(journal)
        try:
            for event in self._journal.read():
                self._apply(event)
        except (KeyError, TypeError, ArithmeticError, AttributeError):
            self.close()
            raise ValueError(f"The state in {journal} cannot be used: name another file.") from None
        except ValueError:
            self.close()
            raise

    def close(self) -> None:
        """Let the journal go."""
        self._journal.close()

    def switch(self, number: str, *, on: bool) -> None:
        """Enable or disable SMS for a number."""
        self._record({"kind": "control", "number": number, "on": on})

    def advance(self, seconds: float) -> None:
        """Put the clock of deliveries forward."""
        self._record({"kind": "advance", "seconds": seconds})

    def repeats(self, draft: Draft, within: float | None) -> bool:
        """Whether the same was sent a moment ago."""
        at = self._recent.get(draft.key)
        return within is not None and at is not None and self.clock.now() - at < within

    def send(self, stream: str, drafts: Iterable[Draft]) -> list[Row]:
        """Take messages on: charge them, and let them appear in the history."""
        drafts = list(drafts)
        at = int(self._now())
        rows = [self._row(stream, draft, at, n) for n, draft in enumerate(drafts, start=self._number)]
        keys = [draft.key for draft in drafts if draft.code is None]
        self._record({"kind": "sent", "stream": stream, "at": at, "rows": [packed(row) for row in rows], "keys": keys})
        return rows

    def receive(self, source: str, destination: str, text: str) -> Row:
        """Take a message in: it is free here, and its text is kept where the account keeps such."""
        at = int(self._now())
        draft = Draft(source, destination, text, stored=self.setup.store_inbound)
        row = self._row("sms", draft, at, self._number) | {"direction": "IN", "cost": Decimal(0)}
        self._record({"kind": "received", "rows": [packed(row)]})
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
            self._world.add("sms", [Message(unpacked(row)) for row in event["rows"]])
            self._number += len(event["rows"])
        else:
            rows = [unpacked(row) for row in event["rows"]]
            self._world.add(event["stream"], [self._sent(event["stream"], row, event["at"]) for row in rows])
            self._number += len(rows)
            self.balance -= sum((row["cost"] for row in rows), Decimal(0))
            self._recent |= dict.fromkeys(event["keys"], self.clock.of(event["at"]))

    def _sent(self, stream: str, row: Row, at: float) -> Sent:
        a2p = stream == "a2p"
        failed = row["status_id"] == 2
        plan = () if failed else states(row, a2p=a2p, since=self.clock.of(at), takes=self.setup.delivery)
        return Sent(row, states=plan, clock=self.clock.now)

    def _row(self, stream: str, draft: Draft, at: int, number: int) -> Row:
        day = datetime.fromtimestamp(at, UTC).date()
        row: dict[str, Any] = {
            # Above those of a seeded day, which a restart on a later day may make of today.
            "message_id": (day.toordinal() - FIRST_ID_DAY) * IDS_PER_DAY + IDS_PER_DAY // 2 + number,
            "source_number": draft.source,
            "destination_number": draft.destination,
            "fragments": draft.fragments,
            "cost": draft.cost,
            "status_id": 2 if draft.code else 1,
            "error_message": f"Error send sms to {draft.destination} from {draft.source} Code = {draft.code}"
            if draft.code
            else None,
            "processed_at": datetime.fromtimestamp(at, UTC),
            "transaction_id": (at - midnight(day)) * 10**7 + day.toordinal() * 10**12 + number,
            "text": draft.text if draft.stored else None,
        }
        own = {"direction": "OUT"} if stream == "sms" else {"delivery_status": "FAILED" if draft.code else "DELIVERED"}
        return row | own
