"""Endpoints below `/sandbox` that the real API lacks: inbound messages, the delivery clock, the accounts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from voxlake.sandbox.account_config import ENABLED
from voxlake.sandbox.callbacks import post
from voxlake.sandbox.condition import Condition
from voxlake.sandbox.guard import PREFIX, is_loopback
from voxlake.sandbox.request import read_form
from voxlake.sandbox.responses import Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.sandbox.account import Account


class Admin:
    """The admin endpoints of one sandbox."""

    def __init__(self, accounts: Mapping[int, Account]) -> None:
        self._accounts = accounts

    def handle(self, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Run the command that the path names; a bad request gets HTTP 400 with one sentence."""
        form = read_form(urlsplit(target).query, headers, body)
        commands = {
            "inbound": self._inbound,
            "advance": self._advance,
            "accounts": self._list,
            "condition": self._condition,
        }
        command = commands.get(urlsplit(target).path.removeprefix(PREFIX))
        if command is None:
            known = " and ".join(f"{PREFIX}{name}" for name in commands)
            return Reply(f"The sandbox has {known}.\n".encode(), "text/plain", 404)
        try:
            return json_reply(command(form))
        except ValueError as error:
            return Reply(f"{error}\n".encode(), "text/plain; charset=utf-8", 400)

    def _account(self, form: Mapping[str, str]) -> Account:
        """Return the account that a command is for, by its id or number; without one, the parent."""
        named = form.get("account") or "0"
        found = [
            account
            for account in self._accounts.values()
            if named in (str(account.account_id), str(account.number), account.profile.name)
        ]
        if not found:
            raise ValueError(f"There is no account {named}: use an id, a name or a number from 0, the parent, up.")
        return found[0]

    def _list(self, form: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return all accounts, or one; with `sums`, also how many messages each history shows, and their cost."""
        chosen = [self._account(form)] if form.get("account") else list(self._accounts.values())
        return [account.report(sums=bool(form.get("sums"))) for account in chosen]

    def _condition(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Put an account into another condition."""
        account = self._account(form)
        account.condition = Condition.parse((form.get("condition") or "normal").split(","))
        return account.report(sums=False)

    def _inbound(self, form: Mapping[str, str]) -> dict[str, Any]:
        item = {name: form.get(name, "") for name in ("source_number", "destination_number", "sms_body")}
        if not item["source_number"]:
            raise ValueError("source_number is missing: add the sender's number.")
        account = self._account(form)
        state = account.state
        ours, theirs = state.config.callback_url, form.get("callback_url")
        if theirs and theirs != ours and not is_loopback(theirs):
            raise ValueError(f"{theirs} is not on this machine: start the sandbox with --callback-url to post there.")
        with state.lock:
            if state.phones.get(item["destination_number"]) != ENABLED:
                raise ValueError(
                    f"{item['destination_number'] or 'destination_number'} cannot receive messages: enable"
                    " SMS for it with ControlSms, or use another number of this account."
                )
            row = state.receive(*item.values())
            balance = state.balance
        url = theirs or ours
        reply: dict[str, Any] = {"message_id": row["message_id"], "callback": None}
        if url:
            envelope = account.callbacks.envelope(row["message_id"], item, balance=balance)
            reply["callback"] = {"url": url, "received": post(url, envelope)}
        return reply

    def _advance(self, form: Mapping[str, str]) -> dict[str, Any]:
        try:
            seconds = float(form.get("seconds", ""))
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"seconds is {form.get('seconds', '')!r}: use a number of seconds, such as 3600.")
        state = self._account(form).state
        with state.lock:
            state.advance(seconds)
        return {"advanced": seconds}
