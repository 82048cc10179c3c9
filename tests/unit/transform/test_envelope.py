"""What surrounds the rows of a reply, and the bounds of its shape: nothing in it may hold or end its reader."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.replies import ROW, reply

from voxlake.transform import SMS, BrokenReplyError, decode_csv, decode_json, parse_json, total_of
from voxlake.transform.envelope import DEEPEST, MOST_ROWS, brackets, has_flat_rows


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":', b" [ "])
@pytest.mark.parametrize("before", [b'{"result":[],"total_count":0,"x":', b'{"x":"]]]]}}}}","y":', b'{"result":', b""])
def test_nesting(before, opening):
    """Ten thousand containers in one another are refused before a parser sees them, closed or not."""
    for body in (before + opening * 10_000, before + opening * 10_000 + b"]}" * 10_000):
        with pytest.raises(BrokenReplyError):
            decode_json(body, SMS)


def test_a_depth_that_may_be():
    """Some depth is accepted in a field that nobody knows, and kept; one level more is not."""
    deep = json.loads("[" * (DEEPEST - 3) + "]" * (DEEPEST - 3))
    page = decode_json(reply(ROW | {"new": deep}), SMS)
    assert json.loads(page.table["extra"].to_pylist()[0]) == {"new": deep}
    with pytest.raises(BrokenReplyError, match="nested too deeply"):
        decode_json(reply(ROW | {"new": [deep]}, *[ROW] * 30), SMS)


JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}",:\\ x', max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[{":\\', max_size=3), inner, max_size=3)
    ),
)


@given(
    st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=2), max_size=3),
    st.sampled_from([None, (",", ":")]),
    JSON,
)
def test_the_shape_of_a_reply(rows, separators, beside):
    """A shape is called flat exactly where no row and nothing beside the rows holds a container, whatever texts say."""
    body = json.dumps({"result": rows, "x": beside}, separators=separators).encode()
    flat = not any(isinstance(value, list | dict) for value in (beside, *(v for row in rows for v in row.values())))
    assert has_flat_rows(body) is flat
    assert brackets(body).count(b"[") == brackets(body).count(b"]")


@pytest.mark.parametrize(
    "number", ["1e1000000", "-1e1000000", "1e-1000000", "1e999999999999999999", "9" * 5000, "0e9999999"]
)
@pytest.mark.parametrize("name", ["message_id", "status_id", "cost", "source_number", "text", "error_message"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_numbers_whose_digits_would_fill_the_machine(name, number, quote):
    """Such a number is out of range, or a text that is kept; its row is set aside, and the next is read."""
    odd = json.dumps(ROW | {name: "@"}).replace('"@"', f"{quote}{number}{quote}")
    page = decode_json(f'{{"result":[{odd},{json.dumps(ROW)}],"total_count":2}}'.encode(), SMS)
    assert page.served == 2
    assert page.table.num_rows == (2 if quote and name in ("source_number", "text", "error_message") else 1)
    with pytest.raises(BrokenReplyError):
        total_of(parse_json(f'{{"result":[],"total_count":{quote}{number}{quote}}}'.encode()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": "x" * 1_000_000}, "text has 1,000,000 characters, more than 65,536"),
        ({"error_message": "ж" * 65_537}, "error_message has 65,537 characters, more than 65,536"),
        ({"new": "x" * 70_000}, "the unknown fields have 70,010 characters, more than 65,536"),
        ({f"f{n}": n for n in range(2000)}, "the row has 2,010 fields, more than 1,000"),
    ],
)
def test_rows_that_are_too_large(change, reason):
    """A row with more than any message has is set aside whole, with the reason, and its neighbours are read."""
    large = ROW | change
    page = decode_json(reply(ROW, large, ROW), SMS)
    ((reject,),) = (page.rejects,)
    assert (page.table.num_rows, reject.reason, set(reject.raw)) == (2, reason, set(large))
    assert decode_json(reply(ROW | {"text": "x" * 65_536}), SMS).table.num_rows == 1


def test_more_rows_than_a_page_has():
    """Rows without number are refused before anything is made of them, in either format."""
    for rows in (b"1", b"{}", b'{"message_id":1,"processed_date":"2026-01-01 00:00:00"}'):
        with pytest.raises(BrokenReplyError, match="100,000 rows"):
            decode_json(b'{"total_count":1,"result":[' + b",".join([rows] * (MOST_ROWS + 1)) + b"]}", SMS)
    with pytest.raises(BrokenReplyError, match="100,000 rows"):
        decode_csv(b"message_id\n" + b"1\n" * (MOST_ROWS + 1), SMS)
