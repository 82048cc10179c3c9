"""The published file opens in the DuckDB versions that people have, and says the same in each."""

import os
import subprocess
import sys
from datetime import date

import pytest
from support.worlds import world

from voxlake.reporting.saved_queries import bind_parameters, load_saved_queries
from voxlake.sql import statements

ASK = """
import datetime, decimal, duckdb, sys
path, questions = sys.argv[1], eval(sys.argv[2])
with duckdb.connect(path, read_only=True) as connection:
    print(duckdb.__version__)
    for sql, bound in questions:
        print(connection.execute(sql, bound).fetchall())
    print(connection.execute("SELECT comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL").fetchall())
"""


@pytest.fixture(scope="module")
def questions():
    """Return what an analyst may ask: every table, every view, every report."""
    tables = [f"SELECT * FROM {name} ORDER BY ALL" for name in ("sms_history", "a2p_sms_history", "coverage")]
    views = [f"SELECT * FROM {name} ORDER BY ALL" for name in statements("views")]
    asked = [(sql, {}) for sql in (*tables, *views)]
    for question in load_saved_queries(None).values():
        bound = bind_parameters(question, first=date(2025, 1, 1), end=date(2027, 1, 1), number=None)
        asked.append((question.sql, bound))
    return repr(asked)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Install a version of DuckDB for itself alone, from PyPI."""

    def install(version):
        target = tmp_path_factory.mktemp("duckdb")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, "--target", target, f"duckdb=={version}"], check=True)
        return os.environ | {"PYTHONPATH": str(target)}

    return install


def asked(path, questions, environ):
    """Ask in a process of its own, and give the version and the answers."""
    command = [sys.executable, "-c", ASK, str(path), questions]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    version, _, answers = done.stdout.partition("\n")
    return version, answers


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.4.*", "1.5.*", "2.0.*"])
def test_reads(tmp_path, questions, elsewhere, version):
    """An older and a newer DuckDB give the same answers to everything, comments and all."""
    path = world(tmp_path / "data").warehouse.path
    ours, answers = asked(path, questions, dict(os.environ))
    theirs, found = asked(path, questions, elsewhere(version))
    print(f"written by {ours}, read by {theirs}")  # noqa: T201 - the figures are wanted: pytest -s -m slow
    assert theirs.startswith(version.rstrip("*"))
    assert found == answers
    assert found.count("Message") + found.count("message") > 10


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.5.*", "2.0.*"])
def test_writes(tmp_path, questions, elsewhere, version):
    """Voxlake itself works with each version that it allows, and makes the same database."""
    hand = world(tmp_path / "data")
    _, answers = asked(hand.warehouse.path, questions, dict(os.environ))
    before = hand.warehouse.path.resolve()
    environ = elsewhere(version)
    command = [sys.executable, "-m", "voxlake"]
    for arguments in (["publish"], ["report", "daily"], ["report", "daily", "--out", str(tmp_path / "a.parquet")]):
        done = subprocess.run(
            [*command, *arguments, "--data-dir", str(hand.root)],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert hand.warehouse.path.resolve() != before
    assert asked(hand.warehouse.path, questions, dict(os.environ))[1] == answers
