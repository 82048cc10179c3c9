"""`voxlake init`: a file of settings from flags or from answers, which every other command reads."""

import contextlib
import errno
import getpass
import io
import json
import os
import stat
import sys
import threading
import tomllib
from pathlib import Path

import pytest
from support.dates import days_ago
from support.terminal import run, terminal

from voxlake.cli.settings import NAMES, TABLES
from voxlake.files import write_private

TABLE_LINES = {f"# [{table}]" for table in TABLES}
FLAGS = ("--data-dir", "data", "--nightly-at", "02:30")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Stand in an empty folder, without a terminal."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return folder


def content(file="voxlake.toml"):
    """Return what a file of settings says."""
    return tomllib.loads(Path(file).read_text())


def refuse(*_):
    """Answer as a file system without hard links does."""
    raise PermissionError(errno.EPERM, "Operation not permitted")


def mode(file):
    """Return the permissions of a file."""
    return stat.S_IMODE(Path(file).stat().st_mode)


def test_from_flags_to_a_database(place, sandbox, capfd):
    """The file holds what was given, absolute and for its owner alone, and an export needs nothing else."""
    server = sandbox(rows=40, days=3)
    code = run("init", "--credentials", server.credentials, "--api-url", server.url, *FLAGS)
    written = capfd.readouterr()
    assert (code, mode("voxlake.toml")) == (0, 0o600)
    assert content() == {
        "data_dir": str(place / "data"),
        "credentials": str(server.credentials),
        "api_url": server.url,
        "nightly_at": "02:30",
    }
    assert f"The API answers for account {server.account_id}." in written.err
    assert len(server.requests) == 1
    assert [line.split(" ")[-1] for line in written.out.splitlines()][:2] == ["doctor", "export"]
    assert written.out.splitlines()[2].partition(" install-timer")[1]
    # It is called from elsewhere, too.
    os.chdir("/")
    assert run("export", "--config", place / "voxlake.toml") == 0
    assert (place / "data" / "voxlake.duckdb").exists()


def test_every_setting_is_in_the_file(place, sandbox):
    """What was not chosen is there as a comment, which is right when its mark is taken away."""
    server = sandbox(rows=0)
    run("init", "--offline", "--credentials", server.credentials)
    lines = Path("voxlake.toml").read_text().splitlines()
    open_lines = [line.removeprefix("# ") if line.startswith("# ") and " = " in line else line for line in lines]
    open_lines = [line.removeprefix("# ") if line in TABLE_LINES else line for line in open_lines]
    text = "\n".join(line for line in open_lines[: open_lines.index("# [accounts.main]")] if not line.startswith("#"))
    found = tomllib.loads(text)
    assert set(found) == {*NAMES, *TABLES}
    assert all(set(found[table]) == set(keys) for table, keys in TABLES.items())


def test_since_is_remembered(place, sandbox):
    """The first day is in a section of the account, so that whatever exports first looks after it."""
    server = sandbox(rows=30, days=5)
    since = days_ago(4)
    assert run("init", "--credentials", server.credentials, "--api-url", server.url, "--since", since, *FLAGS) == 0
    assert content()["accounts"]["main"]["since"] == since
    assert "credentials" not in content()
    assert run("export") == 0
    days = {path.name for path in Path("data/lake/sms_history").glob("*/date=*")}
    assert min(days) == f"date={since}"


@pytest.mark.parametrize("key", ["flag", "stdin", "variable"])
def test_the_legacy_pair(place, sandbox, monkeypatch, capfd, key):
    """Number and key are stored beside the file, where the owner alone reads them, and are shown nowhere."""
    server = sandbox(rows=0)
    monkeypatch.setenv("VOXIMPLANT_API_URL", server.url)
    flags = {"flag": ("--api-key", server.api_key), "stdin": ("--api-key", "-"), "variable": ()}[key]
    if key == "stdin":
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{server.api_key}\n"))
    if key == "variable":
        monkeypatch.setenv("VOXIMPLANT_API_KEY", server.api_key)
    assert run("init", "--account-id", server.account_id, *flags, *FLAGS) == 0
    stored = place / f"credentials-{server.account_id}.json"
    assert json.loads(stored.read_text()) == {"account_id": server.account_id, "api_key": server.api_key}
    assert (mode(stored), mode("voxlake.toml")) == (0o600, 0o600)
    assert content()["credentials"] == str(stored)
    assert server.api_key not in Path("voxlake.toml").read_text() + str(capfd.readouterr())
    monkeypatch.delenv("VOXIMPLANT_API_KEY", raising=False)
    assert run("export", "--dry-run") == 0


def test_nothing_is_overwritten(place, sandbox, capfd):
    """A file that is there stays as it is; with --force it is kept beside the new one."""
    server = sandbox(rows=0)
    given = ("init", "--offline", "--credentials", server.credentials, *FLAGS)
    Path("voxlake.toml").write_text("# mine\nbroken")
    assert run(*given) == 2
    assert "voxlake.toml exists: edit it, name another file with --config, or replace" in capfd.readouterr().err
    assert Path("voxlake.toml").read_text() == "# mine\nbroken"
    assert run(*given, "--force") == 0
    assert Path("voxlake.toml.before").read_text() == "# mine\nbroken"
    assert content()["nightly_at"] == "02:30"
    assert run(*given, "--config", "other.toml") == 0
    assert " --config other.toml" in capfd.readouterr().out
    assert not list(place.glob(".voxlake-*"))


def test_nobody_answers(place, capfd):
    """Who closes the terminal gets a sentence, and nothing is written."""
    with typing("\x04"):
        assert run("init") == 2
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("links", [True, False])
def test_who_comes_first_stays(place, monkeypatch, links):
    """Where two write at the same time, the file of the first stays, also without hard links."""
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    write_private(place / "a", "first", replace=False)
    with pytest.raises(FileExistsError):
        write_private(place / "a", "second", replace=False)
    assert (place / "a").read_text() == "first"
    assert [path.name for path in place.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        ((), 2, "There is no terminal to ask on, and no credentials are given: name the vendor's credentials.json"),
        (("--account-id", "5"), 2, "there is no terminal"),
        (("--credentials", "none.json"), 2, "none.json cannot be read"),
        (("--credentials", "{}", "--nightly-at", "3am"), 2, "--nightly-at is '3am': give a time of day as HH:MM."),
        (("--credentials", "{}", "--since", "2999-01-01"), 2, "--since is 2999-01-01, in the future"),
        (("--credentials", "{}", "--data-dir", "a*b"), 2, "which DuckDB reads as a pattern"),
        (("--credentials", "{}", "--config", "no/voxlake.toml"), 2, "no/voxlake.toml cannot be written"),
        (("--credentials", "{}", "--api-url", "http://example.com"), 2, "plain http"),
    ],
)
def test_what_cannot_be(place, sandbox, capfd, flags, code, says):
    """What is wrong with a flag is one sentence, and nothing is written."""
    server = sandbox(rows=0)
    flags = [str(server.credentials) if flag == "{}" else flag for flag in flags]
    assert run("init", *flags) == code
    assert says.lower() in capfd.readouterr().err.lower()
    assert list(place.iterdir()) == []
    assert server.requests == []


def test_credentials_that_are_refused(place, sandbox, capfd):
    """The file is kept, because a role is given elsewhere; the exit code and the sentence are those of the call."""
    server = sandbox(rows=0)
    refused = server.credentials_for(["Nobody"])
    assert run("init", "--credentials", refused, "--api-url", server.url, *FLAGS) == 3
    said = capfd.readouterr()
    assert "refused the credentials for GetSmsHistory" in said.err
    assert "voxlake.toml is written all the same. Mend that first, then:" in said.err
    assert "doctor" in said.out
    assert content()["credentials"] == str(refused)


@contextlib.contextmanager
def typing(*lines):
    """Make stdin, stdout and stderr one terminal, at which somebody types."""
    ours, theirs = os.openpty()
    before = sys.stdin
    writer = threading.Thread(target=lambda: [os.write(ours, f"{line}\n".encode()) for line in lines])
    try:
        with os.fdopen(theirs) as sys.stdin, terminal(80) as shown:
            writer.start()
            yield shown
    finally:
        sys.stdin = before
        writer.join()
        os.close(ours)


def test_four_questions(place, sandbox, monkeypatch):
    """Who types answers gets the file that flags give; what cannot be used is asked for again."""
    server = sandbox(rows=0)
    monkeypatch.setenv("VOXIMPLANT_API_URL", server.url)
    with typing("nowhere.json", server.credentials, "", "sometime", days_ago(9), "25:00", "04:45") as shown:
        code = run("init")
    text = shown[0]
    assert code == 0, text
    assert "nowhere.json is not a file" in text
    assert "'sometime' is not a UTC day" in text
    assert "'25:00': give a time of day" in text
    assert content()["data_dir"] == str(place / "data")
    assert content()["nightly_at"] == "04:45"
    assert content()["accounts"]["main"]["since"] == days_ago(9)


def test_a_key_that_is_typed(place, sandbox, monkeypatch):
    """A number is answered with a question for the key."""
    server = sandbox(rows=0)
    monkeypatch.setattr(getpass, "getpass", lambda *_, **__: server.api_key)
    with typing(server.account_id, "", "", "") as shown:
        assert run("init", "--api-url", server.url) == 0
    assert server.api_key not in shown[0]
    assert content()["credentials"] == str(place / f"credentials-{server.account_id}.json")
