"""How wide texts are on a terminal, as the package wcwidth, which terminals follow, measures them."""

from __future__ import annotations

from typing import Final

from wcwidth import wcswidth

_CONTROLS: Final = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], ".")
"""Control characters, each as one column: a library that measures texts refuses to say how wide they are."""


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for CJK and emoji, none for a combining mark."""
    return len(text) if text.isascii() else max(0, wcswidth(text.translate(_CONTROLS)))
