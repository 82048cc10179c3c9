"""How many parts a text is billed for: GSM-7 where every character has a place in it, else UCS-2.

Source: 3GPP TS 23.038 (alphabet) and TS 23.040 (the header that a part of several carries).
"""

from __future__ import annotations

from dataclasses import dataclass

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "^{}\\[~]|€\f"
"""Two septets each: an escape and the character."""

GSM7 = frozenset(BASIC + EXTENSION)

_GSM_ROOM, _UCS2_ROOM = (160, 153), (70, 67)
_ASTRAL = 0x10000


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How a text travels.

    `encoding` is GSM-7 or UCS-2; `characters` is the text's length as people count it; `units` are septets of GSM-7,
    or UTF-16 units; `parts` is what is billed for each recipient; `left` is how many units the last part still holds.
    """

    encoding: str
    characters: int
    units: int
    parts: int
    left: int


def segments(text: str) -> Segmentation:
    """Count the parts of a text; an escape or a surrogate pair is never cut in half, so a part can stay short."""
    if all(character in GSM7 for character in text):
        encoding, (alone, joined) = "GSM-7", _GSM_ROOM
        sizes = [2 if character in EXTENSION else 1 for character in text]
    else:
        encoding, (alone, joined) = "UCS-2", _UCS2_ROOM
        sizes = [2 if ord(character) >= _ASTRAL else 1 for character in text]
    units = sum(sizes)
    if units <= alone:
        return Segmentation(encoding, len(text), units, 1, alone - units)
    parts, filled = 1, 0
    for size in sizes:
        if filled + size > joined:
            parts, filled = parts + 1, 0
        filled += size
    return Segmentation(encoding, len(text), units, parts, joined - filled)


def parts(text: str) -> int:
    """Count the parts of a text, and nothing else of it."""
    return segments(text).parts


def foreign(text: str) -> list[str]:
    """List the characters that cost a text the roomier GSM-7, each once, in the order of the text."""
    return list(dict.fromkeys(c for c in text if c not in GSM7))
