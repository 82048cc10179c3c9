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


@pytest.mark.parametrize("body", [b"\n", b"message_id;processed_date\n", b"sms_id"])
def test_no_rows(body):
    """A header without lines below it is a page without rows."""
    page = decode_csv(body, SMS)
    assert (page.served, page.table.schema, page.total) == (0, SMS.wire, None)


def test_byte_order_mark_alone():
    """A byte order mark with nothing after it is not a reply."""
    with pytest.raises(BrokenReplyError):
        decode_csv("\ufeff".encode(), SMS)
