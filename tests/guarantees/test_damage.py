"""A damaged database is one sentence that says what mends it, and that does mend it."""

import shutil
from datetime import timedelta

import duckdb
import pytest
from support.lakes import FIRST, Hand, row

pytestmark = pytest.mark.dateless

BLOCK = 262_144


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Return a database of several blocks."""
    hand = Hand(tmp_path_factory.mktemp("damage") / "data")
    for n in range(3):
        day = FIRST + timedelta(days=n)
        hand.put(day, [row(1000 * n + i, day, text=f"{i * 7919}") for i in range(500)])
    return hand.publish().path.resolve().read_bytes()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return the folder of a small published lake, to be copied."""
    hand = Hand(tmp_path_factory.mktemp("small") / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    return hand.root


@pytest.fixture
def hand(tmp_path, small):
    """Return a small published lake."""
    return Hand(shutil.copytree(small, tmp_path / "data", symlinks=True))


def cut(link, content):
    """Cut the file."""
    link.resolve().write_bytes(content[:20_000])


def empty(link, content):
    """Leave nothing in the file."""
    link.resolve().write_bytes(b"")


def flip_magic(link, content):
    """Change a byte at the beginning."""
    link.resolve().write_bytes(content[:8] + b"?" + content[9:])


def flip_rows(link, content):
    """Change bytes in every block but the first and the last, so that the file still opens."""
    changed = bytearray(content)
    for at in range(12_288 + BLOCK, len(changed) - BLOCK, 997):
        changed[at] ^= 0xFF
    link.resolve().write_bytes(changed)


def lose(link, content):
    """Remove the file behind the link."""
    link.resolve().unlink()


def hide(link, content):
    """Make a folder of the file behind the link."""
    path = link.resolve()
    path.unlink()
    path.mkdir()


def garbage(link, content):
    """Put a text in the place of the link."""
    link.unlink()
    link.write_text("garbage")


def folder(link, content):
    """Put a folder in the place of the link."""
    link.unlink()
    link.mkdir()
    (link / "mine.txt").write_text("mine")


def other(link, content):
    """Put somebody else's database in the place of the link."""
    link.unlink()
    duckdb.connect(str(link)).close()


@pytest.mark.sample(2)
@pytest.mark.parametrize("harm", [cut, empty, flip_magic, flip_rows, lose, hide, garbage, folder, other])
def test_damage_is_told_and_healed(hand, published, voxlake, harm):
    """Whatever became of the database, whoever reads it says so in a sentence and ends with 4; a publish heals it."""
    link = hand.root / "voxlake.duckdb"
    link.resolve().chmod(0o644)
    link.resolve().write_bytes(published)
    harm(link, published)
    where = ("--data-dir", hand.root)
    for command in (
        ["report", "daily"],
        ["query", "SELECT * FROM messages"],
        ["query", "SELECT * FROM messages", "--out", "a.parquet"],
        ["query", "SELECT * FROM messages", "--out", "a.csv"],
        ["dashboard", "--out", "page.html"],
        ["status"],
        ["status", "--format", "json"],
    ):
        done = voxlake(*command, *where, code=4)
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"voxlake: The database {link} cannot be read (")
        assert line.endswith(": run 'voxlake publish'.")
        assert bool(done.stdout) == (command[0] == "status")
    assert not list(voxlake.folder.iterdir())
    for _ in range(2):
        voxlake("publish", *where)
        assert (
            voxlake("query", "SELECT message_id FROM messages", "--format", "csv", *where).stdout == "message_id\n1\n"
        )


@pytest.mark.sample(1)
@pytest.mark.parametrize("command", [["publish"], ["export", "sms", "--since", str(FIRST)], ["audit", "--repair"]])
@pytest.mark.parametrize("harm", [folder, garbage, other])
def test_what_lies_in_the_place_of_the_database_is_kept(hand, sandbox, voxlake, command, harm):
    """A folder or a file of somebody else's where the database belongs is moved, and said to be, whoever publishes."""
    link = hand.root / "voxlake.duckdb"
    harm(link, b"")
    before = None if link.is_dir() else link.read_bytes()
    done = voxlake(*command, "--data-dir", hand.root, server=sandbox(), code=None)
    moved = hand.root / "rejects" / "stray" / "voxlake.duckdb"
    assert done.stderr.count(f"{link} was not a database of voxlake's: it is {moved} now.") == 1
    assert (moved / "mine.txt").read_text() == "mine" if before is None else moved.read_bytes() == before
    assert link.is_symlink()


def test_a_copy_of_the_database_in_the_place_of_its_link(hand, voxlake):
    """A folder that was copied with its links followed is ours all the same: nothing is moved away."""
    link = hand.root / "voxlake.duckdb"
    copied = link.read_bytes()
    link.unlink()
    link.write_bytes(copied)
    assert "not a database of voxlake's" not in voxlake("publish", "--data-dir", hand.root).stderr
    assert link.is_symlink()
    assert not (hand.root / "rejects").exists()


def test_what_a_killed_session_left_goes_with_its_generation(hand, voxlake):
    """The `.wal` beside a generation is removed with it."""
    generation = (hand.root / "voxlake.duckdb").resolve()
    (generation.parent / f"{generation.name}.wal").write_bytes(b"")
    for _ in range(2):
        voxlake("publish", "--data-dir", hand.root)
    assert not generation.parent.exists()
    assert sorted(path.name for path in (hand.root / "warehouse").glob("0*")) == ["00000002", "00000003"]


def test_no_generations(hand, voxlake):
    """A file where the generations belong is named."""
    (hand.root / "warehouse").rename(hand.root / "elsewhere")
    (hand.root / "warehouse").write_text("")
    (*_, line) = voxlake("publish", "--data-dir", hand.root, code=2).stderr.splitlines()
    assert "warehouse is a file, not a folder" in line


def test_a_query_that_fails_is_no_damage(hand, voxlake):
    """A file that a query names and that is not there is the query's fault."""
    done = voxlake("query", "FROM 'no.parquet'", "--data-dir", hand.root, code=2)
    assert "opens no files" in done.stderr
