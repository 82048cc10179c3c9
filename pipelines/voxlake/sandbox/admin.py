"""Endpoints below `/sandbox` that the real API lacks: inject an inbound message, advance the delivery clock."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from voxlake.sandbox.account_config import ENABLED
from voxlake.sandbox.callbacks import Callbacks, post
from voxlake.sandbox.guard import PREFIX, is_loopback
from voxlake.sandbox.request import read_form
from voxlake.sandbox.responses import Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.sandbox.account_state import AccountState


class Admin:
    """The admin endpoints of one sandbox."""

    def __init__(self, account: AccountState, callbacks: Callbacks) -> None:
        self._account, self._callbacks = account, callbacks

    def handle(self, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Run the command that the path names; a bad request gets HTTP 400 with one sentence."""
        form = read_form(urlsplit(target).query, headers, body)
        command = {"inbound": self._inbound, "advance": self._advance}.get(urlsplit(target).path.removeprefix(PREFIX))
        if command is None:
            return Reply(b"The sandbox has /sandbox/inbound and /sandbox/advance.\n", "text/plain", 404)
        try:
            return json_reply(command(form))
        except ValueError as error:
            return Reply(f"{error}\n".encode(), "text/plain; charset=utf-8", 400)

    def _inbound(self, form: Mapping[str, str]) -> dict[str, Any]:
        item = {name: form.get(name, "") for name in ("source_number", "destination_number", "sms_body")}
        if not item["source_number"]:
            raise ValueError("source_number is missing: add the sender's number.")
        ours, theirs = self._account.config.callback_url, form.get("callback_url")
        if theirs and theirs != ours and not is_loopback(theirs):
            raise ValueError(f"{theirs} is not on this machine: start the sandbox with --callback-url to post there.")
        with self._account.lock:
            if self._account.phones.get(item["destination_number"]) != ENABLED:
                raise ValueError(
                    f"{item['destination_number'] or 'destination_number'} cannot receive messages: enable"
                    " SMS for it with ControlSms, or use another number of this account."
                )
            row = self._account.receive(*item.values())
            balance = self._account.balance
        url = theirs or ours
        reply: dict[str, Any] = {"message_id": row["message_id"], "callback": None}
        if url:
            envelope = self._callbacks.envelope(row["message_id"], item, balance=balance)
            reply["callback"] = {"url": url, "received": post(url, envelope)}
        return reply

    def _advance(self, form: Mapping[str, str]) -> dict[str, Any]:
        try:
            seconds = float(form.get("seconds", ""))
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"seconds is {form.get('seconds', '')!r}: use a number of seconds, such as 3600.")
        with self._account.lock:
            self._account.advance(seconds)
        return {"advanced": seconds}
