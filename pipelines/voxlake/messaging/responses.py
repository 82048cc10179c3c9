"""The results of the messaging methods, read from replies whose types vary between versions of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.api import MAYBE_DONE
from voxlake.text import one_line
from voxlake.transform import BrokenReplyError, read_integer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SmsReceipt:
    """A message that the API accepted; `fragments` is the number of billed segments. None where the API names none."""

    message_id: int | None
    fragments: int | None


@dataclass(frozen=True, slots=True)
class RefusedNumber:
    """A number that the API refused, with the vendor's code and sentence."""

    number: str
    code: int
    description: str


@dataclass(frozen=True, slots=True)
class A2PReceipt:
    """What became of one text to many numbers; partial success is normal.

    `sent` holds the message id by number, None where the API names none; `unanswered` are numbers that the reply does
    not mention. `doubtful` are those of which it says both, or a failure that does not tell whether they got the
    message. `fragments` is the number of billed segments, as the API counts them.
    """

    sent: dict[str, int | None]
    failed: tuple[RefusedNumber, ...]
    unanswered: tuple[str, ...]
    fragments: int | None
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A rented number: whether it can (`supported`) and may (`enabled`) exchange SMS; None where the API omits it."""

    number: str
    sms_supported: bool | None
    sms_enabled: bool | None
    callback_url: str | None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A message of either history; `processed_at` is UTC, `cost` is in the account's currency.

    `direction` (IN, OUT) comes from the SMS history, `delivery_status` (QUEUED to UNKNOWN) from the A2P history.
    `fragments` is the number of billed segments.
    """

    message_id: int
    source_number: str | None
    destination_number: str | None
    fragments: int | None
    cost: Decimal | None
    status: str | None
    error_message: str | None
    processed_at: datetime
    transaction_id: int | None
    text: str | None
    direction: str | None = None
    delivery_status: str | None = None


def read_success(reply: dict[str, Any]) -> None:
    """Accept a reply whose `result` is 1, the API's sign of success; raises BrokenReplyError for any other."""
    result = reply.get("result")
    if result is not True and _integer(result, "result") != 1:
        raise BrokenReplyError("no result")


def read_sms_receipt(reply: dict[str, Any]) -> SmsReceipt:
    """Read the reply of SendSmsMessage; replies of 2021 have no id."""
    read_success(reply)
    return SmsReceipt(
        _integer(reply.get("message_id"), "message_id"), _integer(reply.get("fragments_count"), "fragments_count")
    )


def read_a2p_receipt(reply: dict[str, Any], numbers: Sequence[str]) -> A2PReceipt:
    """Read the reply of A2PSendSms to some numbers; it may write them as JSON numbers, or with a plus."""
    if "result" not in reply and "failed" not in reply:
        raise BrokenReplyError("neither result nor failed")
    sent = {_number(row): _integer(row.get("message_id"), "message_id") for row in _rows(reply, "result")}
    codes = {_number(row): _integer(row.get("error_code"), "error_code") for row in _rows(reply, "failed")}
    doubtful = {number for number, code in codes.items() if number in sent or code is None or code in MAYBE_DONE}
    failed = tuple(
        RefusedNumber(number, code, one_line(str(row.get("error_description", ""))))
        for row in _rows(reply, "failed")
        if (number := _number(row)) not in doubtful and (code := codes[number]) is not None
    )
    return A2PReceipt(
        {number: message_id for number, message_id in sent.items() if number not in doubtful},
        failed,
        tuple(number for number in numbers if number not in sent and number not in codes),
        _integer(reply.get("fragments_count"), "fragments_count"),
        tuple(number for number in numbers if number in doubtful),
    )


def read_phone_numbers(reply: dict[str, Any]) -> tuple[list[PhoneNumber], int]:
    """Read a page of GetPhoneNumbers; returns its numbers, and how many there are on all pages."""
    page = [
        PhoneNumber(
            str(row.get("phone_number", "")),
            row.get("is_sms_supported"),
            row.get("is_sms_enabled"),
            row.get("incoming_sms_callback_url"),
        )
        for row in _rows(reply, "result")
    ]
    total = _integer(reply.get("total_count"), "total_count")
    return page, len(page) if total is None else total


def _integer(value: Any, name: str) -> int | None:
    try:
        return read_integer(value)
    except ValueError as error:
        raise BrokenReplyError(f"{name} {error}") from None


def _rows(reply: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = reply.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BrokenReplyError(f"{name} is not a list of rows")
    return rows


def _number(row: dict[str, Any]) -> str:
    return str(row.get("destination_number", "")).removeprefix("+")
