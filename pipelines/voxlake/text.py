"""Small texts shared by several rooms: counts of things, phone numbers as the histories have them, addresses, hints."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIGITS = re.compile(r"[0-9]{3,15}", re.ASCII)


def counted(number: int, thing: str = "day") -> str:
    """Return a number with its unit in the right form, such as `1 day` or `1,200 days`."""
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def written(party: str) -> str:
    """Return a phone number or SenderID as the histories have it: a number as digits, without a plus."""
    plain = party.strip()
    return plain.removeprefix("+") if _DIGITS.fullmatch(plain.removeprefix("+")) else party


def api_address(text: str) -> str | None:
    """Return the address of an API without a slash at its end; where it names a host alone, with the vendor's path.

    None where it is not an HTTP address, or holds a user or a query.
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except (ValueError, AttributeError, TypeError):
        return None
    if not usable or parts.query or parts.username is not None:
        return None
    return text.rstrip("/") + ("" if parts.path.strip("/") else "/platform_api")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: the one that was probably meant, or all."""
    names = list(known)
    if close := get_close_matches(name, names, n=1):
        return f"did you mean {close[0]!r}?"
    return f"use {', '.join(names)}."
