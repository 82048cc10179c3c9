"""Send messages, and never the same one twice."""

from voxlake.messaging.batch import (
    SKIPPED,
    UNSENT,
    BatchResult,
    NumberResult,
    Order,
    checked_order,
    send,
)
from voxlake.messaging.client import A2P_SEND, SEND, Client
from voxlake.messaging.entries import FAILED, SENT, UNKNOWN, Entry, MessageKey
from voxlake.messaging.erase import erase_in_journal, treat_journal
from voxlake.messaging.journal import SendJournal, open_journal
from voxlake.messaging.resolve import Resolution, resolve_unknown
from voxlake.messaging.responses import A2PReceipt, HistoryRow, PhoneNumber, RefusedNumber, SmsReceipt
from voxlake.messaging.validation import checked_number

__all__ = [
    "A2P_SEND",
    "FAILED",
    "SEND",
    "SENT",
    "SKIPPED",
    "UNKNOWN",
    "UNSENT",
    "A2PReceipt",
    "BatchResult",
    "Client",
    "Entry",
    "HistoryRow",
    "MessageKey",
    "NumberResult",
    "Order",
    "PhoneNumber",
    "RefusedNumber",
    "Resolution",
    "SendJournal",
    "SmsReceipt",
    "checked_number",
    "checked_order",
    "erase_in_journal",
    "open_journal",
    "resolve_unknown",
    "send",
    "treat_journal",
]
