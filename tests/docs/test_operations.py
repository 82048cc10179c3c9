"""docs/operations.md: its transcripts are what the command says, its commands run, and its messages are ours."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.broken import BROKEN, write_settings
from support.dates import days_ago
from support.paths import DOCS, ROOT
from support.terminal import run

PAGE = (DOCS / "operations.md").read_text()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Stand in an empty folder."""
    folder = tmp_path / "srv"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def transcript(about):
    """Return what the page shows of a broken set-up."""
    return re.search(
        rf"^\$ voxlake doctor +# {re.escape(about)}\n((?:FAILED.*\n)*)\$ echo \$\?\n(\d)$", PAGE, re.MULTILINE
    )


def steady(text):
    """Return a text without what changes with each new setting, and with the version of DuckDB."""
    text = re.sub(r"use data_dir, .*, or sections", "use data_dir, ..., or sections", text)
    return re.sub(r"(duckdb cannot be read) \(.*\):", r"\1 (...):", text)


@pytest.mark.parametrize("about", BROKEN)
def test_doctor_in_a_broken_set_up(place, sandbox, capfd, about):
    """The page has every line about what failed, and the exit code."""
    break_it, switches = BROKEN[about]
    server = sandbox(*switches, rows=0)
    write_settings(server)
    with break_it(place, server) as arguments:
        code = run("doctor", *arguments)
    said = steady(capfd.readouterr().out.replace(str(place), "/srv/sms"))
    lines = [line for line in said.splitlines(keepends=True) if line.startswith("FAILED")]
    shown = transcript(about)
    assert shown is not None
    assert (shown[1], int(shown[2])) == ("".join(lines), code)


def commands(heading):
    """Return the shell blocks below a heading."""
    part = re.split(r"^## ", PAGE.partition(f"\n## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```sh\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


def execute(text):
    """Run a block: our own commands in this process, the others by a shell."""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["voxlake"]:
            assert run(*words[1:]) == 0, line
        elif words:
            subprocess.run(["sh", "-eu", "-c", line], check=True)


def state():
    """Return what a data directory holds: messages, days and accounts."""
    import voxlake  # noqa: PLC0415 - as a program does

    with voxlake.open("data") as database:
        return [
            database.sql(f"FROM {name} ORDER BY ALL").fetchall()
            for name in ("sms_history", "a2p_sms_history", "coverage", "accounts", "daily")
        ]


def test_backup_and_restore(place, sandbox, monkeypatch, capfd):
    """Of everything but the lake nothing is needed: the same database is made of it, and exports go on."""
    server = sandbox(rows=200, days=5)
    monkeypatch.setenv("VOXIMPLANT_API_URL", server.url)
    monkeypatch.setenv("VOXIMPLANT_CREDENTIALS", str(server.credentials))
    assert run("export", "--since", days_ago(4)) == 0
    before = state()
    (block_backup, block_restore) = commands("Backup and restore")
    execute(block_backup)
    shutil.rmtree("data")
    execute(block_restore)
    assert {path.name for path in Path("data").iterdir()} >= {"lake", "voxlake.duckdb"}
    assert state() == before
    asked = len(server.requests)
    assert run("export") == 0
    assert len(server.requests) - asked < 20
    assert state()[:2] == before[:2]
    assert run("status", "--check") == 0


def test_moving(place, sandbox, monkeypatch, capfd):
    """A data directory works wherever it is moved to."""
    server = sandbox(rows=50, days=3)
    monkeypatch.setenv("VOXIMPLANT_API_URL", server.url)
    monkeypatch.setenv("VOXIMPLANT_CREDENTIALS", str(server.credentials))
    assert run("export", "--since", days_ago(2)) == 0
    before = state()
    Path("data").rename("elsewhere")
    assert run("status", "--check", "--data-dir", "elsewhere") == 0
    assert run("export", "--data-dir", "elsewhere") == 0
    Path("elsewhere").rename("data")
    assert state()[:2] == before[:2]


def constants():
    """Return all texts of the package."""
    for path in (ROOT / "pipelines").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_messages_of_the_runbook():
    """Every message that the page explains is one that voxlake writes, and every exit code is there."""
    part = PAGE.partition("\n## By message\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)`", part, re.MULTILINE)
    texts = list(constants())
    assert len(rows) > 10
    pieces = {piece for row in rows for piece in row.split("…")}
    assert [piece for piece in pieces if not any(piece in text for text in texts)] == []
    codes = re.findall(r"^\| (\d+) \|", PAGE.partition("\n## By exit code\n")[2].partition("\n## ")[0], re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "4", "5", "75", "130", "143"]


@pytest.mark.parametrize(("typed", "offered"), [("voxlake rep", "report"), ("voxlake status --ch", "--check")])
def test_shell_completion(place, monkeypatch, capfd, typed, offered):
    """A shell that asks as click's completion does is offered commands and flags; the page says how to turn it on."""
    words = typed.split()
    monkeypatch.setenv("_VOXLAKE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    run()
    assert f"plain,{offered}" in capfd.readouterr().out.splitlines()
    for shell in ("bash", "zsh", "fish"):
        assert f"_VOXLAKE_COMPLETE={shell}_source voxlake" in PAGE
        monkeypatch.setenv("_VOXLAKE_COMPLETE", f"{shell}_source")
        if shell != "bash" or shutil.which("bash"):
            run()
            assert "_VOXLAKE_COMPLETE=" in capfd.readouterr().out
