"""Ask what an account is, and which children it has.

The replies carry keys and addresses: what is needed is taken by name, and they are given to no archive and no log.
Source: the vendor's reference; where it says nothing, any answer is tolerated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from voxlake.errors import ApiRejected, Refused
from voxlake.text import currency_code, one_line
from voxlake.transform import BrokenReplyError, read_integer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voxlake.api.transport import ApiClient

T = TypeVar("T")

_PAGE: Final = 100
"""Children a request; the documented default is 20, the most is unknown."""
_EVERY: Final = "all"
"""What the siblings of this method take for every id; whether this one does is unknown."""
_IDS: Final = 200
"""Ids in one filter, so that the form stays small."""
_LONGEST: Final = 200
"""Characters of a name that are kept."""
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{1,63}", re.ASCII)
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})
# The reference names no role for GetAccountInfo: what is named in a refusal is a guess, and Owner has every right.
_INFO_ROLES, _CHILDREN_ROLES = ("Owner",), ("Owner",)
_PATIENCE = 10.0
"""Seconds for the faults of a call that an export does without."""


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """What the API says of an account; None where it does not say, or not in a form that can be used.

    `currency` is a code of three letters, `time_zone` a name of the IANA's, such as America/Los_Angeles.
    """

    account_id: int
    name: str | None = None
    currency: str | None = None
    time_zone: str | None = None
    active: bool | None = None
    frozen: bool | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """A child account as its parent's list has it; None where the list does not say."""

    account_id: int
    name: str | None = None
    active: bool | None = None
    frozen: bool | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Children:
    """The children that were listed; `total` is how many the API says there are, None where it does not say."""

    found: tuple[Child, ...]
    total: int | None

    @property
    def whole(self) -> bool:
        """Whether these are proved to be all: only then is one that is not among them gone."""
        return self.total == len(self.found)


def account_info(client: ApiClient) -> AccountInfo:
    """Return what the API says of the account that the client signs for.

    Raises what `ApiClient.call` raises: a role may be missing.
    """
    parameters = {"return_live_balance": "false"}
    return client.ask("GetAccountInfo", parameters, _info, roles=_INFO_ROLES, private=True, patience=_PATIENCE)


def children(client: ApiClient, ids: Sequence[int] | None = None) -> Children:
    """Return the children of the account that the client signs for, by id: all, or those of some ids.

    The reference asks for a filter, so that listing all may be refused: then `all` is tried as one, as its siblings
    take it. Pages are as long as the API makes them.

    Raises what `ApiClient.call` raises: the role Owner may be missing.
    """
    if ids is None:
        return _all(client, {})
    pieces = [ids[first : first + _IDS] for first in range(0, len(ids), _IDS)]
    lists = [
        _listed(client, {"child_account_id": ";".join(map(str, piece)), "ignore_invalid_accounts": "true"})
        for piece in pieces
    ]
    found = {child.account_id: child for its in lists for child in its.found}
    return Children(tuple(found[number] for number in sorted(found)), len(found))


def with_states(client: ApiClient, listed: Children) -> Children:
    """Return listed children with what the filters `active` and `frozen` say of them: a list of names says nothing.

    An API that refuses a filter, or that ignores it and gives the same list for yes and for no, teaches nothing.

    Raises:
        TryAgain: the API could not be reached.

    """
    known = {child.account_id: child for child in listed.found}
    for name in ("active", "frozen"):
        if all(getattr(child, name) is not None for child in known.values()):
            continue
        try:
            yes, no = ({child.account_id for child in _all(client, {name: value}).found} for value in ("true", "false"))
        except (ApiRejected, Refused):
            continue
        if not yes & no and yes | no == set(known):
            known = {number: _with_state(child, name, number in yes) for number, child in known.items()}
    return replace(listed, found=tuple(known.values()))


def _all(client: ApiClient, filters: Mapping[str, str]) -> Children:
    """Return all children that pass some filters, in either of two ways to ask for all."""
    try:
        return _listed(client, filters)
    except ApiRejected as refused:
        try:
            found = _listed(client, {**filters, "child_account_id": _EVERY})
        except ApiRejected:
            raise refused from None
        if not found.found and not filters:
            # Perhaps the word was taken for an id that does not exist.
            raise
        return found


def _with_state(child: Child, name: str, state: bool) -> Child:
    return replace(child, active=state) if name == "active" else replace(child, frozen=state)


def _listed(client: ApiClient, filters: Mapping[str, str]) -> Children:
    found: dict[int, Child] = {}
    while True:
        parameters = {
            **filters,
            "medium_output": "true",
            "return_live_balance": "false",
            "order_by": "child_account_id",
            "count": str(_PAGE),
            "offset": str(len(found)),
        }
        page = client.ask("GetChildrenAccounts", parameters, _page, roles=_CHILDREN_ROLES, private=True)
        news = [child for child in page.found if child.account_id not in found]
        found.update((child.account_id, child) for child in news)
        if not news or len(found) == page.total:
            return Children(tuple(found[number] for number in sorted(found)), page.total)


def _info(reply: dict[str, Any]) -> AccountInfo:
    its = reply.get("result")
    if not isinstance(its, dict):
        raise BrokenReplyError("no account under 'result'")
    return AccountInfo(
        account_id=_number(its),
        name=_text(its.get("account_name")),
        currency=_currency(its.get("currency")),
        time_zone=_matching(its.get("location"), _ZONE),
        active=_switch(its.get("active")),
        frozen=_switch(its.get("frozen")),
    )


def _page(reply: dict[str, Any]) -> Children:
    rows = reply.get("result")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BrokenReplyError("no list of accounts under 'result'")
    found = tuple(
        Child(
            account_id=_number(row),
            name=_text(row.get("account_name")),
            active=_switch(row.get("active")),
            frozen=_switch(row.get("frozen")),
            currency=_currency(row.get("currency")),
        )
        for row in rows
    )
    return Children(found, _readable(read_integer, reply.get("total_count")))


def _number(its: dict[str, Any]) -> int:
    number = _readable(read_integer, its.get("account_id"))
    if number is None or number < 1:
        # What stands there is not quoted: nothing of such a reply is.
        raise BrokenReplyError("an account without a number")
    return number


def _readable(read: Callable[[Any], T], value: Any) -> T | None:
    try:
        return read(value)
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return one_line(value)[:_LONGEST] or None if isinstance(value, str) else None


def _matching(value: Any, form: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and form.fullmatch(value) else None


def _currency(value: Any) -> str | None:
    code = _matching(value, _CURRENCY)
    return None if code is None else currency_code(code)


def _switch(value: Any) -> bool | None:
    """Read a boolean, which the API's SDKs have seen as true, 1, and the words."""
    word = str(value).lower()
    return True if word in _TRUE else False if word in _FALSE else None
