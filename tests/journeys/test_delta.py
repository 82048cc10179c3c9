"""`voxlake publish --delta`: tables equal to the lake row by row, never half, and free of who was forgotten."""

import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from support.clock import CLOCK
from support.forgets import KEY
from support.lakes import ACCOUNT, FIRST, SETTLING, Hand, row
from support.tables import coverage_in, coverage_of, delta_rows, lake_rows
from support.terminal import run

from voxlake import library
from voxlake.errors import SettingsError, Unavailable
from voxlake.lake import DeltaPlaces, Lake, Manifest
from voxlake.modes import private
from voxlake.policy import PrivacyPolicy
from voxlake.transform import STREAMS
from voxlake.warehouse import copy_to_delta
from voxlake.warehouse.delta import copy as delta_copy
from voxlake.warehouse.delta import transaction

pytestmark = pytest.mark.dateless
DAY = timedelta(days=1)


def index(hand):
    """Let the index know of what was put into a lake, as a run does at its end."""
    lake = Lake(hand.root)
    with private(group=False), lake.locked(holder="a test"):
        Manifest(lake).save()


def rows_of(n):
    """Return the rows of one of the days of `nights`."""
    return [row(10 * n + i, FIRST + DAY * (n + 28), text="it's ü\x00", hour=i) for i in range(5)]


def nights(root, days=5):
    """Return a data directory of some days of both streams over the end of a month, published."""
    hand = Hand(root)
    for n in range(days):
        day = FIRST + DAY * (n + 28)
        hand.put(day, rows_of(n))
        hand.put(day, [row(10 * n, day, cost=Decimal("-0.000001"))], stream="a2p")
    hand.know(ACCOUNT, name="shop", currency="EUR", time_zone="Europe/Berlin")
    index(hand)
    return hand


def assert_equal(root, uri=None):
    """Compare histories and what proves them with the lake and its database."""
    uri = uri or root / "delta"
    assert delta_rows(uri) == lake_rows(root)
    assert coverage_of(uri) == coverage_in(root)


def version(root, table="sms_history"):
    """Return the newest version of a table."""
    return DeltaTable(root / "delta" / table).version()


def test_tables_are_equal_after_each_night(tmp_path, capsys):
    """Days that come, change, lose rows and go: what differs is committed and no more; any night can be read again."""
    hand = nights(tmp_path / "data")
    root, copy = hand.root, ("publish", "--delta", "--data-dir", hand.root)
    assert run(*copy) == 0
    assert capsys.readouterr().err.startswith("committed 30 rows of 10 days, 5 tables changed: ")
    assert_equal(root)
    seen = {version(root): delta_rows(root / "delta")}
    last, missing = FIRST + DAY * 32, Lake(root).path
    changes = (
        (lambda: hand.put(FIRST + DAY * 28, [row(0, FIRST + DAY * 28, cost=Decimal("0.123456"))]), (1, 1)),
        (lambda: hand.put(FIRST + DAY * 29, []), (0, 1)),
        (lambda: hand.put(last + DAY, [row(99, last + DAY)], stream="a2p"), (1, 1)),
        (lambda: hand.put(last, rows_of(4), verified=False), (0, 0)),
    )  # fmt: skip
    for change, (rows, days) in changes:
        change()
        index(hand)
        assert run(*copy, "--format", "json") == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["sent"], said["days"]) == (rows, days)
        assert_equal(root)
        seen[version(root)] = delta_rows(root / "delta")
    missing(next(iter(Lake(root).day_keys()))).unlink()
    assert run("publish", "--data-dir", root) == 0
    capsys.readouterr()
    assert run(*copy) == 0
    assert_equal(root)
    assert run(*copy) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("committed 0 rows of 0 days, 0 tables changed: ")
    for number, rows in seen.items():
        found = DeltaTable(root / "delta" / "sms_history", version=number).to_pyarrow_table()
        assert sorted(found["message_id"].to_pylist()) == [its[2] for its in rows["sms"]]


def test_what_a_reader_sees(tmp_path):
    """Types and comments are those of the lake, any reader knows the protocol, and accounts are beside it."""
    root = nights(tmp_path / "data").root
    library.publish_delta(root)
    for stream in STREAMS.values():
        delta = DeltaTable(root / "delta" / stream.table)
        fields = {its.name: its for its in pa.schema(delta.schema().to_arrow())}
        assert all(fields[its.name].type == its.type for its in stream.fields)
        assert all(its.metadata[b"comment"] for its in fields.values())
        assert fields["cost"].metadata[b"comment"] == b"In the currency of the account."
        assert (delta.protocol().min_reader_version, delta.metadata().partition_columns) == (1, ["month"])
        assert sorted(its["month"] for its in delta.partitions()) == ["2026-01", "2026-02"]
        assert all(path.endswith(".zstd.parquet") for path in delta.file_uris())
    (account,) = DeltaTable(root / "delta" / "accounts").to_pyarrow_table().to_pylist()
    assert (account["account_id"], account["currency"], account["first_day"]) == (ACCOUNT, "EUR", FIRST + DAY * 28)
    assert len(DeltaTable(root / "delta" / "streams").to_pyarrow_table()) == 2
    log = "".join(path.read_text() for path in root.glob("delta/*/_delta_log/*.json"))
    assert not any(words in log for words in ("447911123456", "4930111222", "it's"))


def test_files_of_a_month_are_brought_together(tmp_path, monkeypatch):
    """A month that has gathered too many files gets one, in a commit that touches it anyway."""
    monkeypatch.setattr(delta_copy, "MOST_FILES", 3)
    hand = Hand(tmp_path / "data")
    for n in range(6):
        hand.put(FIRST + DAY * n, [row(n, FIRST + DAY * n)])
        index(hand)
        library.publish_delta(hand.root)
        assert len(DeltaTable(hand.root / "delta" / "sms_history").file_uris()) <= 3
    assert_equal(hand.root)
    before = len(list(hand.root.glob("delta/sms_history/**/*.parquet")))
    with pytest.raises(SettingsError, match="at least 7"):
        library.publish_delta(hand.root, vacuum_days=6)
    library.publish_delta(hand.root, vacuum_days=7)
    assert len(list(hand.root.glob("delta/sms_history/**/*.parquet"))) == before


def test_a_column_of_a_later_version(tmp_path):
    """Tables that lack a column, have another type or were written of another index are written anew in one commit."""
    root = nights(tmp_path / "data").root
    for stream in STREAMS.values():
        kept = [its for its in stream.schema if its.name not in ("text", "extra")]
        DeltaTable.create(
            str(root / "delta" / stream.table),
            pa.schema([("account_id", pa.int64()), ("date", pa.string()), ("month", pa.string()), *kept]),
            partition_by="month",
        )
    library.publish_delta(root)
    assert_equal(root)
    (root / "ledger.sqlite").unlink()
    assert library.publish_delta(root).days == 10
    assert_equal(root)


def test_writers_that_race(tmp_path):
    """One is first, the others begin again on what it has left; each night is there once."""
    hand = nights(tmp_path / "data")
    uri, failed = str(tmp_path / "tables"), []

    def write():
        try:
            manifest = Manifest(Lake(hand.root))
            copy_to_delta(Lake(hand.root), uri, manifest.changes, finality=SETTLING, now=CLOCK.now())
        except Exception as error:  # noqa: BLE001 - the test looks at it
            failed.append(error)

    for n in range(3):
        hand.put(FIRST + DAY * 28, [row(n, FIRST + DAY * 28)])
        index(hand)
        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert_equal(hand.root, uri)


def test_a_race_that_is_lost(tmp_path, monkeypatch):
    """Another commit between reading and writing is no loss, and one each time is given up with nothing left over."""
    hand = nights(tmp_path / "data")
    library.publish_delta(hand.root)
    hand.put(FIRST + DAY * 28, [row(1, FIRST + DAY * 28)])
    index(hand)
    commit, limit = transaction.commit, 1

    def disturbed(delta, files, *arguments, **options):
        nonlocal limit
        if limit:
            limit -= 1
            table = DeltaTable(hand.root / "delta" / files.table.name)
            table.alter.set_table_properties({"delta.checkpointInterval": str(100 + limit)})
        commit(delta, files, *arguments, **options)

    monkeypatch.setattr(delta_copy, "commit", disturbed)
    monkeypatch.setattr(transaction, "_PAUSE", 0)
    limit = 10**6
    before = set(hand.root.glob("delta/**/*.parquet"))
    with pytest.raises(Unavailable, match="try again when they have ended"):
        library.publish_delta(hand.root)
    assert set(hand.root.glob("delta/**/*.parquet")) == before
    limit = 2
    assert library.publish_delta(hand.root).days == 1
    assert_equal(hand.root)


def test_who_was_forgotten_is_in_no_version(tmp_path):
    """After an erasure no table in any known place has the number, nor a file that only earlier versions need."""
    hand = nights(tmp_path / "data")
    root, elsewhere = hand.root, tmp_path / "elsewhere"
    day = FIRST + DAY * 28
    hand.put(
        day, [row(1, day, destination_number="491711234567"), row(2, day, text="ask +49 171 1234567"), row(3, day)]
    )
    index(hand)
    library.publish_delta(root)
    library.publish_delta(root, str(elsewhere))
    hand.put(day, [row(1, day, destination_number="491711234567", cost=None), row(2, day), row(3, day)])
    index(hand)
    library.publish_delta(root)
    (root / "delta" / "sms_history" / "month=2026-01" / "left-by-a-kill.parquet").write_bytes(b"491711234567")
    assert DeltaPlaces(Lake(root)).known() == [str(root / "delta"), str(elsewhere)]
    done = library.forget(root, "491711234567", privacy_key=KEY, clock=CLOCK)
    assert (done.exit_code, done.rows, done.left) == (0, 1, ())
    for uri in (root / "delta", elsewhere):
        assert_equal(root, uri)
        assert not any(b"1711234567" in path.read_bytes() for path in uri.rglob("*") if path.is_file())
        its = DeltaTable(uri / "sms_history")
        assert len(its.file_uris()) == len(list(uri.glob("sms_history/**/part-*.parquet")))
        assert not any(its[2] == 1 for its in delta_rows(uri)["sms"])
    assert library.forget(root, "491711234567", privacy_key=KEY, clock=CLOCK).nothing
    older = CLOCK.now() - datetime(2026, 2, 1, tzinfo=UTC)
    assert library.retain(root, older_than=older, privacy_key=KEY, clock=CLOCK).exit_code == 0
    assert_equal(root)
    assert {its[1].month for its in delta_rows(elsewhere)["a2p"]} == {2}
    assert not list(root.glob("delta/*/month=2026-01"))


@pytest.mark.slow
def test_a_place_that_cannot_be_cleared_is_named(tmp_path):
    """Tables that an erasure cannot reach are a sentence and exit code 4, until their line is removed."""
    root = nights(tmp_path / "data").root
    library.publish_delta(root)
    (root / "delta.txt").write_text(f"{root / 'delta'}\n/etc/passwd/x\n")
    done = library.forget(root, "447911123456", privacy_key=KEY, clock=CLOCK)
    assert done.exit_code == 4
    assert any("/etc/passwd/x may still hold what was erased" in line for line in done.left)
    (root / "delta.txt").unlink()
    assert library.forget(root, "447911123456", privacy_key=KEY, clock=CLOCK).exit_code == 0
    assert_equal(root)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/etc/passwd/x", "Not a directory"),
        ("ftp://example/x", "Unknown scheme"),
        ("", "use true, false, a folder"),
    ],
)
def test_places_that_cannot_be_used(tmp_path, capsys, place, said):
    """A place that leads nowhere is one sentence and exit code 2, and is not remembered."""
    root = nights(tmp_path / "data", days=1).root
    assert run("publish", f"--delta={place}", "--data-dir", root) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("voxlake: ")
    assert said in line
    assert DeltaPlaces(Lake(root)).known() == []


def test_the_settings(tmp_path, capsys, monkeypatch):
    """A run that may change the lake brings the tables up to date where the settings say so."""
    root = nights(tmp_path / "data", days=1).root
    monkeypatch.setenv("VOXLAKE_DELTA", "true")
    assert run("publish", "--data-dir", root) == 0
    assert_equal(root)
    config = tmp_path / "voxlake.toml"
    monkeypatch.delenv("VOXLAKE_DELTA")
    config.write_text(f'delta = "{tmp_path}/there"\n')
    assert run("publish", "--data-dir", root, "--config", config) == 0
    assert_equal(root, tmp_path / "there")
    config.write_text("delta = false\n")
    assert run("publish", "--data-dir", root, "--config", config) == 0
    config.write_text("delta = 1\n")
    capsys.readouterr()
    assert run("publish", "--data-dir", root, "--config", config) == 2
    assert "delta in voxlake.toml is 1: use true, false" in capsys.readouterr().err
    for flags in (("--delta", "--portable", "x"), ("--delta-vacuum", "8"), ("--delta", "--delta-vacuum", "6")):
        assert run("publish", "--data-dir", root, *flags) == 2


def test_what_is_hashed_or_dropped_stays_so(tmp_path):
    """The tables have numbers and texts as the lake has them, and none from before a policy was applied."""
    root = nights(tmp_path / "data").root
    library.publish_delta(root)
    policy = PrivacyPolicy(source="hash", destination="hash", text="drop", key=KEY)
    assert library.apply_privacy(root, policy, privacy_key=KEY, clock=CLOCK).exit_code == 0
    assert_equal(root)
    rows = DeltaTable(root / "delta" / "sms_history").to_pyarrow_table()
    assert rows["text"].null_count == len(rows)
    assert "447911123456" not in rows["destination_number"].to_pylist()
    assert len(list(root.glob("delta/sms_history/**/part-*.parquet"))) == 2
