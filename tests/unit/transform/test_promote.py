"""Fields that were kept in `extra` move into their columns once they are declared, and nothing is lost on the way."""

import dataclasses
import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.transform import SMS, Field, promote
from voxlake.transform.rows import read_rows

ROUTE = Field("route", pa.int32(), "The route it took.", sent_as=("route", "route_id"))
SPEED = Field("speed", pa.decimal128(18, 6), "How fast it was.", sent_as=("mps",))
NEWER = dataclasses.replace(SMS, fields=(*SMS.fields[:-1], ROUTE, SPEED, SMS.fields[-1]))
ROW = {"message_id": 1, "processed_date": "2026-01-01 12:00:00"}


def promoted(*rows, stream=NEWER):
    """Return rows as they are after promoting, each a mapping of columns; those not given are null."""
    return promote(pa.Table.from_pylist(list(rows), schema=stream.schema), stream).to_pylist()


def extra(text, **columns):
    """Return what becomes of one row with an `extra`: route, speed and what is left."""
    (row,) = promoted({"extra": text, **columns})
    return row["route"], row["speed"], row["extra"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"route":7}', (7, None, None)),
        ('{"route_id":"7","z":1.50}', (7, None, '{"z":1.50}')),
        ('{"mps":0.1,"route":null}', (None, Decimal("0.1"), None)),
        ('{"route":7,"route_id":"7"}', (7, None, None)),
        ('{"route":7,"route_id":8}', (7, None, '{"route_id":8}')),
        ('{"route":"no","route_id":8}', (8, None, '{"route":"no"}')),
        ('{"route":[7]}', (None, None, '{"route":[7]}')),
        ('{"route":true,"mps":"1,5"}', (None, Decimal("1.5"), '{"route":true}')),
        ('{"route":4294967296}', (None, None, '{"route":4294967296}')),
        ('{"z":1}', (None, None, '{"z":1}')),
        ("[7]", (None, None, "[7]")),
        ("{", (None, None, "{")),
        (None, (None, None, None)),
    ],
)
def test_one_row(text, expected):
    """What the reader of replies can read moves, under every name of the field; everything else stays as it is."""
    assert extra(text) == expected


def test_a_column_that_has_a_value_keeps_it():
    """A null is filled; an equal value is dropped from `extra`, and one that contradicts stays there."""
    assert extra('{"route":7}', route=7) == (7, None, None)
    assert extra('{"mps":1,"route":8}', route=7) == (7, Decimal(1), '{"route":8}')
    text = '{"route":8}'
    rows = promoted({"extra": text}, {"extra": text, "route": 7}, {"route": 9})
    assert [(row["route"], row["extra"]) for row in rows] == [(8, None), (7, text), (9, None)]


def test_a_new_name_of_an_old_field():
    """A status that came under a name that was not known has its word as well."""
    fields = tuple(
        dataclasses.replace(field, sent_as=("status_id", "state")) if field.name == "status_id" else field
        for field in SMS.fields
    )
    rows = promoted(
        {"status": "unknown", "extra": '{"state":"2"}'},
        {"status": "success", "status_id": 1},
        stream=dataclasses.replace(SMS, fields=fields),
    )
    assert [(row["status_id"], row["status"], row["extra"]) for row in rows] == [
        (2, "error", None),
        (1, "success", None),
    ]


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["route", "route_id", "mps", "other"]),
            st.one_of(st.none(), st.integers(-5, 5), st.sampled_from(["", "3", "1.5", "x", "3,5"]), st.booleans()),
        )
    )
)
def test_the_same_as_reading_the_reply_today(rows):
    """Rows of before give what their replies give today, except where these would not be readable: all is kept then."""
    for fields in rows:
        raw = json.loads(json.dumps(ROW | fields), parse_float=Decimal)
        before, _ = read_rows([raw], SMS)
        schema = NEWER.wire
        older = pa.table(
            [before[n] if n in before.schema.names else pa.nulls(1, schema.field(n).type) for n in schema.names],
            schema=schema,
        )
        (after,) = promote(older, NEWER).to_pylist()
        today, rejects = read_rows([raw], NEWER)
        if not rejects:
            assert today.to_pylist() == [after]
        kept = json.loads(after["extra"] or "{}")
        for field in (ROUTE, SPEED):
            left = {name: fields[name] for name in field.sent_names if fields.get(name) not in (None, "")}
            assert not left or after[field.name] is not None or kept.items() >= left.items()
