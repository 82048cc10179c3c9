"""A table fits the terminal, and nothing is left out of it."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.reporting.table import render_table
from voxlake.reporting.widths import width

NAMES = ["date", "messages", "delivered_pct_of_settled", "error_message"]
ROWS = [
    ("2026-11-27", 82, Decimal("95.65"), "Error send sms to # from # Code = 8"),
    ("2026-11-26", 7, None, "漢字 😀 x"),
]


def test_a_wide_table_in_a_pipe_is_a_line_a_row():
    """Programs that read lines get one for each row."""
    lines = render_table(NAMES, ROWS).splitlines()
    assert len(lines) == 4
    assert lines[2] == f"{'2026-11-27'}  {82:>8}  {'95.65':>24}  Error send sms to # from # Code = 8"


def test_names_are_broken_first():
    """Where only the names are too wide, each row stays one line."""
    assert render_table(NAMES, ROWS, screen=80).splitlines() == [
        "date        messages  delivered_pct_of_  error_message",
        "                                settled",
        "----------  --------  -----------------  -----------------------------------",
        "2026-11-27        82              95.65  Error send sms to # from # Code = 8",
        "2026-11-26         7                     漢字 😀 x",
    ]


def test_then_texts():
    """A text that is too wide goes on below itself."""
    assert render_table(NAMES, ROWS, screen=50).splitlines() == [
        "date        messages  delivered_  error_message",
        "                         pct_of_",
        "                         settled",
        "----------  --------  ----------  ----------------",
        "2026-11-27        82       95.65  Error send sms",
        "                                  to # from # Code",
        "                                  = 8",
        "2026-11-26         7              漢字 😀 x",
    ]


def test_then_records():
    """What cannot be a table any more is a list of names and values."""
    text = render_table(NAMES, ROWS, screen=36)
    assert text.splitlines()[:3] == [
        "date                      2026-11-27",
        "messages                  82",
        "delivered_pct_of_settled  95.65",
    ]
    assert text.count("\n\n") == 1


def test_columns_are_aligned_as_drawn():
    """A column after CJK, emoji and marks begins where it begins in every other row."""
    rows = [(text, "x") for text in ("漢字", "😀👍🏽", "abcd", "e\u0301", "שלום", "🇩🇪")]
    lines = render_table(["text", "n"], rows).splitlines()
    assert {width(line.partition("x")[0]) for line in lines[2:]} == {6}


def test_what_is_drawn_as_one_is_not_broken():
    """A long word is broken between the characters that a reader sees."""
    lines = render_table(["t", "n"], [("👩\u200d💻" * 12, 1), ("a b", 2)], screen=20).splitlines()
    assert lines[2:] == ["👩\u200d💻" * 8 + "   1", "👩\u200d💻" * 4, "a b" + " " * 16 + "2"]


@pytest.mark.parametrize("screen", [None, 80, 12])
def test_names_stay_on_their_line(screen):
    """A name of a column, which a query chooses, breaks no line, as no value does."""
    text = render_table(["a\nb\tc", "d"], [("x\ny", 1), ("zz", 2)], screen=screen)
    assert text.splitlines() == ["a b c  d", "-----  -", "x y    1", "zz     2"]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("\u1112\u1161\u11ab", 2),
        ("\u1112\ud7b0\ud7cb", 2),
        ("co\u00adop", 5),
        ("\u0600\u0661", 2),
        ("\uff76\uff9e \uff21\uff22", 7),
        ("สวัสดี", 4),
        ("👨\u200d👩\u200d👧\u200d👦", 2),
        ("1\ufe0f\u20e3", 2),
        ("🏴\U000e0067\U000e0062\U000e007f", 2),
    ],
    ids=["jamo", "old jamo", "soft hyphen", "number sign", "halves", "Thai", "family", "keycap", "flag of tags"],
)
def test_rare_texts_are_aligned_as_drawn(text, columns):
    """The next column begins behind as many columns as the package wcwidth, which terminals follow, counts."""
    line = render_table(["t", "n"], [(text, "x"), ("........", "x")]).splitlines()[2]
    assert line == f"{text}{' ' * (10 - columns)}x"


@pytest.mark.parametrize("screen", [40, 80])
@settings(max_examples=50)
@given(
    st.integers(1, 6).flatmap(
        lambda n: st.lists(
            st.lists(st.text(max_size=60) | st.integers() | st.none(), min_size=n, max_size=n), min_size=1, max_size=3
        )
    )
)
def test_any_table_fits(screen, rows):
    """No line is wider than the terminal."""
    names = [f"a_rather_long_name_{n}" for n in range(len(rows[0]))]
    text = render_table(names, rows, screen=screen)
    assert max(map(width, text.split("\n"))) <= screen


def test_it_acts_on_no_terminal():
    """Escapes are counted as wide as they are shown; a pipe gets the characters themselves."""
    rows = [("\x1b[2J", 1), ("\u202ex", 2)]
    assert render_table(["a", "b"], rows, screen=80).splitlines()[2:] == ["\\u001b[2J  1", "\\u202ex    2"]
    assert "\x1b[2J" in render_table(["a", "b"], rows)
