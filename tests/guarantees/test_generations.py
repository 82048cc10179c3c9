"""The published database has one name for ever; older ones go, of whatever version, and whenever one is killed."""

import os
import shutil
import signal
import sys
from collections import Counter

import duckdb
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool
from support.lakes import FIRST, Hand, row

from voxlake.model import DAY
from voxlake.warehouse.own import is_own

pytestmark = pytest.mark.dateless

STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.chmod", "open"}
IDS = "SELECT message_id FROM voxlake.main.messages ORDER BY ALL"


@pytest.fixture(params=["linked", pytest.param("portable", marks=pytest.mark.slow)])
def hand(tmp_path, request):
    """Publish one day."""
    hand = Hand(tmp_path / "data", request.param)
    add(hand, 1)
    return hand


def add(hand, number):
    """Publish one message more."""
    day = FIRST + number * DAY
    hand.put(day, [row(number, day)])
    hand.publish()


def generations(hand):
    """Return the files in `warehouse/` that belong to databases, and the folders that have none."""
    folder = hand.root / "warehouse"
    paths = (path for path in folder.rglob("*") if "rows" not in path.parts and path != folder / "published")
    return sorted(str(path.relative_to(folder)) for path in paths if path.is_file() or not any(path.iterdir()))


def flatten(hand):
    """Lay the published generation as earlier versions did, with one before it; give the path of both."""
    file = hand.warehouse.path.resolve()
    number, folder = int(file.parent.name), file.parent.parent
    flat = [folder / f"{n:08d}.duckdb" for n in (number - 1, number)]
    shutil.copy2(file, flat[0])
    file.rename(flat[1])
    for path in folder.glob("0*/"):
        shutil.rmtree(path)
    hand.warehouse.path.unlink()
    hand.warehouse.path.symlink_to(f"warehouse/{flat[1].name}")
    return flat


def test_one_name(hand):
    """It is `voxlake` by DuckDB and by SQLAlchemy after each publish, for those who have an older one open, too."""
    opened, tool = [], sa.create_engine(f"duckdb:///{hand.warehouse.path}?access_mode=read_only", poolclass=NullPool)
    for number in (2, 3, 4):
        with tool.connect() as connection:
            assert connection.execute(sa.text("SELECT current_database()")).scalar() == "voxlake"
            assert connection.execute(sa.text(IDS)).fetchall() == [(n,) for n in range(1, number)]
        opened.append(duckdb.connect(str(hand.warehouse.path), read_only=True))
        add(hand, number)
    assert [len(its.execute(IDS).fetchall()) for its in opened] == [1, 2, 3]
    assert generations(hand) == ["00000003/voxlake.duckdb", "00000004/voxlake.duckdb"]
    for its in opened:
        its.close()


def test_generations_of_earlier_versions(hand):
    """They are read, kept for one publish more, and then removed with what lies beside them."""
    add(hand, 2)
    before, current = flatten(hand)
    current.with_name(f"{before.name}.wal").touch()
    assert hand.ask("SELECT message_id FROM messages ORDER BY ALL") == [(1,), (2,)]
    with duckdb.connect(str(hand.warehouse.path), read_only=True) as reader:
        add(hand, 3)
        assert hand.published[-1] == 1
        assert hand.warehouse.path.readlink().parts == ("warehouse", "00000003", "voxlake.duckdb")
        assert generations(hand) == ["00000002.duckdb", "00000003/voxlake.duckdb"]
        add(hand, 4)
        assert generations(hand) == ["00000003/voxlake.duckdb", "00000004/voxlake.duckdb"]
        assert reader.execute("SELECT count(*) FROM messages").fetchall() == [(2,)]
    assert hand.ask(IDS) == [(1,), (2,), (3,), (4,)]


def test_all_earlier_ones_at_once(hand):
    """What erases leaves the published one alone, of whatever version the others are, and no rows that were spilled."""
    add(hand, 2)
    before, current = flatten(hand)
    add(hand, 3)
    spilled = before.parent / "00000001" / "voxlake.duckdb.tmp" / "rows"
    spilled.parent.mkdir(parents=True)
    spilled.touch()
    shutil.copy2(current, before)
    mine = before.parent / "mine" / "notes.txt"
    mine.parent.mkdir()
    mine.touch()
    assert hand.warehouse.remove_earlier() == []
    assert generations(hand) == ["00000003/voxlake.duckdb", "mine/notes.txt"]
    assert hand.ask(IDS) == [(1,), (2,), (3,)]


@pytest.mark.parametrize("hand", ["portable"], indirect=True)
def test_without_links(hand, monkeypatch):
    """Where the file itself takes the place of the link, no folder is left, and links come back when they can."""

    def refuse(*_):
        raise OSError(95, "Operation not supported")

    flatten(hand)
    with monkeypatch.context() as place:
        place.setattr("voxlake.files.point.__kwdefaults__", {"symlink": refuse})
        for number in (2, 3):
            add(hand, number)
            assert not hand.warehouse.path.is_symlink()
            assert hand.ask(IDS) == [(n,) for n in range(1, number + 1)]
    assert generations(hand) == []
    add(hand, 4)
    assert generations(hand) == ["00000001/voxlake.duckdb"]
    assert hand.published[-1] == 1


def killed(hand, kill_at):
    """Install a copy of the published database in a process that is killed before a step; give whether it was."""
    file = hand.root / "tmp" / "next.duckdb"
    shutil.copyfile(hand.warehouse.path, file)
    if child := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, -signal.SIGKILL)
        return code != 0
    done = Counter()

    def step(event, arguments):
        if event in STEPS and any(str(hand.root) in str(argument) for argument in arguments):
            done["steps"] += 1
            if done["steps"] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(step)
        hand.warehouse.install(file)
    except BaseException:  # noqa: BLE001 - nothing of the tests goes on in this process
        os._exit(1)
    os._exit(0)


@pytest.mark.filterwarnings("ignore:.*fork")
@pytest.mark.parametrize("hand", ["portable"], indirect=True)
@pytest.mark.parametrize("is_flat", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_killed_at_every_step(hand, tmp_path, is_flat):
    """There is a whole database, known as voxlake's own, at every moment; what comes next leaves nothing behind."""
    add(hand, 2)
    if is_flat:
        flatten(hand)
    original, path, kills = tmp_path / "original", hand.warehouse.path, 0
    hand.root.rename(original)
    shutil.copytree(original, hand.root, symlinks=True)
    while killed(hand, kills + 1):
        kills += 1
        current = path.resolve()
        assert is_own(path)
        hand.warehouse.install(shutil.copy2(path, hand.root / "tmp" / "again.duckdb"))
        files = [current, path.resolve()]
        assert generations(hand) == sorted(str(file.relative_to(hand.root / "warehouse")) for file in files)
        for file in files:
            with duckdb.connect(str(file), read_only=True) as connection:
                assert connection.execute("SELECT count(*) FROM messages").fetchall() == [(2,)]
        shutil.rmtree(hand.root)
        shutil.copytree(original, hand.root, symlinks=True)
    assert kills > 12
    add(hand, 3)
    assert hand.published == [1, 1, 1]
    assert hand.ask(IDS) == [(1,), (2,), (3,)]
