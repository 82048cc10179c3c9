"""Which files belong to which generation, of this version and of earlier ones."""

import stat

import pytest

from voxlake.modes import private
from voxlake.warehouse.generation_files import (
    earlier_files,
    new_generation,
    remove_empty_folders,
    remove_generations,
)


@pytest.fixture
def folder(tmp_path):
    """Lay generations of all kinds, what belongs to them, and what is somebody else's, beside each other."""
    for name in (
        "00000001.duckdb", "00000001.duckdb.wal", "00000002.duckdb", "00000002.duckdb.wal", ".00000003.duckdb.new",
        "00000004/voxlake.duckdb", "00000004/voxlake.duckdb.wal", "00000004/.voxlake.duckdb.new",
        "00000005/voxlake.duckdb", "00000005/voxlake.duckdb.tmp/spilled", "00000006/voxlake.duckdb",
        "rows/1.parquet", "published", "00000001.duckdb.tmp/spilled", "mine.duckdb", "8",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "00000009").symlink_to("rows")
    return tmp_path


def files(folder):
    """Return all files, and folders without one."""
    paths = (path for path in folder.rglob("*") if path.is_file() or not any(path.iterdir()))
    return {str(path.relative_to(folder)) for path in paths}


def test_new_ones(folder):
    """The number is above all others, whoever has them; who may read the folder is as of what is made beside it."""
    folder.chmod(0o2750)
    with private(group=True):
        generation = new_generation(folder)
    assert generation == folder / "00000010" / "voxlake.duckdb"
    found = generation.parent.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o2750, folder.stat().st_gid)
    with private(group=False):
        assert stat.S_IMODE(new_generation(folder).parent.stat().st_mode) == 0o2700
    (folder / "empty").mkdir()
    assert new_generation(folder / "empty").parent.name == "00000001"


@pytest.mark.parametrize("kept", ["00000002.duckdb", "00000006/voxlake.duckdb", "nowhere/voxlake.duckdb"])
def test_what_a_publish_removes(folder, kept):
    """All but the kept ones, with the logs beside them; what others have made stays, and so do spilled rows."""
    before = files(folder)
    remove_generations(folder, but=[folder / kept])
    gone = {
        "00000001.duckdb", "00000001.duckdb.wal", "00000002.duckdb", "00000002.duckdb.wal", "00000004/voxlake.duckdb",
        "00000004/voxlake.duckdb.wal", "00000004/.voxlake.duckdb.new", "00000005/voxlake.duckdb",
        "00000006/voxlake.duckdb",
    }  # fmt: skip
    assert files(folder) == before - (gone - {kept, f"{kept}.wal"})
    remove_generations(folder, but=[])
    assert not (folder / "00000006").exists()


def test_what_erasing_removes(folder):
    """Every file of a generation that is not the current one, and of folders what is then empty."""
    current = folder / "00000006" / "voxlake.duckdb"
    for path in earlier_files(folder, current):
        path.unlink()
    remove_empty_folders(folder)
    assert files(folder) == {"00000006/voxlake.duckdb", "rows/1.parquet", "published", "8"}
