"""Count billed segments by 3GPP TS 23.038 and 23.040, independently of voxlake's own implementation."""

from __future__ import annotations

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = "\f^{}\\[~]|€"
_SEPTETS = {**dict.fromkeys(_BASIC, 1), **dict.fromkeys(_ESCAPED, 2)}


def segment_count(text: str) -> int:
    """Return the number of segments that a text needs, at least 1.

    The 48 bits of the concatenation header leave 153 septets or 67 UTF-16 units in each segment of a longer text.
    """
    weights = [_SEPTETS.get(character) for character in text]
    if None in weights:
        weights = [len(character.encode("utf-16-be", "surrogatepass")) // 2 for character in text]
        whole, piece = 1120 // 16, (1120 - 48) // 16
    else:
        whole, piece = 1120 // 7, (1120 - 48) // 7
    sizes = [weight for weight in weights if weight is not None]
    if sum(sizes) <= whole:
        return 1
    room = count = 0
    for size in sizes:
        if size > room:
            room, count = piece, count + 1
        room -= size
    return count
