"""Why a query failed, and where: DuckDB's caret, drawn below the character that it means."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from wcwidth import iter_graphemes

from voxlake.reporting.widths import width
from voxlake.text import visible

if TYPE_CHECKING:
    import duckdb


def explain(error: duckdb.Error) -> tuple[str, str]:
    """Return why a statement failed as part of a sentence, and the lines that show where, with the caret; or ''."""
    reason, place, lines = str(error).partition("\n\nLINE ")
    shown, _, caret = lines.rstrip().rpartition("\n")
    if not caret.strip(" ^") and "^" in caret:
        lines = f"{shown.expandtabs(1)}\n{_under(f'LINE {shown}', caret)}"
    return " ".join(reason.split()), f"{place}{lines}".rstrip()


def _under(line: str, caret: str) -> str:
    """Return the line with a caret below the same character as before, when the line is drawn on a terminal.

    DuckDB counts other columns than a terminal draws, see `_counted`, and takes a tab for none.
    """
    before, columns = "", caret.index("^")
    for cluster in iter_graphemes(line):
        counted = _counted(cluster)
        if columns <= 0 and counted:
            break
        columns -= counted
        before += cluster
    return " " * width(visible(before.expandtabs(1))) + caret.strip()


def _counted(cluster: str) -> int:
    """Return how many columns DuckDB counts for what is drawn as one character: those of the first of its code points.

    It counts none for format characters but the soft hyphen, and one for a flag.
    """
    first = cluster[0]
    if visible(first) != first or first == "\t" or (unicodedata.category(first) == "Cf" and first != "\u00ad"):
        return 0
    return 1 if "\U0001f1e6" <= first <= "\U0001f1ff" else width(first)
