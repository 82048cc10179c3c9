"""JSON replies: every shape that the vendor's reference calls possible gives the same rows."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.replies import READ, ROW, reply

from voxlake.transform import A2P, SMS, BrokenReplyError, decode_csv, decode_json


def one(row, stream=SMS):
    """Decode a single row."""
    page = decode_json(reply(row), stream)
    assert page.rejects == ()
    return page.table.to_pylist()[0]


def test_documented_row():
    """The documented row comes out typed, its amount exact and its time in UTC."""
    assert one(ROW) == READ


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "3"},
        {"source_number": 12345678111},
        {"fragments": "1"},
        {"cost": "2.7123"},
        {"cost": "2,7123"},
        {"status_id": 1},
        {"transaction_id": "3333"},
        {"direction": "in"},
        {"error_message": None},
        {"error_message": ""},
        {"processed_date": "2019-06-04T21:00:00Z"},
        {"processed_date": "2019-06-05 00:00:00+03:00"},
    ],
)
def test_variants(change):
    """Every type that the reference calls possible gives the same row."""
    assert one(ROW | change) == READ


@pytest.mark.parametrize(
    ("old", "new"), [("message_id", "sms_id"), ("message_id", "id"), ("processed_date", "processing_date")]
)
def test_other_names(old, new):
    """Older and swapped field names give the same row."""
    row = dict(ROW)
    row[new] = row.pop(old)
    assert one(row) == READ


def test_unknown_fields_are_kept():
    """A field that we do not know goes to `extra`, its decimals exact."""
    body = reply(ROW | {"zone": {"b": [1, None], "a": "ü"}}).replace(b'"b": [1', b'"b": [0.10000000000000000001')
    page = decode_json(body, SMS)
    assert page.table["extra"].to_pylist() == ['{"zone":{"a":"ü","b":[0.10000000000000000001,null]}}']


@pytest.mark.parametrize(
    ("cost", "amount"),
    [
        (b"0.30000000000000004", "0.3"),
        (b"2.7123000000000004", "2.7123"),
        (b"-0.010000000000000000208", "-0.01"),
        (b"123456.78000000000611", "123456.78"),
        (b"5.551115123125783e-17", "0"),
    ],
)
def test_noise_of_a_float(cost, amount):
    """An amount that went through a binary float on the API's side is the amount that was meant, in JSON and csv."""
    body = reply(ROW).replace(b"2.7123", cost)
    assert decode_json(body, SMS).table["cost"].to_pylist() == [Decimal(amount)]
    lines = b"message_id;processed_date;cost\n3;2019-06-04 21:00:00;" + cost + b"\n"
    assert decode_csv(lines, SMS).table["cost"].to_pylist() == [Decimal(amount)]


def test_half_a_character():
    """Half a surrogate pair, which JSON can say and UTF-8 cannot, is U+FFFD; the row is kept, and the page with it."""
    row = one(ROW | {"text": "a\ud83db\U0001f600", "zone\udc00": ["x\ude00"]})
    assert (row["text"], row["extra"]) == ("a\ufffdb\U0001f600", '{"zone\ufffd":["x\ufffd"]}')


def test_delivery_status_belongs_to_a2p():
    """The own column of the other stream is an unknown field, never lost."""
    a2p = {k: v for k, v in ROW.items() if k not in ("direction", "processed_date")}
    a2p |= {"delivery_status": "DELIVERED", "processing_date": ROW["processed_date"]}
    assert one(a2p, A2P)["delivery_status"] == "DELIVERED"
    assert one(ROW | {"delivery_status": "DELIVERED"})["extra"] == '{"delivery_status":"DELIVERED"}'


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"message_id": None}, "no message id"),
        ({"processed_date": ""}, "no date"),
        ({"processed_date": "yesterday"}, "processed_date is not a date"),
        ({"processed_date": "0001-01-01 00:00:00+01:00"}, "processed_date is not a date"),
        ({"cost": "free"}, "cost is not an amount"),
        ({"cost": "1.1234567"}, "more than 6 decimals"),
        ({"cost": 10**12}, "out of range"),
        ({"cost": True}, "not an amount"),
        ({"message_id": 2**63}, "out of range"),
        ({"message_id": True}, "not a whole number"),
        ({"fragments": 1.5}, "not a whole number"),
        ({"status_id": "success"}, "not a whole number"),
        ({"text": ["a"]}, "not a text"),
        ({"id": 4}, "contradicts"),
    ],
)
def test_rejects(change, reason):
    """A row that cannot be read is kept with its reason, and the others are read."""
    page = decode_json(reply(ROW | change, ROW), SMS)
    assert page.table.to_pylist() == [READ]
    assert page.served == 2
    (reject,) = page.rejects
    assert reason in reject.reason
    assert reject.raw["text"] == (ROW | change)["text"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"result":1,"total_count":1}',
        b'{"result":[]}',
        b'{"result":[],"total_count":"many"}',
        b'{"result":[{"cost":NaN}],"total_count":1}',
        b'{"result":[{"message_id":1',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_broken_json(body):
    """Bytes that are not a reply are an error of their own, not an empty page."""
    with pytest.raises(BrokenReplyError):
        decode_json(body, SMS)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**11), max_value=10**11))
def test_money_is_exact(cost):
    """No amount changes in its last digit, as a number or as a text."""
    body = reply(ROW | {"cost": "@"})
    for form in (f"{cost:f}".encode(), f'"{cost:f}"'.encode()):
        assert decode_json(body.replace(b'"@"', form), SMS).table["cost"].to_pylist() == [cost]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_kept(text):
    """Every text comes back as it was sent."""
    assert one(ROW | {"text": text})["text"] == (text or None)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_is_read_or_rejected(value):
    """Whatever stands in any field, no row is lost and nothing crashes."""
    for name in ROW:
        page = decode_json(reply(ROW | {name: value}), SMS)
        assert page.served == 1
