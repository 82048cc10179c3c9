"""An audit finds whatever differs between the API, the lake, the database and the files' own checksums."""

import json
import shutil
from datetime import timedelta

import duckdb
import pytest
from support.dates import days_ago
from support.index import make_old
from support.truth import held, truth

from voxlake.lake import Lake
from voxlake.transform import STREAMS


def some_day():
    """Return a day in the middle of what the tests export."""
    return days_ago(4)


def part(voxlake, stream="sms", day=None):
    """Return the path of a day's file."""
    return next(
        (voxlake.folder / "data" / "lake" / STREAMS[stream].table).glob(f"*/date={day or some_day()}/part.parquet")
    )


def row_of(server, stream="sms", day=None, number=0):
    """Give one of the API's rows of a day."""
    return [row for row in server.world.truth(stream) if row["processed_at"].date() == (day or some_day())][number]


def lose_file(voxlake, server):
    """Take a file away."""
    part(voxlake).unlink()


def rot(voxlake, server):
    """Change a byte in the middle of a file and leave its length and time."""
    path = part(voxlake)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lose_footer(voxlake, server):
    """Cut a file."""
    path = part(voxlake)
    path.write_bytes(path.read_bytes()[:-100])


def swap_days(voxlake, server):
    """Put one day's file in the place of another."""
    shutil.copyfile(part(voxlake, day=days_ago(3)), part(voxlake))


def touch_database(voxlake, server):
    """Change one amount in the database."""
    link = voxlake.folder / "data" / "voxlake.duckdb"
    link.resolve().chmod(0o644)
    with duckdb.connect(str(link)) as connection:
        connection.execute(
            "UPDATE sms_history SET cost = cost + 1 WHERE date = $1 AND message_id % 50 = 0", [some_day()]
        )


def lose_database(voxlake, server):
    """Remove the database."""
    (voxlake.folder / "data" / "voxlake.duckdb").unlink()


def late_row(voxlake, server):
    """Let a message appear on a day that is final."""
    server.world.insert("sms", row_of(server) | {"message_id": 10**12})


def lost_row(voxlake, server):
    """Let the API forget a message."""
    server.world.remove("sms", row_of(server)["message_id"])


def other_text(voxlake, server):
    """Change a message of a day that is final, which no count shows."""
    server.world.change("sms", row_of(server)["message_id"], text="something else")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Return a folder for what was exported once."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def exported(sandbox, voxlake, kept):
    """Return a sandbox whose eight days are in `data`: exported for the first test of a date, copied for the others."""
    server = sandbox(days=8, rows=2000)
    data, copy = voxlake.folder / "data", kept / str(days_ago(0))
    if copy.exists():
        shutil.copytree(copy, data, symlinks=True)
    else:
        voxlake("backfill", "--from", days_ago(8), "--to", days_ago(0), server=server)
        shutil.copytree(data, copy, symlinks=True)
    return server


@pytest.mark.dateless
def test_a_sound_lake(exported, voxlake):
    """An audit that compares pages of every day finds nothing where nothing differs."""
    sound = voxlake("audit", "--pages", "20", "--seed", "1", server=exported)
    assert sound.stdout.count("; 0 differences") == 2


@pytest.mark.sample(2)
@pytest.mark.dateless
@pytest.mark.parametrize(
    ("harm", "told"),
    [
        pytest.param(lose_file, "the lake has no file of this day", marks=pytest.mark.slow),
        (rot, "its checksum differs"),
        (swap_days, "holds rows of another day"),
        pytest.param(late_row, "messages, the lake holds", marks=pytest.mark.slow),
        (other_text, "(text)"),
        # What these have in common with others above or with `test_no_database` is tried every time.
        pytest.param(lose_footer, "is damaged", marks=pytest.mark.slow),
        pytest.param(touch_database, "the database does not hold what the lake holds", marks=pytest.mark.slow),
        pytest.param(lost_row, "messages, the lake holds", marks=pytest.mark.slow),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_harm_is_found_and_repaired(exported, voxlake, harm, told):
    """A harm is named with its day and exit code 4, and one repair brings back the API's rows."""
    harm(voxlake, exported)
    found = voxlake("audit", "--pages", "20", "--seed", "1", server=exported, code=4)
    lines = [line for line in found.stdout.splitlines() if told in line]
    assert any(line.startswith(f"sms: {some_day()}: ") for line in lines), found.stdout
    assert "text" not in found.stdout.replace("(text)", "")
    repaired = voxlake("audit", "--pages", "20", "--seed", "1", "--repair", server=exported)
    assert repaired.stdout.splitlines()[-1].endswith("; 0 differences")
    for stream in STREAMS:
        assert truth(exported, stream) == held(voxlake.folder / "data" / "voxlake.duckdb", stream)


def lose(voxlake, *days, streams=("sms",)):
    """Remove the folders of some days."""
    for stream in streams:
        for day in days:
            shutil.rmtree(part(voxlake, stream, day).parent)


def oldest():
    """Return the three oldest days of what the tests export."""
    return [days_ago(8), days_ago(7), days_ago(6)]


def forget_nothing(lake):
    """Leave the index as it is."""


def cut_index(lake):
    """Leave a part of the index."""
    lake.layout.index.write_bytes(lake.layout.index.read_bytes()[:5000])


def other_index(lake):
    """Leave JSON in the place of the index that voxlake did not write."""
    lake.layout.index.unlink()
    parts = [{"path": "part.parquet", "stamp": 1}]
    lake.layout.old_index.write_text(json.dumps({"version": 1, "parts": parts, "last_run": "?"}))


def no_index(lake):
    """Remove the index."""
    lake.layout.index.unlink()


def old_index(lake):
    """Leave the index of version 0.2."""
    make_old(lake)


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm",
    # An index that is cut or somebody else's is as good as none, see test_manifest.py.
    [
        no_index,
        pytest.param(forget_nothing, marks=pytest.mark.slow),
        pytest.param(old_index, marks=pytest.mark.slow),
        pytest.param(cut_index, marks=pytest.mark.slow),
        pytest.param(other_index, marks=pytest.mark.slow),
    ],
    ids=lambda harm: harm.__name__,
)
def test_the_oldest_days_are_missed_as_any_other(exported, voxlake, harm):
    """Days whose files are gone are named by status and audit, also the oldest, until the next export reads them."""
    lose(voxlake, *oldest())
    harm(Lake(voxlake.folder / "data"))
    for _ in range(2):
        (found, _) = json.loads(voxlake("status", "--format", "json").stdout)["streams"]
        assert found["missing_days"][:3] == [str(day) for day in oldest()]
        told = voxlake("audit", server=exported, code=4).stdout
        assert [f"sms: {day}: the lake has no file of this day" in told for day in oldest()] == [True] * 3
        told = voxlake("export", "--since", days_ago(2), server=exported).stderr
        assert f"3 days of sms ({oldest()[0]} to {oldest()[-1]}) had files and have none any more: 'voxlake exp" in told
    assert "any more" not in voxlake("export", server=exported).stderr
    assert truth(exported, "sms") == held(voxlake.folder / "data" / "voxlake.duckdb", "sms")
    voxlake("audit", server=exported)


def test_a_history_without_files_is_missed(exported, voxlake):
    """Where all files of a history are gone, status still names its days, and a repair reads them."""
    shutil.rmtree(voxlake.folder / "data" / "lake" / "sms_history")
    (found, _) = json.loads(voxlake("status", "--format", "json").stdout)["streams"]
    assert (found["stream"], found["rows"], found["missing_days"][0]) == ("sms", 0, str(days_ago(8)))
    assert f"missing: {days_ago(8)} to {days_ago(0)} (9 days)" in voxlake("status").stdout
    voxlake("audit", server=exported, code=4)
    voxlake("audit", "--repair", server=exported)
    assert truth(exported, "sms") == held(voxlake.folder / "data" / "voxlake.duckdb", "sms")


def test_a_damaged_file_that_is_removed_is_missed(exported, voxlake):
    """A file that is taken away because it was damaged leaves a day that is missed, also the oldest."""
    path = part(voxlake, day=oldest()[0])
    path.write_bytes(b"")
    voxlake("export", "--since", days_ago(2), server=exported, code=4)
    path.unlink()
    assert f"sms: {oldest()[0]}: the lake has no file" in voxlake("audit", server=exported, code=4).stdout


def test_days_that_were_deleted_on_purpose_are_forgotten(exported, voxlake):
    """A publish takes the lake as it is, says which days are gone, and from then on nobody misses them."""
    lose(voxlake, *oldest(), streams=STREAMS)
    told = voxlake("publish").stderr
    assert (
        f"3 days of sms and a2p ({oldest()[0]} to {oldest()[-1]}) had files and have none any more: they are f" in told
    )
    assert "any more" not in voxlake("publish").stderr
    (found, _) = json.loads(voxlake("status", "--format", "json").stdout)["streams"]
    assert found["first_day"] == str(days_ago(5))
    voxlake("audit", server=exported)
    asked = len(exported.requests)
    voxlake("export", "--since", days_ago(5), "--until", days_ago(3), server=exported)
    assert len(exported.requests) == asked


def test_a_day_between_others_that_was_deleted_stays_missing(exported, voxlake):
    """A publish says that a day between others is not in the database any more, and who reads it again."""
    lose(voxlake, some_day())
    told = voxlake("publish").stderr
    assert f"1 day of sms ({some_day()}) had files and have none any more: the database is without them" in told
    assert "'voxlake export' reads those again" in told
    (found, _) = json.loads(voxlake("status", "--format", "json").stdout)["streams"]
    assert found["missing_days"][0] == str(some_day())
    voxlake("export", server=exported)
    assert truth(exported, "sms") == held(voxlake.folder / "data" / "voxlake.duckdb", "sms")


def rot_database(voxlake, server):
    """Cut the database."""
    path = (voxlake.folder / "data" / "voxlake.duckdb").resolve()
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:20_000])


@pytest.mark.dateless
@pytest.mark.parametrize(
    ("harm", "told"),
    [
        pytest.param(lose_database, "There is no database", marks=pytest.mark.slow),
        (rot_database, "cannot be read"),
    ],
)
def test_no_database(sandbox, voxlake, harm, told):
    """That there is no database is said once, and not of each day; a repair builds it and asks for no day again."""
    server = sandbox(days=3, rows=1000)
    voxlake("backfill", "--from", days_ago(3), "--to", days_ago(0), server=server)
    files = {path: path.stat().st_mtime_ns for path in (voxlake.folder / "data" / "lake").rglob("*.parquet")}
    harm(voxlake, server)
    found = voxlake("audit", server=server, code=4)
    assert found.stdout.count("; 0 differences") == 2
    (line,) = [line for line in found.stderr.splitlines() if line.startswith("voxlake: ")]
    assert told in line
    assert "voxlake publish" in line
    voxlake("audit", "--repair", server=server)
    voxlake("audit", server=server)
    assert files == {path: path.stat().st_mtime_ns for path in (voxlake.folder / "data" / "lake").rglob("*.parquet")}
    assert truth(server, "sms") == held(voxlake.folder / "data" / "voxlake.duckdb", "sms")


def test_a_repair_as_json(sandbox, voxlake):
    """One list tells what was found, and of the days that were read again, what is left of it."""
    server = sandbox(rows=500, days=5)
    voxlake("backfill", "--from", days_ago(5), "--to", days_ago(0), server=server)
    part(voxlake).unlink()
    found = json.loads(voxlake("audit", "--repair", "--format", "json", server=server).stdout)
    assert [(f["stream"], f["repaired"], bool(f["differences"])) for f in found] == [
        ("sms", False, True),
        ("a2p", False, False),
        ("sms", True, False),
    ]


STRAYS = (
    "sms_history/account_id=1234567/date={day}/copy.parquet",
    "sms_history/account_id=1234567/date=soon/part.parquet",
    "sms_history/account_id=01234567/date=2026-01-01/part.parquet",
    "sms_history/x/part.parquet",
    "part.parquet",
)


@pytest.mark.dateless
def test_strays(sandbox, voxlake):
    """Files that a glob would count twice are named, and a repair moves them out of the lake and loses none."""
    server = sandbox(days=5, rows=500)
    voxlake("backfill", "--from", days_ago(5), "--to", days_ago(0), server=server)
    data = voxlake.folder / "data"
    strays = [name.format(day=some_day()) for name in STRAYS]
    rows = len(truth(server, "sms")) + len(truth(server, "a2p"))
    files = f"'{data}/lake/**/*.parquet', hive_partitioning = false, union_by_name = true"
    glob = f"SELECT count(*) FROM read_parquet({files})"
    for name in strays:
        (data / "lake" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(part(voxlake), data / "lake" / name)
    assert duckdb.sql(glob).fetchall() != [(rows,)]
    found = voxlake("audit", server=server, code=4)
    for name in strays:
        assert found.stderr.count(f"data/lake/{name} is not one of voxlake's files, and a glob") == 1
    voxlake("publish")
    repaired = voxlake("audit", "--repair", server=server)
    for name in strays:
        assert f"it is data/rejects/stray/lake/{name} now" in repaired.stderr
        assert (data / "rejects" / "stray" / "lake" / name).read_bytes() == part(voxlake).read_bytes()
    assert duckdb.sql(glob).fetchall() == [(rows,)]
    voxlake("audit", server=server)
    shutil.copyfile(part(voxlake), data / "lake" / strays[0])
    assert f"{strays[0]}.again now" in voxlake("audit", "--repair", server=server).stderr


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize(
    "switches",
    [
        ["from_bound=exclusive", "to_bound=inclusive"],
        pytest.param(["date_precision=day", "to_bound=exclusive", "order=random-per-request"], marks=pytest.mark.slow),
        ["message_id_filter=refused", "max_count=300", "max_offset=300", "max_window_days=1"],
    ],
    ids=str,
)
def test_audit_under_every_bound(sandbox, voxlake, switches):
    """A sound lake is sound whatever the API's bounds and caps are, and a row more is found."""
    server = sandbox(*switches)
    voxlake("backfill", "--from", days_ago(10), "--to", days_ago(0), server=server)
    voxlake("audit", "--output", "csv", server=server)
    late_row(voxlake, server)
    found = json.loads(voxlake("audit", "sms", "--format", "json", server=server, code=4).stdout)
    assert {(d["date"], d["stream"]) for d in found[0]["differences"]} == {(str(some_day()), "sms")}


def test_audit_says_what_it_could_not_ask(sandbox, voxlake):
    """A refused history does not stop the other, and the days of an audit can be chosen."""
    server = sandbox()
    voxlake("backfill", "--from", days_ago(10), "--to", days_ago(0), server=server)
    server.credentials = server.credentials_for(["Developer"])
    found = voxlake("audit", "--since", days_ago(5), "--until", days_ago(3), server=server, code=3)
    assert found.stdout.startswith("sms: 2 days; 2 counted")
    assert "Owner, Admin, CallsSMS" in found.stderr
    voxlake("audit", "--since", days_ago(3), "--until", days_ago(5), server=server, code=2)


@pytest.mark.dateless
def test_unverified_day_is_a_difference(sandbox, voxlake):
    """What is not proved is said, even where the counts agree."""
    server = sandbox(rows=60, days=3, faults="half=1")
    voxlake("export", "sms", "--since", days_ago(2), server=server, code=4)
    assert "not verified" in voxlake("audit", "sms", server=server, code=4).stdout


def test_damaged_file_heals_by_itself(sandbox, voxlake):
    """An export reads a day again whose file cannot be read; without the API, publishing keeps the last database."""
    server = sandbox()
    voxlake("backfill", "--from", days_ago(10), "--to", days_ago(0), server=server)
    lose_footer(voxlake, server)
    before = held(voxlake.folder / "data" / "voxlake.duckdb", "sms")
    assert f"--from {some_day()} --to {some_day() + timedelta(days=1)}" in voxlake("publish", code=4).stderr
    assert before == held(voxlake.folder / "data" / "voxlake.duckdb", "sms")
    voxlake("export", server=server)
    assert truth(server, "sms") == held(voxlake.folder / "data" / "voxlake.duckdb", "sms")
