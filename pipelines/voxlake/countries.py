"""The country of a number, as SQL: whole columns at a time, for millions of rows.

The numbering plans are those of the library `phonenumbers`. A calling code that belongs to one country tells it by
itself; where several share a code, the library's own patterns decide, in the library's own order. An international
number is 7 to 15 digits that begin with a calling code, after `+`, `00` or nothing; anything else has no country.
"""

from __future__ import annotations

import re
from typing import Any

import phonenumbers
import pyarrow as pa

DIGITS = r"regexp_extract(destination_number, '^(?:\+|00)?([1-9][0-9]{6,14})$', 1)"
"""SQL for the digits of an international number, and the empty text for anything else."""
_PREFIXES = range(100, 1000)
_NOWHERE = "001"
_KINDS = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail", "fixed_line",
    "mobile",
)  # fmt: skip


def calling_codes() -> pa.Table:
    """Give each beginning of three digits its calling code, and the country where the code has but one."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    rows = []
    for prefix in map(str, _PREFIXES):
        code = next((int(prefix[:n]) for n in (1, 2, 3) if int(prefix[:n]) in regions), None)
        if code is not None:
            (country, *others) = regions[code]
            rows.append((prefix, code, None if others or country == _NOWHERE else country))
    prefixes, codes, countries = zip(*rows, strict=True)
    return pa.table({"prefix": prefixes, "code": pa.array(codes, pa.int32()), "country": countries})


def country(digits: str) -> str:
    """Give SQL for the country of some digits, in a row that has `code` and `country` of its calling code."""
    shared = {c: its for c, its in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items() if len(its) > 1}
    cases = " ".join(
        f"WHEN {code} THEN CASE {' '.join(_tests(digits, code, region) for region in regions)} END"
        for code, regions in shared.items()
    )
    return f"coalesce(country, CASE code {cases} END)"


def _tests(digits: str, code: int, region: str) -> str:
    plan: Any = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if plan.leading_digits:
        return f"WHEN regexp_matches({digits}, '^{code}(?:{_pattern(plan.leading_digits)})') THEN '{region}'"
    kinds = (getattr(plan, kind) for kind in _KINDS)
    patterns = [desc.national_number_pattern for desc in kinds if desc and desc.national_number_pattern]
    whole = (plan.general_desc.national_number_pattern, "|".join(f"(?:{pattern})" for pattern in patterns))
    tests = (f"regexp_full_match({digits}, '{code}(?:{_pattern(pattern)})')" for pattern in whole)
    return f"WHEN {' AND '.join(tests)} THEN '{region}'"


def _pattern(pattern: str) -> str:
    """Take the white space out that the library has in its patterns for the eye."""
    return re.sub(r"\s", "", pattern)
