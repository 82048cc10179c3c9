"""`voxlake shell`: DuckDB's own shell and the small prompt, on the published database, read-only."""

import io
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from support.lakes import FIRST, Hand, row
from support.terminal import run

from voxlake.reporting import bind_parameters, load_saved_queries, query_table, read_scope, report_macros
from voxlake.warehouse import Warehouse

pytestmark = pytest.mark.dateless

VOXLAKE = str(Path(sys.executable).parent / "voxlake")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a data directory with three messages, and with a quote in its path."""
    hand = Hand(tmp_path_factory.mktemp("shell") / "it's data")
    hand.put(FIRST, [row(1), row(2), row(3, text="a;\nb")])
    hand.publish()
    return hand.root


@pytest.fixture
def ask(data, monkeypatch, capsys):
    """Return a way to write statements into the small prompt through a pipe: exit code, stdout and stderr."""

    def asked(text, *flags):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        code = run("shell", "--plain", *flags, "--data-dir", data)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return asked


def test_statements_from_a_pipe(ask):
    """Statements go over lines and hold semicolons in texts and comments; the last one needs none."""
    text = "SELECT count(*) AS n\n  FROM messages;\n\nSELECT 'a;\nb' AS x; -- ;\nSELECT 5 AS five"
    assert ask(text) == (0, "n\n-\n3\nx\n----\na; b\nfive\n----\n   5\n", "")


def test_commands_of_the_prompt(ask):
    """What begins with a dot is a command; one that there is not is named."""
    code, out, _ = ask(".help\n.reports\n.tables\n.quit\nSELECT nothing;")
    assert code == 0
    assert all(word in out for word in ("semicolon", "report_monthly_cost", "coverage"))
    code, _, err = ask(".open x\n")
    assert (code, err) == (2, "voxlake: There is no command '.open': use .help, .reports, .tables or .quit.\n")


@pytest.mark.parametrize("sql", ["SELECT nope;", "DROP TABLE sms_history;", "SELECT 1; SELECT 2;", "FROM 'x.csv';"])
def test_the_first_failure_ends_a_pipe(ask, sql):
    """What cannot be answered, changes the database or opens a file ends with a sentence and 2."""
    code, out, err = ask(f"{sql}\nSELECT 9 AS nine;")
    assert (code, out) == (2, "")
    assert err.startswith("voxlake: The ")


@pytest.mark.slow
def test_every_report_is_a_macro(data):
    """Each answers what `voxlake report` does, with bounds and without."""
    known = load_saved_queries(None)
    macros = report_macros(known.values())
    assert len(macros) == len(known)
    with Warehouse(data).reader() as connection:
        scope = read_scope(connection)
        for (name, statement), query in zip(macros.items(), known.values(), strict=True):
            connection.execute(statement)
            for first, bounds in ((None, ""), (FIRST, f"since := DATE '{FIRST}', until := NULL")):
                bound = scope.bind(bind_parameters(query, first=first, end=None, number=None))
                rows = query_table(connection, query.sql, bound, form="DataFrame").to_pylist()
                assert connection.sql(f"FROM {name}({bounds})").to_arrow_table().to_pylist() == rows


def test_nothing_to_ask(tmp_path, capsys):
    """Without a database, both say how to get one."""
    for flags in ([], ["--plain"]):
        assert run("shell", *flags, "--data-dir", tmp_path / "none") == 2
        assert "run 'voxlake export' first" in capsys.readouterr().err


@pytest.mark.skipif(not Path(VOXLAKE).with_name("duckdb").exists(), reason="DuckDB's own shell is not installed")
def test_duckdbs_own_shell(data):
    """It is started where it is installed, knows the reports, takes days as UTC and cannot change anything."""
    text = "SELECT count(*) FROM messages; SELECT sum(messages) FROM report_daily(); DELETE FROM sms_history;"
    done = subprocess.run(
        [VOXLAKE, "shell", "--data-dir", data], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.count(" 3 ") == 2
    assert "read-only" in done.stderr


def test_on_a_terminal():
    """A typed statement is answered, one that fails is not the end, and Ctrl-C begins a line anew."""
    ours, theirs = pty.openpty()
    program = "from voxlake.cli.shell import _prompt; import duckdb; _prompt(duckdb.connect(), {})"
    shell = subprocess.Popen([sys.executable, "-c", program], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""

    def until(text, signaled=None):
        nonlocal shown
        while text not in shown:
            if signaled is None or select.select([ours], [], [], 5)[0]:
                shown += os.read(ours, 65536)
            else:
                # Just before Python waits for a key, a signal is not heard until the next one.
                shell.send_signal(signaled)
        shown = shown.partition(text)[2]

    until(b"voxlake> ")
    os.write(ours, b"SELECT wrong;\n")
    until(b"The query failed")
    until(b"voxlake> ")
    os.write(ours, b"SELECT wro")
    until(b"SELECT wro")
    shell.send_signal(signal.SIGINT)
    until(b"voxlake> ", signal.SIGINT)
    os.write(ours, b"SELECT 6\n")
    until(b"...> ")
    os.write(ours, b"* 7 AS answer;\n")
    until(b"42")
    until(b"voxlake> ")
    os.write(ours, b"\x04")
    assert shell.wait(30) == 0
    os.close(ours)


def test_a_whole_statement():
    """A semicolon within a text or a comment is not the end; what is wrong in another way is whole."""
    from voxlake.cli.shell import is_whole  # noqa: PLC0415

    assert [is_whole(sql) for sql in ("SELECT 1;", "SELECT ';", "/* ;", "SELEKT 1;", 'FROM "a;')] == [
        True, False, False, True, False,
    ]  # fmt: skip
    assert duckdb.extract_statements("SELECT 1;")
