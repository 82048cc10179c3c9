"""What is older than it is kept goes away from everywhere, is not missed, and does not come back."""

import gzip
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from support.clock import CLOCK
from support.contexts import StandingClock
from support.dates import days_ago
from support.forgets import ACCOUNT, DAYS, FIRST, make
from support.lakes import LAYOUTS
from support.truth import held, truth

import voxlake
from voxlake import library
from voxlake.errors import SettingsError
from voxlake.lake import Lake, Manifest
from voxlake.sql import statements
from voxlake.transform import STREAMS

TODAY = FIRST + timedelta(days=DAYS + 60)
NOW = StandingClock(datetime.combine(TODAY, datetime.min.time(), tzinfo=UTC))
KEPT, TEXTS = FIRST.replace(month=2, day=10), FIRST.replace(month=2, day=20)
"""The first day that is kept, and the first whose texts are."""


def retain(root, **options):
    """Take away what is older than that."""
    return library.retain(root, older_than=TODAY - KEPT, texts_older_than=TODAY - TEXTS, clock=NOW, **options)


def rows(root, stream):
    """Return the day and the text of every row that a plain glob finds."""
    table = pq.read_table(root / "lake" / STREAMS[stream].table, partitioning=None)
    return [(its["processed_at"].date(), its["text"]) for its in table.to_pylist()]


@pytest.mark.parametrize("database", LAYOUTS)
def test_what_is_too_old_goes(tmp_path, database):
    """Days of files and of months, the texts of others, rejects, replies, and every generation of the database."""
    root = tmp_path / "data"
    hand = make(root, database=database)
    kept, texts = KEPT, TEXTS
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    dry = retain(root, dry_run=True, database=database)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    done = retain(root, database=database)
    assert (done.exit_code, done.days, done.rows, done.texts) == (0, dry.days, dry.rows, dry.texts)
    assert {key.date for key in done.days} == {FIRST + timedelta(days=n) for n in range((kept - FIRST).days)}
    for stream, table in (("sms", "sms_history"), ("a2p", "a2p_sms_history")):
        found = rows(root, stream)
        assert min(day for day, _ in found) == kept
        assert {day < texts: text is None for day, text in found} == {True: True, False: False}
        assert hand.ask(f"SELECT min(date), min(date) FILTER (text IS NOT NULL) FROM {table}") == [(kept, texts)]
    states = dict(hand.ask("SELECT state, count(*) FROM days WHERE date < $1 GROUP BY ALL", texts))
    assert states == {"retained": 2 * (kept - FIRST).days, "final": 2 * (texts - kept).days}
    asked = {"first": FIRST, "end": texts, "accounts": None, "together": True}
    with hand.warehouse.reader() as connection:
        drawn = [its[4] for its in connection.execute(statements("dashboard")["coverage"], asked).fetchall()]
    assert {state: drawn.count(state) for state in drawn} == {"skipped": states["retained"], "final": states["final"]}
    manifest = Manifest(Lake(root))
    assert not manifest.missing
    assert all(its.verified for its in manifest)
    assert [its.textless for its in manifest.of(ACCOUNT, "sms").values() if kept <= its.key.date < texts] == [True] * 10
    assert library.status(root).exit_code == 0
    assert len(list((root / "warehouse").glob("**/*.duckdb*"))) == 1
    (archive,) = (root / "raw").iterdir()
    assert b'"text": "x"' not in gzip.decompress(archive.read_bytes())
    again = retain(root, database=database)
    assert (again.exit_code, again.days, again.texts) == (0, (), 0)


def test_nothing_comes_back(sandbox, tmp_path):
    """An export asks for no older day, a backfill of one is refused, and no text is read again; nothing differs."""
    server, root = sandbox(rows=600, days=8), tmp_path / "data"
    account = voxlake.connect(server.credentials, api_url=server.url, clock=CLOCK)
    voxlake.export(account, root, since=days_ago(8), keep_raw=True, settle_hours=0)
    done = library.retain(
        root, older_than=timedelta(days=5), texts_older_than=timedelta(days=3), settle_hours=0, clock=CLOCK
    )
    assert [key.date for key in done.days] == [days_ago(8), days_ago(7), days_ago(6)] * 2

    def is_kept():
        for stream in STREAMS:
            wanted = [
                (*row[:10], None if row[-1] < days_ago(3) else row[10], *row[11:])
                for row in truth(server, stream)
                if row[-1] >= days_ago(5)
            ]
            assert held(root / "voxlake.duckdb", stream) == wanted
        manifest = Manifest(Lake(root))
        assert not manifest.missing
        assert min(its.key.date for its in manifest) == days_ago(5)

    is_kept()
    assert voxlake.export(account, root, settle_hours=0).exit_code == 0
    is_kept()
    assert voxlake.export(account, root, since=days_ago(8), settle_hours=1200).exit_code == 0
    is_kept()
    with pytest.raises(SettingsError, match=r"days before .* were retained away, and are not exported again"):
        voxlake.backfill(account, root, since=days_ago(7), until=days_ago(0), force=True)
    voxlake.backfill(account, root, since=days_ago(5), until=days_ago(0), force=True)
    is_kept()
    audited = voxlake.audit(account, root, repair=True, seed=1)
    assert (audited.exit_code, [found.differences for found in audited.rounds[0]]) == (0, [(), ()])
    voxlake.replay(root, force=True, clock=CLOCK)
    is_kept()
    with pytest.raises(SettingsError, match="Nothing is to be taken away"):
        library.retain(root)


def test_after_an_export(sandbox, voxlake):
    """The settings of the file are applied, and it is said what was taken away."""
    server = sandbox(rows=300, days=5)
    (voxlake.folder / "voxlake.toml").write_text('[retention]\nolder_than = "2d"\n')
    done = voxlake("export", "--since", days_ago(5), server=server)
    assert "6 days with " in done.stderr
    assert " were taken away." in done.stderr
    assert "taken away" not in voxlake("export", server=server).stderr
