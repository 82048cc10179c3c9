"""Parts, counted as the network bills them, against an implementation that others wrote."""

import pytest
import smsutil
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voxlake.sandbox.segments import segment_count
from voxlake.segments import GSM7, foreign, segments

PLAIN = st.text(sorted(GSM7), min_size=1, max_size=700)
# smsutil takes the bare escape for a character; a lone surrogate is no text at all.
ANY = st.text(st.characters(exclude_characters="\x1b", exclude_categories=["Cs"]), min_size=1, max_size=300)
EDGES = st.builds(
    lambda one, many, count, end: one * count + many + end,
    st.sampled_from("aж"),
    st.sampled_from(["", "€", "🎉", "{}", "ж"]),
    st.integers(50, 480),
    st.sampled_from(["", "a", "€€", "🎉🎉"]),
)


@given(PLAIN | ANY | EDGES)
@settings(deadline=None)
@example("a" * 152 + "€" + "b" * 10)
@example("ж" * 66 + "🎉" + "ж" * 10)
def test_as_others_count(text):
    """Encoding and parts are those of smsutil, for any text; so are those that the sandbox bills."""
    theirs = smsutil.split(text)
    ours = segments(text)
    assert (ours.encoding == "GSM-7") == (theirs.encoding == "gsm0338")
    assert ours.segments == ours.parts == len(theirs.parts) == segment_count(text)
    assert ours.characters == theirs.total_length


@given(PLAIN | ANY | EDGES)
@settings(deadline=None)
def test_what_is_left_is_what_fits(text):
    """As many units as are left can be added without another part, and not one more."""
    ours = segments(text)
    more = "a" if ours.encoding == "GSM-7" else "ж"
    assert segments(text + more * ours.left).segments == ours.segments
    assert segments(text + more * (ours.left + 1)).segments > ours.segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("GSM-7", 0, 1, 160)),
        ("a" * 160, ("GSM-7", 160, 1, 0)),
        ("a" * 161, ("GSM-7", 161, 2, 145)),
        ("a" * 765, ("GSM-7", 765, 5, 0)),
        ("€" * 80, ("GSM-7", 160, 1, 0)),
        # 76 escapes fill 152 of 153 septets; the 77th is not cut in half.
        ("€" * 81, ("GSM-7", 162, 2, 143)),
        ("ж" * 70, ("UCS-2", 70, 1, 0)),
        ("ж" * 71, ("UCS-2", 71, 2, 63)),
        ("🎉" * 35, ("UCS-2", 70, 1, 0)),
        ("🎉" * 36, ("UCS-2", 72, 2, 61)),
        ("`", ("UCS-2", 1, 1, 69)),
    ],
)
def test_known_texts(text, expected):
    """The edges of the standard."""
    found = segments(text)
    assert (found.encoding, found.units, found.segments, found.left) == expected


def test_foreign_characters():
    """The characters that make a text dear are named once each."""
    assert foreign("日本 for £5 {} 日") == ["日", "本"]
    assert foreign("plain") == []
