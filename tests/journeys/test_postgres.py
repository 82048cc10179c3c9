"""`voxlake publish --postgres`: a copy in a real PostgreSQL that is equal row by row, and never half."""

import json
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from support import postgres
from support.forgets import KEY
from support.lakes import FIRST, LAYOUTS, Hand, row
from support.terminal import run

from voxlake.library import forget

pytestmark = [
    pytest.mark.dateless,
    pytest.mark.skipif(postgres.programs() is None, reason="no PostgreSQL server is installed"),
]
dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")

VOXLAKE = str(Path(sys.executable).parent / "voxlake")
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def uri():
    """Return the address of a server."""
    with postgres.server() as address:
        yield address


@pytest.fixture(autouse=True)
def empty(uri):
    """Begin without a copy."""
    with closing(dbapi.connect(uri, autocommit=True)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS voxlake CASCADE")


def ask(uri, query):
    """Return the rows of a query in PostgreSQL."""
    with closing(dbapi.connect(uri)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def plain(value):
    """Return a value as both databases give it: amounts of PostgreSQL come as texts."""
    return str(value.normalize()) if isinstance(value, Decimal) else str(value)


def assert_equal(uri, root):
    """Compare every table and view with its copy, row by row, but for those that have none."""
    with duckdb.connect(str(root / "voxlake.duckdb"), read_only=True) as connection:
        names = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
        copied = {
            name for (name,) in ask(uri, "SELECT relname FROM pg_class WHERE relnamespace = 'voxlake'::regnamespace")
        }
        assert names - copied == {"conversations", "duplicates", "number_days"}
        for name in names & copied:
            columns = [column for column, *_ in connection.execute(f"DESCRIBE {name}").fetchall()]
            ours = connection.execute(f"SELECT {', '.join(columns)} FROM {name}").fetchall()
            texts = ", ".join(f'"{column}"::text' for column in columns)
            theirs = ask(uri, f"SELECT {texts} FROM voxlake.{name}")
            assert sorted(map(normal, ours)) == sorted(map(normal, theirs)), name


def normal(values):
    """Return a row as texts that are the same for the same values of both databases."""
    found = []
    for value in values:
        text = {"true": "True", "false": "False"}.get(value, value) if isinstance(value, str) else value
        try:
            text = str(Decimal(str(text)).normalize())
        except ArithmeticError:
            text = str(text).removesuffix(".0")
        found.append(text)
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_copy_is_equal_after_each_night(tmp_path, uri, layout, capsys):
    """Days that come, change and go: what differs is sent and no more, comments and types are there."""
    hand = Hand(tmp_path / "data", layout)
    copy = ("publish", "--postgres", uri, "--data-dir", hand.root)
    for n in range(4):
        hand.put(FIRST + DAY * n, [row(10 * n + i, FIRST + DAY * n, text="it's ü\x00") for i in range(5)])
        hand.put(FIRST + DAY * n, [row(10 * n, FIRST + DAY * n)], stream="a2p")
    hand.publish()
    assert run(*copy) == 0
    assert capsys.readouterr().err.startswith("copied 24 rows of 8 days and ")
    for change in (
        lambda: hand.put(FIRST, [row(0, cost=Decimal("0.123456"), status_id=2, status="error")]),
        lambda: hand.put(FIRST + DAY, []),
    ):
        change()
        hand.publish()
        capsys.readouterr()
        assert run(*copy) == 0
        said = capsys.readouterr().err
        assert said.startswith(("copied 1 row of 1 day and ", "copied 0 rows of 1 day and "))
    assert run(*copy, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == {"exit_code": 0, "days": 0, "sent": 0, "rows": 15}
    types = dict(
        ask(uri, "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'sms_history'")
    )
    assert (types["cost"], types["processed_at"], types["message_id"]) == (
        "numeric", "timestamp without time zone", "bigint",
    )  # fmt: skip
    ((comment,),) = ask(uri, "SELECT obj_description('voxlake.messages'::regclass)")
    assert comment.startswith("Every message of both streams")
    assert ask(uri, "SELECT count(*) FROM voxlake.messages WHERE text = 'it''s ü\u2400'") == [(10,)]


@pytest.mark.slow
def test_every_row_is_equal(tmp_path, uri):
    """Three nights of an account: tables, views and amounts are those of the database."""
    hand = Hand(tmp_path / "data")
    for night in range(3):
        for n in range(night, night + 3):
            day = FIRST + DAY * n
            hand.put(day, [row(100 * n + i, day, cost=Decimal(i) / 8) for i in range(20 + night)])
            hand.put(day, [row(100 * n + i, day, destination_number=f"44740076{i:04}") for i in range(9)], stream="a2p")
        hand.publish()
        assert run("publish", "--postgres", uri, "--data-dir", hand.root) == 0
        assert_equal(uri, hand.root)


def test_who_is_forgotten_is_in_no_copy(tmp_path, uri):
    """The next copy has neither her number as the API gave it nor its normal form."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1, destination_number="+44 7400 123456"), row(2)])
    hand.publish()
    rows = "SELECT message_id, destination, normal_destination FROM voxlake.sms_history ORDER BY message_id"
    left = (2, "447911123456", None)
    for expected in ([(1, "447400123456", "447400123456"), left], [left]):
        assert run("publish", "--postgres", uri, "--data-dir", hand.root) == 0
        assert ask(uri, rows) == expected
        forget(hand.root, "447400123456", privacy_key=KEY)


def test_a_schema_of_somebody_else_stays(tmp_path, uri, capsys):
    """What voxlake has not made is not touched."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    with closing(dbapi.connect(uri, autocommit=True)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("CREATE SCHEMA voxlake")
        cursor.execute("CREATE TABLE voxlake.mine AS SELECT 1 AS x")
    assert run("publish", "--postgres", uri, "--data-dir", hand.root) == 2
    assert "not a copy of voxlake's" in capsys.readouterr().err
    assert ask(uri, "SELECT x FROM voxlake.mine") == [(1,)]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("postgresql://x:secret@127.0.0.1:1/x", 75),
        ("nonsense://secret", 2),
        ("postgresql+psycopg://secret", 2),
        ("{uri}x", 2),
        ("", 2),
    ],
)
def test_addresses_that_lead_nowhere(tmp_path, uri, capsys, address, code):
    """A closed port is worth another try, a wrong address is not; neither is quoted, for it can hold a password."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    assert run("publish", "--postgres", address.format(uri=uri), "--data-dir", hand.root) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("voxlake: ")
    assert "secret" not in line


@pytest.mark.slow
def test_kills_leave_the_copy_before(tmp_path, uri):
    """Killed at any moment, the copy is the one before or the one after; the next one brings it up to date."""
    hand = Hand(tmp_path / "data")
    draw = random.Random(7)
    seen = {0}
    for kill in range(5):
        for n in range(4):
            day = FIRST + DAY * n
            hand.put(day, [row(100_000 * n + i, day) for i in range(300 * (kill + 1))])
        hand.publish()
        seen.add(1200 * (kill + 1))
        command = [VOXLAKE, "publish", "--postgres", uri, "--data-dir", str(hand.root)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(draw.uniform(0.4, 1.2))
            process.send_signal(signal.SIGKILL)
        there = ask(uri, "SELECT count(*) FROM pg_tables WHERE schemaname = 'voxlake' AND tablename = 'sms_history'")
        rows = ask(uri, "SELECT count(*) FROM voxlake.sms_history")[0][0] if there == [(1,)] else 0
        assert rows in seen
    assert run("publish", "--postgres", uri, "--data-dir", hand.root) == 0
    assert_equal(uri, hand.root)
