"""One value at a time: exact, and None where it is missing."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.transform.streams import Field
from voxlake.transform.values import (
    exact_json,
    read_amount,
    read_instant,
    read_integer,
    read_text,
    read_word,
    reader_of,
)


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.decimal128(18, 6), pa.timestamp("us", "UTC"), pa.string()])
@pytest.mark.parametrize("words", [None, {"1": "ONE"}])
@pytest.mark.parametrize("missing", [None, ""])
def test_missing(kind, words, missing):
    """Null and the empty text are a missing value, whatever the type."""
    assert reader_of(Field("name", kind, "A field.", words=words))(missing) is None


@pytest.mark.parametrize("bits", [8, 32, 64])
@given(number=st.integers())
def test_integers(bits, number):
    """Numbers and texts of digits are read alike, within the bits of their column."""
    for sent in (number, str(number), f" {number} ", Decimal(number)):
        if -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            assert read_integer(sent, bits=bits) == number
        else:
            with pytest.raises(ValueError, match="out of range"):
                read_integer(sent, bits=bits)


@pytest.mark.parametrize("sent", [True, "1.0", "0x1", "1_0", "\u0661", Decimal("1.5"), [1], {}])
def test_not_an_integer(sent):
    """What Python would call a number, and JSON and csv would not, is refused."""
    with pytest.raises(ValueError, match="is not a whole number"):
        read_integer(sent)


@pytest.mark.parametrize(
    ("sent", "text"),
    [(12, "12"), (Decimal("1.50"), "1.50"), (Decimal("1E+3"), "1000"), (Decimal("7.0"), "7"), (" x ", " x ")],
)
def test_texts(sent, text):
    """A number becomes its digits, without an exponent; a text stays, with its blanks."""
    assert read_text(sent) == text


def test_words():
    """A word is in capitals, and becomes what it means where that is known."""
    assert [read_word(sent, meanings={"1": "QUEUED"}) for sent in (1, "1", "queued", "new")] == [
        *("QUEUED", "QUEUED", "QUEUED", "NEW")
    ]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-99999, max_value=99999))
def test_amounts(amount):
    """An amount is exact as a number, as a text, and with a comma."""
    for sent in (amount, f"{amount:f}", f" {amount:f} ", f"{amount:f}".replace(".", ",")):
        assert read_amount(sent, digits=9, scale=4) == amount


@pytest.mark.parametrize(
    ("sent", "problem"),
    [("0.00001", "more than 4 decimals"), ("100000", "out of range"), ("NaN", "decimals"), ("x", "not an amount")],
)
def test_not_an_amount(sent, problem):
    """More digits than the column has are refused, not rounded."""
    with pytest.raises(ValueError, match=problem):
        read_amount(sent, digits=9, scale=4)


@pytest.mark.parametrize("sent", ["2019-06-04 21:00:00", "2019-06-04T21:00:00Z", "2019-06-05 00:00:00+03:00"])
def test_instants(sent):
    """A time is UTC, unless it has an offset."""
    assert read_instant(sent) == datetime(2019, 6, 4, 21, tzinfo=UTC)


def test_exact_json():
    """Unknown fields keep the digits that they came with, their keys in order."""
    assert exact_json({"b": Decimal("1.10"), "a": "ü\ud83d"}) == '{"a":"ü\ufffd","b":1.10}'
