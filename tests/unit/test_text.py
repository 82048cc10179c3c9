"""Other people's text is seen on a terminal, and does nothing there."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\u001b[2J"),
        ("\x1b]52;c;aGk=\x07", "\\u001b]52;c;aGk=\\u0007"),
        ("\x9b31m", "\\u009b31m"),
        ("safe\b\b\b\bevil", "safe\\u0008\\u0008\\u0008\\u0008evil"),
        ("a\x7fb\rc", "a\\u007fb\\u000dc"),
        ("\u202etxt.exe\u202c \u2066x\u2069 \u200f\u061c", "\\u202etxt.exe\\u202c \\u2066x\\u2069 \\u200f\\u061c"),
        ("a\u2028b\ud800", "a\\u2028b\\ud800"),
        ("two\nlines\tof ünïcode 漢 👩\u200d💻 नमस्ते", "two\nlines\tof ünïcode 漢 👩\u200d💻 नमस्ते"),
    ],
)
def test_visible(text, shown):
    """What would act on a terminal is an escape; what people write stays."""
    assert visible(text) == shown


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b\x9b\b\x7f\r\u202e\u2066\u2028"))))
def test_visible_acts_on_nothing(text):
    """No text leaves a control character or one that changes the direction of writing; JSON stays the same JSON."""
    shown = visible(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t"]
    assert not [c for c in shown if unicodedata.bidirectional(c) in {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI"}]
    assert visible(shown) == shown
    assert json.loads(visible(json.dumps(text, ensure_ascii=False))) == text
