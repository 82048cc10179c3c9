"""The lake can be rebuilt from the replies that were kept."""

import functools
import gzip
import json
import shutil
import zlib
from dataclasses import replace
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from support.asked import of_histories
from support.dates import days_ago
from support.truth import held, truth

from voxlake.lake import Lake, Manifest
from voxlake.model import DAY, SECOND, midnight
from voxlake.transform import SMS, STREAMS

SLOW = functools.partial(pytest.param, marks=pytest.mark.slow)


def proofs(folder):
    """Return what each file of a lake holds and whether it is verified."""
    found = {}
    for path in sorted((folder / "lake").rglob("part.parquet")):
        found[path.relative_to(folder)] = (pq.read_table(path).to_pylist(), b'"verified": true' in path.read_bytes())
    return found


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize(
    ("switches", "output"),
    [
        ([], "csv"),
        SLOW([], "json"),
        SLOW(["from_bound=exclusive", "order=random-per-request"], "json"),
        SLOW(["date_precision=day", "to_bound=exclusive", "csv_newline=crlf", "csv_empty=nothing"], "csv"),
        (["max_offset=200", "offset_mode=empty", "gzip=on"], "json"),
        # Each output and each of these is tried above; with each other, they are tried less often.
        SLOW(["from_bound=exclusive", "order=random-per-request"], "csv"),
        SLOW(["date_precision=day", "to_bound=exclusive"], "json"),
        SLOW(["max_offset=200", "offset_mode=empty", "gzip=on"], "csv"),
    ],
    ids=str,
)
def test_replay_gives_the_same_lake(sandbox, voxlake, switches, output):
    """Three nights with late rows, changed statuses and moved dates, rebuilt elsewhere, are the same files' rows."""
    server = sandbox(*switches, rows=900, days=6)
    options = ("--keep-raw", "--output", output, "--settle-hours", "1200")
    voxlake("export", "--since", days_ago(6), *options, server=server)
    for night in (1, 2):
        for stream in STREAMS:
            rows = [row for row in server.world.truth(stream) if row["processed_at"].date() == days_ago(3 + night)]
            server.world.insert(stream, rows[0] | {"message_id": 10**12 + night})
            server.world.change(stream, rows[1]["message_id"], status_id=2, error_message="late")
            moved = rows[2]["processed_at"] + timedelta(days=1)
            server.world.change(stream, rows[2]["message_id"], processed_at=moved)
        voxlake("export", *options, server=server)
    data, again = voxlake.folder / "data", voxlake.folder / "again"
    done = voxlake("replay", "--raw", data / "raw", "--data-dir", again)
    assert "14 of them verified" in done.stderr
    assert proofs(data) == proofs(again)
    for stream in STREAMS:
        assert truth(server, stream) == held(again / "voxlake.duckdb", stream)


@pytest.mark.slow
@pytest.mark.dateless
@pytest.mark.parametrize("days", [SLOW(1), 12])
def test_replay_of_csv_that_was_counted_once(sandbox, voxlake, days):
    """What was counted around many pieces is proved again by the same two counts."""
    server = sandbox(rows=40_000, days=days)
    voxlake("export", "sms", "--since", days_ago(days), "--output", "csv", "--keep-raw", server=server)
    data, again = voxlake.folder / "data", voxlake.folder / "again"
    done = voxlake("replay", "--raw", data / "raw", "--data-dir", again)
    assert f"{days + 1} of them verified" in done.stderr
    assert proofs(data) == proofs(again)


def test_replay_never_goes_back_behind_a_newer_reading(sandbox, voxlake):
    """A day that was read again without keeping replies stays as it is, whatever was kept of other days since."""
    server = sandbox()
    day, other = (("--from", days_ago(n), "--to", days_ago(n - 1)) for n in (5, 3))
    voxlake("backfill", "sms", *day, "--keep-raw", server=server)
    row = next(row for row in server.world.truth("sms") if row["processed_at"].date() == days_ago(5))
    for n in range(5):
        server.world.insert("sms", row | {"message_id": 10**12 + n})
    voxlake("backfill", "sms", *day, "--force", server=server)
    voxlake("backfill", "sms", *other, "--keep-raw", server=server)
    before = held(voxlake.folder / "data" / "voxlake.duckdb", "sms")
    done = voxlake("replay")
    assert f"sms: {days_ago(5)} stays: its file is newer or proves more; --force rebuilds it." in done.stderr
    assert held(voxlake.folder / "data" / "voxlake.duckdb", "sms") == before
    assert "1 of them verified" in done.stderr


def test_replay_brings_lost_days_back(sandbox, voxlake):
    """A day whose file is gone is rebuilt from its replies; one that has none is said to be gone."""
    server = sandbox()
    voxlake("backfill", "sms", "--from", days_ago(5), "--to", days_ago(4), "--keep-raw", server=server)
    voxlake("backfill", "sms", "--from", days_ago(8), "--to", days_ago(5), server=server)
    shutil.rmtree(voxlake.folder / "data" / "lake" / "sms_history" / f"account_id={server.account_id}")
    told = voxlake("replay").stderr
    assert f"3 days of sms ({days_ago(8)} to {days_ago(6)}) had files and have none any more: 'voxlake export'" in told
    voxlake("audit", "sms", "--since", days_ago(5), "--until", days_ago(4), server=server)


def restamp(voxlake, at):
    """Let the replies that were kept so far have come at another time."""
    for path in (voxlake.folder / "data" / "raw").glob("*.gz"):
        packed = b""
        for member in members(path.read_bytes()):
            line, _, rest = member.partition(b"\n")
            packed += gzip.compress(json.dumps(json.loads(line) | {"at": at.isoformat()}).encode() + b"\n" + rest)
        path.write_bytes(packed)


def kept_at_noon(server, voxlake, at):
    """Read a day, before the rows of its afternoon are there, at some time; give the options that name it."""
    day = ("--from", days_ago(5), "--to", days_ago(4))
    rows = [row for row in server.world.truth("sms") if row["processed_at"].date() == days_ago(5)]
    later = [row for row in rows if row["processed_at"] >= midnight(days_ago(5)) + DAY / 2]
    assert 0 < len(later) < len(rows)
    for row in later:
        server.world.remove("sms", row["message_id"])
    voxlake("backfill", "sms", *day, "--keep-raw", server=server)
    restamp(voxlake, at)
    for row in later:
        server.world.insert("sms", row)
    return day


def test_replay_never_takes_half_a_day_for_a_whole_one(sandbox, voxlake):
    """A day that was whole when it was read without keeping replies is not cut at the noon of those that were kept."""
    server = sandbox()
    day = kept_at_noon(server, voxlake, midnight(days_ago(5)) + DAY / 2)
    voxlake("backfill", "sms", *day, "--force", server=server)
    voxlake("backfill", "sms", "--from", days_ago(3), "--to", days_ago(2), "--keep-raw", server=server)
    before = held(voxlake.folder / "data" / "voxlake.duckdb", "sms")
    assert f"sms: {days_ago(5)} stays" in voxlake("replay").stderr
    assert held(voxlake.folder / "data" / "voxlake.duckdb", "sms") == before


@pytest.mark.parametrize("after", [SLOW(DAY / 2), DAY - SECOND, SLOW(DAY + 20 * SECOND)], ids=str)
def test_a_replayed_day_in_progress_is_read_again(sandbox, voxlake, after):
    """A day whose replies may have been asked for before it had ended is not final, however short the settling time."""
    server = sandbox()
    kept_at_noon(server, voxlake, midnight(days_ago(5)) + after)
    again = ("--data-dir", "again", "--settle-hours", "0")
    voxlake("replay", "--raw", "data/raw", *again)
    voxlake("export", "sms", *again, server=server)
    voxlake("audit", "sms", "--data-dir", "again", server=server)


def test_a_whole_day_stays_though_its_replies_came_just_before(sandbox, voxlake):
    """A file of the whole day, written seconds after the day's end, is more than replies from seconds before it."""
    server = sandbox()
    voxlake("backfill", "sms", "--from", days_ago(5), "--to", days_ago(4), "--keep-raw", server=server)
    end = midnight(days_ago(5)) + DAY
    restamp(voxlake, end - 20 * SECOND)
    lake = Lake(voxlake.folder / "data")
    with lake.locked(holder="a test"):
        (old,) = Manifest(lake)
        whole = replace(old, exported_at=end + 20 * SECOND)
        lake.update_rows(whole, SMS.schema.empty_table())
    assert f"sms: {days_ago(5)} stays" in voxlake("replay").stderr
    assert list(Manifest(lake)) == [whole]


def test_counts_since_bring_no_rows_back(sandbox, voxlake):
    """A day whose statuses were read again without keeping replies stays, also where its count alone was kept since."""
    server = sandbox()
    day = ("--from", days_ago(5), "--to", days_ago(4))
    voxlake("backfill", "sms", *day, "--keep-raw", server=server)
    restamp(voxlake, midnight(days_ago(3)))
    row = next(row for row in server.world.truth("sms") if row["processed_at"].date() == days_ago(5))
    server.world.change("sms", row["message_id"], status_id=2, error_message="late")
    voxlake("backfill", "sms", *day, "--force", server=server)
    before = held(voxlake.folder / "data" / "voxlake.duckdb", "sms")
    span = ("--since", days_ago(5), "--until", days_ago(4))
    voxlake("audit", "sms", *span, "--pages", 0, "--keep-raw", server=server)
    assert f"sms: {days_ago(5)} stays" in voxlake("replay").stderr
    assert held(voxlake.folder / "data" / "voxlake.duckdb", "sms") == before


@pytest.mark.dateless
def test_replay_of_one_account(sandbox, voxlake):
    """Only the replies of the accounts that are asked for are used; a number may be new to the data directory."""
    server = sandbox()
    voxlake("export", "sms", "--since", days_ago(3), "--keep-raw", server=server)
    raw = ("--raw", voxlake.folder / "data" / "raw", "--data-dir", "again")
    assert "of these accounts" in voxlake("replay", "--account", server.account_id + 1, *raw, code=2).stderr
    assert not list((voxlake.folder / "again").rglob("*.parquet"))
    voxlake("replay", "--account", server.account_id, *raw)
    assert proofs(voxlake.folder / "again") == proofs(voxlake.folder / "data") != {}


@pytest.mark.dateless
def test_replies_hold_no_secret(sandbox, voxlake):
    """What is kept says what was asked and when, and nothing that lets somebody in."""
    server = sandbox()
    env = {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_ACCOUNT_ID": str(server.account_id)}
    voxlake("export", env=env | {"VOXIMPLANT_API_KEY": server.api_key, "VOXLAKE_KEEP_RAW": "yes"})
    (path,) = (voxlake.folder / "data" / "raw").glob("*.gz")
    kept = gzip.decompress(path.read_bytes())
    assert kept.count(b'"method"') == len(of_histories(server)) == len(server.requests) - 1
    assert server.api_key.encode() not in kept


@pytest.mark.dateless
def test_torn_and_damaged_replies(sandbox, voxlake):
    """The torn end of a killed run costs its last reply and is said; damage elsewhere is said; nothing kept is said."""
    server = sandbox()
    assert "voxlake export --keep-raw" in voxlake("replay", code=2).stderr
    assert not list(voxlake.folder.iterdir())
    voxlake("export", "--since", days_ago(5), "--keep-raw", server=server)
    raw = voxlake.folder / "data" / "raw"
    (path,) = raw.glob("*.gz")
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    # The last reply is a count that the pages before it do not need.
    torn = voxlake("replay", "--data-dir", "torn", "--raw", raw)
    assert f"{len(of_histories(server)) - 1} replies" in torn.stderr
    assert f"{path}: its last reply is torn" in torn.stderr
    for at in (3, 500, len(content) // 2):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        assert "is damaged" in voxlake("replay", "--data-dir", "damaged", "--raw", raw, code=4).stderr
        assert not list((voxlake.folder / "damaged" / "tmp").iterdir())
    for left in (b"", content[:7], content[:100]):
        path.write_bytes(left)
        nothing = voxlake("replay", "--data-dir", "nothing", "--raw", raw, code=4)
        (line,) = nothing.stderr.splitlines()
        assert line.startswith(f"voxlake: No reply in {raw} could be read")


@pytest.mark.dateless
def test_a_half_read_day_stays_unverified(sandbox, voxlake):
    """What the counts did not prove when it was read is not proved by reading the replies again."""
    server = sandbox(rows=60, days=3, faults="half=1")
    voxlake("export", "sms", "--since", days_ago(3), "--keep-raw", server=server, code=4)
    voxlake("replay", "--data-dir", "again", "--raw", "data/raw", code=4)
    live, again = proofs(voxlake.folder / "data"), proofs(voxlake.folder / "again")
    assert live.keys() == again.keys()
    for path, (rows, verified) in live.items():
        assert {row["message_id"] for row in rows} <= {row["message_id"] for row in again[path][0]}
        assert again[path][1] == verified


def members(packed):
    """Unpack the members of a gzip file."""
    while packed:
        unpacking = zlib.decompressobj(31)
        yield unpacking.decompress(packed)
        packed = unpacking.unused_data


@pytest.mark.slow
def test_a_quiet_night_proves_no_day(sandbox, voxlake):
    """Replies of a night that only counted do not replace the files that an earlier night proved."""
    server = sandbox(rows=50_000, days=6)
    voxlake("export", "--since", days_ago(6), "--until", days_ago(0), server=server)
    before = proofs(voxlake.folder / "data")
    voxlake("export", "--until", days_ago(0), "--keep-raw", server=server)
    voxlake("replay")
    assert before == proofs(voxlake.folder / "data")


def test_newer_files_stay(sandbox, voxlake):
    """A day that was exported after the last reply is left alone, unless one insists."""
    server = sandbox()
    voxlake("export", "--since", days_ago(5), "--keep-raw", server=server)
    raw = voxlake.folder / "data" / "raw"
    (path,) = raw.glob("*.gz")
    old = b"".join(
        gzip.compress(member.replace(f"{days_ago(0)}T".encode(), f"{days_ago(1)}T".encode()), mtime=0)
        for member in members(path.read_bytes())
    )
    shutil.rmtree(raw)
    raw.mkdir()
    path.write_bytes(old)
    stays = voxlake("replay")
    assert stays.stderr.count("stays") == 12
    assert "12 of them verified" in voxlake("replay", "--force").stderr
