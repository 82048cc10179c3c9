"""Small texts that several rooms write: counts of things, and numbers as the histories have them."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"[0-9]{3,15}", re.ASCII)


def counted(number: int, thing: str = "day") -> str:
    """Count days, or other things."""
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def written(party: str) -> str:
    """Give a number or a SenderID as the histories have it: a number in digits, without a plus."""
    plain = party.strip()
    return plain.removeprefix("+") if _DIGITS.fullmatch(plain.removeprefix("+")) else party
