"""The limits of the API, checked before a request leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.errors import SettingsError
from voxlake.messaging.validation import ADVICE, check_sender, check_text, checked_number, checked_numbers


@given(st.text(max_size=20))
def test_any_number_is_digits_or_refused(text):
    """Whatever comes, what is left is digits that the API can read."""
    try:
        number = checked_number(text)
    except SettingsError:
        return
    assert number.isascii()
    assert number.isdecimal()
    assert 3 <= len(number) <= 15


@given(st.lists(st.integers(1000, 1020).map(str), min_size=1))
def test_duplicates_are_found(numbers):
    """A list is taken exactly when each number is in it once."""
    if len(set(numbers)) == len(numbers):
        assert checked_numbers(numbers) == numbers
    else:
        with pytest.raises(SettingsError, match="listed twice"):
            checked_numbers(numbers)


@pytest.mark.parametrize("number", ["447700900123", "+447700900123", " 447700900123\n", "00447700900123"])
def test_a_number_is_written_as_the_api_writes_it(number):
    """A plus or 00 and white space around a number go away, so that no two spellings are sent to."""
    assert checked_number(number) == "447700900123"


@pytest.mark.parametrize("number", ["", "+", "12", "1" * 16, "44 7700 900123", "٤٤٧٧", "++447700900123", "447700x"])
def test_what_is_not_a_number(number):
    """Letters, gaps, other digits than ASCII and wrong lengths are refused, and quoted."""
    with pytest.raises(SettingsError, match="is not a number") as error:
        checked_number(number)
    assert repr(number) in str(error.value)


def test_many_duplicates_are_counted():
    """A sentence names five at most, and counts the rest."""
    numbers = [str(n) * 3 for n in range(1, 8)]
    with pytest.raises(SettingsError, match=r"111, 222, 333, 444, 555 \(and 2 more\) are listed twice"):
        checked_numbers([*numbers, *numbers])
    with pytest.raises(SettingsError, match="nobody"):
        checked_numbers([])


def test_texts():
    """A text may be as long as the API accepts, and not empty; what is not Unicode is refused."""
    check_text("x" * 765, longest=765)
    for text, problem in (("x" * 767, "2 more"), ("", "empty"), (" \n\t", "white space"), ("\udcff", "UTF-8")):
        with pytest.raises(SettingsError, match=problem):
            check_text(text, longest=765)


def test_senders():
    """A SenderID is any text without a semicolon, which would separate numbers."""
    check_sender("Voxlake 24")
    for source in ("", " ", "a;b"):
        with pytest.raises(SettingsError, match="SenderID"):
            check_sender(source)


@pytest.mark.parametrize("advice", ADVICE.values())
def test_advice_ends_a_sentence(advice):
    """Advice follows a colon and is followed by a full stop."""
    assert not advice.endswith(".")
    assert advice.isprintable()
