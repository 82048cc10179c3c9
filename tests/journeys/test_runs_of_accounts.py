"""Many accounts in one run: what stops one stops no other, and runs of different accounts share a data directory."""

import json
import multiprocessing
import pickle
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import duckdb
import pytest
from support.clock import CLOCK
from support.dates import days_ago

from voxlake.api import child_of
from voxlake.errors import AlreadyRunning, Refused, SettingsError
from voxlake.library import audit, backfill, connect, export, plan, status
from voxlake.reporting import render_status
from voxlake.sandbox import Condition
from voxlake.transform import SMS, STREAMS

DAYS = 3


def family(server, *, jobs=4):
    """Connect the children of a sandbox, by number."""
    own = connect(server.credentials, api_url=server.url, clock=CLOCK, patience=5, jobs=jobs)
    return [
        connect(
            child_of(own.credentials, child.account_id),
            api_url=server.url,
            clock=CLOCK,
            patience=5,
            jobs=jobs,
            name=f"shop{n}",
        )
        for n, child in server.children.items()
    ]


def held(folder, account_id):
    """Return the ids that the database has of an account, by stream."""
    with duckdb.connect(str(folder / "voxlake.duckdb"), read_only=True) as connection:
        return {
            name: {
                row[0]
                for row in connection.execute(
                    f"SELECT message_id FROM {stream.table} WHERE account_id = $1", [account_id]
                ).fetchall()
            }
            for name, stream in STREAMS.items()
        }


def there(child):
    """Return the ids that the world of a child has, by stream."""
    return {name: {row["message_id"] for row in child.world.truth(name)} for name in STREAMS}


def test_one_is_refused_one_is_frozen_and_one_has_no_role(sandbox, tmp_path):
    """The others are exported and published; each that was stopped is named once, and the gravest code counts."""
    server = sandbox(rows=60, days=DAYS, accounts=5, special=["1:refused", "2:frozen", "3:no-role"])
    accounts, folder = family(server), tmp_path / "data"
    heard = []
    result = export(accounts, folder, since=days_ago(DAYS), on_event=heard.append)
    assert [account.exit_code for account in result.accounts] == [3, 3, 3, 0, 0]
    assert result.exit_code == 3
    lines = str(result).splitlines()
    assert [line.partition(" (")[0] for line in lines[:3]] == ["shop1", "shop2", "shop3"]
    assert lines[3].startswith("2 other accounts: 120 rows in ")
    assert [(its["name"], its["exit_code"]) for its in result.to_json()["accounts"]][2:4] == [
        ("shop3", 3),
        ("shop4", 0),
    ]
    for n in (4, 5):
        assert held(folder, server.children[n].account_id) == there(server.children[n])
    found = status(folder, clock=CLOCK).to_json()
    assert [(its["name"], its["last_run"]["exit_code"]) for its in found["accounts"]] == [
        (f"shop{n}", 3 if n < 4 else 0) for n in range(1, 6)
    ]
    lines = render_status(found, folder, {}).splitlines()
    assert [line.partition(",")[0] for line in lines if "its last run ended" in line] == ["shop1", "shop2", "shop3"]
    assert any(line.startswith("sms (shop4, account ") for line in lines)
    events = {event.account_id for event in heard}
    assert events == {None, *(account.account_id for account in accounts)}
    assert [event.kind for event in heard if event.account_id is None and event.kind != "progress"] == [
        "run-started", "published", "run-ended"
    ]  # fmt: skip
    # The next night they answer again: everything is brought up to date.
    for child in server.children.values():
        child.condition = Condition()
    assert export(accounts, folder, since=days_ago(DAYS)).exit_code == 0
    assert all(held(folder, child.account_id) == there(child) for child in server.children.values())


def test_a_run_that_is_killed(sandbox, tmp_path):
    """What it had brought stays, and the next run of the same accounts goes on without being asked to."""
    server = sandbox(rows=300, days=DAYS, accounts=5, special=["5:slow=30"])
    accounts, folder = family(server), tmp_path / "data"
    process = multiprocessing.get_context("spawn").Process(
        target=export, args=(accounts, folder), kwargs={"since": days_ago(DAYS)}
    )
    process.start()
    while len(list((folder / "lake").glob("*/*/*/part.parquet"))) < 8:
        assert process.is_alive()
        time.sleep(0.05)
    with pytest.raises(AlreadyRunning, match="on account"):
        export(accounts[4], folder)
    process.kill()
    process.join()
    server.children[5].condition = Condition()
    result = export(accounts, folder, since=days_ago(DAYS))
    assert result.exit_code == 0, str(result)
    assert all(held(folder, child.account_id) == there(child) for child in server.children.values())
    assert not list((folder / "tmp").iterdir())
    assert not list((folder / "locks").glob("run-*"))


def test_two_runs_of_different_accounts(sandbox, tmp_path):
    """They work at the same time and publish one after the other; an account of both is named by the second."""
    server = sandbox(rows=200, days=DAYS, accounts=3, special=["1:slow=0.3"])
    accounts, folder = family(server), tmp_path / "data"
    began, first = threading.Event(), []
    slow = threading.Thread(
        target=lambda: first.append(
            export(accounts[0], folder, since=days_ago(DAYS), on_event=lambda _event: began.set())
        )
    )
    slow.start()
    began.wait(60)
    with pytest.raises(AlreadyRunning):
        export(accounts[0], folder)
    second = export(accounts, folder, since=days_ago(DAYS))
    assert slow.is_alive()
    assert [account.exit_code for account in second.accounts] == [75, 0, 0]
    assert "Another run is working in" in str(second)
    slow.join()
    assert first[0].exit_code == 0
    assert all(held(folder, child.account_id) == there(child) for child in server.children.values())


def test_processes_read_the_windows(sandbox, tmp_path):
    """An executor of the caller's works for all accounts and is left running; accounts and results can be pickled."""
    server = sandbox(rows=120, days=DAYS, accounts=3)
    accounts, folder = family(server), tmp_path / "data"
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as pool:
        result = export(pickle.loads(pickle.dumps(accounts)), folder, since=days_ago(DAYS), executor=pool)
        assert pool.submit(len, "left").result() == 4
    assert result.exit_code == 0
    assert pickle.loads(pickle.dumps(result)).streams == result.streams
    assert {stream.account_id for stream in result.streams} == {account.account_id for account in accounts}
    assert all(held(folder, child.account_id) == there(child) for child in server.children.values())


def test_one_limit_for_all(sandbox, tmp_path):
    """However many accounts there are, the run has as many requests under way as it may."""
    server = sandbox(rows=100, days=DAYS, accounts=6, latency=0.02)
    inside, most, lock = [0], [0], threading.Lock()
    answer = server.answer

    def counting(*arguments):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        try:
            return answer(*arguments)
        finally:
            with lock:
                inside[0] -= 1

    server.answer = counting
    result = export(family(server), tmp_path / "data", since=days_ago(DAYS), jobs=3)
    assert result.exit_code == 0
    assert 2 <= most[0] <= 3


def test_what_would_be_done(sandbox, tmp_path):
    """A plan has each account; one that is there twice, and a list of none, are refused before any request."""
    server = sandbox(rows=20, days=DAYS, accounts=2)
    accounts, folder = family(server), tmp_path / "data"
    plans = plan(accounts, folder, since=days_ago(1))
    assert {account: {name: len(its.read) for name, its in of.items()} for account, of in plans.items()} == {
        account.account_id: {"sms": 2, "a2p": 2} for account in accounts
    }
    for named, said in ((accounts * 2, "is there twice"), ([], "No account is named"), (["shop"], "not an account")):
        with pytest.raises(SettingsError, match=said):
            export(named, folder)
    assert not any(child.requests for child in server.children.values())


def test_an_audit_of_all(sandbox, tmp_path):
    """It says of which account a difference is, and a repair reads the days of that account alone."""
    server = sandbox(rows=90, days=DAYS, accounts=3, special=["3:refused"])
    accounts, folder = family(server), tmp_path / "data"
    server.children[3].condition = Condition()
    backfill(accounts, folder, since=days_ago(DAYS), until=days_ago(0))
    server.children[3].condition = Condition(code=100)
    next((folder / "lake").glob(f"{SMS.table}/account_id={accounts[1].account_id}/*/part.parquet")).unlink()
    found = audit(accounts, folder, since=days_ago(DAYS), seed=1, pages=1)
    assert found.exit_code == 3
    assert {its.account_id for its in found.last_round if its.differences} == {accounts[1].account_id}
    assert list(found.account_errors) == [accounts[2].account_id]
    assert isinstance(found.account_errors[accounts[2].account_id][0], Refused)
    assert {its["account_id"] for its in found.findings()} == {account.account_id for account in accounts[:2]}
    repaired = audit(accounts[:2], folder, since=days_ago(DAYS), seed=1, pages=1, repair=True)
    assert repaired.exit_code == 0
    assert [account.account_id for account in repaired.repair.accounts] == [accounts[1].account_id]
    assert held(folder, accounts[1].account_id) == there(server.children[2])


def test_the_command(sandbox, voxlake):
    """One line for each account in trouble, one for the others; JSON has all; --account takes some."""
    server = sandbox(rows=60, days=DAYS, accounts=3, special=["2:refused"])
    ids = {n: child.account_id for n, child in server.children.items()}
    (voxlake.folder / "voxlake.toml").write_text(
        f'api_url = "{server.url}"\npatience = 5\n[accounts.main]\ncredentials = "{server.credentials}"\n'
        + "".join(f'[accounts.shop{n}]\nparent = "main"\naccount_id = {ids[n]}\n' for n in ids)
    )
    since = ("--since", days_ago(DAYS))
    done = voxlake("export", *since, "--account", "shop*", "--format", "json", code=3)
    answer = json.loads(done.stdout)
    assert {its["name"]: its["exit_code"] for its in answer["accounts"]} == {"shop1": 0, "shop2": 3, "shop3": 0}
    lines = done.stderr.splitlines()
    assert sum(line.startswith("shop2 (") for line in lines) == 1
    assert any(line.startswith("2 other accounts: 120 rows in ") for line in lines)
    voxlake("export", *since, "--account", "shop1")
    planned = voxlake("export", "--dry-run", "--account", "shop*").stdout.splitlines()
    assert {line.partition(":")[0] for line in planned if line.startswith("shop")} == {"shop1", "shop2", "shop3"}
    done = voxlake("audit", "--account", "shop1", "--account", "shop3", "--pages", "1")
    assert {line.partition(":")[0] for line in done.stdout.splitlines()} == {"shop1", "shop3"}
