"""Text keeps exact values in every format, and nothing in it becomes a formula."""

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from voxlake.errors import SettingsError
from voxlake.reporting.formats import choose_format, render_pieces, render_plan, render_rows, render_status, to_json

FORMULAS = [
    "=1+1",
    "+49301112",
    "-2 points",
    "@SUM(A1)",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
]
TEXTS = [
    "a\r1",
    "a\nb",
    "a\r\n1,2",
    "a; b;c\td-",
    "plain",
    "a=b",
    " =1",
    "'=1",
    "49301112",
    "",
    'quote " and ; and , and\nnewline',
    "漢😀",
    "null",
]
NUMBERS = [Decimal("-1.500000"), Decimal("-0.000001"), -7, -0.5, True, 12345678901234567, Decimal("12345678901.123456")]


def read_csv(text):
    """Read rows of csv."""
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_without_formulas(text):
    """A text that a spreadsheet would run begins with an apostrophe, in a cell and as the name of a column."""
    assert read_csv(render_rows([text], [(text,)], "csv")) == [[f"'{text}"], [f"'{text}"]]


@pytest.mark.parametrize(
    "text",
    [
        "a;=1+1", "a\t=1+1", "a|@SUM(A1)", "a;+1;-2", 'a; "=1', "a;\uff1d1", "\t=1", "\r=1", "\n=1", "a\r=1",
        "a\r\n=1;", '";=1', "a\n-1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_without_formulas_behind_any_separator(text, separator):
    """Whatever a spreadsheet splits lines at, no cell of a text begins a formula; an apostrophe is all that is new."""
    written = render_rows(["x", "y"], [("b", text)], "csv")
    cells = [cell for row in csv.reader(io.StringIO(written, newline=""), delimiter=separator) for cell in row]
    assert not [cell for cell in cells if cell.lstrip('" ').startswith(("=", "+", "-", "@", "\uff1d"))]
    assert read_csv(written)[1][1].replace("'", "") == text


@pytest.mark.parametrize("value", [*TEXTS, *NUMBERS])
def test_csv_leaves_alone(value):
    """Any other text, and every number, is what it was: an amount below zero stays an amount."""
    assert read_csv(render_rows(["x", "y"], [(value, 1), (2, value)], "csv")) == [
        ["x", "y"],
        [str(value), "1"],
        ["2", str(value)],
    ]


def test_csv_of_nothing():
    """A row of one empty cell is still a row; nothing at all is a line of names."""
    assert read_csv(render_rows(["x"], [(None,), ("",)], "csv")) == [["x"], [""], [""]]
    assert render_rows(["x", "y"], [], "csv") == "x,y\n"


@pytest.mark.parametrize(
    ("form", "out", "found"),
    [
        (None, None, "table"),
        ("csv", None, "csv"),
        (None, "a.XLSX", "xlsx"),
        (None, "a.b.parquet", "parquet"),
        (None, "a.txt", "table"),
        ("json", "a.txt", "json"),
        ("csv", "a", "csv"),
    ],
)
def test_form(tmp_path, form, out, found):
    """The ending of the file chooses the format, unless one was asked for."""
    assert choose_format(form, out and tmp_path / out) == found


@pytest.mark.parametrize(
    ("form", "out", "told"),
    [
        (None, "a.doc", ".xlsx"),
        (None, "a", ".csv"),
        ("xlsx", None, "--out"),
        ("parquet", None, "--out"),
        ("json", "x.csv", "--format json and the ending of --out x.csv disagree"),
        ("table", "x.parquet", "disagree"),
        ("xlsx", "x.txt", "disagree"),
    ],
)
def test_form_that_cannot_be(form, out, told):
    """An ending that means nothing, and a format for files without a file, are one sentence."""
    with pytest.raises(SettingsError, match=told):
        choose_format(form, out and Path(out))


def test_table():
    """Numbers are aligned to the right, text to the left, and a cell is one line."""
    rows = [("a\nb", Decimal("1.50"), date(2026, 1, 2)), ("c", None, date(2026, 1, 3))]
    assert render_rows(["name", "cost", "day"], rows, "table").splitlines() == [
        "name  cost  day",
        "----  ----  ----------",
        "a b   1.50  2026-01-02",
        "c           2026-01-03",
    ]
    assert render_rows(["n"], [(1,), (10,)], "table") == " n\n--\n 1\n10\n"
    assert render_rows(["a", "b"], [], "table") == "a  b\n-  -\n"


def test_json():
    """Decimals are exact numbers, times are text, and what JSON cannot express is null."""
    at = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - the database's times are plain UTC
    text = to_json({"cost": Decimal("-1.500000"), "at": at, "n": float("nan"), "by": {date(2026, 1, 2): [1]}})
    assert '"cost": -1.500000' in text
    assert json.loads(text) == {"cost": -1.5, "at": "2026-01-02 03:04:05", "n": None, "by": {"2026-01-02": [1]}}


def test_plan():
    """Neighbouring days are one span, and what is final is only counted."""
    days = [date(2026, 1, n) for n in range(1, 9)]
    assert render_plan("sms", [*days[:3], days[4]], [days[6]], [days[7]]) == (
        "sms: read 2026-01-01 to 2026-01-03 (3 days), 2026-01-05; probe 2026-01-07; 1 day is final"
    )
    assert render_plan("a2p", [], [], days) == "a2p: 8 days are final"
    assert render_plan("a2p", [], [], []) == "a2p: nothing to ask"


def test_status():
    """Missing and unverified days are named by spans; warnings and the last run follow; an empty lake is one line."""
    stream = {
        "stream": "sms", "account_id": 1, "rows": 3, "first_day": "2026-01-01", "last_day": "2026-01-04",
        "newest_message": None, "final": 1, "open": 0, "missing": 2, "unverified": 1, "rejects": 2,
        "missing_days": ["2026-01-02", "2026-01-03"], "unverified_days": {"2026-01-04": "it was not read"},
        "exported_since": "2026-01-01", "older": "sms: 2 older messages exist",
    }  # fmt: skip
    warning = {
        "messages": 1, "stream": "sms", "first_day": "2026-01-01", "last_day": "2026-01-01",
        "promise": "Costs are not negative.", "warning": "negative-cost",
    }  # fmt: skip
    run = {"ended_at": "2026-01-05T00:00:00+00:00", "exit_code": 4, "requests": 7, "errors": ["it failed"]}
    account = {"account_id": 1, "name": "shop", "last_run": run}
    found = {"streams": [stream], "warnings": [warning], "last_run": run, "accounts": [account]}
    assert render_status(found, Path("data"), {(1, "sms"): ["  drawn"]}).splitlines() == [
        "sms (account 1): 3 rows, 2026-01-01 to 2026-01-04",
        "  newest message: none",
        "  days: 1 final, 0 open, 2 missing, 1 unverified",
        "  drawn",
        "  exports look after the days since 2026-01-01",
        "  sms: 2 older messages exist",
        "  missing: 2026-01-02 to 2026-01-03 (2 days)",
        "  unverified: 2026-01-04: it was not read",
        "  2 rows could not be read: see data/rejects",
        "odd: 1 sms message, 2026-01-01 to 2026-01-01, against the rule: Costs are not negative. (negative-cost)",
        "last run: ended 2026-01-05T00:00:00+00:00 with exit code 4, 7 requests",
        "  it failed",
    ]
    nothing = {"streams": [], "warnings": [], "last_run": None, "accounts": []}
    assert render_status(nothing, Path("data"), {}) == "data holds nothing yet: run 'voxlake export'."


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("sizes", [(), (1,), (2, 1), (1, 1, 3)])
def test_pieces(form, sizes):
    """Rows that come by some at a time give the text that they give at once."""
    names, rows = ["day\nof", "text"], [(date(2026, 1, n + 1), f'a "{n}"\n]') for n in range(sum(sizes))]
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    chunks = [rows[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    assert "".join(render_pieces(names, chunks, form)) == render_rows(names, rows, form)
