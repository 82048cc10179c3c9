"""Every code block of docs/analysts.md does what the page says, on an exported history."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from support.clock import SYSTEM
from support.dates import days_ago
from support.paths import DOCS
from support.runner import Command

from voxlake.sandbox import Behaviour, Faults, Sandbox, World

pytestmark = pytest.mark.system_clock

PAGE = DOCS / "analysts.md"
BLOCKS = re.findall(r"^```(\w*)([^\n]*)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
# What comes from PyPI for the slow run alone.
PACKAGES = {"duckdb-cli": "duckdb-cli", "pyspark": "pyspark>=4,<5"}


def named(language, *, needs):
    """Return the blocks of a language that need nothing, or something, as test parameters."""
    return [
        pytest.param(text, *([extra.strip().removeprefix("needs=")] if needs else []), id=text.split("\n")[0][:60])
        for name, extra, text in BLOCKS
        if name == language and bool(extra) is needs
    ]


def test_every_block_is_tried():
    """No block is in a language that nothing here executes, and there are ten queries to start from."""
    tried = [
        *(named(name, needs=False) for name in ("sh", "python", "sql", "r")),
        *(named(name, needs=True) for name in ("sh", "python")),
    ]
    assert sum(map(len, tried)) == len(BLOCKS)
    first = PAGE.read_text().partition("## Ten queries to start from")[2].partition("\n## ")[0]
    assert first.count("```sql") == 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Export a history into a folder."""
    work, server_folder = tmp_path_factory.mktemp("analysts"), tmp_path_factory.mktemp("server")
    world = World(rows=1000, days=8, seed=1, until=days_ago(0, SYSTEM))
    with Sandbox(world, behaviour=Behaviour.parse([]), faults=Faults.parse(""), directory=server_folder) as server:
        environ = os.environ | {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
        done = Command(
            ["export", "--since", days_ago(8, SYSTEM)], environ, work, server_folder / "command", SYSTEM
        ).wait(60)
    assert done.returncode == 0, done.stderr
    return work


@pytest.fixture
def path():
    """Return a PATH with the command `voxlake`."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install a package for itself alone, from PyPI."""

    def install(name):
        target = tmp_path_factory.mktemp(name)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", target]
        subprocess.run([*command, PACKAGES[name]], check=True)
        return target

    return install


def run(command, folder, environ):
    """Run a program in the folder and give what it printed."""
    done = subprocess.run(command, cwd=folder, env=os.environ | environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.sample(8)
@pytest.mark.parametrize("text", named("sql", needs=False))
def test_sql(folder, monkeypatch, text):
    """A query runs, read-only, whatever the zone of the session."""
    monkeypatch.chdir(folder)
    answers = []
    for zone in ("UTC", "Pacific/Kiritimati"):
        with duckdb.connect("data/voxlake.duckdb", read_only=True) as connection:
            connection.execute(f"SET TimeZone = '{zone}'")
            result = connection.execute(text)
            assert len(result.description) > 1
            answers.append(sorted(map(str, result.fetchall())))
    assert "current_date" in text or answers[0] == answers[1]


@pytest.mark.parametrize("text", [text for text in named("sql", needs=False) if "read_parquet" in text])
def test_no_folder_above_the_lake_is_a_column(folder, tmp_path, text):
    """The lake's queries give the same answer below folders that look like partitions."""
    above = tmp_path / "cost=1" / "processed_at=2020-01-01"
    above.mkdir(parents=True)
    (above / "data").symlink_to(folder / "data")
    with duckdb.connect() as connection:
        here, there = (
            connection.execute(text.replace("'data/", f"'{root}/data/")).fetchall() for root in (folder, above)
        )
    assert here == there != []


def test_times_of_the_lake(folder):
    """On a machine in Tokyo, the files give the days that the database gives: in Berlin, and in UTC after SET."""
    database, lake = (text for language, _, text in BLOCKS if language == "sql" and "berlin_day" in text)
    script = """
import duckdb, sys
database, lake = sys.argv[1:]
files = "FROM read_parquet('data/lake/sms_history/**/*.parquet', hive_partitioning = true)"
differ = "SELECT count(*) " + files + " WHERE processed_at::DATE <> date"
with duckdb.connect("data/voxlake.duckdb", read_only=True) as connection:
    ask = lambda sql: connection.sql(sql).fetchall()
    assert ask(lake) == ask(database.replace("FROM messages", "FROM sms_history"))
    assert ask(differ) != [(0,)]
    connection.execute("SET TimeZone = 'UTC'")
    assert ask(lake) == ask(database.replace("FROM messages", "FROM sms_history"))
    assert ask(differ) == [(0,)]
"""
    run([sys.executable, "-c", script, database, lake], folder, {"TZ": "Asia/Tokyo"})


@pytest.mark.parametrize("text", named("python", needs=False))
def test_python(folder, text):
    """A program runs without a warning, and prints something."""
    printed = run([sys.executable, "-W", "error", "-c", text], folder, {})
    assert printed
    assert "decimal128(38, 6)[pyarrow]" in printed or "types_mapper" not in text


@pytest.mark.sample(3)
@pytest.mark.parametrize("text", named("sh", needs=False))
def test_sh(folder, path, text):
    """Commands run, and leave the files that they name."""
    run(["sh", "-eu", "-c", text], folder, {"PATH": path})
    for name in re.findall(r"--out (\S+)", text):
        assert (folder / name).stat().st_size > 0


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
@pytest.mark.parametrize("text", named("r", needs=False))
def test_r(folder, path, text):
    """A program runs in R, after the command before it."""
    before = [block for language, _, block in BLOCKS[: [block for *_, block in BLOCKS].index(text)] if language == "sh"]
    run(["sh", "-eu", "-c", before[-1]], folder, {"PATH": path})
    assert run(["Rscript", "-e", text], folder, {"PATH": path})


@pytest.mark.slow
@pytest.mark.parametrize(("text", "needs"), named("python", needs=True))
def test_python_with(folder, installed, text, needs):
    """A program runs with a package that voxlake does not have."""
    assert "sum(cost)" in run([sys.executable, "-c", text], folder, {"PYTHONPATH": str(installed(needs))})


@pytest.mark.slow
@pytest.mark.parametrize(("text", "needs"), named("sh", needs=True))
def test_sh_with(folder, installed, path, text, needs):
    """A command runs with a program that voxlake does not have."""
    target = installed(needs)
    environ = {"PATH": f"{target / 'bin'}{os.pathsep}{path}", "PYTHONPATH": str(target)}
    assert "date" in run(["sh", "-eu", "-c", text], folder, environ)
