"""GetPhoneNumbers and ControlSms: the rented numbers, and whether SMS is enabled for them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from voxlake.sandbox.account_config import ENABLED, UNSUPPORTED
from voxlake.sandbox.responses import ApiError, Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.sandbox.account_state import AccountState

_DEFAULT_COUNT, _MOST = 20, 1000


class PhoneNumbers:
    """GetPhoneNumbers, with filters by number and id."""

    def __init__(self, account: AccountState) -> None:
        self._account = account

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Return a page of the rented numbers."""
        rows = [self._row(1001 + n, number) for n, number in enumerate(self._account.phones)]
        for name in ("phone_number", "phone_id"):
            if parameters.get(name):
                wanted = {part for part in parameters[name].split(";") if part}
                rows = [row for row in rows if str(row[name]) in wanted]
        if wanted_sms := parameters.get("is_sms_supported"):
            rows = [row for row in rows if row["is_sms_supported"] == (wanted_sms.lower() in ("true", "1"))]
        offset, count = self._number(parameters, "offset", 0), self._number(parameters, "count", _DEFAULT_COUNT)
        page = rows[offset : offset + min(count, _MOST)]
        return json_reply({"result": page, "count": len(page), "total_count": len(rows)})

    def _row(self, phone_id: int, number: str) -> dict[str, Any]:
        state = self._account.phones[number]
        row = {
            "phone_id": phone_id,
            "phone_number": number,
            "phone_price": Decimal("1.2"),
            "phone_country_code": "GB" if number.startswith("44") else "US",
            "phone_next_renewal": "2030-01-01",
            "phone_purchase_date": "2020-01-01 12:00:00",
            "deactivated": False,
            "canceled": False,
            "auto_charge": True,
            "category_name": "MOBILE",
            "can_be_used": True,
            "is_sms_supported": state != UNSUPPORTED,
            "is_sms_enabled": state == ENABLED,
            "modified": "2020-01-01 12:00:00",
        }
        url = self._account.config.callback_url
        return row | ({"incoming_sms_callback_url": url} if url and state == ENABLED else {})

    @staticmethod
    def _number(parameters: Mapping[str, str], name: str, default: int) -> int:
        value = parameters.get(name)
        if value and not value.isdecimal():
            raise ApiError(101, "Invalid arguments", field_name=name)
        return int(value) if value else default


class ControlSms:
    """ControlSms: enable or disable SMS for one number."""

    def __init__(self, account: AccountState) -> None:
        self._account = account

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Enable or disable SMS.

        Raises:
            ApiError: the number or the command is not valid.

        """
        number, command = (parameters.get(name) or "" for name in ("phone_number", "command"))
        with self._account.lock:
            state = self._account.phones.get(number)
            if state is None:
                raise ApiError(121, "Invalid phone number", field_name="phone_number")
            if command not in ("enable", "disable"):
                raise ApiError(496, "The 'command' parameter is invalid.", field_name="command")
            if state == UNSUPPORTED:
                raise ApiError(528, "Sms is not supported")
            self._account.switch(number, on=command == "enable")
        return json_reply({"result": 1})
