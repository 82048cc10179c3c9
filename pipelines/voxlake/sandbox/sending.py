"""SendSmsMessage and A2PSendSms: validate, charge, send."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from voxlake.sandbox.account_config import DISABLED, UNSUPPORTED
from voxlake.sandbox.account_state import AccountState, OutgoingMessage
from voxlake.sandbox.delivery import price, refusal
from voxlake.sandbox.responses import ApiError, Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.sandbox.behaviour import Behaviour

_NUMBER = re.compile(r"[1-9][0-9]{6,14}")
_MOST_NUMBERS, _LONGEST, _LONGEST_A2P = 100, 765, 1600
_FAILURES = {
    385: "SMS failed to send.",
    484: "HTTP request is rejected due to probable automatic request resend. Try again later.",
    506: "No routes for numbers {to} in dst_numbers",
    509: "A2P SMS disabled for number {to}",
}


class SendSms:
    """SendSmsMessage: one message from a rented number."""

    def __init__(self, account: AccountState, behaviour: Behaviour) -> None:
        self._account, self._behaviour = account, behaviour

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Send one message.

        Raises:
            ApiError: the message is refused.

        """
        with self._account.lock:
            message = self._message(parameters)
            if self._account.repeats(message, self._behaviour.resend_seconds):
                raise ApiError(484, _FAILURES[484])
            if message.cost > self._account.balance:
                raise ApiError(127, "Insufficient money")
            (row,) = self._account.send("sms", [message])
        if message.code:
            raise ApiError(message.code, "Sending sms error")
        reply: dict[str, Any] = {"result": 1, "message_id": row["message_id"], "fragments_count": row["fragments"]}
        if self._behaviour.sent_fields == "2021":
            del reply["message_id"]
        return json_reply(_typed(reply, self._behaviour))

    def _message(self, parameters: Mapping[str, str]) -> OutgoingMessage:
        source, text = _plain(_required(parameters, "source"), self._behaviour), _required(parameters, "sms_body")
        destination = _plain(_required(parameters, "destination"), self._behaviour)
        if source not in self._account.phones:
            raise ApiError(422, "The 'source' parameter is invalid", field_name="source")
        if self._account.phones[source] == UNSUPPORTED:
            raise ApiError(528, "Sms is not supported")
        if self._account.phones[source] == DISABLED:
            raise ApiError(386, "SMS disabled for number")
        if not _NUMBER.fullmatch(destination) or refusal(destination) == 423:
            raise ApiError(423, "The 'destination' parameter is invalid", field_name="destination")
        if len(text) > _LONGEST:
            limit = {477: "must not exceed 765 symbols.", 499: "must be less than 765."}[int(self._behaviour.too_long)]
            raise ApiError(int(self._behaviour.too_long), f"The 'sms_body' parameter length {limit}")
        failed = price(destination) is None or refusal(destination) in (385, 506)
        return OutgoingMessage(source, destination, text, _flag(parameters), code=385 if failed else None)


class SendA2P:
    """A2PSendSms: one text from a SenderID to at most 100 numbers, some of which may fail."""

    def __init__(self, account: AccountState, behaviour: Behaviour) -> None:
        self._account, self._behaviour = account, behaviour

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Send to the numbers that can be reached; the reply lists those that failed.

        Raises:
            ApiError: the request is refused as a whole.

        """
        source, text = _required(parameters, "src_number"), parameters.get("text") or ""
        numbers = [part.strip() for part in _required(parameters, "dst_numbers").split(";") if part.strip()]
        if source not in self._account.config.senders:
            raise ApiError(507, "The 'src_number' parameter is invalid.", field_name="src_number")
        if not text or len(text) > _LONGEST_A2P:
            raise ApiError(508, "The 'text' parameter is invalid.", field_name="text")
        if not numbers or len(numbers) > _MOST_NUMBERS:
            raise ApiError(496, "The 'dst_numbers' parameter is invalid.", field_name="dst_numbers")
        stored = _flag(parameters)
        with self._account.lock:
            messages, failed = self._sorted(source, text, numbers, stored=stored)
            if sum((message.cost for message in messages), Decimal(0)) > self._account.balance:
                raise ApiError(127, "Insufficient money")
            if failed and len(failed) == len(numbers) == sum(code == 484 for _, code in failed):
                raise ApiError(484, _FAILURES[484])
            lost = [number for number, code in failed if code == 506]
            if lost and self._behaviour.unroutable == "refused":
                raise ApiError(506, _FAILURES[506].format(to=";".join(lost)))
            rows = self._account.send("a2p", messages) if messages else []
        sent = [row for row, message in zip(rows, messages, strict=True) if message.code is None]
        if not sent and self._behaviour.all_failed == "error":
            number, code = failed[0]
            raise ApiError(code, _FAILURES[code].format(to=number))
        return json_reply(_typed(self._reply(sent, failed), self._behaviour))

    def _sorted(
        self, source: str, text: str, numbers: list[str], *, stored: bool
    ) -> tuple[list[OutgoingMessage], list[tuple[str, int]]]:
        """Split the numbers into messages to send and failures with codes; a repeated number counts as a resend."""
        messages: list[OutgoingMessage] = []
        failed: list[tuple[str, int]] = []
        keys: set[str] = set()
        for number in numbers:
            plain = _plain(number, self._behaviour)
            code = refusal(plain)
            if not _NUMBER.fullmatch(plain) or price(plain) is None or code == 423:
                code = 506
            message = OutgoingMessage(source, plain, text, stored, code=code)
            resent = self._behaviour.resend_seconds is not None and message.key in keys
            if code is None and (resent or self._account.repeats(message, self._behaviour.resend_seconds)):
                code = 484
            keys.add(message.key)
            if code is not None:
                failed.append((number, code))
            # A message refused by a carrier stays in the history; one without a route was never created.
            if code in (None, 385):
                messages.append(message)
        return messages, failed

    def _reply(self, sent: list[Any], failed: list[tuple[str, int]]) -> dict[str, Any]:
        name = "transaction_id" if self._behaviour.sent_fields == "2021" else "message_id"
        reply: dict[str, Any] = {
            "result": [{name: row[name], "destination_number": row["destination_number"]} for row in sent],
            "fragments_count": sum(row["fragments"] for row in sent),
        }
        if failed:
            reply["failed"] = [
                {
                    "destination_number": number,
                    "error_description": _FAILURES[code].format(to=number),
                    "error_code": code,
                }
                for number, code in failed
            ]
        return reply


def _required(parameters: Mapping[str, str], name: str) -> str:
    value = parameters.get(name)
    if not value:
        raise ApiError(101, "Invalid arguments", field_name=name)
    return value


def _plain(number: str, behaviour: Behaviour) -> str:
    return number.removeprefix("+") if behaviour.plus == "accepted" else number


def _flag(parameters: Mapping[str, str]) -> bool:
    """Parse `store_body` as any of the SDKs spells it."""
    return parameters.get("store_body", "").lower() in ("true", "1")


def _typed(reply: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
    """Return the reply with ids and counts in the configured JSON type."""
    if behaviour.id_type == "string":
        for name in ("message_id", "fragments_count"):
            if name in reply:
                reply[name] = str(reply[name])
        for row in reply["result"] if isinstance(reply["result"], list) else []:
            row |= {name: str(value) for name, value in row.items() if name.endswith("_id")}
    return reply
