"""One form of a number, in Python and in the database."""

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voxlake.phones import is_number, normal_number
from voxlake.sql import statements

NUMBERS = st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True)
MARKS = st.text("0123456789+()-./ \t\u00a0\u200e\u2011\uff0b\uff08\uff09\u0664\u06f7\uff14ab", max_size=16)


@pytest.mark.parametrize(
    "text",
    [
        "447400792548", "+447400792548", "00447400792548", "+44 7400 792548", " 0044-7400-792548\n",
        "+44 (0)7400 792548", "(+44) 7400.792548", "44 7400/792548", "\u202a+44\u00a07400\u200b792548\u202c",
        "\uff0b\uff14\uff14\uff08\uff17400\uff09792548", "\u0664\u06647400\u0667\u0669\u0662548",
        "+44\u20117400\u2013792548",
    ],
)  # fmt: skip
def test_spellings(text):
    """However a number is written, it is the same number."""
    assert normal_number(text) == "447400792548"
    assert is_number(normal_number(text))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("INFO", "INFO"), ("  Shop-24\u200b ", "Shop-24"), ("07400 792548", "07400 792548"), ("12345", "12345"),
        ("+12345", "12345"), ("1" * 16, "1" * 16), ("++447400792548", "++447400792548"), ("", ""), ("123456", "123456"),
        ("1-800-FLOWERS", "1-800-FLOWERS"), ("+0447400792548", "+0447400792548"), ("44+7400792548", "44+7400792548"),
    ],
)  # fmt: skip
def test_what_is_no_international_number_stays(text, normal):
    """A SenderID, a short or a national number is left as it is, but for blanks around it."""
    assert normal_number(text) == normal
    assert not is_number(normal)


@given(st.text(max_size=20) | MARKS)
def test_normal_is_final(text):
    """The normal form of a normal form is itself."""
    assert normal_number(normal_number(text)) == normal_number(text)


@given(NUMBERS, st.data())
def test_marks_do_not_matter(digits, data):
    """Blanks and dashes anywhere, and a plus or 00 before them, change nothing."""
    mark = st.sampled_from(["", " ", "-", ".", "\u00a0", "\u200b"])
    spaced = "".join(digit + data.draw(mark) for digit in digits)
    assert normal_number(data.draw(st.sampled_from(["", "+", "00", "+ "])) + spaced) == digits


@pytest.fixture(scope="module")
def database():
    """Open a database with the macro."""
    with duckdb.connect() as connection:
        connection.execute(statements("macros")["normal_number"])
        yield connection


@example(texts=["+100 ", "\u00a0+123456", "+1(0)2(0)345678", "00 1(0)(0)2345678", "+ 100"])
@given(texts=st.lists(MARKS | NUMBERS | st.text("+0(12)3 ", max_size=12), min_size=20, max_size=60))
def test_the_database_has_the_same_form(database, texts):
    """The macro gives what Python gives."""
    found = database.execute("SELECT list_transform($1::VARCHAR[], lambda x: normal_number(x))", [texts]).fetchone()
    assert found[0] == [normal_number(text) for text in texts]
