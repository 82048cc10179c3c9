"""What does not fit into memory lies in `tmp/` as long as its process lives, and not a moment longer than one looks."""

import os
from pathlib import Path

import duckdb
import pytest

from voxlake.errors import StorageFull
from voxlake.lake import Lake
from voxlake.spill import READER_MEMORY, bound, is_in_use, remove_left, require_room, spill_folder

LARGE = "SELECT count(*) FROM (SELECT a FROM range(3_000_000) AS r(a) ORDER BY hash(a))"


def test_a_connection_has_a_folder_of_its_own(tmp_path):
    """It is bound, spills into `tmp/`, and leaves nothing there; a second connection that finds it locked is, too."""
    with duckdb.connect() as connection:
        bound(connection, "40MB", tmp_path)
        assert connection.execute("SELECT current_setting('memory_limit')").fetchall() == [("38.1 MiB",)]
        folder = Path(connection.execute("SELECT current_setting('temp_directory')").fetchall()[0][0])
        assert folder.parent == tmp_path
        connection.execute("SET preserve_insertion_order = false")
        assert connection.execute(LARGE).fetchall() == [(3_000_000,)]
        assert folder.is_dir()
        remove_left(tmp_path)
        assert folder.is_dir()
        connection.execute("SET lock_configuration = true")
        bound(connection, READER_MEMORY, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_goes(tmp_path):
    """The next process that looks removes it, and the next run; a living one's stays, and whatever is not ours."""
    lake = Lake(tmp_path)
    for look in (lambda: spill_folder(lake.tmp), lambda: lake.locked(holder="a test").__enter__()):
        lake.tmp.mkdir(exist_ok=True)
        own, foreign = spill_folder(lake.tmp), lake.tmp / "spill-mine"
        # No process has so large a number.
        left = own.with_name(own.name.replace(f"-{os.getpid()}-", "-99999999-"))
        for folder in (left, own, foreign):
            folder.mkdir(exist_ok=True)
            (folder / "duckdb_temp").touch()
        look()
        assert (left.exists(), own.exists()) == (False, True)
    assert not is_in_use(foreign)


def test_folders_of_other_machines(tmp_path):
    """Whether their processes live nobody here knows: they stay for some days."""
    other = tmp_path / f"spill-00000000-{os.getpid()}-00000000"
    other.mkdir()
    remove_left(tmp_path)
    assert other.is_dir()
    os.utime(other, (0, 0))
    remove_left(tmp_path)
    assert not other.exists()


def test_where_nothing_can_be_written(tmp_path, monkeypatch):
    """Without a `tmp/`, or where it cannot be written, the system's folder is taken; without that, there is none."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert spill_folder(None).parent == spill_folder(tmp_path / "missing").parent == tmp_path
    monkeypatch.setattr("os.access", lambda *_: False)
    (tmp_path / "tmp").mkdir()
    assert spill_folder(tmp_path / "tmp").parent == tmp_path


def test_no_room(tmp_path):
    """A query that needs more memory and finds no disk is told so, and a query that is wrong is not."""
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1MB'")
        connection.execute("SET temp_directory = ''")
        with pytest.raises(duckdb.Error) as raised:
            connection.execute(LARGE).fetchall()
    with pytest.raises(StorageFull, match="no room for what does not fit into memory") as said:
        require_room(raised.value, tmp_path)
    assert "solutions" not in str(said.value)
    require_room(duckdb.Error("Binder Error: there is no such column"), tmp_path)
