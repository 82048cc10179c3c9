"""Write `voxlake/numbering.py`: what the library phonenumbers knows of countries, in the form that SQL is fastest with.

The library says that a number is one of a region where it begins with the region's leading digits or, of a region
without such, where the pattern of all its numbers fits and that of some kind of number fits as well. The first of the
two is left out, because it says nothing new: that is proved digit by digit.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import phonenumbers

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail", "fixed_line",
    "mobile",
)  # fmt: skip
NOWHERE = "001"

Rests = frozenset[tuple[Any, ...]]
"""What may still come of a pattern: sequences as `re` parses them."""


def module() -> str:
    """Return the source of the module."""
    codes = {code: its for code, its in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()) if its != (NOWHERE,)}
    shared = [region for its in codes.values() if len(its) > 1 for region in its]
    plans = {region: phonenumbers.PhoneMetadata.metadata_for_region(region) for region in shared}
    leading = {region: tuple(begins(plan.leading_digits)) for region, plan in plans.items() if plan.leading_digits}
    patterns = {region: kinds(plan) for region, plan in plans.items() if region not in leading}
    return "\n".join(
        [
            '"""Calling codes and numbering plans of the library phonenumbers; made by `make numbering`."""',
            "",
            "# fmt: off",
            "# ruff: noqa: E501",
            "CODES = {",
            *(f"    {code}: {_literal(its)}," for code, its in codes.items()),
            "}",
            '"""The countries of a calling code, in the order in which they are tried."""',
            "",
            "LEADING = {",
            *(f'    "{region}": {_literal(its)},' for region, its in leading.items()),
            "}",
            '"""How a country\'s numbers begin behind its calling code, where that is enough to know them."""',
            "",
            "PATTERNS = {",
            *(f'    "{region}": r"{pattern}",' for region, pattern in patterns.items()),
            "}",
            '"""What each of a country\'s other numbers matches behind its calling code."""',
            "",
        ]
    )


def kinds(plan: Any) -> str:
    """Return the pattern of all kinds of numbers of a region."""
    kinds = (getattr(plan, kind) for kind in KINDS)
    patterns = (_compact(kind.national_number_pattern) for kind in kinds if kind and kind.national_number_pattern)
    some = "|".join(dict.fromkeys(patterns))
    if not implies(some, plan.general_desc.national_number_pattern):
        raise SystemExit(f"{plan.id}: a number of some kind is none of all: both patterns have to be asked now.")
    return some


def implies(one: str, other: str) -> bool:
    """Whether every number that matches one pattern matches the other."""
    seen, todo = set(), [(_rests(one), _rests(other))]
    while todo:
        pair = todo.pop()
        if pair in seen:
            continue
        seen.add(pair)
        ones, others = pair
        if _ends(ones) and not _ends(others):
            return False
        todo += [(_after(ones, digit), _after(others, digit)) for digit in "0123456789" if _after(ones, digit)]
    return True


def begins(pattern: str, so_far: str = "", rests: Rests | None = None) -> Iterator[str]:
    """Return the shortest beginnings that match a pattern."""
    rests = _rests(pattern) if rests is None else rests
    if _ends(rests):
        yield so_far
        return
    for digit in "0123456789":
        if after := _after(rests, digit):
            yield from begins(pattern, so_far + digit, after)


def _rests(pattern: str) -> Rests:
    return frozenset({_frozen(re._parser.parse(_compact(pattern)))})


def _frozen(parsed: Any) -> Any:
    """Make what `re` parsed hashable."""
    return tuple(map(_frozen, parsed)) if isinstance(parsed, list | tuple | re._parser.SubPattern) else parsed


def _after(rests: Rests, digit: str) -> Rests:
    return frozenset(after for rest in rests for after in _taken(rest, digit))


def _ends(rests: Rests) -> bool:
    return any(all(_may_be_nothing(item) for item in rest) for rest in rests)


def _may_be_nothing(item: Any) -> bool:
    """Whether an item of a pattern matches the empty text."""
    match str(item[0]), item[1]:
        case "MAX_REPEAT", (least, _, inner):
            return least == 0 or all(map(_may_be_nothing, inner))
        case "BRANCH", (_, branches):
            return any(all(map(_may_be_nothing, branch)) for branch in branches)
        case "SUBPATTERN", (*_, inner):
            return all(map(_may_be_nothing, inner))
    return False


def _taken(rest: tuple[Any, ...], digit: str) -> Iterator[tuple[Any, ...]]:
    """Return what may be left of a sequence behind a digit."""
    if not rest:
        return
    (kind, value), *others = rest
    match str(kind), value:
        case "LITERAL" | "IN", _:
            if _is_in(ord(digit), str(kind), value):
                yield tuple(others)
        case "SUBPATTERN", (*_, inner):
            yield from _taken((*inner, *others), digit)
        case "BRANCH", (_, branches):
            for branch in branches:
                yield from _taken((*branch, *others), digit)
        case "MAX_REPEAT", (least, most, inner):
            if most:
                again = (kind, (max(least - 1, 0), most - 1, inner))
                yield from _taken((*inner, again, *others), digit)
            if not least:
                yield from _taken(tuple(others), digit)
        case other:
            raise NotImplementedError(other)


def _is_in(code: int, kind: str, value: Any) -> bool:
    match kind:
        case "IN":
            return any(_is_in(code, str(one), its) for one, its in value)
        case "LITERAL":
            return bool(code == value)
        case "RANGE":
            return bool(value[0] <= code <= value[1])
        case "CATEGORY":
            return str(value) == "CATEGORY_DIGIT"
    raise NotImplementedError(kind)


def _compact(pattern: str) -> str:
    """Take the white space out that the library has in its patterns for the eye."""
    return re.sub(r"\s", "", pattern)


def _literal(texts: tuple[str, ...]) -> str:
    """Write a tuple of texts as the formatter would."""
    return f"({', '.join(map(json.dumps, texts))}{',' * (len(texts) == 1)})"


if __name__ == "__main__":
    sys.stdout.write(module())
