"""A query answers one question exactly, in every format, and can do nothing else."""

import json
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from voxlake.errors import SettingsError
from voxlake.reporting.query import query_pieces, query_text, write_answer
from voxlake.reporting.widths import width
from voxlake.text import visible
from voxlake.warehouse import restrict


@pytest.fixture
def connection(tmp_path_factory):
    """Return an empty database, open as readers have it."""
    path = tmp_path_factory.mktemp("database") / "empty.duckdb"
    duckdb.connect(str(path)).close()
    with duckdb.connect(str(path), read_only=True) as connection:
        restrict(connection)
        yield connection


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
    with pytest.raises(SettingsError, match="is not a folder: create it first"):
        write_answer(connection, "SELECT 1", {}, form=form, limit=None, path=tmp_path / "no" / "a")


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
        pytest.param(
            "PRAGMA database_size",
            "PRAGMA is not a question",
            marks=pytest.mark.skipif(duckdb.__version__ < "2", reason="DuckDB 1.5 reads it as SELECT, and answers"),
        ),
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


@pytest.mark.parametrize(
    ("sql", "wrong"),
    [
        ("SELECT * FORM messages WHERE 1 = 1", "messages"),
        ("SELECT 1 AS a,\n       nowhere.b\nFROM range(3)", "nowhere"),
        ("SELECT 'ü' AS a, sums(1)", "sums"),
    ],
)
def test_the_caret_stays_under_its_column(connection, sql, wrong):
    """An error is a sentence, and below it the line of the query with the caret under what is wrong."""
    with pytest.raises(SettingsError) as caught:
        query_text(connection, sql, {}, form="table", limit=None)
    sentence, nothing, line, caret = str(caught.value).split("\n")
    assert sentence.startswith("The query failed (")
    assert (nothing, set(caret.strip())) == ("", {"^"})
    assert line[caret.index("^") :].startswith(wrong)


@pytest.mark.parametrize(
    ("sql", "wrong"),
    [
        ("SELECT '漢字 😀' AS a, nowhere.b", "nowhere.b"),
        ("SELECT\t1 AS a,\t\tnowhere.b", "nowhere.b"),
        ("SELECT 'e\u0301' AS a,\r\n\t nowhere.b\r\nFROM range(3)", "nowhere.b"),
        ("SELECT '\x1b[2J' AS a, nowhere.b", "nowhere.b"),
        ("SELECT '\u202eabc' AS a, nowhere.b", "nowhere.b"),
        ("SELECT 'שלום مرحبا' AS a, nowhere.b", "nowhere.b"),
        ("SELECT '👨\u200d👩\u200d👧\u200d👦👍🏽❤\ufe0f🇩🇪1\ufe0f\u20e3' AS a, nowhere.b", "nowhere.b"),
        ("SELECT 'नमस्ते สวัสดี 한국 \u1112\u1161\u11ab' AS a, nowhere.b", "nowhere.b"),
        ("SELECT 'co\u00adop \u0600\u0661 \uff76\uff9e' AS a, nowhere.b", "nowhere.b"),
        ("SELECT 'LINE 9: x\n ^' AS a, nowhere.b", "nowhere.b"),
        (f"SELECT {', '.join(f'{n} AS column_{n}' for n in range(60))}, nowhere.b", "nowhere.b"),
    ],
    ids=[
        "wide",
        "tabs",
        "marks and line ends",
        "an escape",
        "writing backwards",
        "right to left",
        "emoji",
        "marks that join",
        "rare widths",
        "a caret in a text",
        "a long line",
    ],
)
def test_the_caret_stays_where_the_line_is_drawn(connection, sql, wrong):
    """What a terminal draws wide, narrow or as an escape moves the caret as it moves what stands below it."""
    with pytest.raises(SettingsError) as caught:
        query_text(connection, sql, {}, form="table", limit=None)
    line, caret = str(caught.value).split("\n")[-2:]
    before, _, _ = line.partition(wrong)
    assert "\t" not in line
    assert caret.index("^") == width(visible(before))


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_long_answer_comes_in_pieces(connection, form):
    """Some thousand rows are in memory at a time; a limit counts, and what fails later fails in one sentence."""
    pieces = list(query_pieces(connection, "SELECT a FROM range(25_000) AS r(a)", {}, form=form, limit=None))
    assert len(pieces) == 4
    limited = query_text(connection, "SELECT a FROM range(25_000) AS r(a)", {}, form="csv", limit=10_001)
    assert limited.splitlines() == ["a", *map(str, range(10_001))]
    failing = query_pieces(
        connection, "SELECT IF(a = 24_000, error('late'), a) FROM range(25_000) AS r(a)", {}, form=form, limit=None
    )
    with pytest.raises(SettingsError, match="late"):
        list(failing)


@pytest.mark.parametrize("limit", [None, 130_000])
def test_a_long_answer_as_parquet(connection, tmp_path, limit):
    """It is written by row groups, and has every row."""
    path = tmp_path / "a.parquet"
    rows = write_answer(connection, "SELECT a FROM range(300_000) AS r(a)", {}, form="parquet", limit=limit, path=path)
    assert rows == (limit or 300_000)
    written = pq.ParquetFile(path)
    assert written.metadata.num_row_groups > 1
    assert written.read()["a"].to_pylist() == list(range(rows))
