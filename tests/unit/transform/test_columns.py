"""Two readers of one reply: whatever the fast one reads, the exact one reads alike."""

import dataclasses
import json
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from voxlake.sandbox import Behaviour, History, World
from voxlake.transform import (
    A2P,
    SMS,
    BrokenReplyError,
    Field,
    decode_csv,
    decode_json,
    page_of,
    pages_of_json,
    parse_json,
)

NOTHING = {"NULL", "null", "None", "\\N"}
STREAMS = {"GetSmsHistory": SMS, "A2PGetSmsHistory": A2P}
TO = date(2026, 3, 1)
WORLD = World(rows=400, days=3, seed=5, until=TO)
# Behaviour under which rows differ from each other or hold what the columns have no place for.
SLOW = ({"extra_field": "on"}, {"extra_field": "mixed"}, {"number_type": "number"})
ONE_BY_ONE = [{}] + [
    {f.name: value}
    for f in Behaviour.__dataclass_fields__.values()
    for value in (f.metadata["values"] or ())[1:]
    if not f.name.startswith("csv") and f.name not in ("gzip", "error_shape")
]


def served(method, output="json", **switches):
    """Return the bytes of a page of the sandbox."""
    history = History(method, WORLD, Behaviour(**switches))
    return history.answer({"from_date": "2026-02-20 00:00:00", "to_date": "2026-03-02 00:00:00", "output": output}).body


def exact(body, stream):
    """Read a reply row by row."""
    return page_of(parse_json(body), stream)


def same(body, stream):
    """Return whether the reply was read by columns, after comparing the result with that of the exact reader."""
    pages = pages_of_json([body], stream)
    if pages is None:
        return False
    (page,) = pages
    expected = exact(body, stream)
    assert page.table.equals(expected.table)
    assert (page.total, page.rejects, page.served) == (expected.total, expected.rejects, expected.served)
    return True


@pytest.mark.parametrize("method", STREAMS)
@pytest.mark.parametrize("switches", ONE_BY_ONE, ids=str)
def test_switches(method, switches):
    """Under each switch of the sandbox both give the same page, and the usual ones are read the fast way."""
    assert same(served(method, **switches), STREAMS[method]) or switches in SLOW


@given(
    st.sampled_from(sorted(STREAMS)),
    st.fixed_dictionaries(
        {
            name: st.sampled_from(Behaviour.__dataclass_fields__[name].metadata["values"])
            for name in ("id_type", "cost_type", "status_type", "nulls", "id_field", "date_field", "total_count")
        }
    ),
)
@settings(max_examples=40, deadline=None)
def test_switches_together(method, switches):
    """Under any choice of the types and names of fields, every page is read the fast way, and alike."""
    assert same(served(method, **switches), STREAMS[method])


@pytest.mark.parametrize(("kind", "readable"), [(pa.string(), {0, 1}), (pa.int64(), {1})])
def test_two_types_for_one_field_in_one_reply(kind, readable):
    """Row by row, a value that the declared type can hold is read, and a row with another one is a reject."""
    stream = dataclasses.replace(SMS, fields=(*SMS.fields[:-1], Field("route", kind, "The route."), SMS.fields[-1]))
    body = served("GetSmsHistory", extra_field="mixed")
    assert not same(body, stream)
    page = decode_json(body, stream)
    read = page.table.to_pylist()
    assert {row["message_id"] % 3 for row in read} == readable
    assert {row["route"] for row in read} == ({"route 0", "1"} if pa.types.is_string(kind) else {1})
    assert {reject.raw["message_id"] % 3 for reject in page.rejects} == {0, 1, 2} - readable
    assert page.served == page.total == len(read) + len(page.rejects)


NUMBERS = (
    st.integers() | st.floats(allow_nan=True, allow_infinity=True) | st.decimals(allow_nan=False, places=7).map(float)
)
TEXTS = st.text() | st.sampled_from(
    [
        "",
        " ",
        "0",
        "-0",
        "+1",
        " 1 ",
        "1.5",
        "1,5",
        "0x10",
        "1e3",
        "1_0",
        "\u0661",
        "nan",
        "\x00",
        "\ud800",
        "ß",
        "true",
    ]
)
DATES = st.sampled_from(
    [
        "2019-06-04",
        "2019-06-04 21",
        "2019-06-04T21:00",
        "2019-06-04 21:00:00.5",
        "2019-06-04 21:00:00.1234567",
        "2019-06-04 21:00:00Z",
        "2019-06-04 21:00:00+0330",
        "2019-06-04 24:00:00",
        "2019-06-04 23:59:60",
        "2019-02-29 00:00:00",
        "0000-01-01 00:00:00",
        "0001-01-01 00:00:00+23:00",
        "9999-12-31 23:59:59-23:00",
        "20190604T210000",
        "2019-W23-2",
        " 2019-06-04 21:00:00",
    ]
) | st.datetimes().map(str)
VALUES = st.none() | st.booleans() | NUMBERS | TEXTS | DATES | st.lists(st.integers(), max_size=2)
FIELDS = st.sampled_from(
    [
        *("message_id", "sms_id", "id", "processed_date", "processing_date", "processed_at", "source_number", "cost"),
        *("direction", "delivery_status", "fragments", "status_id", "status", "transaction_id", "text", "extra", "new"),
    ]
)
CHANGES = st.dictionaries(FIELDS, VALUES, max_size=3)
ROW = {
    "message_id": 3,
    "source_number": "12345678111",
    "destination_number": "0012345678222",
    "direction": "in",
    "fragments": 1,
    "cost": 2.7123,
    "status_id": "1",
    "processed_date": "2019-06-04 21:00:00",
    "text": "Ваш код",
}


@given(st.lists(CHANGES, min_size=1, max_size=3), st.dictionaries(st.sampled_from(["count", "errors"]), VALUES))
@settings(max_examples=200, deadline=None)
def test_changed_rows(changes, envelope):
    """Whatever stands in any field of some rows, or beside them, what is read the fast way is read alike."""
    rows = [ROW, *(ROW | change for change in changes)]
    for result in (rows, rows[1:], rows[::-1]):
        body = json.dumps({"result": result, "total_count": 7, **envelope}, ensure_ascii=True).encode()
        try:
            same(body, SMS)
        except BrokenReplyError:
            pytest.fail(f"read fast, but no reply: {body!r}")


@given(st.binary(min_size=1, max_size=3), st.integers(0, 700), st.integers(0, 4))
@settings(max_examples=200, deadline=None)
def test_changed_bytes(some, at, cut):
    """Bytes that are cut, damaged or followed by others are never read where the exact reader refuses them."""
    body = json.dumps({"result": [ROW, ROW], "total_count": 2}, ensure_ascii=False).encode()
    for damaged in (body[:at], body[:at] + some + body[at + cut :], body + some, some + body):
        try:
            same(damaged, SMS)
        except BrokenReplyError:
            pytest.fail(f"read fast, but no reply: {damaged!r}")


WHOLE = json.dumps({"result": [ROW | {"message_id": "3"}], "total_count": "7", "count": "1", "note": "x"}).encode()
ENDS = [n for n in range(len(WHOLE)) if WHOLE[n : n + 1] in b'",}]']
ODD = st.sampled_from([bytes([n]) for n in (*range(33), *range(127, 256))]) | st.binary(min_size=1, max_size=2)


@given(st.sampled_from(ENDS), ODD)
@settings(max_examples=200, deadline=None)
def test_odd_bytes_at_the_end_of_every_member(at, some):
    """A control character or half a character at the end of any name or value is judged alike by both."""
    for body in (WHOLE[:at] + some + WHOLE[at:], WHOLE[: at + 1] + some + WHOLE[at + 1 :]):
        try:
            same(body, SMS)
        except BrokenReplyError:
            pytest.fail(f"read fast, but no reply: {body!r}")


@given(st.lists(CHANGES, min_size=3, max_size=3), st.integers(0, 2), st.binary(max_size=3), st.integers(0, 700))
@settings(max_examples=200, deadline=None)
def test_replies_together(changes, damaged, some, at):
    """Replies read together are read as each by itself, and a broken one is not made whole by its neighbours."""
    bodies = [
        json.dumps({"result": [ROW, ROW | change][: n + 1], "total_count": n}).encode()
        for n, change in enumerate(changes)
    ]
    broken = [body[:at] + some if n == damaged else body for n, body in enumerate(bodies)]
    for those in (bodies, broken):
        pages = pages_of_json(those, SMS)
        for body, page in zip(those, pages or [], strict=bool(pages)):
            expected = exact(body, SMS)
            assert page.table.equals(expected.table)
            assert (page.total, expected.rejects) == (expected.total, ())


def test_replies_together_are_read_fast():
    """Pages of one shape are read together, an empty one and one without optional fields among them."""
    rows = [ROW, {name: ROW[name] for name in ROW if name != "text"}]
    bodies = [json.dumps({"result": rows[:n], "total_count": n}).encode() for n in (2, 0, 1)]
    assert [page.served for page in pages_of_json(bodies, SMS)] == [2, 0, 1]


@pytest.mark.parametrize(
    "body",
    [
        b'{"result":[{"id":1,"id":2,"processed_date":"2026-01-01 00:00:00"}],"total_count":1}',
        b'{"result":[],"total_count":1,"total_count":2}',
        b'{"result":[],"total_count":1}{"result":[],"total_count":1}',
        b'{"result":[],"total_count":1}\0',
        b'{"result":[],"total_count":1,"count":NaN}',
        b'{"result":[null],"total_count":1}',
        b'{"result":null,"total_count":1}',
        b'{"result":[]}',
        b'{"result":[],"total_count":1,"error":{"code":100}}',
        b'{"result":[],"total_count":1,"error":"100"}',
        b'{"result":[{"message_id":1,"processed_date":"2026-01-01 00:00:00","text":"\xed\xa0\x80"}],"total_count":1}',
        b'\xbf{"result":[],"total_count":1}',
        b'{"result":[],"total_count":0,"count":"1\x84"}',
        b'{"result":[],"total_count":0,"count":"1\n"}',
        b'{"result":[],"total_count":0,"x":{"a":1}}',
        b'{"result":[],"total_count":0,"x":[1]}',
        b'{"result":[{"message_id":1,"processed_date":"2026-01-01 00:00:00","new":{}}],"total_count":1}',
        b'{"a":"[","total_count":0,"result":[],"b":"]"}',
        b'{"x":[],"total_count":0}',
        b'{"total_count":1e1000000,"result":[]}',
        b"[]",
        b"",
    ],
)
def test_doubt(body):
    """Where any doubt is left, nothing is read."""
    assert pages_of_json([body], SMS) is None


def test_no_rows():
    """A reply without rows is read."""
    assert same(b'{"result": [], "total_count": 0}', SMS)
    assert [page.total for page in pages_of_json([b'{"result": [], "total_count": 0}'], SMS)] == [0]


@pytest.mark.parametrize("method", STREAMS)
@pytest.mark.parametrize("switches", [{}, {"csv_decimal": ",", "csv_header": "title"}, {"extra_field": "on"}], ids=str)
def test_csv(method, switches):
    """A csv page holds the rows of the JSON page."""
    page = decode_csv(served(method, "csv", **switches), STREAMS[method])
    expected = exact(served(method, **{k: v for k, v in switches.items() if k == "extra_field"}), STREAMS[method])
    assert page.table.equals(expected.table)


@given(st.sampled_from([*ROW, "transaction_id", "error_message"]), TEXTS | DATES | st.decimals().map(str))
@settings(max_examples=200, deadline=None)
def test_csv_values(name, value):
    """A csv value is read as the same text in JSON would be, and the rows around it do not notice."""
    value = value.replace("\ud800", "")
    # A word that may stand for nothing is in doubt there, and has tests of its own.
    assume(value not in NOTHING)
    row = {key: str(field) for key, field in ROW.items()} | {name: value}
    expected = exact(json.dumps({"result": [row], "total_count": 1}).encode(), SMS)
    names = list(row)
    quoted = ['"' + row[key].replace('"', '""') + '"' for key in names]
    page = decode_csv((";".join(names) + "\n" + ";".join(quoted) + "\n").encode(), SMS)
    assert page.table.equals(expected.table)
    assert len(page.rejects) == len(expected.rejects)
    assert (
        datetime(2019, 6, 4, 21, tzinfo=UTC) in page.table["processed_at"].to_pylist()
        or name == "processed_date"
        or page.rejects
    )
