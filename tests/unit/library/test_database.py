"""The published database for programs: exact frames, clear refusals, and an error for each thing in its place."""

import shutil
import tempfile
import threading
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from support.lakes import FIRST, Hand, row

from voxlake.errors import AlreadyRunning, DataError, SettingsError
from voxlake.lake import Lake
from voxlake.library import open_database
from voxlake.model import DAY


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    """Publish two days of both streams."""
    hand = Hand(tmp_path_factory.mktemp("data"))
    hand.put(FIRST, [row(1, cost=Decimal("0.1")), row(2, cost=Decimal("0.2"))])
    hand.put(FIRST + DAY, [row(3, FIRST + DAY, destination_number="+44 7911-123456")])
    hand.put(FIRST, [row(4)], stream="a2p")
    hand.publish()
    return hand


@pytest.fixture
def database(hand):
    """Open the database."""
    with open_database(hand.root) as database:
        yield database


def test_messages(database):
    """Messages come in the order of time, with Arrow's types, and the end is excluded."""
    frame = database.messages()
    assert sorted(frame["message_id"]) == [1, 2, 3, 4]
    assert frame["processed_at"].is_monotonic_increasing
    assert frame.dtypes["cost"] == pd.ArrowDtype(pa.decimal128(18, 6))
    assert frame.dtypes["processed_at"] == pd.ArrowDtype(pa.timestamp("us"))
    assert list(database.messages(FIRST + DAY)["message_id"]) == [3]
    assert set(database.messages(None, str(FIRST + DAY))["message_id"]) == {1, 2, 4}
    assert database.messages("2030-01-01").empty


def test_memory_is_bounded(hand, monkeypatch):
    """A query takes so much memory and no more; what does not fit goes to `tmp/`, where that can be written."""
    settings = "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
    with open_database(hand.root) as database:
        ((memory, folder),) = database.execute(settings).fetchall()
    assert (memory, Path(folder).parent) == ("610.3 MiB", hand.root / "tmp")
    monkeypatch.setattr("voxlake.spill.os.access", lambda *_: False)
    with open_database(hand.root) as database:
        ((memory, folder),) = database.execute(settings).fetchall()
        assert (memory, Path(folder).parent) == ("610.3 MiB", Path(tempfile.gettempdir()))
        assert database.execute("SELECT count(*) FROM messages").fetchall() == [(4,)]


@pytest.mark.parametrize(("since", "until"), [("since", "until"), ("from", "to"), ("first", "end")])
def test_reports(database, since, until):
    """A report answers for its days, by whatever name, and its amounts are exact."""
    frame = database.report("daily", **{since: FIRST, until: "2026-01-02"})
    assert frame.loc[frame["stream"] == "sms", "cost"].item() == Decimal("0.300000")
    assert set(frame["date"]) == {FIRST}
    for number in ("+447911123456", "00447911123456", "+44 (0)7911 123456", "447911123456"):
        assert database.report("daily", number=number)["messages"].sum() == 4


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("dialy", {}, "There is no report 'dialy': did you mean 'daily'?"),
        ("daily", {"sinc": FIRST}, "has no parameter 'sinc': did you mean 'since'?"),
        ("daily", {"since": FIRST, "from": FIRST}, "got 'from' under two names"),
        ("daily", {"since": "x"}, "since 'x' is not a UTC day"),
        ("daily", {"since": FIRST, "until": FIRST}, "the end is excluded"),
        ("cost-anomalies", {"number": "1", "hour": 3}, "has no parameter 'hour'"),
    ],
)
def test_reports_that_are_refused(database, name, parameters, message):
    """One sentence says what to write instead."""
    with pytest.raises(SettingsError) as error:
        database.report(name, **parameters)
    assert message in str(error.value)


def test_own_reports(hand, tmp_path):
    """A folder of one's own adds to the reports; two columns of one name would lose one."""
    (tmp_path / "mine.sql").write_text("-- How many there are.\nSELECT count(*) AS n FROM messages WHERE date >= $from")
    (tmp_path / "twice.sql").write_text("SELECT 1 AS a, 2 AS a")
    with open_database(hand.root, reports_dir=tmp_path) as database:
        assert database.reports()["mine"] == "How many there are."
        assert database.report("mine", since=FIRST + DAY)["n"].item() == 1
        with pytest.raises(SettingsError, match="does not look at until"):
            database.report("mine", until=FIRST)
        with pytest.raises(SettingsError, match="2 columns 'a', and DataFrame holds one"):
            database.report("twice")


def test_it_is_a_connection(database):
    """SQL goes to DuckDB, whose errors stay DuckDB's; the file cannot be changed, nor another one opened."""
    assert database.execute("SELECT count(*) FROM messages WHERE date = ?", [FIRST]).fetchall() == [(3,)]
    assert database.sql("SELECT $n", params={"n": 1}).fetchall() == database.query("SELECT 1").fetchall() == [(1,)]
    frame = database.frame("SELECT sum(cost) AS cost FROM messages WHERE date = $day", params={"day": FIRST})
    assert frame["cost"].item() == Decimal("0.310000")
    assert database.table("messages").columns == database.sql("FROM messages").columns
    for sql in ("DELETE FROM sms_history", "FROM '/etc/passwd'", "SET threads = 1", "COPY messages TO 'x.csv'"):
        with pytest.raises(duckdb.Error):
            database.execute(sql).fetchall()


def test_a_notebook_shows_it(database):
    """Its value in a notebook is what it holds, also after its days were asked for."""
    assert "voxlake.duckdb</b>: 4 messages, 2026-01-01 to 2026-01-02" in database._repr_html_()
    assert database._repr_html_().count("<svg") == 6


def test_a_result_is_left_alone(database):
    """A frame in between takes nothing from a result that is fetched row by row."""
    result = database.execute("SELECT message_id FROM messages ORDER BY message_id")
    assert result.fetchone() == (1,)
    assert len(database.messages()) == 4
    assert result.fetchall() == [(2,), (3,), (4,)]


def test_cursors(database):
    """Each thread asks with a cursor of its own."""
    found = []
    cursors = [database.cursor() for _ in range(4)]
    threads = [
        threading.Thread(target=lambda c=c: found.append(c.execute("SELECT count(*) FROM messages").fetchone()))
        for c in cursors
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(4,)] * 4


def test_what_is_opened_again_is_the_newest(tmp_path):
    """Each publish is seen by the next `open` of the same process, while earlier ones still answer as they were."""
    hand, opened = Hand(tmp_path / "data"), []
    for n in range(3):
        hand.put(FIRST + n * DAY, [row(n, FIRST + n * DAY)])
        hand.publish()
        opened.append(open_database(hand.root))
    # Two publishes later, the file of the first is gone, and is read all the same.
    assert len(list((hand.root / "warehouse").glob("0*/*.duckdb"))) == 2
    assert [len(database.messages()) for database in opened] == [1, 2, 3]
    assert [database.cursor().execute("SELECT count(*) FROM messages").fetchone() for database in opened] == [
        (1,), (2,), (3,),
    ]  # fmt: skip
    for database in opened:
        database.close()


@pytest.mark.parametrize("by", ["a new data directory", "a place without links"])
def test_an_old_file_of_the_same_name(tmp_path, by):
    """Where DuckDB would answer from what the process still has open, nothing answers; once that is closed, all is."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    if by == "a place without links":
        hand.warehouse.path.resolve().rename(hand.warehouse.path)
    old = open_database(hand.root)
    other = Hand(tmp_path / "other")
    other.put(FIRST, [row(1), row(2)])
    other.publish()
    if by == "a place without links":
        other.warehouse.path.resolve().rename(hand.warehouse.path)
    else:
        hand.root.rename(tmp_path / "aside")
        other.root.rename(hand.root)
        shutil.rmtree(tmp_path / "aside")
    if Path("/proc/self/fd").exists():
        with pytest.raises(SettingsError, match="close that database first"):
            open_database(hand.root)
    assert len(old.messages()) == 1
    old.close()
    with open_database(hand.root) as database:
        assert len(database.messages()) == 2


def test_it_is_closed(hand):
    """After its block, the connection is closed."""
    with open_database(hand.root) as database:
        pass
    with pytest.raises(duckdb.ConnectionException):
        database.execute("SELECT 1")


def test_nothing_there(tmp_path):
    """No folder, an empty one, a lake without a database, and a file each have their sentence."""
    empty, unpublished, file = tmp_path / "empty", tmp_path / "unpublished", tmp_path / "file"
    empty.mkdir()
    file.touch()
    Hand(unpublished).put(FIRST, [row(1)])
    for folder, message in (
        (tmp_path / "nowhere", "There is no data directory"),
        (empty, "There is no database at"),
        (unpublished, "There is no database at"),
        (file, "is a file, not a folder"),
    ):
        with pytest.raises(SettingsError, match=message):
            open_database(folder)
    assert not (tmp_path / "nowhere").exists()


def test_the_first_publish_is_awaited(tmp_path):
    """While a first run works, its database is not there yet: try again."""
    with Lake(tmp_path).locked(holder="somebody"), pytest.raises(AlreadyRunning, match="somebody"):
        open_database(tmp_path)


@pytest.mark.parametrize("damage", ["text", "empty", "foreign", "folder", "dangling", "torn"])
def test_damage(tmp_path, damage):
    """Whatever lies in the place of the database, the sentence says how to get it back."""
    hand = Hand(tmp_path)
    hand.put(date(2026, 1, 1), [row(n) for n in range(1, 2000)])
    hand.publish()
    link = hand.warehouse.path
    if damage == "torn":
        generation = link.resolve()
        generation.chmod(0o644)
        generation.write_bytes(generation.read_bytes()[: generation.stat().st_size // 2])
    else:
        link.unlink()
        make = {
            "text": lambda: link.write_text("not a database"),
            "empty": link.touch,
            "foreign": lambda: duckdb.connect(str(link)).close(),
            "folder": link.mkdir,
            "dangling": lambda: link.symlink_to("warehouse/nothing.duckdb"),
        }
        make[damage]()
    with pytest.raises(DataError, match=r"cannot be read.*run 'voxlake publish'"), open_database(tmp_path) as database:
        database.messages()
