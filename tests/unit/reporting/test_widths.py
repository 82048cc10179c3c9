"""Texts are as wide as terminals draw them."""

import pytest

from voxlake.reporting.widths import width


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("Аптека", 6),
        ("漢字", 4),
        ("한국", 4),
        ("e\u0301", 1),
        ("😀", 2),
        ("❤\ufe0f", 2),
        ("👍🏽", 2),
        ("👩\u200d💻", 2),
        ("👩\u200d❤\ufe0f\u200d👩", 2),
        ("🇩🇪", 2),
        ("\uff46\uff55", 4),
        ("שלום", 4),
        ("a\x1b[2J", 5),
        ("漢\tb", 4),
    ],
)
def test_width(text, columns):
    """A text is as wide as a terminal draws it."""
    assert width(text) == columns
