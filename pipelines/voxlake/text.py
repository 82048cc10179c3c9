"""Small texts shared by several rooms: counts, addresses, hints, what strangers say."""

from __future__ import annotations

import ipaddress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, timedelta

LONGEST_LINE = 500
"""Characters of a stranger's text that a sentence of ours quotes, at most."""
_ACTING: Final = {
    code: f"\\u{code:04x}"
    for first, last in (
        (0x00, 0x1F), (0x7F, 0x9F),  # C0 and C1, with ESC, backspace and DEL
        (0x061C, 0x061C), (0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x206F),  # they reorder what stands around them
        (0x2028, 0x2029), (0xFFF9, 0xFFFB), (0xD800, 0xDFFF),
    )
    for code in range(first, last + 1)
    if chr(code) not in "\n\t"
}  # fmt: skip


def counted(number: int, thing: str = "day") -> str:
    """Return a number with its unit in the right form, such as `1 day` or `1,200 days`."""
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def listed_days(days: Iterable[date]) -> list[str]:
    """Return consecutive days as one span each, oldest first, such as `2026-03-01 to 2026-03-04 (4 days)`."""
    spans: list[list[date]] = []
    for day in sorted(days):
        if spans and (day - spans[-1][-1]).days == 1:
            spans[-1].append(day)
        else:
            spans.append([day])
    return [str(its[0]) if len(its) == 1 else f"{its[0]} to {its[-1]} ({counted(len(its))})" for its in spans]


def in_words(age: timedelta) -> str:
    """Return a length of time in its two largest units, such as `2 days 4 hours`."""
    minutes = max(0, int(age.total_seconds()) // 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "day"), (hours, "hour"), (rest, "minute")]
    found = [counted(number, unit) for number, unit in parts if number][:2]
    return " ".join(found) or "less than a minute"


def meant(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'daily'?)` where a word is nearly one of those that are known, else nothing."""
    near = get_close_matches(word.lower(), known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def currency_code(code: str) -> str:
    """Return the ISO code of a currency: the vendor calls roubles RUR, which is what ISO called them before 1998."""
    return "RUB" if code == "RUR" else code


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


def scheduler_address(text: str) -> str | None:
    """Return the address of a Dask scheduler as `dask://host:port`, by default at 8786; None for anything else."""
    try:
        parts = urlsplit(text)
        port = parts.port or 8786
    except (ValueError, AttributeError, TypeError):
        return None
    if parts.scheme != "dask" or not parts.hostname or parts.path.strip("/") or parts.query or "@" in parts.netloc:
        return None
    return f"dask://[{parts.hostname}]:{port}" if ":" in parts.hostname else f"dask://{parts.hostname}:{port}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: the one that was probably meant, or all."""
    names = list(known)
    if close := get_close_matches(name, names, n=1):
        return f"did you mean {close[0]!r}?"
    return f"use {', '.join(names)}."


def visible(text: str) -> str:
    r"""Return a text in which no character acts on a terminal: each that would stands there as `\u001b`.

    That is every control character but newline and tab, and what changes the direction of writing. Inside the strings
    of JSON the escapes mean what they stand for.
    """
    return text.translate(_ACTING)


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine: what goes there meets no proxy and needs no encryption."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def one_line(text: str) -> str:
    """Make one short line of a text from outside, without the characters that would control a terminal."""
    words = " ".join(text[: LONGEST_LINE * 4].split())
    shown = "".join(character if character.isprintable() else "\ufffd" for character in words[:LONGEST_LINE])
    return (
        shown
        if len(words) <= LONGEST_LINE and len(text) <= LONGEST_LINE * 4
        else f"{shown}… ({len(text):,} characters)"
    )
