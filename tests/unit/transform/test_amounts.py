"""Amounts that were sent as texts mean one thing, or are refused: nothing ambiguous becomes a number."""

import json
from decimal import Decimal

import pytest

from voxlake.transform import SMS, decode_csv, decode_json
from voxlake.transform.amounts import decimal_mark, plain

EITHER = [("1,234", "1234", "1.234"), ("-12,500", "-12500", "-12.500"), ("1.234", "1.234", "1234")]
"""Texts, with what they mean where others have a decimal point, and where they have a decimal comma."""

CLEAR = {
    "0,123": "0.123",
    "12,5": "12.5",
    "1,2345": "1.2345",
    "1234,567": "1234.567",
    "1.234,56": "1234.56",
    "1,234.56": "1234.56",
    "1,234,567": "1234567",
    "1.234.567": "1234567",
    "1 234,5": "1234.5",
    "1\u00a0234,500": "1234.500",
    "1\u202f234\u202f567,8": "1234567.8",
    "1'234.50": "1234.50",
    "1\u2019234": "1234",
    "-1.234,5": "-1234.5",
}
REFUSED = ["1,23,456", "1,234,56", "1.2.3", "$1.50", "1,50 €", "12.5-", "(12.5)", "1 23", "1,234 567", ",5", "1,"]


def page(costs, *, output, mark=None):
    """Return the page of a reply whose rows have these costs, as texts."""
    rows = [{"message_id": n, "processed_date": "2026-03-01 12:00:00", "cost": c} for n, c in enumerate(costs, 1)]
    if output == "json":
        body = json.dumps({"result": rows, "total_count": len(rows)}).encode()
        return decode_json(body, SMS, mark=mark)
    lines = ["message_id;processed_date;cost", *(f"{r['message_id']};{r['processed_date']};{r['cost']}" for r in rows)]
    return decode_csv("".join(f"{line}\n" for line in lines).encode(), SMS, mark=mark)


def costs(page):
    """Return the costs that were read, and how many rows were refused."""
    return page.table["cost"].to_pylist(), len(page.rejects)


@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize(("text", "with_point", "with_comma"), EITHER)
def test_the_column_decides(output, text, with_point, with_comma):
    """Another amount of the same reply tells what a comma or a point before three digits is."""
    for others, meant in ((["0.05"], with_point), (["0,05"], with_comma), (["1.234,56"], with_comma)):
        found, refused = costs(page([text, *others], output=output))
        assert (found[0], refused) == (Decimal(meant), 0)


@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize(("text", "with_point", "with_comma"), EITHER)
def test_what_the_account_wrote_before_decides(output, text, with_point, with_comma):
    """Where the reply does not tell, earlier ones do; a page passes on what it knows."""
    assert costs(page([text], output=output, mark=".")) == ([Decimal(with_point)], 0)
    assert costs(page([text], output=output, mark=",")) == ([Decimal(with_comma)], 0)
    assert page([text], output=output, mark=",").decimal_mark == ","
    assert page(["0,5", text], output="csv").decimal_mark == ","


@pytest.mark.parametrize("output", ["json", "csv"])
def test_what_nothing_decides_is_refused(output):
    """A comma before three digits is no number by itself, nor is anything of the kind among points and commas."""
    found = page(["1,234", "7", "2,500"], output=output)
    assert costs(found) == ([Decimal(7)], 2)
    assert {reject.reason for reject in found.rejects} == {
        "cost may mean thousands or decimals (1,234)",
        "cost may mean thousands or decimals (2,500)",
    }
    assert costs(page(["1.5", "2,5", "1.234", "1,234"], output=output)) == ([Decimal("1.5"), Decimal("2.5")], 2)


@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("mark", [None, ".", ","])
def test_clear_amounts(output, mark):
    """What can be one amount only is read as that, whatever others look like."""
    for text, meant in CLEAR.items():
        assert costs(page([text], output=output, mark=mark)) == ([Decimal(meant)], 0), text
        assert plain(text, mark) == meant


@pytest.mark.parametrize("output", ["json", "csv"])
def test_no_amounts(output):
    """Signs of currencies, accountants' minus signs and odd groups are refused, and named."""
    for text in REFUSED:
        found = page([text], output=output)
        assert (costs(found), found.rejects[0].reason) == (([], 1), "cost is not an amount"), text


def test_the_mark_of_a_reply():
    """Only what can mean one thing shows a mark; both show that there is none."""
    assert decimal_mark(["1,234", "7", "1 234"]) is None
    assert decimal_mark(["1,234"], ",") == ","
    assert decimal_mark(["1,234", "1,234,567"], ",") == "."
    assert decimal_mark(["0,5", "0.5"]) == "?"
