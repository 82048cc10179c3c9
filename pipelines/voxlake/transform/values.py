"""Read one value of a reply exactly: what the vendor's reference calls possible, and nothing that needs guessing.

Every reader returns None for a missing value (null in JSON, nothing between two delimiters in csv) and raises
ValueError with a text that completes a sentence beginning with the field's name.
"""

from __future__ import annotations

import functools
import math
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import simplejson

from voxlake.transform.amounts import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlake.model import DecimalMark
    from voxlake.transform.streams import Field

_WHOLE_NUMBER = re.compile(r"\s*[-+]?[0-9]+\s*")
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")
_NOISE = Decimal("1e-12")

LONGEST_TEXT: Final = 65_536
"""Characters of one value, at most, forty times the longest text that can be sent: a row with more is set aside."""
_LARGEST_EXPONENT: Final = 60
"""Decimal exponents beyond which a number is out of every range: to write its digits down could take hours."""


def reader_of(field: Field, mark: DecimalMark | None = None) -> Callable[[Any], Any]:
    """Return the reader of a field's values, which follows from its Arrow type and its words.

    `mark` is the decimal mark of amounts that are texts, where that is known.
    """
    kind = field.type
    if pa.types.is_integer(kind):
        return functools.partial(read_integer, bits=kind.bit_width)
    if pa.types.is_decimal(kind):
        return functools.partial(read_amount, digits=kind.precision, scale=kind.scale, mark=mark)
    if pa.types.is_timestamp(kind):
        return read_instant
    if field.words is not None:
        return functools.partial(read_word, meanings=field.words)
    return read_text


def read_integer(value: Any, *, bits: int = 64) -> int | None:
    """Read a whole number, sent as a number or as a text of digits.

    The reference calls `status_id` a text and ids numbers; the SDKs saw both of either. 3.0 is 3, 3.5 is refused.
    """
    if _missing(value):
        return None
    _check_size(value)
    number = value
    if isinstance(value, str) and len(value) > _LARGEST_EXPONENT:
        raise ValueError("is out of range")
    if (isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value)) or (
        isinstance(value, Decimal) and value == value.to_integral_value()
    ):
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError("is not a whole number")  # noqa: TRY004 - bad data, not a wrong call
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise ValueError("is out of range")
    return number


def read_text(value: Any) -> str | None:
    """Keep a text as it was sent; a number becomes its digits.

    The reference calls phone numbers numbers, its examples show texts. The empty text is a missing value, because csv
    cannot tell the two apart.
    """
    if _missing(value):
        return None
    _check_size(value)
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, bool | list | dict):
        raise ValueError("is not a text")  # noqa: TRY004 - bad data, not a wrong call
    if isinstance(value, Decimal):
        whole = value.to_integral_value()
        return format(whole if value == whole else value, "f")
    return str(value)


def read_word(value: Any, *, meanings: Mapping[str, str]) -> str | None:
    """Read a word of a fixed list, whose spelling in replies is not documented: in capitals, or as what it means."""
    text = read_text(value)
    return text and meanings.get(text.upper(), text.upper())


def read_amount(value: Any, *, digits: int = 18, scale: int = 6, mark: DecimalMark | None = None) -> Decimal | None:
    """Read an amount of money exactly, sent as a number or as a text, with a decimal point or (as csv may) a comma.

    `mark` decides what a comma before three digits means; without it, such a text is refused.
    The reference shows four decimals; we store six and refuse more rather than round.
    """
    if _missing(value):
        return None
    if isinstance(value, bool):
        raise ValueError("is not an amount")  # noqa: TRY004 - bad data, not a wrong call
    if isinstance(value, str):
        value = plain(value.strip(), mark)
    try:
        _check_size(value)
        amount = Decimal(value)
        _check_size(amount)
        amount = _without_noise(amount, scale)
        exact = amount.is_finite() and amount == round(amount, scale)
    except (InvalidOperation, TypeError) as error:
        raise ValueError("is not an amount") from error
    if not exact:
        raise ValueError(f"has more than {scale} decimals")
    if abs(amount) >= 10 ** (digits - scale):
        raise ValueError("is out of range")
    return amount


def _without_noise(amount: Decimal, scale: int) -> Decimal:
    """Return the amount that was meant by 0.30000000000000004, which is what a binary float makes of 0.1 + 0.2."""
    if not amount.is_finite() or amount == (nearest := round(amount, scale)):
        return amount
    return nearest if abs(amount - nearest) <= max(_NOISE, 4 * Decimal(math.ulp(float(amount)))) else amount


def read_instant(value: Any) -> datetime | None:
    """Read a date with a time, in UTC: the documented "yyyy-MM-dd HH:mm:ss" or any other form of ISO 8601.

    The reference says that times are UTC; one with an offset, which it does not mention, is converted.
    """
    if _missing(value):
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, AttributeError, OverflowError) as error:
        raise ValueError("is not a date 'yyyy-MM-dd HH:mm:ss'") from error


def exact_json(value: Any) -> str:
    """Write JSON with the digits of its decimals as they came, which the standard encoder cannot."""
    text = simplejson.dumps(value, use_decimal=True, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _storable(text)


def _check_size(value: Any) -> None:
    """Raise ValueError for a text or a number that is larger than any that is meant."""
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise ValueError(f"has {len(value):,} characters, more than {LONGEST_TEXT:,}")
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError("is out of range")


def _missing(value: Any) -> bool:
    return value is None or value == ""


def _storable(text: str) -> str:
    r"""Replace half a surrogate pair by U+FFFD: JSON can express one ("\ud83d"), UTF-8 and so Parquet cannot."""
    return text if text.isascii() else _HALF_A_CHARACTER.sub("\ufffd", text)
