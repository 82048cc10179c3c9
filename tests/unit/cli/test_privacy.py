"""The command that makes a privacy key."""

import stat
from pathlib import Path

import pytest
from support.clock import CLOCK

from voxlake.cli import commands
from voxlake.privacy import read_key


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; give its exit code and what it wrote."""
    monkeypatch.chdir(tmp_path)

    def answered(*arguments):
        code = commands.main(list(arguments), standalone_mode=False, prog_name="voxlake", obj=CLOCK)
        return code or 0, capsys.readouterr()

    return answered


def test_init(run):
    """The key lies in the current folder, for its owner alone; a second call changes nothing, and ends with 2."""
    code, written = run("privacy", "init")
    path = Path("privacy.key")
    assert (code, written.out) == (0, "privacy.key\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key, content = read_key(path, data_dir=Path("data")), path.read_text()
    assert f"The privacy key {key.id} was made: keep a copy" in written.err
    assert content.strip() not in written.out + written.err
    code, written = run("privacy", "init")
    assert code == 2
    assert written.err.startswith("voxlake: privacy.key exists and is not replaced")
    assert path.read_text() == content


def test_init_elsewhere(run):
    """The key is made where the settings say, and nowhere in the data directory."""
    Path("voxlake.toml").write_text('[privacy]\nkey_file = "secret/one.key"\n')
    Path("secret").mkdir()
    assert run("privacy", "init")[0] == 0
    assert Path("secret/one.key").exists()
    code, written = run("privacy", "init", "--data-dir", "secret")
    assert code == 2
    assert "lies in the data directory" in written.err
