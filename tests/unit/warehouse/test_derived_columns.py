"""The parts that a text needs, by an independent implementation and at every seam."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smsutil import split

from voxlake.segments import BASIC, EXTENSION, segment_count
from voxlake.warehouse.derived_columns import expected_segments, prepare

TEXTS = st.lists(
    st.text(alphabet=st.one_of(st.sampled_from(BASIC + EXTENSION), st.sampled_from("Жя漢😀👍\u0301\t`")), max_size=400),
    min_size=20,
    max_size=20,
)


def asked(texts):
    """Return the parts of texts, as a load asks for them."""
    with duckdb.connect() as connection:
        prepare(connection)
        connection.register("texts", pa.table({"n": range(len(texts)), "text": pa.array(texts, pa.string())}))
        return [
            n for (n,) in connection.execute(f"SELECT {expected_segments('text')} FROM texts ORDER BY n").fetchall()
        ]


def oracle(text):
    """Return the parts by the library smsutil."""
    return max(1, len(split(text).parts))


@settings(max_examples=40, deadline=None)
@given(TEXTS)
def test_against_another(texts):
    """Any text has as many parts as smsutil says, by column and one by one."""
    assert asked(texts) == [oracle(text) for text in texts] == [segment_count(text) for text in texts]


@pytest.mark.parametrize("filling", ["a", "é", "я", "漢", "€", "😀", "ab€", "яб😀", "a\n", "a`"])
def test_seams(filling):
    """Around every limit, with characters that take one place and two, nothing is off by one."""
    texts = [
        (filling * 400)[:length] for length in (*range(30, 40), *range(60, 85), *range(130, 175), *range(300, 320))
    ]
    assert asked(texts) == [oracle(text) for text in texts]


def test_none():
    """Where no text is stored nothing is expected; an empty text is one part."""
    assert asked([None, "", "x"]) == [None, 1, 1]
