"""A publish loads what changed, checks it, and never stands in anybody's way."""

import errno
import os
import resource
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.lakes import ACCOUNT, FIRST, LAYOUTS, Hand, row

from voxlake.errors import DataError, DuplicateMessage
from voxlake.model import DayKey
from voxlake.sql import folder, statements
from voxlake.warehouse import clone as cloning
from voxlake.warehouse.clone import clone

DAY = timedelta(days=1)
SECOND = FIRST + DAY
TABLES = (
    *(
        "sms_history",
        "a2p_sms_history",
        "coverage",
        "meta.parts",
        "meta.daily_totals",
        "meta.hourly_totals",
        "meta.odd_totals",
    ),
    "(SELECT fingerprint FROM meta.built)",
)


@pytest.fixture(params=LAYOUTS)
def hand(tmp_path, request):
    """Return an empty data directory, whose database is of one layout."""
    return Hand(tmp_path / "data", request.param)


def everything(hand):
    """Return all rows of all tables."""
    return {table: sorted(map(repr, hand.ask(f"SELECT * FROM {table}"))) for table in TABLES}


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.integers(0, 2), st.integers(0, 3), min_size=1), min_size=2, max_size=3))
def test_by_steps_or_at_once(tmp_path, layout, steps):
    """Whatever days come, change and go empty: published step by step, the database equals one built from nothing."""
    hand = Hand(tmp_path / "data", layout)
    shutil.rmtree(hand.root, ignore_errors=True)
    for version, step in enumerate(steps):
        for day, rows in step.items():
            for stream in ("sms", "a2p"):
                at = FIRST + DAY * day
                hand.put(at, [row(10 * day + n, at, text=f"{version}") for n in range(rows)], stream=stream)
        hand.publish()
    by_steps = everything(hand)
    hand.publish(anew=True)
    assert by_steps == everything(hand)


def test_only_what_changed(hand):
    """Only days whose rows differ are loaded; where nothing differs, nothing is published at all."""
    for n in range(5):
        hand.put(FIRST + DAY * n, [row(n, FIRST + DAY * n)])
    hand.publish()
    before = hand.publish().path.resolve()
    hand.put(FIRST, [row(0, text="other")])
    after = hand.publish().path.resolve()
    assert hand.published == [5, 0, 1]
    assert before != after


def test_a_day_that_is_gone(hand):
    """A day whose file was taken away leaves the database too."""
    hand.put(FIRST, [row(1)])
    hand.put(SECOND, [row(2, SECOND)])
    hand.publish()
    shutil.rmtree(next(hand.root.glob(f"lake/*/*/date={FIRST}")))
    hand.publish()
    assert hand.ask("SELECT message_id FROM messages") == [(2,)]
    assert hand.ask("SELECT date FROM coverage") == [(SECOND,)]


def break_duplicates(hand, stream):
    """Let a day that comes later hold a message of a day that did not change."""
    hand.put(SECOND, [row(1, SECOND)], stream=stream)


def break_days(hand, stream):
    """Let a row lie in the file of another day."""
    hand.put(SECOND, [row(3, FIRST)], stream=stream)


def break_counts(hand, stream):
    """Let a verified day have fewer rows than the API counted."""
    hand.put(SECOND, [row(3, SECOND)], total=2, stream=stream)


@pytest.mark.sample(2)
@pytest.mark.parametrize("stream", ["sms", "a2p"])
@pytest.mark.parametrize("anew", [True, False])
@pytest.mark.parametrize("breaking", [break_duplicates, break_days, break_counts])
def test_gate(hand, breaking, anew, stream):
    """What a check forbids is not published, by steps or at once; the last good database stays, and is said to."""
    hand.put(FIRST, [row(1), row(2)], stream=stream)
    hand.publish()
    good = everything(hand)
    breaking(hand, stream)
    name = f"{stream}-{breaking.__name__.removeprefix('break_')}"
    with pytest.raises(DuplicateMessage if breaking is break_duplicates else DataError, match=f"'{name}' failed"):
        hand.publish(anew=anew)
    assert good == everything(hand)


def test_null_id(hand):
    """A row without an id is not published."""
    hand.put(FIRST, [row(None)])
    with pytest.raises(DataError, match="message_id"):
        hand.publish()
    assert not (hand.root / "voxlake.duckdb").exists()


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", sorted(statements("checks")))
def test_checks_over_all(hand, name):
    """Each check, asked over the whole database as an audit does, finds what somebody broke in any old day."""
    for stream in ("sms", "a2p"):
        for day in (FIRST, SECOND):
            hand.put(day, [row(day.toordinal(), day)], stream=stream)
    warehouse = hand.publish()
    assert warehouse.examine().failed_checks == {}
    table = "sms_history" if name.startswith("sms") else "a2p_sms_history"
    of_stream = f"stream = '{name[:3]}'"
    harm = {
        "counts": f"DELETE FROM {table} WHERE date = '{FIRST}'",
        "sums": f"DELETE FROM coverage WHERE date = '{FIRST}' AND stream = '{name[:3]}'",
        "days": f"UPDATE {table} SET processed_at = processed_at + INTERVAL 1 DAY WHERE date = '{FIRST}'",
        "duplicates": f"UPDATE {table} SET message_id = {SECOND.toordinal()} WHERE date = '{FIRST}'",
        "daily-totals": f"UPDATE meta.daily_totals SET cost = cost + 1 WHERE date = '{FIRST}' AND {of_stream}",
        "hourly-totals": f"DELETE FROM meta.hourly_totals WHERE date = '{FIRST}' AND {of_stream}",
        "odd-totals": f"INSERT INTO meta.odd_totals VALUES ({ACCOUNT}, '{FIRST}', '{name[:3]}', 'negative-cost', 1)",
        "accounts": "INSERT INTO accounts FROM accounts",
    }[name.removeprefix("sms-").removeprefix("a2p-")]
    hand.edit(harm)
    failed = warehouse.examine().failed_checks
    assert name in failed
    # Rows that are gone or at another hour are not what was counted any more, a day or all days together.
    implied = {its for its in failed if its.endswith("-totals") or its[3:] in ("-counts", "-sums")}
    assert set(failed) - implied == {name} - implied


@pytest.mark.sample(1)
def test_lost_row_of_an_old_day(hand):
    """A row that vanished from a day that nobody touched is noticed by the next publish of another day.

    So it is where nobody remembers that the file was voxlake's own; else it is built again at once. The files of a
    linked database lose no row: `test_linked.py` loses a whole one.
    """
    hand.database = "portable"
    hand.put(FIRST, [row(1), row(2)])
    hand.publish()
    hand.edit("DELETE FROM sms_history WHERE message_id = 1")
    hand.put(SECOND, [row(3, SECOND)])
    remembered = hand.root / "warehouse" / "published"
    content = remembered.read_text()
    remembered.unlink()
    with pytest.raises(DataError, match=r"sms-sums.* run 'voxlake publish'"):
        hand.publish()
    remembered.write_text(content)
    hand.publish()
    assert hand.ask("SELECT message_id FROM messages ORDER BY ALL") == [(1,), (2,), (3,)]


def test_open_reader(hand):
    """Whoever has the database open keeps its snapshot through any number of publishes; the next sees the new one."""
    hand.put(FIRST, [row(1)])
    warehouse = hand.publish()
    with warehouse.reader() as connection:
        pending = connection.execute("SELECT message_id FROM messages")
        for n in range(4):
            day = SECOND + DAY * n
            hand.put(day, [row(2 + n, day)])
            hand.publish()
        assert pending.fetchall() == [(1,)]
        assert connection.execute("SELECT count(*), max(date) FROM messages").fetchall() == [(1, FIRST)]
    assert hand.ask("SELECT count(*) FROM messages") == [(5,)]
    assert len(list((hand.root / "warehouse").glob("0*/*.duckdb"))) == 2


def test_a_reader_overtaken_by_two_publishes(hand, monkeypatch):
    """DuckDB reads the link first and opens the file later: what is gone by then is looked for again."""
    hand.put(FIRST, [row(1)])
    warehouse, connect, overtaken = hand.publish(), duckdb.connect, []

    def late(path=":memory:", **options):
        generation = Path(path).resolve() if path != ":memory:" else path
        if options.get("read_only") and not overtaken:
            overtaken.append(generation)
            for day in (SECOND, SECOND + DAY):
                hand.put(day, [row(day.toordinal(), day)])
                hand.publish()
        return connect(str(generation), **options)

    monkeypatch.setattr(duckdb, "connect", late)
    with warehouse.reader() as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchall() == [(3,)]
    assert not overtaken[0].exists()


def test_other_statements(hand, monkeypatch, tmp_path):
    """Where the statements that shape the database changed, the next publish builds it anew and checks it whole."""
    hand.put(FIRST, [row(1)])
    hand.put(SECOND, [row(2, SECOND)])
    hand.publish()
    ours = statements("tables")
    sql = tmp_path / "sql"
    shutil.copytree(folder(), sql)
    monkeypatch.setattr("voxlake.sql.folder", lambda: sql)
    assert statements("tables") == ours
    view = sql / "views" / "daily.sql"
    view.write_text(view.read_text().replace("AS messages, -- How many.", "AS messages, -- So many."))
    hand.publish()
    assert hand.published == [2, 2]
    told = "SELECT comment FROM duckdb_columns() WHERE table_name = 'daily' AND column_name = 'messages'"
    assert hand.ask(told) == [("So many.",)]


@pytest.mark.parametrize("ways", [["_share"], ["_share", "_copy_in_kernel"], []])
def test_clone(tmp_path, monkeypatch, ways):
    """A copy is the same, byte by byte, whatever the file system can do."""

    def refuse(source, target):
        os.write(target, b"half")
        raise OSError(errno.EOPNOTSUPP, "not here")

    for way in ways:
        monkeypatch.setattr(cloning, way, refuse)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(os.urandom(3_000_001))
    target.write_bytes(b"x" * 5_000_000)
    clone(source, target)
    assert target.read_bytes() == source.read_bytes()


def test_clone_without_room(tmp_path):
    """What no other way of copying mends is raised, not tried again."""
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    quirks = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, quirks[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            clone(tmp_path / "a", tmp_path / "b")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, quirks)


def test_oddities(hand):
    """Each warning speaks of the messages that are odd, by stream, and none stops a publish."""
    odd = {
        "negative-cost": {"cost": -1},
        "unknown-status": {"status": "unknown", "status_id": 9},
        "unknown-delivery": {"delivery_status": "LOST"},
        "unknown-direction": {"direction": "UP"},
        "segments-without-cost": {"cost": 0},
        "cost-without-segments": {"fragments": 0},
        "no-number": {"source_number": ""},
        "unknown-fields": {"extra": "{}"},
    }
    assert set(odd) == set(statements("warnings"))
    hand.put(FIRST, [row(0)])
    assert hand.publish().warnings() == []
    for number, fields in enumerate(odd.values()):
        day = SECOND + DAY * number
        for stream in ("sms", "a2p"):
            hand.put(day, [row(1 + number, day, **fields)], stream=stream)
    found = {(odd["warning"], odd["stream"]): odd for odd in hand.publish().warnings()}
    missing = {("unknown-direction", "a2p"), ("unknown-delivery", "sms")}
    assert set(found) == {(name, stream) for name in odd for stream in ("sms", "a2p")} - missing
    for number, name in enumerate(odd):
        for stream in {"sms", "a2p"} - {its for which, its in missing if which == name}:
            day = SECOND + DAY * number
            assert (found[name, stream]["messages"], found[name, stream]["first_day"]) == (1, day)


def test_two_accounts(hand):
    """Accounts do not mix: the same id in both is no duplicate."""
    hand.put(FIRST, [row(1)])
    first = next(hand.root.glob("lake/*/account_id=*"))
    shutil.copytree(first, first.with_name("account_id=5"))
    hand.publish()
    assert hand.ask("SELECT account_id FROM messages ORDER BY ALL") == [(5,), (ACCOUNT,)]
    assert DayKey(5, "sms", FIRST) != DayKey(ACCOUNT, "sms", FIRST)
