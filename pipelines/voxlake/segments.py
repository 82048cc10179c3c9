"""Count the segments that a text is billed for: GSM-7 if every character is in that alphabet, otherwise UCS-2.

Source: 3GPP TS 23.038 (alphabet) and TS 23.040 (the header of each segment of a longer text).
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
    """The segmentation of a text.

    `encoding` is GSM-7 or UCS-2. `characters` is the length in code points, `units` the length in GSM-7 septets or
    UTF-16 units. `segments` is how many are billed per recipient; `left` is the number of units that still fit into
    the last one.
    """

    encoding: str
    characters: int
    units: int
    segments: int
    left: int

    @property
    def parts(self) -> int:
        """The former name of `segments`, gone in 0.4."""
        return self.segments


def segments(text: str) -> Segmentation:
    """Return the segmentation of a text; an escape or surrogate pair is never split, so a segment may not be full."""
    if all(character in GSM7 for character in text):
        encoding, (alone, joined) = "GSM-7", _GSM_ROOM
        sizes = [2 if character in EXTENSION else 1 for character in text]
    else:
        encoding, (alone, joined) = "UCS-2", _UCS2_ROOM
        sizes = [2 if ord(character) >= _ASTRAL else 1 for character in text]
    units = sum(sizes)
    if units <= alone:
        return Segmentation(encoding, len(text), units, 1, alone - units)
    count, filled = 1, 0
    for size in sizes:
        if filled + size > joined:
            count, filled = count + 1, 0
        filled += size
    return Segmentation(encoding, len(text), units, count, joined - filled)


def segment_count(text: str) -> int:
    """Return the number of segments of a text, at least 1."""
    return segments(text).segments


def foreign(text: str) -> list[str]:
    """Return the characters that are not in GSM-7, each once, in order of appearance."""
    return list(dict.fromkeys(c for c in text if c not in GSM7))
