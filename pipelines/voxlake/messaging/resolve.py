"""Find out from the histories what became of messages whose outcome is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from voxlake.messaging.client import SEND
from voxlake.messaging.entries import UNKNOWN
from voxlake.policy import is_treated

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from voxlake.messaging.client import Client
    from voxlake.messaging.entries import Entry, MessageKey
    from voxlake.messaging.journal import SendJournal
    from voxlake.messaging.responses import HistoryRow

_NOT_SENT = 385
"""The code of a message that the API accepted and did not send. Source: the vendor's list of errors."""

_EARLIER, _LATER = timedelta(minutes=5), timedelta(hours=1)
"""How far from its request a message is looked for: clocks differ, and rows can be dated late."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """A message of unknown outcome, and the rows of the history that could be it: one, and only one, settles it."""

    entry: Entry
    candidates: tuple[HistoryRow, ...]

    @property
    def row(self) -> HistoryRow | None:
        """The row of the message, None where it is still unknown."""
        return self.candidates[0] if len(self.candidates) == 1 else None


def resolve_unknown(client: Client, journal: SendJournal, *, now: Callable[[], datetime]) -> list[Resolution]:
    """Look in the histories for every message of this account whose outcome is unknown, oldest first.

    One that is found alone, from the same sender to the same number about that time, or with the same text where texts
    are stored, was accepted, and is recorded as sent, or as failed where it ended in an error. One that is not found,
    or not alone, stays unknown: rows can appear late.
    """
    unknown = [e for e in journal.entries() if e.state == UNKNOWN and e.message.account_id == client.account_id]
    found: list[Resolution] = []
    claimed: set[tuple[str, int]] = set()
    for entry in sorted(unknown, key=lambda entry: entry.at):
        resolution = Resolution(entry, _candidates(client, journal, entry, claimed))
        if resolution.row is not None:
            _record(journal, entry, resolution.row, at=now())
            claimed.add((entry.message.method, resolution.row.message_id))
        found.append(resolution)
    return found


def _record(journal: SendJournal, entry: Entry, row: HistoryRow, *, at: datetime) -> None:
    if row.status == "error":
        failed = {entry.number: (_NOT_SENT, row.error_message or "the history says error")}
        journal.record_outcome(entry.intent, at=at, failed=failed)
    else:
        journal.record_outcome(entry.intent, at=at, sent={entry.number: row.message_id})


def _candidates(
    client: Client, journal: SendJournal, entry: Entry, claimed: set[tuple[str, int]]
) -> tuple[HistoryRow, ...]:
    """Return the rows that could be a message; only the one with its text, where texts are stored.

    `claimed` are the messages, by method and id, that were found to be others in this run.
    """
    message = entry.message
    asked = None if is_treated(entry.number) else entry.number
    history = client.sms_history if message.method == SEND else client.a2p_sms_history
    rows = [
        row
        for row in history(entry.at - _EARLIER, entry.at + _LATER, destination=asked)
        if journal.is_about(entry, source=row.source_number, destination=row.destination_number or asked)
        and not journal.was_sent(message.method, row.message_id)
        and (message.method, row.message_id) not in claimed
    ]
    same = [row for row in rows if row.text and _digest(journal, message, row) == message.digest]
    return tuple(same[:1] or [row for row in rows if row.text is None])


def _digest(journal: SendJournal, message: MessageKey, row: HistoryRow) -> str:
    """Return the digest of a row's text from its sender: the sender of the message may be a digest itself."""
    return journal.message_key(message.account_id, message.method, row.source_number or "", row.text or "").digest
