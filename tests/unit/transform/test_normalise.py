"""Rows of one window through pandas: each message once, in its latest state, in order, inside the window, exact."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.model import Window
from voxlake.transform import A2P, SMS, STATUSES, distinct, integers, normalise

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = Window(START, START + timedelta(hours=1))
WITHIN_64_BITS = st.integers(-(2**63), 2**63 - 1)


def wire(*rows, stream=SMS):
    """Make a decoded page; what a row leaves out is null."""
    return pa.Table.from_pylist([{"processed_at": START, **row} for row in rows], schema=stream.wire)


def normalised(*tables, window=HOUR, stream=SMS):
    """Normalise pages, and return rows of Python values after looking at the schema."""
    table = normalise(tables, stream=stream, window=window)
    assert table.schema.equals(stream.schema, check_metadata=True)
    table.validate(full=True)
    return table.to_pylist()


def after(seconds):
    """Return an instant after the window's start."""
    return START + timedelta(seconds=seconds)


def test_latest_state_wins():
    """Of a message that came several times the last row counts, also where it is the earlier one in time."""
    first = wire({"message_id": 1, "status_id": 3, "processed_at": after(9)}, {"message_id": 2})
    second = wire({"message_id": 1, "status_id": 1, "processed_at": after(5)})
    rows = normalised(first, second)
    assert [(row["message_id"], row["status"], row["processed_at"]) for row in rows] == [
        (2, "unknown", START),
        (1, "success", after(5)),
    ]


def test_latest_state_outside():
    """A message that moved out of the window while it was read is not in it any more, and one that moved in is."""
    out = normalised(wire({"message_id": 1}), wire({"message_id": 1, "processed_at": HOUR.end}))
    into = normalised(wire({"message_id": 1, "processed_at": HOUR.end}), wire({"message_id": 1}))
    assert (out, [row["message_id"] for row in into]) == ([], [1])


def test_order():
    """Rows are ordered by time, then by id, whatever their order before."""
    times = {5: after(1), 1: after(2), 3: after(1), 4: after(0), 2: after(2)}
    rows = normalised(wire(*({"message_id": number, "processed_at": at} for number, at in times.items())))
    assert [row["message_id"] for row in rows] == [4, 3, 5, 1, 2]


def test_ids_against_time():
    """Ids that fall while times rise are in the order of time; where times are equal, in the order of ids."""
    rows = normalised(wire(*({"message_id": 9 - n, "processed_at": after(n // 2)} for n in range(4))))
    assert [row["message_id"] for row in rows] == [8, 9, 6, 7]


def test_clip():
    """The window's first microsecond belongs to it, its end does not."""
    tick = timedelta(microseconds=1)
    times = [HOUR.start - tick, HOUR.start, HOUR.end - tick, HOUR.end]
    rows = normalised(wire(*({"message_id": n, "processed_at": at} for n, at in enumerate(times))))
    assert [row["message_id"] for row in rows] == [1, 2]


@pytest.mark.parametrize("number", [None, *range(-128, 128)])
def test_status(number):
    """Each number that has a name gets it; all others, and none, are unknown."""
    (row,) = normalised(wire({"message_id": 1, "status_id": number}))
    assert (row["status_id"], row["status"]) == (number, STATUSES.get(number, "unknown"))


@pytest.mark.parametrize("stream", [SMS, A2P])
@pytest.mark.parametrize("rows", [[], [{"message_id": 1, "processed_at": HOUR.end}]])
def test_nothing(rows, stream):
    """Without rows, or without rows inside the window, the table is empty and has the schema."""
    assert normalised(wire(*rows, stream=stream), stream=stream) == []


def test_pages_stay_as_they_are():
    """What is decoded is not changed: normalising is a function of its arguments alone."""
    page = wire({"message_id": 2}, {"message_id": 1}, {"message_id": 2, "text": "later"})
    before = page.to_pylist()
    assert normalised(page) == normalised(page)
    assert page.to_pylist() == before


ROWS = st.fixed_dictionaries(
    {
        "message_id": st.integers(0, 5) | WITHIN_64_BITS,
        "source_number": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        "destination_number": st.none() | st.sampled_from(["", "0012345", "nan", "None", "<NA>", "1e5"]),
        "direction": st.none() | st.sampled_from(["IN", "OUT"]),
        "fragments": st.none() | st.integers(-(2**31), 2**31 - 1),
        "cost": st.none()
        | st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**11), max_value=10**11),
        "status_id": st.none() | st.integers(-128, 127),
        "error_message": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        "processed_at": st.integers(-3, 3).map(after)
        | st.timedeltas(timedelta(days=-730_000), timedelta(days=2_900_000)).map(lambda apart: START + apart),
        "transaction_id": st.none() | WITHIN_64_BITS,
        "text": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        "extra": st.none() | st.just('{"a":1.10}'),
    }
)


@given(st.lists(st.lists(ROWS, max_size=6), min_size=1, max_size=4), st.sampled_from([2, 1e11]))
@settings(deadline=None)
def test_as_by_hand(pages, seconds):
    """Whatever the rows, the result is what a dictionary and `sorted` make of them, to the last digit and letter."""
    window = Window(START, START + timedelta(seconds=seconds))
    latest = {row["message_id"]: row for page in pages for row in page}
    expected = sorted(
        (row for row in latest.values() if row["processed_at"] in window),
        key=lambda row: (row["processed_at"], row["message_id"]),
    )
    rows = normalised(*(wire(*page) for page in pages), window=window)
    assert rows == [{**row, "status": STATUSES.get(row["status_id"], "unknown")} for row in expected]


def test_large_numbers():
    """Numbers beyond what a float holds, beside nulls, stay what they are."""
    rows = [
        {"message_id": 2**63 - 1, "transaction_id": None, "cost": None},
        {"message_id": 2**53 + 1, "transaction_id": 2**53 + 1, "cost": Decimal("999999999999.999999")},
    ]
    by_id = {row["message_id"]: row for row in normalised(wire(*rows))}
    assert {(i, row["transaction_id"], row["cost"]) for i, row in by_id.items()} == {
        (row["message_id"], row["transaction_id"], row["cost"]) for row in rows
    }


@given(st.lists(st.lists(st.integers(-3, 3) | WITHIN_64_BITS)))
def test_distinct(columns):
    """The distinct numbers of columns are counted as a set would count them."""
    assert distinct(pa.array(column, pa.int64()) for column in columns) == len(
        {n for column in columns for n in column}
    )


def test_integers():
    """Times are microseconds since 1970, of chunks in their order."""
    table = pa.concat_tables([wire({"message_id": 7}), wire({"message_id": 8, "processed_at": after(1)})])
    assert integers(table["message_id"]).tolist() == [7, 8]
    assert integers(table["processed_at"]).tolist() == [int(START.timestamp()) * 10**6 + n * 10**6 for n in (0, 1)]
