"""The configuration of the sandbox's account: numbers, SenderIDs, balance, roles, callback URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from voxlake.sandbox.access import ROLES
from voxlake.sandbox.samples import OWN_NUMBERS, SENDERS

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
class AccountConfig:
    """The configuration of one account.

    `phones` maps each rented number to `enabled`, `disabled` or `unsupported`. `delivery` is the time in seconds until
    a message reaches its final status, on a clock that runs `speed` times as fast as the real one. `balance` is in the
    account's currency. `store_inbound` keeps the texts of received messages in the history. `roles` are the roles of
    the service account whose credentials are written.
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
    """Parse `NUMBER=enabled|disabled|unsupported` settings; without any, return the default numbers.

    Raises:
        ValueError: a setting is malformed; the message is one sentence for the user.

    """
    phones = {}
    for setting in settings:
        number, _, state = setting.partition("=")
        if not number.isdecimal() or state not in (ENABLED, DISABLED, UNSUPPORTED):
            raise ValueError(
                f"{setting!r} is not a phone setting: use NUMBER=STATE, for example 12345678113={ENABLED},"
                f" with the state {ENABLED}, {DISABLED} or {UNSUPPORTED}."
            )
        phones[number] = state
    return phones or dict(PHONES)


def read_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """Check role names; without any, return the usual ones.

    Raises:
        ValueError: a role is unknown; the message lists the known ones.

    """
    roles = tuple(roles)
    known = sorted(set().union(*ROLES.values()))
    for role in roles:
        if role not in known:
            raise ValueError(f"Unknown role {role!r}: use one of {', '.join(known)}.")
    return roles or USUAL


_DIGITS = 15
"""Digits before the point of a balance, at most."""


def read_balance(text: str) -> Decimal:
    """Parse an amount of money.

    Raises:
        ValueError: the text is not a decimal number that an account can have.

    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount.adjusted() > _DIGITS:
        raise ValueError(f"{text!r} is not an amount: use a number such as 12.50.")
    return amount
