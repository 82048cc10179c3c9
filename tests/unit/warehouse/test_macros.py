"""Every macro has an example, whose answer is what the published database says."""

import re
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from support.lakes import FIRST, Hand, row
from support.worlds import BERLIN, DAY, LONDON, put_world

from voxlake.sql import statements
from voxlake.warehouse.ddl import described_macro

pytestmark = pytest.mark.dateless

MACROS = {name: described_macro(text) for kind in ("macros", "table_macros") for name, text in statements(kind).items()}
TODAY = date(2026, 1, 5)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Publish the two days of the reports, and an answer on the third."""
    hand = Hand(tmp_path_factory.mktemp("macros") / "data")
    put_world(hand)
    third = FIRST + 2 * DAY
    answer = {"source_number": LONDON, "destination_number": BERLIN, "direction": "IN", "cost": Decimal(0)}
    hand.put(third, [row(9, third, hour=6, **answer)])
    return hand.publish().path


def answers(connection, query):
    """Return the rows of a query as the page has them."""
    connection.execute(f"SET VARIABLE voxlake_today = DATE '{TODAY}'")
    rows = connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM ({query})").fetchall()
    return [" | ".join("NULL" if value is None else value for value in each) for each in rows]


def test_examples(published):
    """Each example calls its macro, and its answer is that of whoever opens the file."""
    with duckdb.connect(str(published), read_only=True) as connection:
        for name, macro in MACROS.items():
            assert re.search(rf"\b{name}\(", macro["example"]), name
            assert macro["answer"] == answers(connection, macro["example"]), name


def test_signatures(published):
    """A signature has the parameters that DuckDB knows, and every macro is in the published file."""
    query = (
        "SELECT function_name, parameters FROM duckdb_functions() WHERE function_type LIKE '%macro' AND NOT internal"
    )
    with duckdb.connect(str(published), read_only=True) as connection:
        known = dict(connection.execute(query).fetchall())
    written = {
        name: [
            each.partition(" := ")[0] for each in macro["signature"].rstrip(")").partition("(")[2].split(", ") if each
        ]
        for name, macro in MACROS.items()
    }
    assert written == known


def test_attached(published):
    """A session that attaches the file under another name has the macros after USE."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{published}' AS theirs (READ_ONLY)")
        connection.execute("USE theirs")
        for name in ("messages_of", "duplicates", "percent"):
            assert MACROS[name]["answer"] == answers(connection, MACROS[name]["example"])
