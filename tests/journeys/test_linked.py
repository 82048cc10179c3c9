"""A linked database says what a portable one says; its files never change, and stay as long as they are read."""

import shutil
import subprocess
import sys
from datetime import timedelta

import duckdb
import pytest
from support.clock import CLOCK, ShiftedClock, SleepingClock
from support.lakes import ACCOUNT, FIRST, Hand, row
from support.worlds import put_world

from voxlake.errors import DataError, DuplicateMessage, SettingsError
from voxlake.library import open_database
from voxlake.model import DaySpan
from voxlake.reporting.query import query_text
from voxlake.reporting.saved_queries import bind_parameters, load_saved_queries
from voxlake.sql import statements
from voxlake.warehouse import Examination
from voxlake.warehouse.layout import MANY, is_linked
from voxlake.warehouse.row_files import FILE_ROWS, _File, small_files
from voxlake.warehouse.state import PublishedState
from voxlake.warehouse.unused_files import GRACE

pytestmark = pytest.mark.dateless

DAY = timedelta(days=1)
SECOND, THIRD = FIRST + DAY, FIRST + 2 * DAY
TABLES = ("sms_history", "a2p_sms_history", "accounts", "coverage", "meta.parts")
NAMED = "SELECT name FROM meta.files WHERE dropped_at IS NULL ORDER BY name"


@pytest.fixture
def hand(tmp_path):
    """Give two days, of which the later one was published twice."""
    hand = Hand(tmp_path / "data", "linked")
    hand.put(FIRST, [row(1)])
    hand.put(SECOND, [row(2, SECOND), row(3, SECOND)])
    hand.publish()
    hand.put(SECOND, [row(2, SECOND, text="other"), row(4, SECOND)])
    hand.publish()
    return hand


def said(hand, *, reports=False):
    """Return all that a database says: the rows of tables and views with their columns and comments, and reports."""
    queries = {"comments": (_COMMENTS, {})}
    for name in (*TABLES, *statements("views")):
        queries |= {name: (f"FROM {name} ORDER BY ALL", {}), f"types of {name}": (_TYPES, {"name": name})}
    for query in load_saved_queries(None).values() if reports else ():
        bound = bind_parameters(query, first=None, end=None, number=None, tz="UTC" if "$tz" in query.sql else None)
        queries[f"report {query.name}"] = query.sql, bound
    with hand.warehouse.reader() as connection:
        return {name: connection.execute(sql, bound).fetchall() for name, (sql, bound) in queries.items()}


_TYPES = """
SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = $name AND schema_name = 'main'
ORDER BY column_index
"""
_COMMENTS = """
SELECT table_name, comment FROM duckdb_tables() WHERE table_name LIKE '%sms_history'
UNION ALL
SELECT view_name, comment FROM duckdb_views() WHERE view_name LIKE '%sms_history'
ORDER BY ALL
"""


def files(hand):
    """Return the names of the files that are there."""
    return sorted(path.name for path in (hand.root / "warehouse" / "rows").iterdir())


@pytest.mark.slow
def test_both_layouts_say_the_same(tmp_path):
    """After every publish, whatever came, changed or went, both say the same, and nothing that they did not say."""
    clock = SleepingClock()
    hands = [Hand(tmp_path / layout, layout, clock=clock) for layout in ("portable", "linked")]
    put = [
        put_world,
        lambda hand: (put_world(hand, 5, times=3), hand.put(FIRST, [], stream="a2p")),
        lambda hand: hand.put(FIRST, [row(7), row(8, text="new", cost=5)]),
        lambda hand: (shutil.rmtree(next(hand.root.glob(f"lake/*/*/date={FIRST}"))), hand.put(FIRST, [], stream="a2p")),
    ]
    for step in put:
        for hand in hands:
            step(hand)
            hand.publish()
        portable, linked = (said(hand, reports=step is put[-1]) for hand in hands)
        assert linked == portable
    assert hands[0].published == hands[1].published
    assert len(portable["messages"]) >= 8
    # And so does a database of the other layout that is made of it.
    for hand, layout in zip(hands, ("linked", "portable"), strict=True):
        hand.database = layout
        hand.publish()
        assert said(hand, reports=True) == portable


def test_files_never_change(hand):
    """A publish adds a file with the days that changed; what was there is neither written nor replaced."""
    before = {path: path.stat() for path in (hand.root / "warehouse" / "rows").iterdir()}
    hand.put(THIRD, [row(5, THIRD)])
    hand.publish()
    assert {path: path.stat() for path in before} == before
    assert len(files(hand)) == len(before) + 1
    assert hand.ask("SELECT message_id, text FROM messages ORDER BY ALL") == [
        (1, "Hello"), (2, "other"), (4, "Hello"), (5, "Hello"),
    ]  # fmt: skip
    assert hand.published == [2, 1, 1]


def test_a_check_that_fails(hand):
    """The last good database stays, and what was written for the next one is in nobody's way."""
    hand.put(THIRD, [row(1, THIRD)])
    with pytest.raises(DuplicateMessage):
        hand.publish()
    assert hand.ask("SELECT message_id FROM messages ORDER BY ALL") == [(1,), (2,), (4,)]
    hand.put(THIRD, [row(None, THIRD)])
    with pytest.raises(DataError, match="message_id"):
        hand.publish()
    hand.put(THIRD, [row(5, THIRD)])
    hand.publish()
    assert hand.ask("SELECT message_id FROM messages ORDER BY ALL") == [(1,), (2,), (4,), (5,)]


@pytest.mark.slow
def test_files_stay_for_readers(hand):
    """Whoever has an older database open reads all of it, until files that no newer one needs have had their time."""
    hand.clock = ShiftedClock(CLOCK.offset)
    with duckdb.connect(str(hand.warehouse.path), read_only=True) as reader:
        old = reader.execute("FROM messages ORDER BY ALL").fetchall()
        used = [name for (name,) in reader.execute(NAMED).fetchall()]
        for n in range(2):
            hand.clock.offset += GRACE.total_seconds() - 1
            for day in (FIRST, SECOND):
                hand.put(day, [row(10 * n + day.toordinal(), day)])
            hand.publish()
            assert reader.execute("FROM messages ORDER BY ALL").fetchall() == old
            assert {*used} < {*files(hand)}
            hand.clock.offset -= GRACE.total_seconds() - 1
        stray = hand.root / "warehouse" / "rows" / "sms-left-by-a-kill.parquet"
        stray.write_bytes(b"half")
        for after in (GRACE - DAY, GRACE + DAY, 3 * GRACE):
            hand.clock.offset = CLOCK.offset + after.total_seconds()
            hand.put(THIRD, [row(int(after.total_seconds()), THIRD)])
            hand.publish()
            assert stray.exists() is (after <= GRACE + DAY)
    assert not {*used} & {*files(hand)}


def test_moved(hand, tmp_path):
    """A data directory that was moved says so, and the next publish mends it without loading a day."""
    before = said(hand)
    moved = Hand(tmp_path / "moved", "linked")
    hand.root.rename(moved.root)
    with pytest.raises(DataError, match="'voxlake export' or 'voxlake publish'"):
        moved.ask("FROM messages")
    names = files(moved)
    moved.publish()
    assert (moved.published, files(moved)) == ([0], names)
    assert said(moved) == before
    moved.publish()
    assert moved.published == [0, 0]


def test_from_any_folder(hand):
    """The working directory of whoever reads does not matter."""
    ask = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql('FROM messages').fetchall())"
    command = [sys.executable, "-c", ask, str(hand.warehouse.path)]
    assert "other" in subprocess.run(command, cwd="/", capture_output=True, text=True, check=True).stdout


@pytest.mark.sample(1)
@pytest.mark.parametrize("harm", ["lost", "cut"])
def test_a_file_that_is_damaged(hand, harm):
    """Where a file is missing or is shorter than it was, the next publish builds the database again."""
    before = said(hand)
    path = hand.root / "warehouse" / "rows" / hand.ask(NAMED)[0][0]
    path.chmod(0o644)
    content = path.read_bytes()
    path.unlink()
    if harm == "cut":
        path.write_bytes(content[:-1])
    with pytest.raises(DataError, match="run 'voxlake publish'"):
        hand.ask("FROM messages")
    hand.publish()
    assert hand.published == [2, 1, 2]
    assert said(hand) == before


@pytest.mark.parametrize("layout", ["linked", pytest.param("portable", marks=pytest.mark.slow)])
def test_a_copy_that_needs_no_other_file(hand, layout, tmp_path, voxlake):
    """`voxlake publish --portable FILE` writes one, from either layout; the original is not touched."""
    hand.database = layout
    hand.publish()
    before, copied = said(hand), tmp_path / "copied.duckdb"
    assert "copied 3 rows" in voxlake("publish", "--data-dir", hand.root, "--portable", copied).stderr
    assert said(hand) == before
    shutil.rmtree(hand.root)
    copy = Hand(tmp_path / "elsewhere")
    copy.root.mkdir()
    copied.rename(copy.warehouse.path)
    assert said(copy) == before
    assert (
        "Traceback"
        not in voxlake("publish", "--data-dir", copy.root, "--portable", tmp_path / "no" / "x", code=2).stderr
    )


def test_settings(tmp_path, voxlake):
    """`database = "linked"` in the file is enough, whichever command publishes; another word is refused."""
    hand = Hand(tmp_path / "work" / "data")
    hand.put(FIRST, [row(1)])
    settings = tmp_path / "work" / "voxlake.toml"
    settings.write_text('database = "linked"\n', encoding="utf-8")
    voxlake("publish")
    assert len(files(hand)) == 1
    settings.write_text('database = "else"\n', encoding="utf-8")
    assert "auto" in voxlake("publish", code=2).stderr
    settings.unlink()
    with pytest.raises(SettingsError, match="auto, portable, linked"):
        Hand(hand.root, "else").publish()


def test_layout_by_size(tmp_path, monkeypatch):
    """Left alone, a large database is linked where copying costs, and stays so until half of it is gone."""

    def chosen(layout, rows, folder=None):
        state = None if rows is None else PublishedState(None, None, rows, folder)
        return is_linked(layout, state, tmp_path)

    assert [chosen(layout, 1) for layout in ("auto", "portable", "linked")] == [False, False, True]
    for shares in (False, True):
        monkeypatch.setattr("voxlake.warehouse.layout.shares_blocks", lambda _, shares=shares: shares)
        assert chosen("auto", MANY) is chosen("auto", MANY // 2, "rows") is not shares
        assert chosen("auto", None) is chosen("auto", MANY - 1) is chosen("auto", MANY // 2 - 1, "rows") is False


@pytest.mark.slow
def test_small_files_are_merged(hand):
    """Many publishes leave few files, and every row."""
    for n in range(2, 10):
        hand.put(FIRST + n * DAY, [row(100 + n, FIRST + n * DAY)])
        hand.publish()
    assert hand.ask("SELECT count(*), count(DISTINCT date) FROM messages") == [(11, 10)]
    assert len(hand.ask(NAMED)) < 4
    assert hand.warehouse.examine().failed_checks == {}


def test_checks_of_some_days_read_their_files_alone(hand):
    """Rows of other files are not looked at, whatever is wrong with them; a check of everything finds it."""
    hand.put(THIRD, [row(9, THIRD)])
    hand.publish()
    damaged = {name for (name,) in hand.ask(f"SELECT file FROM meta.file_days WHERE date = '{FIRST}'")}
    for path in (hand.root / "warehouse" / "rows" / name for name in damaged):
        content = path.read_bytes()
        footer = int.from_bytes(content[-8:-4], "little") + 8
        path.chmod(0o644)
        path.write_bytes(b"PAR1" + bytes(len(content) - footer - 4) + content[-footer:])
    third = [DaySpan(ACCOUNT, stream, THIRD, THIRD + DAY) for stream in ("sms", "a2p")]
    assert hand.warehouse.examine(third) == Examination(None, {}, [])
    assert isinstance(hand.warehouse.examine().damage, DataError)


def test_which_files_are_merged():
    """Those that are small, if they are many; one that is larger than all others is not written again."""

    def chosen(*sizes):
        return [file.live for file in small_files([_File(f"{n}", size, size) for n, size in enumerate(sizes)])]

    assert chosen(*[1] * 7) == []
    assert chosen(*[1] * 8) == [1] * 8
    assert chosen(*[1] * 8, 9) == [1] * 8
    assert chosen(*[1] * 8, 8, FILE_ROWS) == [*[1] * 8, 8]
    assert chosen(*[FILE_ROWS // 10] * 30) == [FILE_ROWS // 10] * 10


def test_readers_write_nothing(hand):
    """A query may read the files of the database alone, and changes none of them."""
    path = hand.root / "warehouse" / "rows" / hand.ask(NAMED)[0][0]
    before = path.read_bytes()
    assert path.stat().st_mode & 0o222 == 0
    with open_database(hand.root) as database:
        for sql in (
            f"EXPLAIN ANALYZE COPY (SELECT 1) TO '{path}' (FORMAT parquet, USE_TMP_FILE false)",
            f"/* a */ EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{path}' (FORMAT parquet, USE_TMP_FILE false)",
            f"FROM '{path.with_name('other.parquet')}'",
            f"FROM read_text('{hand.root / 'ledger.json'}')",
        ):
            with pytest.raises(SettingsError, match=r"read-only|refused"):
                query_text(database.connection, sql, {}, form="csv", limit=None)
        explained = query_text(database.connection, "EXPLAIN ANALYZE SELECT 'ä' FROM messages", {}, form="csv", limit=1)
    assert "analyzed_plan" in explained
    assert path.read_bytes() == before
    assert ACCOUNT in {account for (account,) in hand.ask("SELECT account_id FROM messages")}
