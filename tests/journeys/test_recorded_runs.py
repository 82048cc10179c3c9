"""Every run on a data directory is recorded, also one that fails, is refused, or finds the lock taken."""

import json
import re
from importlib import import_module

import duckdb
import pytest
from support.clock import CLOCK
from support.dates import days_ago
from support.lakes import FIRST, Hand, row

import voxlake
from voxlake.cli import commands
from voxlake.lake import Lake, RecordedRun
from voxlake.warehouse import Warehouse


def connect(server, **options):
    """Return the account of a sandbox."""
    return voxlake.connect(server.credentials, api_url=server.url, clock=CLOCK, **options)


def asked(folder, sql="FROM runs"):
    """Ask the published database."""
    with Warehouse(folder).reader() as connection:
        return connection.sql(sql).df().to_dict("records")


def written(folder):
    """Return the size and time of every file."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_runs_of_an_account(sandbox, tmp_path):
    """A run knows what it brought, what that cost, and the least that it could have cost; the database has it, too."""
    server, data = sandbox(rows=2000, days=5, faults="http-500=1,first=2"), tmp_path / "data"
    account = connect(server, name="shop")
    result = voxlake.export(account, data, since=days_ago(6))
    (run,) = voxlake.runs(data)
    streams = result.streams
    assert (run.command, run.exit_code, run.problem, run.version) == ("export", 0, None, voxlake.__version__)
    assert (run.account_id, run.account, run.accounts) == (account.account_id, "shop", 1)
    assert (run.rows_new, run.rows_changed, run.rows_gone) == (2000, 0, 0)
    assert run.days == sum(stream.days for stream in streams)
    assert run.requests == result.requests == len(server.requests) + run.retries
    assert 0 < run.least_requests <= run.requests - run.retries
    assert run.retries == 2
    assert run.started_at <= run.finished_at
    (published,) = asked(data)
    assert list(published) == list(RecordedRun.__dataclass_fields__)
    assert published["rows_new"] == 2000
    assert published["exit_code"] == 0
    assert run.started_at.replace(tzinfo=None) == published["started_at"].to_pydatetime()


def test_a_quiet_run_writes_next_to_nothing(sandbox, tmp_path):
    """A run without news is recorded by a few hundred bytes, and the database is as it was until there are news."""
    server, data = sandbox(rows=200, days=3), tmp_path / "data"
    account = connect(server)
    for _ in range(2):
        voxlake.export(account, data, since=days_ago(4))
    before, size = written(data), (data / "runs.jsonl").stat().st_size
    voxlake.export(account, data, since=days_ago(4))
    after = written(data)
    assert (data / "runs.jsonl").stat().st_size - size < 1000
    changed = {path.relative_to(data).parts[0] for path in after if after[path] != before.get(path)}
    assert not changed & {"voxlake.duckdb", "warehouse"}
    assert [len(asked(data)), len(voxlake.runs(data))] == [1, 3]
    voxlake.publish(data, clock=CLOCK)
    assert [run["command"] for run in asked(data)] == ["export"] * 3 + ["publish"]


def test_runs_that_end_badly(sandbox, tmp_path, voxlake):
    """What is refused, locked out or misused is recorded with its exit code, and no word of the API's."""
    server, data = sandbox(rows=100, days=2), voxlake.folder / "data"
    voxlake("export", "--since", days_ago(2), server=server)
    assert re.search(r"^last export: \d+ requests, at least \d+ were needed, ", voxlake("status").stdout, re.MULTILINE)
    quiet = voxlake("export", "-q", server=server)
    assert (quiet.stdout, quiet.stderr) == ("", "")
    with Lake(data).locked(holder="a test"):
        voxlake("export", server=server, code=75)
        voxlake("publish", code=75)
    voxlake("audit", env={"VOXIMPLANT_CREDENTIALS": str(tmp_path / "nowhere.json")}, code=2)
    voxlake("replay", code=2)
    runs = json.loads(voxlake("runs", "--limit", 4, "--format", "json").stdout)
    assert [(run["command"], run["exit_code"], run["problem"]) for run in runs] == [
        ("replay", 2, "a setting or an argument cannot be used"),
        ("audit", 2, "a setting or an argument cannot be used"),
        ("publish", 75, "another run is working there"),
        ("export", 75, "another run is working there"),
    ]
    table = voxlake("runs").stdout.splitlines()
    assert table[0].split() == list(RecordedRun.__dataclass_fields__)
    assert len(table) == 2 + 6
    assert "last replay: 0 requests, " in voxlake("status").stdout


@pytest.mark.sample(1)
@pytest.mark.parametrize("database", ["portable", "linked"])
def test_a_publish_that_loads_in_parts(tmp_path, database, monkeypatch):
    """Days are loaded a part at a time, each is told, and the database is the same."""
    hand, heard = Hand(tmp_path / "data", database=database), []
    for day in (1, 2, 3, 4, 5):
        hand.put(FIRST.replace(day=day), [row(day * 10 + n, FIRST.replace(day=day)) for n in range(day)])
    sql = "SELECT date, count(*), sum(cost), min(message_id) FROM sms_history GROUP BY ALL ORDER BY ALL"
    voxlake.publish(hand.root, clock=CLOCK, database=database)
    whole = hand.ask(sql)
    monkeypatch.setattr(import_module("voxlake.pipeline.publish"), "PART", 4)
    voxlake.publish(hand.root, clock=CLOCK, database=database, on_event=heard.append)
    told = [tuple(event.details.values()) for event in heard if event.kind == "loaded"]
    assert told == [(3, 5, 6), (4, 5, 10), (5, 5, 15)]
    assert hand.ask(sql) == whole
    assert [run.days for run in voxlake.runs(hand.root)] == [5, 5]


def test_what_takes_rows_away(tmp_path):
    """What removes messages is a run, too, unless it is dry; its publish is part of it."""
    hand = Hand(tmp_path / "data")
    for day in (1, 2):
        hand.put(FIRST.replace(day=day), [row(day, FIRST.replace(day=day))])
    hand.publish()
    command = ["retain", "--older-than", "1d", "--data-dir", str(hand.root)]
    for flags in (["--dry-run"], []):
        with pytest.raises(SystemExit) as ended:
            commands.main([*command, *flags], prog_name="voxlake", obj=CLOCK, standalone_mode=False)
        assert ended.value.code == 0
    (run,) = voxlake.runs(hand.root)
    assert (run.command, run.exit_code, run.days, run.rows_gone) == ("retain", 0, 2, 2)


def test_nothing_is_recorded_where_nothing_is(voxlake):
    """A command on a folder that is no data directory leaves none, and a look at one is no run."""
    voxlake("publish", code=2)
    voxlake("export", "--since", days_ago(2), code=2)
    assert list(voxlake.folder.iterdir()) == []
    assert json.loads(voxlake("runs", "--format", "json").stdout) == []
    assert list(voxlake.folder.iterdir()) == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("database", ["portable", "linked"])
def test_both_layouts(tmp_path, database):
    """The table is in both layouts and in a portable copy, with a comment for itself and for each column."""
    hand = Hand(tmp_path / "data", database=database)
    hand.put(FIRST, [row(1)])
    voxlake.publish(hand.root, clock=CLOCK, database=database)
    voxlake.compact(hand.root, clock=CLOCK)
    hand.put(FIRST, [row(1), row(2)])
    hand.publish()
    hand.warehouse.write_copy(tmp_path / "copy.duckdb")
    for names in (hand.ask("SELECT command FROM runs"), asked_file(tmp_path / "copy.duckdb")):
        assert names == [("publish",), ("compact",)]
    assert hand.ask("SELECT count(*) FROM duckdb_columns() WHERE table_name = 'runs' AND comment IS NULL") == [(0,)]


def asked_file(path):
    """Return the commands of the runs in a file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("SELECT command FROM runs").fetchall()
