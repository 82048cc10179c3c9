"""Read amounts of money that were sent as texts: decimal points, decimal commas, thousands, and what may be either.

The vendor documents a decimal point; its csv may follow the account's locale. A comma before exactly three digits
("1,234") separates thousands for some and decimals for others, and being wrong means a factor of a thousand. What the
other amounts of the same reply show decides, then what the account wrote before; else such a text is not an amount.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.model import DecimalMark

SURE: Final = r"^-?([0-9]{1,11}(\.[0-9]{1,6})?|[0-9]{1,11},([0-9]{1,2}|[0-9]{4,6})|0,[0-9]{3})$"
"""Amounts that are what they look like; those of `EITHER_POINT` only where no decimal comma was seen."""

EITHER_POINT: Final = r"^-?[1-9][0-9]{0,2}\.[0-9]{3}$"
"""Amounts with a decimal point, or where the account writes decimal commas with a point for thousands."""

_SPACES = " \u00a0\u2007\u2009\u202f'\u2019"
"""What separates thousands, and nothing else."""

_EITHER = re.compile(r"[-+]?[1-9][0-9]{0,2}[.,][0-9]{3}")
_SIMPLE = re.compile(r"[-+]?[0-9]+([.,])[0-9]+")
_GROUPED = re.compile(
    rf"[-+]?[1-9][0-9]{{0,2}}(?P<group>[.,{_SPACES}])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*(?P<mark>(?!(?P=group))[.,])?(?(mark)[0-9]+)"
)


def decimal_mark(texts: Iterable[str], before: DecimalMark | None = None) -> DecimalMark | None:
    """Return the decimal mark that the amounts of one reply show, else the one that was seen `before`, if any."""
    found = {mark for text in texts if (mark := _mark_of(text.strip())) is not None}
    return before if not found else found.pop() if len(found) == 1 else "?"


def plain(text: str, mark: DecimalMark | None) -> str:
    """Return an amount with a decimal point and without separators of thousands; other texts as they are.

    `mark` is the decimal mark of the other amounts, where that is known.

    Raises:
        ValueError: it may be one amount or another, a thousand times as large.

    """
    if _EITHER.fullmatch(text):
        if mark == "?" or (mark is None and "," in text):
            raise ValueError(f"may mean thousands or decimals ({text})")
        return _joined(text, mark or ".")
    own = _mark_of(text)
    return text if own is None and not _GROUPED.fullmatch(text) else _joined(text, own or ".")


def _joined(text: str, mark: DecimalMark) -> str:
    whole, _, decimals = text.partition(mark)
    return re.sub(f"[.,{_SPACES}]", "", whole) + (f".{decimals}" if decimals else "")


def _mark_of(text: str) -> DecimalMark | None:
    """Return the decimal mark that a text has, or must have because the other one separates its thousands."""
    if _EITHER.fullmatch(text):
        return None
    if simple := _SIMPLE.fullmatch(text):
        return _either(simple[1])
    grouped = _GROUPED.fullmatch(text)
    if grouped is None:
        return None
    if grouped["mark"] is not None:
        return _either(grouped["mark"])
    return {".": _either(","), ",": _either(".")}.get(grouped["group"])


def _either(mark: str) -> DecimalMark:
    return "," if mark == "," else "."
