"""Find the accounts that somebody means: by number, by name, or by a pattern of either."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from voxlake.errors import SettingsError
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WILD: Final = frozenset("*?[")
_SHOWN: Final = 8

Known = tuple[int, str | None]
"""The number of an account, and its name, if it has one; an account may be there under several names."""


def is_pattern(wanted: str) -> bool:
    """Whether a text may mean several accounts."""
    return not _WILD.isdisjoint(wanted)


def find_meant(wanted: str, known: Iterable[Known]) -> set[int]:
    """Return the accounts that a number, a name in any case, or a pattern with *, ? and [] means; perhaps none."""
    pairs, folded = list(known), wanted.strip().casefold()
    exact = {number for number, name in pairs if folded in (str(number), (name or "").casefold()) and folded}
    if exact or not is_pattern(folded):
        return exact
    return {
        number
        for number, name in pairs
        if fnmatchcase(str(number), folded) or (name is not None and fnmatchcase(name.casefold(), folded))
    }


def select(wanted: Sequence[str], known: Iterable[Known]) -> list[int]:
    """Return the numbers of all accounts that are meant, in order.

    Raises:
        SettingsError: a text means none; the nearest are named.

    """
    pairs = list(known)
    found: set[int] = set()
    for text in wanted:
        meant = find_meant(text, pairs)
        if not meant:
            raise SettingsError(f"There is no account {text!r}{_nearest(text, pairs)}.")
        found |= meant
    return sorted(found)


def _nearest(text: str, pairs: Sequence[Known]) -> str:
    names = sorted({name or str(number) for number, name in pairs})
    if not names:
        return ": nothing was exported yet"
    by_fold = {word.casefold(): word for number, name in pairs for word in filter(None, [name, str(number)])}
    if close := get_close_matches(text.casefold(), by_fold, n=1):
        return f" (did you mean {by_fold[close[0]]!r}?): 'voxlake accounts' lists {counted(len(names), 'account')}"
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return f": use {shown}, or a pattern such as 'shop*'"
