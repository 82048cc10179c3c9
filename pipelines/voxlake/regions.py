"""The country of a phone number, for values that are worked on one by one; `warehouse/countries.py` has it as SQL.

Both follow the numbering plans in `numbering`, and a test holds them against each other.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from voxlake.numbering import CODES, LEADING, PATTERNS

UNKNOWN: Final = "ZZ"
"""What stands for the country of a number that no plan knows; ISO 3166 leaves it to users."""


def country_of(number: str) -> str | None:
    """Return the ISO 3166 code of the country of a number in its normal form; None where no plan knows it."""
    code = next((int(number[:places]) for places in (1, 2, 3) if int(number[:places]) in CODES), None)
    if code is None:
        return None
    regions = CODES[code]
    if len(regions) == 1:
        return regions[0]
    rest = number[len(str(code)) :]
    return next((region for region in regions if _is_of(region, rest)), None)


def _is_of(region: str, rest: str) -> bool:
    """Whether what follows the calling code is a number of a country."""
    if region in LEADING:
        return rest.startswith(tuple(LEADING[region]))
    return _pattern(region).fullmatch(rest) is not None


@functools.cache
def _pattern(region: str) -> re.Pattern[str]:
    return re.compile(PATTERNS[region], re.ASCII)
