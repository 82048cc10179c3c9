"""A later version declares other fields over a lake of 0.1: old days are read as its own, and 0.1 refuses them then."""

import tarfile
from pathlib import Path

import duckdb
import pytest
from support import data_directory
from support.contexts import noon
from support.other_version import OtherVersion
from support.truth import truth

from voxlake.transform import STREAMS
from voxlake.version import __version__

pytestmark = pytest.mark.dateless

ARCHIVE = Path(__file__).parents[1] / "support" / "data" / "data-0.1.0-extra.tar.xz"
"""Exported by version 0.1.0 on 2026-03-10 at noon, days from 2026-03-07 on, with the replies but without a database.

Its API sent the field `route`, which 0.1.0 does not know.
"""

NIGHT = noon(2026, 3, 11)
_FIELDS = """\
        Field("route", pa.string(), "The route it took.", encoding="dictionary"),
        Field("carrier", pa.string(), "Who carried it."),
"""
EDITS = (
    ('Field("status_id", pa.int8()', 'Field("status_id", pa.int32()'),
    ('"fragments",\n            pa.int32()', '"fragments",\n            pa.int64()'),
    ('Field("cost", pa.decimal128(18, 6)', 'Field("cost", pa.decimal128(38, 9)'),
    (
        'Field("transaction_id", pa.int64(), "The vendor\'s number of the payment.",',
        'Field("payment_id", pa.int64(), "Its payment.", ("transaction_id",), formerly=("transaction_id",),',
    ),
    (extra := '        Field("extra", pa.string(),', f"{_FIELDS}{extra}"),
)
"""Three columns widened, one renamed, one promoted out of `extra`, and one added that no reply has yet."""

COLUMNS = (
    "message_id, source_number, destination_number, segments, cost, status_id, status, error_message, processed_at,"
    " payment_id, text"
)


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    """Return the later version."""
    version = OtherVersion(tmp_path_factory.mktemp("later"))
    version.declare(*EDITS)
    version.edit("sql/views/messages.sql", "m.transaction_id, --", "m.payment_id, --")
    for name in ("failed-but-billed", "messages"):
        version.edit(f"sql/reports/{name}.sql", "    transaction_id\n", "    payment_id\n")
    return version


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Start the sandbox that the data came from, in the night after."""
    with data_directory.server(tmp_path_factory.mktemp("sandbox"), NIGHT) as server:
        yield server


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Return a folder with the data directory."""
    folder = tmp_path_factory.mktemp("work")
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(folder, filter="tar")
    return folder


@pytest.fixture(scope="module")
def run(server, work):
    """Return a function that runs commands of a version in that night."""
    env = {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}

    def run(version, *commands):
        return version.run(*(command.split(" ") for command in commands), at=NIGHT, cwd=work, env=env)

    return run


def files(folder):
    """Return the contents of all files in a folder, but for the lock."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def held(path, stream):
    """Return the database's rows, with the columns of today."""
    own = STREAMS[stream].own
    with duckdb.connect(str(path), read_only=True) as connection:
        query = f"SELECT {COLUMNS}, {own}, account_id, date, route, carrier, extra FROM {STREAMS[stream].table}"
        return sorted(connection.execute(query).fetchall())


def expected(server, stream):
    """Return the sandbox's rows as the later version holds them."""
    return [(*row, f"route {row[0] % 3}", None, None) for row in truth(server, stream)]


def ended(done):
    """Return the exit codes of commands; none of them has left a traceback."""
    assert not any("Traceback" in each.stderr for each in done), [each.stderr for each in done]
    return [each.returncode for each in done]


@pytest.mark.slow
def test_a_later_version_over_a_lake_of_0_1(later, run, server, work):
    """Every command works over old and new days with no difference to the API, and final days stay as they are."""
    data, again = work / "data", work / "again"
    before = files(data / "lake")
    done = run(
        later,
        "status",
        "publish",
        "export --settle-hours 24",
        "audit --pages 20 --seed 1",
        "report daily --from 2026-03-01",
        "replay --data-dir again --raw data/raw",
        "publish --data-dir again",
    )
    assert ended(done) == [0] * len(done), [each.stderr for each in done]
    assert "; 0 differences" in done[3].stdout
    for stream in STREAMS:
        assert held(data / "voxlake.duckdb", stream) == expected(server, stream)
    # The replies are those of the day before, when some messages had not got their state of today.
    ids = {row[0]: row for row in expected(server, "sms")}
    replayed = [row for row in held(again / "voxlake.duckdb", "sms") if row[6] != "waiting"]
    assert replayed
    assert replayed == [ids[row[0]] for row in replayed]
    kept = {path for path, content in before.items() if path.read_bytes() == content}
    assert {path.parent.name for path in kept} == {"date=2026-03-07", "date=2026-03-08"}
    mixed = data / "lake" / "sms_history" / "**" / "*.parquet"
    query = f"SELECT count(DISTINCT route), count(*) FROM read_parquet('{mixed}', union_by_name = true)"
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchone() == (3, len(ids))
    done = run(later, "replay", "publish", "audit --pages 20 --seed 1")
    assert ended(done) == [0] * len(done), [each.stderr for each in done]
    for stream in STREAMS:
        assert held(data / "voxlake.duckdb", stream) == expected(server, stream)


@pytest.mark.slow
def test_an_earlier_version_refuses_what_the_later_one_wrote(later, run, server, work, tmp_path):
    """Every command that opens the lake ends with 2 and one sentence, and touches only the history of runs."""
    run(later, "export")
    before, asked = files(work / "data"), len(server.requests)
    dates = "--from 2026-03-07 --to 2026-03-08"
    earlier = OtherVersion(tmp_path)
    done = run(
        earlier,
        *("export", "export --dry-run", f"backfill sms {dates} --force", "audit", "publish", "replay", "status"),
    )
    assert ended(done) == [2] * len(done), done
    for each in done:
        assert each.stdout == ""
        assert each.stderr.splitlines()[-1].startswith("voxlake: lake/"), each.stderr
        assert each.stderr.endswith(f"install the version that wrote it, {__version__}, or a later one.\n")
    left = files(work / "data")
    history = work / "data" / "runs.jsonl"
    assert left.pop(history).startswith(before.pop(history))
    assert left == before
    assert len(server.requests) == asked
    (query,) = earlier.run(
        ["query", "SELECT count(*) AS n FROM messages", "--format", "csv"], at=NIGHT, cwd=work, env={}
    )
    assert (query.returncode, query.stdout) == (0, f"n\n{sum(len(expected(server, name)) for name in STREAMS)}\n")
