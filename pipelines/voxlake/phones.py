"""One form of a phone number, whoever wrote it and however: what filters, sends and keyed digests compare."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_PLAIN = re.compile(r"[1-9][0-9]{6,14}", re.ASCII)
"""An international number without its plus: 7 to 15 digits, of which the first is that of a calling code."""
_ABROAD = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})", re.ASCII)
_SHORT = re.compile(r"\+([1-9][0-9]{2,5})", re.ASCII)
"""A short number that somebody gave a plus, which the histories do not have."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
_SAME: Final = {
    **dict.fromkeys("+\uff0b", "+"),
    **dict.fromkeys("(\uff08", "("),
    **dict.fromkeys(")\uff09", ")"),
    **dict.fromkeys("./\u00b7\u2024\u2044\u2212\uff0e\uff0f", ""),
}
"""Marks in phone numbers and what they stand for; every dash and whatever is invisible counts as nothing as well."""


def is_number(normal: str) -> bool:
    """Return whether a text in its normal form is an international phone number, digits with the country code."""
    return _PLAIN.fullmatch(normal) is not None


def normal_number(text: str) -> str:
    """Return the normal form of a phone number: its digits with the country code, as the histories mostly have it.

    Blanks, dashes, dots, slashes, brackets and invisible marks count as nothing, digits of any script as digits, and
    a `+` or `00` at the beginning goes away, with a `(0)` behind it. What is not 7 to 15 digits then, or begins with
    0, is not an international number but a SenderID, a short or a national number. Such a text stays as it is, but for
    what is invisible at its ends, and the plus before a short number. To apply it twice changes nothing.

    The macro `normal_number` of the database gives the same for ASCII digits and those of four other scripts.
    """
    if _PLAIN.fullmatch(text):
        return text
    meant = [_meaning(character) for character in text]
    if None in meant:
        return _bare(text)
    marks = "".join(its for its in meant if its)
    if marks.startswith(("+", "00")):
        marks = marks.replace("(0)", "", 1)
    digits = marks.replace("(", "").replace(")", "")
    found = _ABROAD.fullmatch(digits)
    return found[1] if found else _bare(text)


def _meaning(character: str) -> str | None:
    """Return what a character means in a phone number: a digit, `+`, a bracket, nothing; None where it has no place."""
    if character in _SAME:
        return _SAME[character]
    if character.isascii() and character.isdigit():
        return character
    category = unicodedata.category(character)
    if category in _INVISIBLE or category == "Pd":
        return ""
    return str(unicodedata.decimal(character)) if category == "Nd" else None


def _bare(text: str) -> str:
    """Return a text without the invisible characters at its ends, and a short number without its plus."""
    invisible = {character for character in text if unicodedata.category(character) in _INVISIBLE}
    bare = text.strip("".join(invisible)) if invisible else text
    return bare[1:] if _SHORT.fullmatch(bare) else bare
