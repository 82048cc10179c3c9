"""Answers keep their exact values in every format, and no text in them becomes a formula."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.lakes import FIRST, Hand, row

from voxlake.errors import SettingsError, StorageFull
from voxlake.reporting import xlsx as sheet
from voxlake.reporting.formats import choose_format, render_rows
from voxlake.reporting.query import query_text, write_answer
from voxlake.warehouse import restrict

pytestmark = pytest.mark.dateless

FORMULAS = [
    "=1+1",
    "+49301112",
    "-2 points",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
]
TEXTS = [
    "a\r=1",
    "a\n=1",
    "a\r\n=1,2",
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


@pytest.fixture
def connection(tmp_path_factory):
    """Give an empty database, open as readers have it."""
    path = tmp_path_factory.mktemp("database") / "empty.duckdb"
    duckdb.connect(str(path)).close()
    with duckdb.connect(str(path), read_only=True) as connection:
        restrict(connection)
        yield connection


def read_csv(text):
    """Read rows of csv."""
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_without_formulas(text):
    """A text that a spreadsheet would run begins with an apostrophe, in a cell and as the name of a column."""
    assert read_csv(render_rows([text], [(text,)], "csv")) == [[f"'{text}"], [f"'{text}"]]


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


def workbook(tmp_path, names, rows):
    """Save and load a workbook."""
    sheet.write_workbook(tmp_path / "a.xlsx", names, rows)
    return openpyxl.load_workbook(tmp_path / "a.xlsx").active


@pytest.mark.parametrize("text", FORMULAS[:4])
def test_xlsx_without_formulas(tmp_path, text):
    """In a workbook a text is a text, unchanged, and marked as one for whoever edits the cell."""
    cells = workbook(tmp_path, [text], [(text,)])
    for cell in (cells["A1"], cells["A2"]):
        assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)


def test_xlsx_values(tmp_path):
    """Amounts are numbers where a cell can hold them exactly, else exact text; dates and times are dates and times."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    row = (Decimal("-1.5"), 12345678901234567, 7, True, date(2026, 1, 2), at, None, "x", date(1800, 1, 1), float("nan"))
    cells = workbook(tmp_path, [f"c{n}" for n in range(len(row))], [row])
    values = [cell.value for cell in cells[2]]
    midnight = datetime(2026, 1, 2)  # noqa: DTZ001 - a cell has no zone
    assert values == [
        -1.5, "12345678901234567", 7, True, midnight, at.replace(tzinfo=None), None, "x", "1800-01-01", "nan",
    ]  # fmt: skip
    assert [cell.number_format for cell in (cells["E2"], cells["F2"])] == ["yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"]
    assert cells.auto_filter.ref == "A1:J2"


def test_xlsx_limits(tmp_path, monkeypatch):
    """What a sheet cannot hold is said before anything is lost."""
    with pytest.raises(SettingsError, match="32,768"):
        sheet.write_workbook(tmp_path / "a.xlsx", ["x"], [("x" * 32_768,)])
    with pytest.raises(SettingsError, match="at most 32,767"):
        sheet.write_workbook(tmp_path / "a.xlsx", ["x"], [([1000] * 10_000,)])
    monkeypatch.setattr(sheet, "_MAX_ROWS", 2)
    with pytest.raises(SettingsError, match="--limit"):
        sheet.write_workbook(tmp_path / "a.xlsx", ["x"], [(1,), (2,)])


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


SELECT = """SELECT DATE '2026-01-02' AS day, TIMESTAMP '2026-01-02 03:04:05' AS at, -1.50::DECIMAL(18, 6) AS cost,
    9007199254740993 AS id, '=1+1' AS text, NULL::VARCHAR AS none FROM range(3)"""


def test_parquet(connection, tmp_path):
    """Parquet keeps types and exact values, formulas and all: it is for programs."""
    assert write_answer(connection, SELECT, {}, form="parquet", limit=2, path=tmp_path / "a.parquet") == 2
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.schema.field("cost").type == pa.decimal128(18, 6)
    assert table.to_pylist()[1] == {
        "day": date(2026, 1, 2),
        "at": datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001 - the database's times are plain UTC
        "cost": Decimal("-1.500000"),
        "id": 9007199254740993,
        "text": "=1+1",
        "none": None,
    }


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_files_hold_what_is_printed(connection, tmp_path, form):
    """A file has the same bytes as stdout would."""
    path = tmp_path / "a"
    assert write_answer(connection, SELECT, {}, form=form, limit=None, path=path) == 3
    assert path.read_bytes() == query_text(connection, SELECT, {}, form=form, limit=None).encode()


def test_json(connection):
    """Amounts are exact in JSON, ids are numbers, dates are text."""
    text = query_text(connection, SELECT, {}, form="json", limit=1)
    assert '"cost": -1.500000' in text
    assert json.loads(text)[0] | {"cost": None} == {
        "day": "2026-01-02",
        "at": "2026-01-02 03:04:05",
        "cost": None,
        "id": 9007199254740993,
        "text": "=1+1",
        "none": None,
    }


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
@pytest.mark.parametrize("sql", ["SELEKT", "SELECT 1 // x", "SELECT CAST(text AS INT) FROM (SELECT 'x' AS text)"])
def test_a_query_that_fails(connection, tmp_path, form, sql):
    """A query that fails leaves the file that was there, and no other."""
    path = tmp_path / "a.csv"
    path.write_text("last week's")
    with pytest.raises(SettingsError, match="mend it"):
        write_answer(connection, sql, {}, form=form, limit=None, path=path)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a.csv", "last week's")]


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_no_place_to_write(connection, tmp_path, form):
    """A folder that is not there is one sentence."""
    with pytest.raises(StorageFull, match="No such file"):
        write_answer(connection, "SELECT 1", {}, form=form, limit=None, path=tmp_path / "no" / "a")


def test_query_command(voxlake, tmp_path):
    """`query` writes the same files as `report`."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1, text="=1+1")])
    hand.publish()
    for ending in ("csv", "json", "txt", "parquet", "xlsx"):
        out = voxlake.folder / f"a.{ending}"
        done = voxlake("query", "SELECT text FROM messages", "--data-dir", hand.root, "--out", out)
        assert done.stderr.startswith("1 row: ")
        assert out.stat().st_size > 5
    assert (voxlake.folder / "a.csv").read_text() == "text\n'=1+1\n"
    assert openpyxl.load_workbook(voxlake.folder / "a.xlsx").active["A2"].value == "=1+1"


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO 'leak.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO 'leak.csv'",
        "/* a */ EXPLAIN ANALYZE COPY (SELECT 1) TO 'leak.csv'",
        "COPY (PIVOT (SELECT 1 AS a) ON a USING count(*)) TO 'leak.csv'",
        "SELECT 1; COPY (SELECT 1) TO 'leak.csv'",
        "/* /* */ pivot */ COPY (PIVOT (SELECT 1 AS a) ON a USING count(*)) TO 'leak.csv'",
        "-- a\rCOPY (PIVOT (SELECT 1 AS a) ON a USING count(*)) TO 'leak.csv'",
        "ATTACH 'leak.csv'",
        "EXPORT DATABASE 'leak.csv'",
        "CREATE TABLE t (a INTEGER)",
    ],
)
def test_a_question_writes_nothing(connection, tmp_path, monkeypatch, sql):
    """No question writes a file beside the answer, whatever it is wrapped in."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="read-only"):
        query_text(connection, sql, {}, form="csv", limit=None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "sql",
    [
        "EXPLAIN ANALYZE SELECT 1",
        "-- why\nEXPLAIN SELECT 1",
        "DESCRIBE SELECT 1",
        "PIVOT (SELECT 1 AS a) ON a USING count(*)",
        "-- a\n/* b */ PIVOT (SELECT 1 AS a) ON a USING count(*); -- c",
        "FROM (PIVOT (SELECT 1 AS a) ON a USING count(*))",
        "VALUES (1)",
        "SELECT 1; ;",
    ],
)
def test_a_question_is_more_than_select(connection, sql):
    """What only reads is answered."""
    assert query_text(connection, sql, {}, form="csv", limit=None)


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(
    "sql",
    ["FROM 'secret.csv'", "FROM read_text('secret.csv')", "FROM glob('*')", "SELECT 1 FROM read_parquet('secret.csv')"],
)
def test_a_question_reads_no_other_file(connection, tmp_path, monkeypatch, form, sql):
    """A query sees the database alone, not the files of the machine."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(SettingsError, match="opens no files"):
        write_answer(connection, sql, {}, form=form, limit=None, path=tmp_path / "a")
    assert [one.name for one in tmp_path.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize("setting", ["lock_configuration = false", "enable_external_access = true", "TimeZone = 'UTC'"])
def test_a_restricted_connection_stays_so(connection, setting):
    """The engine itself refuses to be unlocked, whoever holds the connection."""
    with pytest.raises(duckdb.Error, match="locked"):
        connection.execute(f"SET {setting}")
    restrict(connection)


FORMS = ["table", "csv", "json", "parquet", "xlsx"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("", "empty"),
        (" ; ", "empty"),
        ("-- nothing", "empty"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("PRAGMA database_size", "PRAGMA is not a question"),
        ("SET memory_limit = '1GB'", "SET is not a question"),
        ("SET VARIABLE a = 1", "SET is not a question"),
        ("CALL duckdb_databases()", "CALL is not a question"),
        ("BEGIN", "TRANSACTION is not a question"),
    ],
)
def test_no_question(connection, tmp_path, sql, told, form):
    """What is not one question is said to be none, and nothing is answered in part."""
    with pytest.raises(SettingsError, match=told):
        write_answer(connection, sql, {}, form=form, limit=None, path=tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_json_of_what_json_has_no_words_for(connection):
    """Infinity and NaN are null, wherever they stand, and the keys of a map are text."""
    sql = """SELECT 1 / 0 AS a, -1 / 0 AS b, 'nan'::DOUBLE AS c, ['inf'::DOUBLE, 1.5] AS d, {'x': 'nan'::FLOAT} AS e,
        MAP {DATE '2026-01-02': 0.5::DECIMAL(3, 2)} AS f"""
    assert json.loads(query_text(connection, sql, {}, form="json", limit=None)) == [
        {"a": None, "b": None, "c": None, "d": [None, 1.5], "e": {"x": None}, "f": {"2026-01-02": 0.5}}
    ]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT 1 AS n, INTERVAL 1 DAY AS span", "'span'"),
        ("SELECT [INTERVAL 1 DAY] AS spans", "'spans'"),
        ("SELECT union_value(n := 1) AS u", "'u'"),
    ],
)
def test_types_that_parquet_has_not(connection, tmp_path, sql, told):
    """A type that Parquet cannot hold is said by the name of its column; as text it is written."""
    with pytest.raises(SettingsError, match=f"{told}.*AS VARCHAR"):
        write_answer(connection, sql, {}, form="parquet", limit=None, path=tmp_path / "a")
    assert not list(tmp_path.iterdir())
    cast = f"SELECT COLUMNS(*)::VARCHAR FROM ({sql})"
    assert write_answer(connection, cast, {}, form="parquet", limit=None, path=tmp_path / "a") == 1


def test_a_span_beyond_all_time(connection):
    """A value that nothing here can hold is a sentence."""
    with pytest.raises(SettingsError, match="out of range"):
        query_text(connection, "SELECT INTERVAL 9999999 YEARS", {}, form="csv", limit=None)


@pytest.mark.parametrize("form", FORMS)
def test_columns_of_one_name(connection, tmp_path, form):
    """Two columns of one name are both shown, or refused by name where one would be lost."""
    sql = "SELECT 1 AS b, * FROM (SELECT 1 AS a) JOIN (SELECT 1 AS a) AS c ON true"
    path = tmp_path / "a"
    if form in ("table", "csv"):
        assert write_answer(connection, sql, {}, form=form, limit=None, path=path) == 1
        assert path.read_text().splitlines()[0].replace(",", "  ") == "b  a  a"
    else:
        with pytest.raises(SettingsError, match=r"2 columns 'a'.* AS"):
            write_answer(connection, sql, {}, form=form, limit=None, path=path)
        assert not list(tmp_path.iterdir())


def test_a_query_that_begins_with_a_comment(voxlake, tmp_path):
    """A comment in front is no option, and an option is no comment."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    where = ("--data-dir", hand.root, "--format", "csv")
    for sql in ("-- note\nSELECT 1 AS a", "--note\nSELECT 1 AS a", "-- note\n\n/* more */ SELECT 1 AS a"):
        assert voxlake("query", sql, *where).stdout == "a\n1\n"
        assert voxlake("query", *where, sql).stdout == "a\n1\n"
    assert "empty" in voxlake("query", "-- only", *where, code=2).stderr
    assert "--note" in voxlake("query", "--note", "SELECT 1", *where, code=2).stderr


def test_a_report_says_which_days_may_lack_messages(tmp_path, voxlake):
    """Figures over days that are not verified come with a word about it, and only they."""
    hand = Hand(tmp_path / "data")
    for n in range(4):
        day = FIRST + timedelta(days=n)
        hand.put(day, [row(n + 1, day)], verified=n not in (1, 2))
    hand.publish()
    where = ("--data-dir", tmp_path / "data")
    done = voxlake("report", "daily", *where)
    (line,) = done.stderr.splitlines()
    assert line == (
        "2 days of 2026-01-02 to 2026-01-03 are not verified, so messages may be missing: 'voxlake status' says why."
    )
    some = voxlake("report", "daily", "--from", "2026-01-03", "--to", "2026-01-04", *where)
    assert some.stderr.startswith("1 day of 2026-01-03 to 2026-01-03 is not verified")
    assert not voxlake("report", "daily", "--from", "2026-01-04", *where).stderr
    assert not voxlake("report", "daily", "--to", "2026-01-02", *where).stderr
