"""What an account of the look-alike has: numbers, SenderIDs, money, and a callback URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from .accounts import ROLES
from .samples import OWN_NUMBERS, SENDERS

if TYPE_CHECKING:
    from collections.abc import Iterable

ENABLED, DISABLED, UNSUPPORTED = "enabled", "disabled", "unsupported"
PHONES = {
    OWN_NUMBERS[0]: ENABLED,
    OWN_NUMBERS[1]: DISABLED,
    OWN_NUMBERS[2]: ENABLED,
    OWN_NUMBERS[3]: UNSUPPORTED,
    OWN_NUMBERS[4]: ENABLED,
}


USUAL = ("Owner", "CallsSMS")


@dataclass(frozen=True, slots=True)
class Setup:
    """An account: `phones` say of each rented number whether SMS is enabled, disabled or not supported.

    `delivery` is how many seconds a message takes to its final status, `speed` how much faster than ours the clock
    runs by which it does. `balance` is in the account's currency. `store_inbound` says whether the texts of received
    messages are kept. `roles` are those of the service account whose credentials are written.
    """

    phones: dict[str, str] = field(default_factory=lambda: dict(PHONES))
    senders: tuple[str, ...] = SENDERS
    balance: Decimal = Decimal(1000)
    delivery: float = 30
    speed: float = 1
    callback_url: str | None = None
    callback_salt: str = ""
    store_inbound: bool = False
    roles: tuple[str, ...] = USUAL


def read_phones(settings: Iterable[str]) -> dict[str, str]:
    """Read `NUMBER=enabled|disabled|unsupported`; a ValueError says in a sentence what is known."""
    phones = {}
    for setting in settings:
        number, _, state = setting.partition("=")
        if not number.isdecimal() or state not in (ENABLED, DISABLED, UNSUPPORTED):
            raise ValueError(
                f"The phone {setting!r} is none: give digits and what it can, like 12345678113={ENABLED},"
                f" {DISABLED} or {UNSUPPORTED}."
            )
        phones[number] = state
    return phones or dict(PHONES)


def read_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """Read role names; a ValueError says in a sentence which there are."""
    roles = tuple(roles)
    known = sorted(set().union(*ROLES.values()))
    for role in roles:
        if role not in known:
            raise ValueError(f"There is no role {role!r}: give one of {', '.join(known)}.")
    return roles or USUAL


def read_balance(text: str) -> Decimal:
    """Read an amount; a ValueError says in a sentence what is wrong."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise ValueError(f"The balance {text!r} is no amount: give one like 12.50.")
    return amount
