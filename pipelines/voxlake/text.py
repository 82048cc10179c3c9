"""Small texts shared by several rooms: counts of things, and phone numbers in the form of the histories."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"[0-9]{3,15}", re.ASCII)


def counted(number: int, thing: str = "day") -> str:
    """Return a number with its unit in the right form, such as `1 day` or `1,200 days`."""
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def written(party: str) -> str:
    """Return a phone number or SenderID as the histories have it: a number as digits, without a plus."""
    plain = party.strip()
    return plain.removeprefix("+") if _DIGITS.fullmatch(plain.removeprefix("+")) else party
