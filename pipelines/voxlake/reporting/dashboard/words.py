"""Figures as text; None is a dash."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

NOTHING = "\N{EN DASH}"


def as_text(value: Any) -> str:
    """Return a figure as text; an amount has all its decimals, and a float is a share of 1, shown in per cent."""
    match value:
        case None:
            return NOTHING
        case bool() | str() | date():
            return plain(str(value))
        case int():
            return f"{value:,}"
        case Decimal():
            return f"{value:,f}"
        case float():
            return f"{value:.1%}".replace("%", "\N{NARROW NO-BREAK SPACE}%")
    raise TypeError(value)


def share(part: int, whole: int) -> float | None:
    """Return a part as a share of 1; None if the whole is 0."""
    return part / whole if whole else None


def still_moving(part: int, whole: int) -> str:
    """Return how much of what was sent is still on its way; nothing where that reads as 0.0 %."""
    return f"{as_text(part / whole)} still on its way" if part >= whole / 2000 and part else ""


def unit(currency: str, *, alone: bool) -> str:
    """Return what to call a currency; an unknown one is that of the account, where it is the only one."""
    return currency or ("account currency" if alone else "currency not known")


def plain(text: str) -> str:
    """Return a text with a space for each invisible character: control characters, direction marks."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def country(code: str) -> str:
    """Return the name of a country by its ISO code."""
    from phonenumbers.geodata.locale import LOCALE_DATA  # noqa: PLC0415 - half a second

    if not code:
        return "unknown"
    names = LOCALE_DATA.get(code, {})
    name = names.get("en", "")
    # The table says "*xx" where a name is the same as in another language.
    name = names.get(name[1:], "") if name.startswith("*") else name
    return name or code
