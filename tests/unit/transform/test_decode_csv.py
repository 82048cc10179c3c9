"""csv replies: every dialect that the vendor's other histories have gives the rows of the JSON reply."""

import csv
import io

import pytest
from support.replies import ROW, reply

from voxlake.transform import SMS, BrokenReplyError, decode_csv, decode_json


@pytest.mark.parametrize("delimiter", [";", ","])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("title", [False, True])
@pytest.mark.parametrize("comma", [False, True])
def test_csv_dialects(delimiter, newline, bom, title, comma):
    """Every dialect seen in the sibling histories gives the rows of the JSON reply."""
    rows = [ROW | {"text": 'a;b,"c"\r\nd\n\te'}, ROW | {"message_id": 4, "text": "", "error_message": " x "}]
    names = [*ROW, "error_message"]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline)
    writer.writerow([name.replace("_", " ").title().replace("Id", "ID") if title else name for name in names])
    writer.writerows(
        [[str(row.get(n, "")).replace(".", "," if comma and n == "cost" else ".") for n in names] for row in rows]
    )
    page = decode_csv((bom + out.getvalue()).encode(), SMS)
    assert decode_json(reply(*rows), SMS).table.equals(page.table)
    assert page.total is None


def test_ragged_csv_is_rejected():
    """A csv line with a field too many is kept as a reject, not shifted into other columns."""
    page = decode_csv(b"message_id;processed_date\n1;2026-01-01 00:00:00\n2;2026-01-01;00:00:00\n", SMS)
    assert page.table["message_id"].to_pylist() == [1]
    assert [reject.raw for reject in page.rejects] == [["2", "2026-01-01", "00:00:00"]]


@pytest.mark.parametrize("body", [b"", b"\xff", b"<html>no</html>", b'message_id;processed_date\n1;"2026'])
def test_broken_csv(body):
    """Bytes that are not a csv reply are an error of their own, not an empty page."""
    with pytest.raises(BrokenReplyError):
        decode_csv(body, SMS)


NAMES = "message_id;processed_date;cost;text"
LINES = ["1;2026-03-01 12:00:00;0.5;hello", "2;2026-03-01 12:00:01;0.6;bye"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([f"{NAMES};text", *(f"{line};x" for line in LINES)], "the column text twice"),
        ([f"{NAMES};Message ID", *(f"{line};9" for line in LINES)], "the column message_id twice"),
        ([line.replace(";", " ; ") for line in (NAMES, *LINES)], "blanks around the names"),
        ([f"'{line}'".replace(";", "';'") for line in (NAMES, *LINES)], "of which no line"),
        ([NAMES, *(f"{line};" for line in LINES)], "of which no line"),
        ([NAMES, *(f'="{line[0]}"{line[1:]}' for line in LINES)], "of which no line"),
        ([line.replace(";", ",").replace("0.5", "0,5") for line in (NAMES, LINES[0], LINES[0])], "of which no line"),
    ],
    ids=["a name twice", "an id twice", "blanks", "single quotes", "one field more", "formulas", "commas for both"],
)
def test_csv_that_is_not_certain(lines, said):
    """What may be read in two ways, or in none, is an error of the whole reply, so that JSON is asked for."""
    with pytest.raises(BrokenReplyError, match=said):
        decode_csv("".join(f"{line}\n" for line in lines).encode(), SMS)


def test_one_line_that_cannot_be_read_is_a_reject():
    """A bad value says nothing of the dialect, even in the only line."""
    page = decode_csv(f"{NAMES}\n1;2026-03-01 12:00:00;free;hello\n".encode(), SMS)
    assert [reject.reason for reject in page.rejects] == ["cost is not an amount"]


@pytest.mark.parametrize("body", [b"\n", b"message_id;processed_date\n", b"sms_id"])
def test_no_rows(body):
    """A header without lines below it is a page without rows."""
    page = decode_csv(body, SMS)
    assert (page.served, page.table.schema, page.total) == (0, SMS.wire, None)


def test_byte_order_mark_alone():
    """A byte order mark with nothing after it is not a reply."""
    with pytest.raises(BrokenReplyError):
        decode_csv("\ufeff".encode(), SMS)
