"""SendSmsMessage and A2PSendSms: what is refused, and what is taken on."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .account_config import DISABLED, UNSUPPORTED
from .account_state import Draft, Office
from .delivery import price, refusal
from .responses import ApiError, Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .behaviour import Switches

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

    def __init__(self, office: Office, switches: Switches) -> None:
        self._office, self._switches = office, switches

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Send one message, or raise the API's error."""
        with self._office.lock:
            draft = self._draft(parameters)
            if self._office.repeats(draft, self._switches.resend_seconds):
                raise ApiError(484, _FAILURES[484])
            if draft.cost > self._office.balance:
                raise ApiError(127, "Insufficient money")
            (row,) = self._office.send("sms", [draft])
        if draft.code:
            raise ApiError(draft.code, "Sending sms error")
        reply: dict[str, Any] = {"result": 1, "message_id": row["message_id"], "fragments_count": row["fragments"]}
        if self._switches.sent_fields == "2021":
            del reply["message_id"]
        return json_reply(_typed(reply, self._switches))

    def _draft(self, parameters: Mapping[str, str]) -> Draft:
        source, text = _plain(_asked(parameters, "source"), self._switches), _asked(parameters, "sms_body")
        destination = _plain(_asked(parameters, "destination"), self._switches)
        if source not in self._office.phones:
            raise ApiError(422, "The 'source' parameter is invalid", field_name="source")
        if self._office.phones[source] == UNSUPPORTED:
            raise ApiError(528, "Sms is not supported")
        if self._office.phones[source] == DISABLED:
            raise ApiError(386, "SMS disabled for number")
        if not _NUMBER.fullmatch(destination) or refusal(destination) == 423:
            raise ApiError(423, "The 'destination' parameter is invalid", field_name="destination")
        if len(text) > _LONGEST:
            says = {477: "must not exceed 765 symbols.", 499: "must be less than 765."}[int(self._switches.too_long)]
            raise ApiError(int(self._switches.too_long), f"The 'sms_body' parameter length {says}")
        failed = price(destination) is None or refusal(destination) in (385, 506)
        return Draft(source, destination, text, _flag(parameters), code=385 if failed else None)


class SendA2P:
    """A2PSendSms: one text from a SenderID to up to a hundred numbers, some of which may fail."""

    def __init__(self, office: Office, switches: Switches) -> None:
        self._office, self._switches = office, switches

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Send to those who can be reached, and say who cannot."""
        source, text = _asked(parameters, "src_number"), parameters.get("text") or ""
        numbers = [part.strip() for part in _asked(parameters, "dst_numbers").split(";") if part.strip()]
        if source not in self._office.setup.senders:
            raise ApiError(507, "The 'src_number' parameter is invalid.", field_name="src_number")
        if not text or len(text) > _LONGEST_A2P:
            raise ApiError(508, "The 'text' parameter is invalid.", field_name="text")
        if not numbers or len(numbers) > _MOST_NUMBERS:
            raise ApiError(496, "The 'dst_numbers' parameter is invalid.", field_name="dst_numbers")
        stored = _flag(parameters)
        with self._office.lock:
            drafts, failed = self._sorted(source, text, numbers, stored=stored)
            if sum((draft.cost for draft in drafts), Decimal(0)) > self._office.balance:
                raise ApiError(127, "Insufficient money")
            if failed and len(failed) == len(numbers) == sum(code == 484 for _, code in failed):
                raise ApiError(484, _FAILURES[484])
            lost = [number for number, code in failed if code == 506]
            if lost and self._switches.unroutable == "refused":
                raise ApiError(506, _FAILURES[506].format(to=";".join(lost)))
            rows = self._office.send("a2p", drafts) if drafts else []
        sent = [row for row, draft in zip(rows, drafts, strict=True) if draft.code is None]
        if not sent and self._switches.all_failed == "error":
            number, code = failed[0]
            raise ApiError(code, _FAILURES[code].format(to=number))
        return json_reply(_typed(self._reply(sent, failed), self._switches))

    def _sorted(
        self, source: str, text: str, numbers: list[str], *, stored: bool
    ) -> tuple[list[Draft], list[tuple[str, int]]]:
        """Part the numbers into messages to send and failures with their codes; a number given twice is a resend."""
        drafts: list[Draft] = []
        failed: list[tuple[str, int]] = []
        keys: set[str] = set()
        for number in numbers:
            plain = _plain(number, self._switches)
            code = refusal(plain)
            if not _NUMBER.fullmatch(plain) or price(plain) is None or code == 423:
                code = 506
            draft = Draft(source, plain, text, stored, code=code)
            resent = self._switches.resend_seconds is not None and draft.key in keys
            if code is None and (resent or self._office.repeats(draft, self._switches.resend_seconds)):
                code = 484
            keys.add(draft.key)
            if code is not None:
                failed.append((number, code))
            # What a carrier refuses leaves a row in the history; what has no route never became a message.
            if code in (None, 385):
                drafts.append(draft)
        return drafts, failed

    def _reply(self, sent: list[Any], failed: list[tuple[str, int]]) -> dict[str, Any]:
        name = "transaction_id" if self._switches.sent_fields == "2021" else "message_id"
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


def _asked(parameters: Mapping[str, str], name: str) -> str:
    value = parameters.get(name)
    if not value:
        raise ApiError(101, "Invalid arguments", field_name=name)
    return value


def _plain(number: str, switches: Switches) -> str:
    return number.removeprefix("+") if switches.plus == "accepted" else number


def _flag(parameters: Mapping[str, str]) -> bool:
    """Read `store_body` in the spellings of all SDKs."""
    return parameters.get("store_body", "").lower() in ("true", "1")


def _typed(reply: dict[str, Any], switches: Switches) -> dict[str, Any]:
    """Write the ids and counts as the switch says."""
    if switches.id_type == "string":
        for name in ("message_id", "fragments_count"):
            if name in reply:
                reply[name] = str(reply[name])
        for row in reply["result"] if isinstance(reply["result"], list) else []:
            row |= {name: str(value) for name, value in row.items() if name.endswith("_id")}
    return reply
