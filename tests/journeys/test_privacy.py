"""What a policy keeps away from the disk, and what goes on to work: proofs, countries, joins, and the next night."""

import gzip
import json
from contextlib import suppress

import duckdb
import pyarrow.parquet as pq
import pytest
from support.clock import CLOCK
from support.dates import days_ago
from support.truth import truth

import voxlake
from voxlake.lake import Lake, Manifest
from voxlake.library import apply_privacy
from voxlake.policy import digest_of
from voxlake.privacy import make_key, read_key
from voxlake.transform import STREAMS

EVERYTHING = {"source": "hash", "destination": "hash", "text": "drop", "error_text": "hash", "unknown_fields": "hash"}


def connect(server):
    """Return the account of a sandbox."""
    return voxlake.connect(server.credentials, api_url=server.url, clock=CLOCK)


def secrets_of(server):
    """Return every number and every text of a sandbox that cannot be in a file by chance."""
    rows = [row for stream in STREAMS for row in server.world.truth(stream)]
    numbers = {row[name] for row in rows for name in ("source_number", "destination_number")}
    texts = {row["text"] for row in rows}
    return {its for its in numbers if its and len(its) > 6 and its.isdigit()} | {t for t in texts if t and len(t) > 6}


def found_in(folder, secrets):
    """Return the secrets that the files of a folder hold, with what is packed in them unpacked."""
    found = set()
    for path in (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        contents = [path.read_bytes().decode("utf-8", "replace")]
        if path.suffix == ".gz":
            contents.append(gzip.decompress(path.read_bytes()).decode("utf-8", "replace"))
        if path.suffix == ".parquet":
            contents.append(json.dumps(pq.ParquetFile(path).read().to_pylist(), default=str, ensure_ascii=False))
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection, suppress(duckdb.Error):
                for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                    with suppress(duckdb.Error):
                        contents.append(str(connection.execute(f"SELECT * FROM {name}").fetchall()))
        found |= {(secret, path.name) for secret in secrets for content in contents if secret in content}
    return found


@pytest.fixture
def key_file(tmp_path):
    """Make a key."""
    make_key(tmp_path / "privacy.key", data_dir=tmp_path / "data")
    return tmp_path / "privacy.key"


def test_nothing_of_anybody_is_on_the_disk(sandbox, tmp_path, key_file):
    """Days are verified, audited and answered for as ever, and no file holds a number or a text of the account."""
    server, data = sandbox("extra_field=on", rows=500, days=4), tmp_path / "data"
    account, privacy = connect(server), EVERYTHING | {"key_file": key_file}
    result = voxlake.export(account, data, since=days_ago(4), keep_raw=True, privacy=privacy)
    assert result.exit_code == 0, result
    secrets = secrets_of(server)
    assert len(secrets) > 300
    assert found_in(data, secrets) == set()
    assert not (data / "raw").exists()
    assert voxlake.audit(account, data, privacy=privacy, pages=4).exit_code == 0

    plain = tmp_path / "plain"
    voxlake.export(account, plain, since=days_ago(4))
    assert len(found_in(plain, secrets)) > 300
    key = read_key(key_file, data_dir=data)
    countries = "SELECT destination_country, count(*) FROM messages GROUP BY 1 ORDER BY 1"
    with voxlake.open(data, key_file=key_file) as treated, voxlake.open(plain) as kept:
        assert treated.execute(countries).fetchall() == kept.execute(countries).fetchall()
        busiest = kept.execute("SELECT number, sent + received FROM by_number ORDER BY 2 DESC, 1 LIMIT 20").fetchall()
        held = dict(treated.execute("SELECT number, sum(sent + received) FROM by_number GROUP BY 1").fetchall())
        assert [held[digest_of(key, number)] for number, _ in busiest] == [times for _, times in busiest]
        number, times = next((number, times) for number, times in busiest if number.isdigit())
        for spelled in (number, f"+{number}", f"00{number}"):
            assert treated.report("daily", number=spelled)["messages"].sum() == times
        with voxlake.open(data) as keyless:
            assert keyless.report("daily", number=number)["messages"].sum() == 0
        errors = (
            "SELECT error_kind(error_message, source_number, destination_number), count(*) FROM messages GROUP BY 1"
        )
        assert sorted(treated.execute(errors).fetchall(), key=str) == sorted(kept.execute(errors).fetchall(), key=str)


def test_a_masked_text_is_counted_as_before(sandbox, tmp_path):
    """The segments of masked texts are those of the texts."""
    server, data = sandbox(rows=300, days=3), tmp_path / "data"
    privacy = {"destination": "mask", "text": "mask"}
    voxlake.export(connect(server), data, since=days_ago(3), privacy=privacy)
    expected = "SELECT message_id, segments_expected FROM sms_history ORDER BY 1"
    with voxlake.open(data) as treated:
        rows = treated.execute(expected).fetchall()
        texts = treated.execute("SELECT DISTINCT text FROM sms_history WHERE text IS NOT NULL").fetchall()
    voxlake.export(connect(server), tmp_path / "plain", since=days_ago(3))
    with voxlake.open(tmp_path / "plain") as kept:
        assert kept.execute(expected).fetchall() == rows
    assert {mark for (text,) in texts for mark in text if not mark.isspace()} <= set("x€ж\U0001f600")


@pytest.mark.slow
def test_the_setting_changes(sandbox, tmp_path, key_file):
    """What was written before stays, and is said; days that are read again are treated; one key cannot be mixed in."""
    server, data = sandbox(rows=300, days=4), tmp_path / "data"
    account = connect(server)
    before = voxlake.export(account, data, since=days_ago(4), settle_hours=0)
    assert not before.notes
    privacy = EVERYTHING | {"key_file": key_file}
    after = voxlake.export(account, data, settle_hours=0, privacy=privacy)
    assert after.exit_code == 0
    (note,) = [note for note in after.notes if "privacy apply" in note]
    assert "days hold source, destination, text, texts of errors and unknown fields as they were" in note
    assert voxlake.audit(account, data, privacy=privacy, pages=8).exit_code == 0
    done = voxlake.backfill(account, data, since=days_ago(4), until=days_ago(-1), force=True, privacy=privacy)
    assert (done.exit_code, done.notes) == (0, ())
    labels = {day_file.privacy for day_file in Manifest(Lake(data)) if day_file.row_count}
    key = read_key(key_file, data_dir=data)
    assert labels == {f"source=hash,destination=hash,text=drop,error_text=hash,unknown_fields=hash,key={key.id}"}
    make_key(tmp_path / "other.key", data_dir=data)
    with pytest.raises(voxlake.SettingsError, match=r"were hashed with the privacy key [0-9a-f]{8}, and this is"):
        voxlake.export(account, data, privacy=EVERYTHING | {"key_file": tmp_path / "other.key"})
    plain = voxlake.export(account, data, settle_hours=0)
    assert any("which cannot be undone" in note for note in plain.notes)
    assert sum(map(len, (truth(server, stream) for stream in STREAMS))) > 200


def test_apply(sandbox, tmp_path, key_file):
    """What was stored before is treated: nothing of it is left anywhere, and every proof stays."""
    server, data = sandbox("extra_field=on", rows=400, days=4), tmp_path / "data"
    account = connect(server)
    voxlake.export(account, data, since=days_ago(4), settle_hours=0, keep_raw=True)
    day = next(day_file for day_file in Manifest(Lake(data)) if day_file.row_count)
    secrets = secrets_of(server)
    kept = data / "rejects" / "gone" / "sms_history" / "part.parquet"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(Lake(data).path(day.key).read_bytes())
    lines = data / "rejects" / "sms_history" / "account_id=1" / "date=2026-01-01.jsonl"
    lines.parent.mkdir(parents=True)
    secret = max(secrets, key=len)
    lines.write_text(json.dumps({"reason": "no id", "raw": {"source_number": "447400792548", "x": [secret]}}) + "\n")
    assert len(found_in(data, secrets)) > 200
    before = {its.key: its for its in Manifest(Lake(data))}

    privacy = EVERYTHING | {"key_file": key_file}
    planned = apply_privacy(data, privacy, dry_run=True, clock=CLOCK)
    assert len(found_in(data, secrets)) > 200
    done = apply_privacy(data, privacy, clock=CLOCK)
    assert (
        (done.days, done.files, done.archives, done.left)
        == (planned.days, 2, 1, ())
        == (planned.days, planned.files, 1, ())
    )
    assert found_in(data, secrets) == set()
    assert json.loads(lines.read_text())["reason"] == "no id"
    after = {its.key: its for its in Manifest(Lake(data))}
    assert after.keys() == before.keys()
    for key, its in before.items():
        proof = (its.row_count, its.total_count, its.verified, its.moving, its.exported_at)
        assert (after[key].row_count, after[key].total_count, after[key].verified, after[key].moving,
                after[key].exported_at) == proof  # fmt: skip
        assert not its.row_count or after[key].privacy.startswith("source=hash")
    assert voxlake.audit(account, data, privacy=privacy, pages=4).exit_code == 0
    again = apply_privacy(data, privacy, clock=CLOCK)
    assert (again.days, again.files, again.archives, again.exit_code) == (0, 0, 0, 0)
    masked = apply_privacy(data, {"destination": "mask", "text": "drop"}, clock=CLOCK)
    assert masked.days == 0
    assert "as an earlier setting of [privacy] has left them, which cannot be undone." in masked.notes[0]


def test_nobody_else_reads_what_is_written(sandbox, voxlake):
    """Every file and folder is its owner's, and what was open before is closed by the next run, which says so once."""
    server, data = sandbox(rows=200, days=2), voxlake.folder / "data"
    voxlake("export", "--since", days_ago(2), "--keep-raw", server=server)
    assert {
        path for path in (data, *data.rglob("*")) if path.lstat().st_mode & 0o077 and not path.is_symlink()
    } == set()
    voxlake("report", "top-recipients", "--out", "answer.csv")
    assert (voxlake.folder / "answer.csv").stat().st_mode & 0o777 == 0o600
    part = next(data.rglob("part.parquet"))
    for path in (data, data / "lake", part):
        path.chmod(0o755)
    assert "3 files and folders of data could be read by others: from now on nobody but" in voxlake("publish").stderr
    assert part.stat().st_mode & 0o077 == 0
    assert "could be read" not in voxlake("publish").stderr
    (voxlake.folder / "voxlake.toml").write_text('[files]\ngroup = "no-such-group"\n')
    assert "There is no group 'no-such-group'" in voxlake("publish", code=2).stderr
