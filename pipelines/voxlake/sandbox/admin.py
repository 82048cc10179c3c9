"""What only a sandbox has, below `/sandbox`: a message from outside, and a clock that is put forward."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .account_config import ENABLED
from .callbacks import Caller, post
from .request import read_form
from .responses import Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .account_state import Office

PREFIX = "/sandbox/"


class Levers:
    """The levers of one sandbox."""

    def __init__(self, office: Office, caller: Caller) -> None:
        self._office, self._caller = office, caller

    def pull(self, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Do what the path names; a wrong wish is HTTP 400 with a sentence."""
        form = read_form(urlsplit(target).query, headers, body)
        lever = {"inbound": self._inbound, "advance": self._advance}.get(urlsplit(target).path.removeprefix(PREFIX))
        if lever is None:
            return Reply(b"There are /sandbox/inbound and /sandbox/advance.\n", "text/plain", 404)
        try:
            return json_reply(lever(form))
        except ValueError as error:
            return Reply(f"{error}\n".encode(), "text/plain; charset=utf-8", 400)

    def _inbound(self, form: Mapping[str, str]) -> dict[str, Any]:
        item = {name: form.get(name, "") for name in ("source_number", "destination_number", "sms_body")}
        if not item["source_number"]:
            raise ValueError("source_number is missing: say who writes.")
        with self._office.lock:
            if self._office.phones.get(item["destination_number"]) != ENABLED:
                raise ValueError(
                    f"{item['destination_number'] or 'destination_number'} is no number of this account that may"
                    " receive: enable SMS for it with ControlSms, or take another."
                )
            row = self._office.receive(*item.values())
            balance = self._office.balance
        url = form.get("callback_url") or self._office.setup.callback_url
        reply: dict[str, Any] = {"message_id": row["message_id"], "callback": None}
        if url:
            envelope = self._caller.envelope(row["message_id"], item, balance=balance)
            reply["callback"] = {"url": url, "received": post(url, envelope)}
        return reply

    def _advance(self, form: Mapping[str, str]) -> dict[str, Any]:
        try:
            seconds = float(form.get("seconds", ""))
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"seconds is {form.get('seconds', '')!r}: give a number, like 3600.")
        with self._office.lock:
            self._office.advance(seconds)
        return {"advanced": seconds}
