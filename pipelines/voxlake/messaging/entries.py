"""What the journal knows of one message to one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

SENT, FAILED, UNKNOWN = "sent", "failed", "unknown"


@dataclass(frozen=True, slots=True)
class MessageKey:
    """What makes two messages the same: one text from one sender of one account by one method.

    Of the text only a `digest` is kept, keyed with the journal's salt.
    """

    account_id: int
    method: str
    source: str
    digest: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The newest state of one message to one number: sent, failed or unknown.

    `intent` is the id of the request, `at` the time of the state in UTC; `code` and `reason` are the API's.
    """

    message: MessageKey
    number: str
    intent: str
    state: str
    at: datetime
    message_id: int | None = None
    code: int | None = None
    reason: str | None = None
