"""Every command in every odd place: an answer or one sentence, never a traceback, and nothing lost."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from support.clock import CLOCK
from support.index import make_old
from support.lakes import FIRST, Hand, row

from voxlake.cli import commands
from voxlake.errors import SettingsError
from voxlake.lake import Lake, Manifest
from voxlake.warehouse import Warehouse

pytestmark = pytest.mark.dateless

LOOKING = (["status"], ["query", "SELECT count(*) FROM messages"], ["report", "daily"])
WORKING = (["publish"], ["export", "sms"], ["audit", "sms", "--repair"], ["sms", "check"], ["replay"])
NOBODY = 65534
DEEP = "[" * 100_000


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a published lake of one day."""
    hand = Hand(tmp_path_factory.mktemp("places") / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    lake = Lake(hand.root)
    with lake.locked(holder="a test"):
        Manifest(lake).save()
    return hand.root


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run a command in this process and an empty folder, and return its exit code and stderr; a bug is raised."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("API_KEY", "x"), ("ACCOUNT_ID", "1"), ("API_URL", "http://127.0.0.1:9")):
        monkeypatch.setenv(f"VOXIMPLANT_{name}", value)
    monkeypatch.setenv("VOXLAKE_PATIENCE", "0")

    def ran(*arguments):
        try:
            code = commands.main([str(a) for a in arguments], standalone_mode=False, prog_name="voxlake", obj=CLOCK)
        except SystemExit as end:
            code = end.code
        return code or 0, capfd.readouterr().err

    return ran


def ran_everywhere(run, folder, commands=(*LOOKING, *WORKING)):
    """Run commands on a data directory; whatever fails says why, with what to do. Return exit codes and sentences."""
    found = [run(*command, "--data-dir", folder) for command in commands]
    for code, said in found:
        assert code in (0, 2, 4, 75), said
        assert code == 0 or ":" in said
        assert "Traceback" not in said
    return found


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "name",
    [
        "it's", 'a "b"', "a b", "a:b", "s3:x", "-x", "{x}", "#a%20b;c", "é漢😀", "status=prod", "date=2020-01-01",
        "account_id=9", "x.duckdb", "n" * 200, "~",
    ],
)  # fmt: skip
def test_any_name_works(data, run, tmp_path, name):
    """A data directory may have any name, also relative: its database is built, and answers."""
    shutil.copytree(data, tmp_path / name, symlinks=True)
    (tmp_path / name / "voxlake.duckdb").unlink()
    name = tmp_path / name if name.startswith("~") else name
    (published, _), (asked, _) = ran_everywhere(run, name, (["publish"], LOOKING[1]))
    assert (published, asked) == (0, 0)


@pytest.mark.parametrize("name", ["a?b", "a*", "[a]", "a\\b", "a\nb", "a\r", "n" * 300, "n/" * 3000, "~nosuch/x", ""])
def test_or_is_refused_before_anything_is_asked(run, tmp_path, name):
    """A name that cannot be used is one sentence for every command, and nothing is made."""
    for code, said in ran_everywhere(run, name):
        assert code == 2
        assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_pattern_that_a_link_hides(data, run, tmp_path):
    """What counts is where a link leads; and with a plain link there, an odd name can be used after all."""
    shutil.copytree(data, tmp_path / "a[b]", symlinks=True)
    (tmp_path / "plain").symlink_to("a[b]")
    with pytest.raises(SettingsError, match=r"has \[ in it"):
        Warehouse(tmp_path / "plain")


def _link_loop(root):
    shutil.rmtree(root)
    root.symlink_to(root.name)


def _swapped(name, *, folder):
    def swap(root):
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif os.path.lexists(path):
            path.unlink()
        path.mkdir() if folder else path.write_text("theirs")

    return swap


def _ledger(content):
    def spoil(root):
        (root / "ledger.sqlite").unlink()
        (root / "ledger.json").write_text(content)

    return spoil


def _index(content):
    return lambda root: (root / "ledger.sqlite").write_bytes(content)


def _entry(**wrong):
    def spoil(root):
        stored = make_old(Lake(root))
        stored["parts"][0] |= wrong
        (root / "ledger.json").write_text(json.dumps(stored))

    return spoil


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "spoil",
    [
        _link_loop,
        _swapped("lake", folder=False),
        _swapped("warehouse", folder=False),
        _swapped("tmp", folder=False),
        _swapped(".lock", folder=True),
        _swapped("ledger.json", folder=True),
        _swapped("ledger.sqlite", folder=True),
        _index(b""),
        _index(b"SQLite format 3\0" * 1000),
        _swapped("outbox.jsonl", folder=True),
        _swapped("voxlake.duckdb", folder=True),
        _ledger(DEEP),
        _ledger('{"a":' * 100_000),
        _ledger('{"version": 1, "parts": [], "last_run": {"errors": 7}}'),
        _ledger('{"version": 1, "parts": [], "lost": [[]]}'),
        _ledger('{"version": [], "parts": 1}'),
        _entry(row_count="7"),
        _entry(verified=1, rejects=-1),
        _entry(exported_at="2026-01-01T00:00:00", problem=[]),
        lambda root: (root / "outbox.jsonl").write_text(DEEP + "\n"),
    ],
)
def test_no_traceback_whatever_lies_there(data, run, tmp_path, spoil):
    """Files and folders in one another's place, and damaged indexes, are said or mended."""
    root = tmp_path / "data"
    shutil.copytree(data, root, symlinks=True)
    spoil(root)
    ran_everywhere(run, "data", (LOOKING[0], LOOKING[1], *WORKING))


@pytest.mark.parametrize("wrong", [{"row_count": "7"}, {"row_count": True}, {"moving": 1.5}, {"checksum": None}])
def test_wrong_types_in_the_ledger_are_damage(data, tmp_path, wrong):
    """An index that a run did not write like that is rebuilt from the footers."""
    root = tmp_path / "data"
    shutil.copytree(data, root, symlinks=True)
    before = list(Manifest(Lake(data)))
    _entry(**wrong)(root)
    assert list(Manifest(Lake(root))) == before


@pytest.mark.parametrize("file", ["voxlake.toml", "deep.toml"])
def test_nested_settings(run, tmp_path, file):
    """A settings file of brackets is one sentence."""
    (tmp_path / file).write_text(f"data_dir = {DEEP}")
    code, said = run("status", *(["--config", file] if file != "voxlake.toml" else []))
    assert code == 2
    assert said.startswith(f"voxlake: {file} cannot be read")


def test_links_are_followed(data, run, tmp_path):
    """The lake, the folder of files in the making and an answer may be links, also to another disk."""
    shm = Path("/dev/shm")
    elsewhere = (shm if os.access(shm, os.W_OK) else tmp_path) / f"voxlake-test-{os.getpid()}"
    root, out = tmp_path / "data", tmp_path / "out.csv"
    shutil.copytree(data, root, symlinks=True)
    try:
        elsewhere.mkdir()
        shutil.move(root / "lake", elsewhere / "lake")
        (root / "lake").symlink_to(elsewhere / "lake")
        shutil.rmtree(root / "tmp")
        (root / "tmp").symlink_to(elsewhere / "tmp")
        out.symlink_to(elsewhere / "out.csv")
        hand = Hand(root)
        hand.put(FIRST, [row(1), row(2)])
        (elsewhere / "tmp" / "theirs").write_text("stays")
        hand.publish()
        assert run("query", "SELECT count(*) AS n FROM messages", "--out", out)[0] == 0
        assert (elsewhere / "out.csv").read_text() == "n\n2\n"
        assert (elsewhere / "tmp" / "theirs").read_text() == "stays"
        assert all(path.is_symlink() for path in (root / "lake", root / "tmp", out))
        assert [path.name for path in (elsewhere / "lake").rglob("*") if path.is_file()] == ["part.parquet"]
    finally:
        shutil.rmtree(elsewhere)


def test_a_lake_without_its_database(data, run, tmp_path):
    """Where the lake is there, `publish` is enough, and is advised; where nothing is, an export is."""
    assert "run 'voxlake export' first" in run("report", "daily")[1]
    shutil.copytree(data, tmp_path / "data", symlinks=True)
    (tmp_path / "data" / "voxlake.duckdb").unlink()
    code, said = run("report", "daily")
    assert (code, "run 'voxlake publish'" in said, "export" in said) == (2, True, False)


def test_no_database_is_named_where_there_is_none(run, tmp_path):
    """A first run that cannot publish says that there is no database yet."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "warehouse").touch()
    code, said = run("export", "sms")
    assert code == 2
    assert "there is no database yet" in said
    assert "voxlake.duckdb" not in said


def test_a_planted_link_is_not_followed(data, run, tmp_path):
    """Whatever somebody puts beside an answer, it is neither read nor written."""
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    for name in (".o.csv.tmp", ".o.csv.new", "o.csv.tmp"):
        (tmp_path / name).symlink_to(victim)
    for _ in range(2):
        assert run("query", "SELECT 1 AS a", "--out", "o.csv", "--data-dir", data)[0] == 0
    assert (victim.read_text(), (tmp_path / "o.csv").read_text()) == ("theirs", "a\n1\n")
    assert len(list(tmp_path.iterdir())) == 5


def test_without_a_temporary_folder(data, run, tmp_path, monkeypatch):
    """What can be done without one is done; a sandbox says what it lacks."""
    with monkeypatch.context() as without:
        without.setattr("tempfile.tempdir", None)
        without.setattr("tempfile._candidate_tempdir_list", lambda: [str(tmp_path / "nowhere")])
        written, _ = run("report", "daily", "--out", "a.xlsx", "--data-dir", data)
        code, said = run("sandbox", "run", "--rows", "1", "--", "true")
    assert written == 0
    assert code == 2
    assert "temporary" in said


@pytest.fixture
def closed(data, monkeypatch, request):
    """Become a user who may read all of a data directory but one path."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    root, mine = folder / "data", os.geteuid()
    shutil.copytree(data, root, symlinks=True)
    path = root / request.param
    mode = path.stat().st_mode
    path.chmod(0)
    if mine == 0:
        os.seteuid(NOBODY)
    monkeypatch.chdir(folder)
    yield root
    if mine == 0:
        os.seteuid(0)
    path.chmod(mode)
    shutil.rmtree(folder)


@pytest.mark.parametrize("closed", [".", "lake", "lake/sms_history", "ledger.json", "ledger.sqlite"], indirect=True)
def test_what_may_not_be_read_is_not_missing(run, closed, monkeypatch):
    """A folder or file that this user may not read is said, with exit code 2; nothing counts as never exported."""
    monkeypatch.chdir(closed.parent)
    for code, said in ran_everywhere(run, closed, (LOOKING[0], *WORKING[:2])):
        assert code in (2, 75)
        assert "Permission denied" in said
        assert "make room" not in said


def test_settings_with_control_characters(run, monkeypatch):
    """A variable that a Windows-made file has set ends in CR: named with escapes; a key is not quoted."""
    for name, value in (("VOXLAKE_DATA_DIR", "data\r"), ("VOXLAKE_JOBS", "4\r"), ("VOXLAKE_CONFIG", "a.toml\x1b")):
        monkeypatch.setenv(name, value)
        code, said = run("status")
        monkeypatch.delenv(name)
        assert (code, said.startswith(f"voxlake: {name}, {value!r}, has a control character")) == (2, True)
    monkeypatch.setenv("VOXIMPLANT_API_KEY", "s3cret\r")
    code, said = run("export")
    assert (code, "VOXIMPLANT_API_KEY" in said, "s3cret" in said) == (2, True, False)
