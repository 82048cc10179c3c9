"""The country of a phone number, as SQL for whole columns at a time.

The numbering plans are those of the library `phonenumbers`, in the generated module `numbering`. A calling code that
belongs to one country determines it; where several countries share a code, the library's patterns decide, in the
library's order. An international number is in its normal form 7 to 15 digits that begin with a calling code; anything
else has no country.
"""

from __future__ import annotations

import functools

import pyarrow as pa

from voxlake.numbering import CODES, LEADING, PATTERNS
from voxlake.regions import UNKNOWN

_DIGITS = "[1-9][0-9]{6,14}"
_TREATED = "[A-Z]{2}([*]{3}[0-9]{2}|#[0-9a-f]{32})"
"""What masks a number or is its digest begins with its country; see `voxlake.policy`."""


@functools.cache
def calling_codes() -> pa.Table:
    """Return one row for each prefix of three digits: its calling code, and its country if the code has only one."""
    rows = [
        (str(prefix), code, None if others else country)
        for code, (country, *others) in CODES.items()
        for prefix in _prefixes(code)
    ]
    prefixes, codes, countries = zip(*rows, strict=True)
    return pa.table({"prefix": prefixes, "code": pa.array(codes, pa.int32()), "country": countries})


def digits_of(normal: str) -> str:
    """Return an SQL expression for the digits of an international number, '' for others, by that for a normal form."""
    return f"CASE WHEN regexp_full_match({normal}, '{_DIGITS}') THEN {normal} ELSE '' END"


def country(digits: str) -> str:
    """Return an SQL expression for the country of an expression `digits`, in a row joined with `calling_codes`."""
    cases = " ".join(
        f"WHEN {code} THEN CASE {' '.join(_test(digits, code, region) for region in regions)} END"
        for code, regions in CODES.items()
        if len(regions) > 1
    )
    return f"coalesce(country, CASE code {cases} END)"


def country_of_treated(number: str) -> str:
    """Return an SQL expression for the country that a masked or hashed number names itself; null for others."""
    known = f"regexp_full_match({number}, '{_TREATED}') AND NOT starts_with({number}, '{UNKNOWN}')"
    return f"CASE WHEN {known} THEN left({number}, 2) END"


def _prefixes(code: int) -> range:
    places = 10 ** (3 - len(str(code)))
    return range(code * places, (code + 1) * places)


def _test(digits: str, code: int, region: str) -> str:
    if region in LEADING:
        test = " OR ".join(f"starts_with({digits}, '{code}{begin}')" for begin in LEADING[region])
    else:
        test = f"regexp_full_match({digits}, '{code}(?:{PATTERNS[region]})')"
    return f"WHEN {test} THEN '{region}'"
