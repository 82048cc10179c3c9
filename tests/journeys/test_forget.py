"""A person who was forgotten does not come back: from the API, from replies, by a repair; and counts prove each day."""

import gzip
import json

import pytest
from support.clock import CLOCK
from support.dates import days_ago
from support.forgets import KEY
from support.truth import held, truth

import voxlake
from voxlake import library
from voxlake.errors import SettingsError
from voxlake.lake import Lake, Manifest, Tombstone, Tombstones
from voxlake.phones import normal_number
from voxlake.transform import STREAMS


def connect(server, **options):
    """Return the account of a sandbox."""
    return voxlake.connect(server.credentials, api_url=server.url, clock=CLOCK, **options)


def without(server, stream, number):
    """Return the rows of a sandbox but for those from and to a number."""
    return [row for row in truth(server, stream) if number not in map(normal_number, (row[1], row[2]))]


def state(root):
    """Return what files say of days."""
    return {its.key: (its.checksum, its.forgotten, its.verified) for its in Manifest(Lake(root))}


@pytest.mark.parametrize("output", ["json", pytest.param("csv", marks=pytest.mark.slow)])
def test_nothing_comes_back(sandbox, tmp_path, output):
    """Neither by exports that read or probe, nor by a forced backfill, a repair or a replay; no run without the key."""
    server, root = sandbox(rows=1200, days=6), tmp_path / "data"
    account, options = connect(server, output=output), {"settle_hours": 1200, "privacy_key": KEY}
    voxlake.export(account, root, since=days_ago(6), keep_raw=True, **options)
    number = next(row for row in server.world.truth("sms") if row["processed_at"].date() == days_ago(3))[
        "destination_number"
    ]
    named = next(row for row in server.world.truth("sms") if row["destination_number"] != number)
    server.world.change("sms", named["message_id"], text=f"call +{number}")
    voxlake.backfill(account, root, since=days_ago(6), until=days_ago(0), force=True, keep_raw=True, **options)
    lost = sum(len(truth(server, stream)) - len(without(server, stream, number)) for stream in STREAMS)
    done = library.forget(root, number, privacy_key=KEY, settle_hours=1200, clock=CLOCK)
    assert (done.exit_code, done.rows, lost > 0) == (0, lost, True)

    def is_forgotten():
        files = list(Manifest(Lake(root)))
        for stream in STREAMS:
            rows = [row for row in without(server, stream, number) if row[0] != named["message_id"]]
            assert [row for row in held(root / "voxlake.duckdb", stream) if row[0] != named["message_id"]] == rows
        (text,) = [row[10] for row in held(root / "voxlake.duckdb", "sms") if row[0] == named["message_id"]]
        assert text == "call #forgotten"
        assert all(file.verified for file in files)
        with voxlake.open(root) as database:
            for where in (*(f"FROM {stream.table}" for stream in STREAMS.values()), "FROM messages"):
                rows = database.sql(f"SELECT count(*) {where} WHERE '{number}' IN (source, destination)")
                assert rows.fetchall() == [(0,)]
        return sum(file.forgotten for file in files)

    assert is_forgotten() == lost
    before = state(root)
    late = next(row for row in server.world.truth("sms") if row["destination_number"] == number)
    server.world.insert("sms", late | {"message_id": 10**13, "destination_number": f"+{number[:2]} {number[2:]}"})
    assert voxlake.export(account, root, **options).exit_code == 0
    assert is_forgotten() == lost + 1
    assert {key for key, its in state(root).items() if its != before.get(key)} <= {
        its.key for its in Manifest(Lake(root)) if its.key.date in (late["processed_at"].date(), days_ago(0))
    }
    audited = voxlake.audit(account, root, repair=True, seed=1, **options)
    assert (audited.exit_code, [found.differences for found in audited.rounds[0]]) == (0, [(), ()])
    Lake(root).path(next(iter(Lake(root).day_keys()))).unlink()
    assert voxlake.audit(account, root, repair=True, seed=1, **options).exit_code == 0
    assert is_forgotten() == lost + 1
    voxlake.backfill(account, root, since=days_ago(6), until=days_ago(0), force=True, keep_raw=True, **options)
    assert is_forgotten() == lost + 1
    assert not any(number.encode() in gzip.decompress(path.read_bytes()) for path in (root / "raw").iterdir())
    replayed = voxlake.replay(root, force=True, clock=CLOCK, **options)
    assert all(file.verified for file in replayed.day_files)
    assert is_forgotten() == lost + 1
    for run in (voxlake.export, voxlake.audit):
        with pytest.raises(SettingsError, match="without it their messages would come back"):
            run(account, root)
    again = library.forget(root, number, privacy_key=KEY, clock=CLOCK)
    assert (again.files, again.nothing) == ((), True)


def test_an_export_after_a_killed_erasure(sandbox, tmp_path):
    """Rows that the lake has still are not missed where the API gives them, and are not taken for lost."""
    server, root = sandbox(rows=600, days=4), tmp_path / "data"
    account = connect(server)
    voxlake.export(account, root, since=days_ago(4), settle_hours=1200)
    number = next(iter(server.world.truth("sms")))["destination_number"]
    lake = Lake(root, key=KEY)
    with lake.locked(holder="a test"):
        stones = Tombstones(lake)
        stones.put(Tombstone(KEY.digest(number), "erase", CLOCK.now()), KEY)
    done = voxlake.export(account, root, settle_hours=1200, privacy_key=KEY)
    done = voxlake.backfill(
        account, root, since=days_ago(4), until=days_ago(0), force=False, settle_hours=1200, privacy_key=KEY
    )
    assert done.exit_code == 0
    assert all(file.verified for file in Manifest(lake))


def test_the_command(sandbox, voxlake):
    """It asks for a key, prints the certificate, and says what was done; a second time nothing is left."""
    server = sandbox(rows=300, days=3)
    voxlake("export", "--since", days_ago(3), server=server)
    number = next(iter(server.world.truth("sms")))["destination_number"]
    refused = voxlake("forget", "--number", number, code=2)
    assert "run 'voxlake privacy init'" in refused.stderr
    voxlake("privacy", "init")
    done = voxlake("forget", "--number", f"+{number}")
    certificate = json.loads(done.stdout)
    assert certificate["rows"] > 0
    assert number not in done.stdout + done.stderr
    assert "Nothing of this number is left." in voxlake("forget", "--number", number).stderr
    assert "would come back" in voxlake("export", server=server, env={"VOXLAKE_PRIVACY_KEY": "00" * 32}, code=2).stderr
