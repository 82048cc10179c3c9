"""Rows as a table for people, who read it on a terminal as wide as it is, or as one line a row in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wcwidth import iter_graphemes

from voxlake.reporting.widths import width
from voxlake.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP = "  "
_NARROWEST = 12
"""Columns of the terminal below which no text is wrapped: records are easier to read."""
_LEGIBLE = 20
"""Columns for whose sake other columns are left out, rather than that a text is wrapped more narrowly."""
_LONGEST_WORD = 40
"""Columns of a word that is broken anywhere rather than that a table is wider: no number, day or name is as long."""
USUAL = 80
"""Columns that a table has where nobody says how many."""


def render_table(
    names: Sequence[str], rows: Sequence[Sequence[Any]], *, screen: int | None = None, room: int | None = None
) -> str:
    """Return rows as a table, texts to the left and all else to the right, with a newline at the end.

    `screen` is the width of a terminal: names are broken at underscores and texts at blanks until the table fits, and
    where it still does not, each row becomes a list of names and values. Nothing is left out. Characters that would act
    on the terminal are shown as escapes. Elsewhere, a table that can be broken like this has at most `room` columns.
    """
    shown = visible if screen else str
    heads = [shown(" ".join(name.split())) for name in names]
    cells = [["" if value is None else shown(" ".join(str(value).split())) for value in row] for row in rows]
    right = _to_the_right(rows, len(names))
    widths = [max([width(head), *(width(row[n]) for row in cells)]) for n, head in enumerate(heads)]
    most = screen or room
    if most and _total(widths) > most:
        fitting = _fit(heads, cells, right, widths, most)
        if fitting is None and screen:
            return _records(heads, cells, screen)
        widths = fitting or widths
    lines = [*_lines(heads, widths, right, wrapped=_broken_at_underscores), _GAP.join("-" * each for each in widths)]
    for row in cells:
        lines += _lines(row, widths, right, wrapped=_wrapped)
    return "".join(f"{line}\n" for line in lines)


def fits(names: Sequence[str], rows: Sequence[Sequence[Any]], *, room: int) -> bool:
    """Return whether rows make a table of at most `room` columns of a terminal, of which texts stay legible."""
    return _total(_least(names, rows)) <= room


def fit_columns(names: Sequence[str], rows: Sequence[Sequence[Any]], *, spare: Sequence[str], room: int) -> list[str]:
    """Return which columns make a table that `fits`, as far as leaving out those in `spare`, in their order, allows."""
    least = dict(zip(names, _least(names, rows), strict=True))
    for name in spare:
        if _total(list(least.values())) <= room:
            break
        least.pop(name, None)
    return list(least)


def _least(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    """Return how wide each column must be to be legible: numbers and words are whole, and other texts go on below."""
    found = []
    for n, (name, is_right) in enumerate(zip(names, _to_the_right(rows, len(names)), strict=True)):
        texts = ["" if row[n] is None else " ".join(str(row[n]).split()) for row in rows]
        content = max(map(width, texts), default=0)
        if not is_right and (content > _LONGEST_WORD or any(" " in text for text in texts)):
            content = min(content, _LEGIBLE)
        found.append(max([content, *map(width, _pieces(name))]))
    return found


def _to_the_right(rows: Sequence[Sequence[Any]], columns: int) -> list[bool]:
    """Return which columns are numbers and the like; where there is no row, none."""
    return [bool(rows) and all(not isinstance(row[n], str | bool) for row in rows) for n in range(columns)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _fit(
    heads: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], widths: Sequence[int], screen: int
) -> list[int] | None:
    """Return widths with which a table fits, at the cost of names, then of the widest texts; None where it cannot."""
    pieces = [max(map(width, _pieces(head))) for head in heads]
    content = [max([piece, *(width(row[n]) for row in cells)]) for n, piece in enumerate(pieces)]
    # What cannot be broken: numbers, and words such as dates and names of countries.
    least = [
        each
        if is_right or (each <= _LONGEST_WORD and all(" " not in row[n] for row in cells))
        else max(piece, min(each, _NARROWEST))
        for n, (each, piece, is_right) in enumerate(zip(content, pieces, right, strict=True))
    ]
    found = list(content)
    while (over := _total(found) - screen) > 0:
        n = max(range(len(found)), key=lambda n: found[n] - least[n])
        if found[n] == least[n]:
            return None
        found[n] -= min(over, found[n] - least[n])
    for n, head in enumerate(heads):
        if found[n] == content[n]:
            room = min(widths[n], found[n] + screen - _total(found))
            found[n] = max(found[n], *map(width, _broken_at_underscores(head, room)))
    return found


def _lines(values: Sequence[str], widths: Sequence[int], right: Sequence[bool], *, wrapped: Any) -> Iterator[str]:
    columns = [wrapped(value, each) for value, each in zip(values, widths, strict=True)]
    for at in range(max(map(len, columns))):
        line = (column[at] if at < len(column) else "" for column in columns)
        padded = (
            " " * (each - width(value)) + value if to_right else value + " " * (each - width(value))
            for value, each, to_right in zip(line, widths, right, strict=True)
        )
        yield _GAP.join(padded).rstrip()


def _records(heads: Sequence[str], cells: Sequence[Sequence[str]], screen: int) -> str:
    """Return each row as a block of lines, a value a line."""
    margin = max(map(width, heads))
    room = max(_NARROWEST, screen - margin - len(_GAP))
    blocks = []
    for row in cells:
        lines = []
        for head, value in zip(heads, row, strict=True):
            first, *rest = _wrapped(value, room)
            lines.append(f"{head}{' ' * (margin - width(head))}{_GAP}{first}".rstrip())
            lines += [f"{' ' * margin}{_GAP}{each}" for each in rest]
        blocks.append("".join(f"{line}\n" for line in lines))
    return "\n".join(blocks) or "".join(f"{head}\n" for head in heads)


def _pieces(head: str) -> list[str]:
    *before, last = head.split("_")
    return [*(f"{each}_" for each in before), last]


def _broken_at_underscores(head: str, room: int) -> list[str]:
    return _filled(_pieces(head), room, between="")


def _wrapped(text: str, room: int) -> list[str]:
    """Break a text at blanks, and a word that is wider than the room anywhere."""
    if width(text) <= room:
        return [text]
    words: list[str] = []
    for word in text.split(" "):
        part = ""
        for character in iter_graphemes(word):
            if width(part + character) > room:
                words.append(part)
                part = ""
            part += character
        words.append(part)
    return _filled(words, room, between=" ")


def _filled(pieces: Sequence[str], room: int, *, between: str) -> list[str]:
    lines = [pieces[0]]
    for piece in pieces[1:]:
        longer = lines[-1] + between + piece
        if width(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines
