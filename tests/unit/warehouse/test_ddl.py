"""The database explains itself, and the page about it is what the database says."""

import re

import duckdb
import pytest
from support.lakes import FIRST, Hand, row
from support.paths import DOCS

from voxlake.sql import statements
from voxlake.warehouse.ddl import KINDS, column_comments, create, described, markdown
from voxlake.warehouse.glossary import WORDS

PAGE = DOCS / "schema.md"


def test_page_is_current():
    """`voxlake schema > docs/schema.md` would change nothing."""
    assert PAGE.read_text() == markdown()


def test_everything_is_explained():
    """Every table, view, macro and column has a comment that is a sentence."""
    things = described()
    assert {thing["name"].rpartition(".")[2] for thing in things} == {
        name for kind in KINDS for name in statements(kind)
    }
    for thing in things:
        assert (thing["comment"] or "").endswith("."), thing["name"]
        assert bool(thing["columns"]) == ("macro" not in thing["kind"])
        for name, _, comment in thing["columns"]:
            assert (comment or "").endswith("."), (thing["name"], name)


def test_glossary():
    """It has every former name of a column, with the version in which that goes, and no other; its words are used."""
    columns = [(name, comment) for its in described() for name, _, comment in its["columns"]]
    told = {(name, comment) for name, comment in columns if comment.startswith("Former name of ")}
    assert told == {
        (former, f"Former name of {its.word}, gone in {its.gone}.") for its in WORDS for former in its.former
    }
    used = {name for name, _ in columns} | {"arrived", "moving", "message"} | {its["name"] for its in described()}
    assert {name for its in WORDS for name in its.word.split(", ")} <= used


def test_comments_are_in_the_published_file(tmp_path):
    """Whoever opens the published file with any tool finds the comments in it, after a publish by steps, too."""
    hand = Hand(tmp_path / "data")
    for day in (FIRST, FIRST.replace(day=2)):
        hand.put(day, [row(day.day, day)])
        path = hand.publish().path
    with duckdb.connect(str(path), read_only=True) as connection:
        query = "SELECT comment FROM duckdb_columns() WHERE table_name = $1 AND column_name = 'cost'"
        for name in ("sms_history", "messages"):
            assert connection.execute(query, [name]).fetchall() == [("In the currency of the account.",)]


def test_column_comments():
    """A column's comment is at the end of its line; the first line describes the whole, and other lines have none."""
    statement = (
        "-- All of it.\nCREATE VIEW v AS\nSELECT\n    1 - -1 AS a, -- One, or -- two.\n    2 AS b -- B.\nFROM t;\n"
    )
    assert column_comments(statement) == ["One, or -- two.", "B."]


def test_other_databases_are_left_alone():
    """What is created and commented lies in the current database, whatever else is attached."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE other (a INTEGER)")
        connection.execute("ATTACH ':memory:' AS next")
        connection.execute("USE next")
        create(connection)
        found = connection.execute("SELECT DISTINCT database_name FROM duckdb_tables() WHERE comment <> ''").fetchall()
    assert found == [("next",)]


@pytest.mark.parametrize("folder", ["macros", "table_macros"])
def test_macros_are_for_every_version(folder):
    """A macro is stored as DuckDB 2.0 has parsed it, where `if` is a function that 1.4 and 1.5 do not have."""
    assert [name for name, statement in statements(folder).items() if re.search(r"\bif\(", statement)] == []
