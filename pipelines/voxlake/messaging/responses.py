"""What a program gets from the sending methods, read from replies whose types nobody vouches for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.transform import BrokenReplyError

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the API took on; `fragments` is the number of billed parts. None where the API does not say."""

    message_id: int | None
    fragments: int | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A number that the API refused, with the vendor's code and sentence."""

    number: str
    code: int
    description: str


@dataclass(frozen=True, slots=True)
class A2PSent:
    """What became of one text to many numbers; partial success is normal.

    `sent` gives the message id by number, None where the API does not say it; `unanswered` are numbers of which the
    reply says nothing. `fragments` is the number of billed parts, as the API counts them.
    """

    sent: dict[str, int | None]
    failed: tuple[Failure, ...]
    unanswered: tuple[str, ...]
    fragments: int | None


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number that the account has rented, and whether it can and may send and receive SMS; None: not told."""

    number: str
    sms_supported: bool | None
    sms_enabled: bool | None
    callback_url: str | None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A message of either history; `processed_at` is UTC, `cost` is in the account's currency.

    `direction` (IN, OUT) comes from the one history, `delivery_status` (QUEUED to UNKNOWN) from the other.
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


def _whole(value: Any, name: str) -> int | None:
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        raise BrokenReplyError(f"{name} is no number") from None


def _rows(reply: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = reply.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BrokenReplyError(f"no list of rows under {name!r}")
    return rows


def read_done(reply: dict[str, Any]) -> None:
    """Accept the one sign of success."""
    if _whole(reply.get("result"), "result") != 1:
        raise BrokenReplyError("no result")


def read_sent(reply: dict[str, Any]) -> Sent:
    """Read a message that was taken on; replies of 2021 have no id."""
    read_done(reply)
    return Sent(_whole(reply.get("message_id"), "message_id"), _whole(reply.get("fragments_count"), "fragments_count"))


def read_a2p_sent(reply: dict[str, Any], numbers: list[str]) -> A2PSent:
    """Read who got a message; the reply may write numbers as numbers, or with a plus."""
    if "result" not in reply and "failed" not in reply:
        raise BrokenReplyError("neither result nor failed")
    sent = {_number(row): _whole(row.get("message_id"), "message_id") for row in _rows(reply, "result")}
    failed = tuple(
        Failure(_number(row), _whole(row.get("error_code"), "error_code") or 0, str(row.get("error_description", "")))
        for row in _rows(reply, "failed")
    )
    told = {*sent, *(failure.number for failure in failed)}
    unanswered = tuple(number for number in numbers if number not in told)
    return A2PSent(sent, failed, unanswered, _whole(reply.get("fragments_count"), "fragments_count"))


def _number(row: dict[str, Any]) -> str:
    return str(row.get("destination_number", "")).removeprefix("+")


def read_phones(reply: dict[str, Any]) -> tuple[list[PhoneNumber], int]:
    """Read a page of numbers, and how many there are in all."""
    page = [
        PhoneNumber(
            str(row.get("phone_number", "")),
            row.get("is_sms_supported"),
            row.get("is_sms_enabled"),
            row.get("incoming_sms_callback_url"),
        )
        for row in _rows(reply, "result")
    ]
    total = _whole(reply.get("total_count"), "total_count")
    return page, len(page) if total is None else total
