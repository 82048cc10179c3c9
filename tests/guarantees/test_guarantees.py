"""docs/guarantees.md, sentence by sentence: random lives, kill -9, a disk that really fills up."""

import os
import shutil
import subprocess
from contextlib import contextmanager, suppress

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from support.dates import days_ago
from support.lakes import FIRST, Hand, row
from support.program import PROGRAM
from support.scenario import Life, Night, Scenario, draw
from support.storm import storm
from support.truth import held, truth

from voxlake.lake import Lake
from voxlake.model import DayKey
from voxlake.sandbox import World
from voxlake.transform import SMS, STREAMS

pytestmark = pytest.mark.dateless


LIVES = {
    "derandomize": True,
    # A scenario says what it is by itself; to shrink one takes longer than the suite.
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


def live(folder, rng):
    """Go through a random life in a folder that is removed afterwards."""
    scenario = draw(rng)
    note(str(scenario))
    try:
        Life(scenario, folder).live()
    finally:
        shutil.rmtree(folder)


@pytest.mark.slow
@given(st.randoms(use_true_random=False))
@settings(max_examples=4, **LIVES)
def test_random_lives(tmp_path_factory, rng):
    """Whatever the API's habits, faults and kills were, two quiet runs later the database is the world."""
    live(tmp_path_factory.mktemp("life"), rng)


@pytest.mark.slow
@given(st.randoms(use_true_random=False))
@settings(max_examples=24, **LIVES)
def test_many_random_lives(tmp_path_factory, rng):
    """The same for more lives; `make soak` tries others each time."""
    live(tmp_path_factory.mktemp("life"), rng)


def test_an_export_at_midnight(tmp_path):
    """A run that begins with the day does not call that day unread, for it has no second yet."""
    quiet = {"switches": (), "output": "json", "jobs": 4, "settle_hours": 72, "legacy": True}
    # Three hours, nine, and the sixty of the last runs.
    nights = (Night(hours=9, appear=0, faults="", kill_after=None),)
    Life(Scenario(seed=1, rows=50, days=2, late=0, nights=nights, **quiet), tmp_path).live()


def test_kill_at_any_moment(sandbox, voxlake):
    """A kill at a random moment of any command, while messages move, leaves both sound; the next run converges."""
    server = sandbox(rows=6_000, days=9)
    environ = os.environ | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    tally = storm(server, voxlake.folder, environ, kills=8, seed=1, moves=2)
    assert tally["rows"] > 30_000
    for stream in STREAMS:
        assert truth(server, stream) == held(voxlake.folder / "data" / "voxlake.duckdb", stream)


@contextmanager
def disk(folder, size):
    """Mount a small file system in memory; the test is passed over where that is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False).returncode
    if mounted:
        pytest.skip("mounting a small file system needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def remount(folder, options):
    """Change a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def test_full_disk(sandbox, voxlake):
    """A disk that fills up at any step ends the run with 75 and one sentence; with more room, the next converges."""
    server = sandbox(rows=8_000, days=8)
    data = voxlake.folder / "data"
    with disk(data, "64k"):
        # Not a byte is left, not even for the lock.
        with suppress(OSError):
            (data / "filler").write_bytes(bytes(1 << 17))
        send = ["sms", "send", "--from", "12345678111", "--to", "447700900123", "--text", "hello"]
        for command in (["export", "--since", days_ago(8)], send):
            assert "Nothing more can be written to data" in voxlake(*command, server=server, code=75).stderr
        (data / "filler").unlink()
        full = 0
        for size in (64, 128, 256, 512, 900, 1400, 2000, 3000, 4500, 7000):
            remount(data, f"size={size}k")
            done = voxlake("export", "--since", days_ago(8), "--keep-raw", server=server, code=None)
            assert done.returncode in (0, 75), done.stderr
            if done.returncode == 75:
                full += 1
                assert "Nothing more can be written to data" in done.stderr or "no room" in done.stderr
                if (data / "voxlake.duckdb").exists():
                    with duckdb.connect(str(data / "voxlake.duckdb"), read_only=True) as connection:
                        connection.execute("SELECT count(*) FROM messages").fetchall()
        assert full >= 4
        remount(data, "size=60m")
        voxlake("export", server=server)
        for stream in STREAMS:
            assert truth(server, stream) == held(data / "voxlake.duckdb", stream)


def test_nobody_reads_what_the_umask_forbids(sandbox, voxlake):
    """Numbers and texts are as private as whoever runs voxlake wants files to be."""
    server = sandbox()
    command = [*PROGRAM, "export", "--since", str(days_ago(3)), "--keep-raw"]
    environ = os.environ | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
    subprocess.run(command, env=environ, cwd=voxlake.folder, umask=0o077, check=True, capture_output=True)
    files = [path for path in (voxlake.folder / "data").rglob("*") if path.is_file()]
    assert len(files) > 8
    assert not [path for path in files if path.stat().st_mode & 0o077]


@pytest.mark.slow
def test_a_full_disk_for_an_answer(voxlake):
    """Where an answer, a page or a picture does not fit, that is one sentence and 75, and no part of it is left."""
    hand = Hand(voxlake.folder / "data")
    hand.put(FIRST, [row(n) for n in range(9)])
    hand.publish()
    small = voxlake.folder / "small"
    rows = "SELECT md5(range::VARCHAR) AS text FROM range(9999)"
    with disk(small, "16k"):
        for command in (
            ["query", rows, "--out", "small/a.xlsx"],
            ["query", rows, "--out", "small/a.csv"],
            ["query", rows, "--out", "small/a.parquet"],
            ["dashboard", "--out", "small/a.html"],
            ["dashboard", "--out", "a.html", "--png", "small"],
        ):
            (line,) = voxlake(*command, code=75).stderr.splitlines()
            assert line.startswith("voxlake: Nothing more can be written to small (")
            assert "No space left on device" in line
            assert not list(small.iterdir())


def test_read_only_disk(sandbox, voxlake):
    """On a disk that turned read-only nothing can be exported, one sentence says so, and everything can be read."""
    server = sandbox()
    data = voxlake.folder / "data"
    with disk(data, "60m"):
        voxlake("export", "--since", days_ago(10), server=server)
        remount(data, "ro")
        for command in (["export"], ["backfill", "--from", days_ago(3), "--to", days_ago(0), "--force"], ["publish"]):
            assert "cannot be written (Read-only file system)" in voxlake(*command, server=server, code=75).stderr
        assert "0 unverified" in voxlake("status").stdout
        assert "without its lock" in voxlake("audit", server=server).stderr
        assert "(Read-only file system)" in voxlake("audit", "--repair", server=server, code=75).stderr
        assert voxlake("report", "daily").stdout
        remount(data, "rw")
        voxlake("export", server=server)
        for stream in STREAMS:
            assert truth(server, stream) == held(data / "voxlake.duckdb", stream)


@pytest.mark.slow
def test_memory_of_a_draft(tmp_path):
    """However many rows a day has, one row group of them is in memory."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    one = pa.Table.from_pylist([row(1, text="x" * 500)], schema=SMS.schema)
    draft, size, held = lake.writer(DayKey(1, "sms", FIRST)), 0, []
    before = pa.total_allocated_bytes()
    for _ in range(12):
        table = pa.concat_tables([one] * 50_000).combine_chunks()
        size = max(size, pa.total_allocated_bytes() - before) if not held else size
        draft.add(table)
        del table
        held.append(pa.total_allocated_bytes() - before)
    draft.discard()
    assert draft.rows == 600_000
    # A row group is two and a half such tables, and a part of a table stays whole until all of it is written.
    assert max(held) < 4 * size
    assert 12 * size > 2 * max(held)


@pytest.mark.slow
def test_memory(sandbox, voxlake):
    """A day of many row groups takes hardly more memory than one of two: it is never held whole."""
    peaks = []
    for rows in (400_000, 2_500_000):
        server = sandbox(world=World(rows=rows, days=1, seed=2, until=days_ago(0)))
        environ = os.environ | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
        command = [*PROGRAM, "export", "sms", "--since", days_ago(1), "--data-dir", rows]
        process = subprocess.Popen(list(map(str, command)), cwd=voxlake.folder, env=environ, stderr=subprocess.DEVNULL)
        _, code, usage = os.wait4(process.pid, 0)
        process.returncode = code
        assert code == 0
        peaks.append(usage.ru_maxrss // 1024)
        (path,) = (voxlake.folder / str(rows) / "lake").rglob(f"date={days_ago(1)}/part.parquet")
        groups = pq.read_metadata(path).num_row_groups
    assert groups > 10
    assert peaks[1] < peaks[0] + 150, f"peak memory in MiB: {peaks}"
