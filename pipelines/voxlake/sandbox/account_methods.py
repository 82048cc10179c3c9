"""GetAccountInfo and GetChildrenAccounts, with everything that the documented replies hold, secrets too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.sandbox.responses import ApiError, Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlake.sandbox.account import Account
    from voxlake.sandbox.behaviour import Behaviour

_ORDERS = {
    "child_account_id": "account_id",
    "child_account_name": "account_name",
    "child_account_email": "account_email",
}
_FILTERS = tuple(_ORDERS)
_COUNT = 20


class AccountInfo:
    """GetAccountInfo: one object (source: the vendor's AccountInfoType)."""

    def __init__(self, account: Account, address: Callable[[], str]) -> None:
        self._account, self._address = account, address

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Return the account; its key only to a caller that used the key."""
        profile = self._account.profile
        result = _common(self._account, live=_flag(parameters, "return_live_balance", default=True)) | {
            "account_first_name": profile.given_name,
            "account_last_name": profile.family_name,
            "mobile_phone": profile.phone,
            "billing_address_name": f"{profile.given_name} {profile.family_name}",
            "billing_address_country_code": profile.country,
            "billing_address_address": profile.address,
            "billing_address_zip": f"{profile.account_id % 100_000:05d}",
            "billing_address_phone": profile.phone,
            "callback_salt": profile.callback_salt,
            "a2p_sms_enabled": True,
            "send_js_error": False,
        }
        if not parameters.get("api_key"):
            del result["api_key"]
        return json_reply({"result": result, "api_address": self._address()})


class ChildrenAccounts:
    """GetChildrenAccounts: the accounts below this one that its list holds."""

    def __init__(self, children: list[Account], behaviour: Behaviour) -> None:
        self._children, self._behaviour = children, behaviour

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Return a page of the child accounts.

        Raises:
            ApiError: a parameter is not valid, a filter is missing, or an id is not a child's.

        """
        if self._behaviour.children_filter == "required" and not any(parameters.get(name) for name in _FILTERS):
            raise ApiError(101, "Invalid arguments", field_name="child_account_id")
        order = parameters.get("order_by") or "child_account_name"
        if order not in _ORDERS:
            raise ApiError(101, "Invalid arguments", field_name="order_by")
        count, offset = _whole(parameters, "count", _COUNT), _whole(parameters, "offset", 0)
        children = self._chosen(parameters)
        children.sort(key=lambda child: _brief(child)[_ORDERS[order]])
        page = [self._row(child, parameters) for child in children[offset : offset + count]]
        reply: dict[str, Any] = {"result": page}
        if self._behaviour.children_envelope == "totals":
            reply |= {"count": len(page), "total_count": len(children)}
        return json_reply(reply)

    def _chosen(self, parameters: Mapping[str, str]) -> list[Account]:
        children = [child for child in self._children if child.condition.listed]
        listed = parameters.get("child_account_id")
        if listed and not (listed == "all" and self._behaviour.children_all == "accepted"):
            known = {str(child.account_id): child for child in children}
            ids = [part.strip() for part in listed.split(";") if part.strip()]
            lenient = _flag(parameters, "ignore_invalid_accounts", default=False)
            if not lenient and any(part not in known for part in ids):
                raise ApiError(194, "The 'child_account_id' parameter is invalid", field_name="child_account_id")
            children = [known[part] for part in dict.fromkeys(ids) if part in known]
        for name in _FILTERS[1:]:
            if wanted := parameters.get(name):
                children = [child for child in children if self._matches(_brief(child)[_ORDERS[name]], wanted)]
        if parameters.get("active"):
            active = _flag(parameters, "active", default=True)
            children = [child for child in children if child.condition.active == active]
        if parameters.get("frozen"):
            frozen = _flag(parameters, "frozen", default=True)
            children = [child for child in children if child.condition.frozen == frozen]
        return children

    def _matches(self, value: str, wanted: str) -> bool:
        return wanted in value if self._behaviour.children_match == "part" else wanted == value

    @staticmethod
    def _row(child: Account, parameters: Mapping[str, str]) -> dict[str, Any]:
        if _flag(parameters, "brief_output", default=False):
            return {"account_id": child.account_id}
        if _flag(parameters, "medium_output", default=False):
            return _brief(child)
        return _common(child, live=_flag(parameters, "return_live_balance", default=True))


def _brief(account: Account) -> dict[str, Any]:
    profile = account.profile
    return {"account_id": profile.account_id, "account_name": profile.name, "account_email": profile.email}


def _common(account: Account, *, live: bool) -> dict[str, Any]:
    """Return what both methods report of an account."""
    profile, condition = account.profile, account.condition
    fields = _brief(account) | {
        "api_key": profile.api_key,
        "created": f"{profile.created:%Y-%m-%d %H:%M:%S}",
        "language_code": profile.language,
        "location": profile.time_zone,
        "min_balance_to_notify": 10,
        "account_notifications": False,
        "tariff_changing_notifications": False,
        "news_notifications": False,
        "active": condition.active,
        "frozen": condition.frozen,
        "balance": account.balance,
        **({"live_balance": account.balance} if live else {}),
        "credit_limit": 0,
        "currency": profile.currency,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _flag(parameters: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Parse a truth value as any of the SDKs spells it."""
    value = parameters.get(name)
    return value.lower() in ("true", "1") if value else default


def _whole(parameters: Mapping[str, str], name: str, default: int) -> int:
    value = parameters.get(name)
    if value and not value.isdecimal():
        raise ApiError(101, "Invalid arguments", field_name=name)
    return int(value) if value else default
