"""What a terminal shows: it fits, and the texts of strangers do nothing there. Files and pipes get the data itself."""

import os
import subprocess
import sys
import unicodedata
from decimal import Decimal
from pathlib import Path

import pytest
from support.lakes import FIRST, Hand, row
from support.terminal import shown_by

from voxlake.reporting.saved_queries import load_saved_queries
from voxlake.reporting.widths import width

pytestmark = pytest.mark.dateless

VOXLAKE = str(Path(sys.executable).parent / "voxlake")
EVIL = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\b\b\x7f\r\u202etxt\u2066 漢😀"
QUERY = "SELECT error_message AS text FROM messages WHERE error_message IS NOT NULL"
# What acts on a terminal, but for newline; tabs have no place in a table either.
ACTING = ("Cc", "Cf", "Zl", "Zp")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a lake with a hostile text, failed and dear messages, and a day that is not verified."""
    hand = Hand(tmp_path_factory.mktemp("terminal") / "data")
    failed = {"status_id": 2, "status": "error", "delivery_status": "EXPIRED", "error_message": EVIL}
    long = failed | {
        "error_message": "Error send sms to 819053534695: " + "not reachable; " * 12,
        "cost": Decimal("10.8492"),
    }
    rows = [row(1), row(2, **failed), row(3, **long), row(4, status_id=3, status="waiting", fragments=9, text="x")]
    hand.put(FIRST, rows, total=9, verified=False)
    hand.put(FIRST, [{**each, "message_id": each["message_id"] + 9} for each in rows], stream="a2p")
    hand.publish()
    return hand.root


def acting(text):
    """Return the characters of a text that would act on a terminal."""
    return {c for c in text if unicodedata.category(c) in ACTING and c != "\n"}


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_nothing_of_a_stranger_acts_on_a_terminal(data, form):
    """Whatever the format, the terminal shows what would act on it; an error that quotes it does, too."""
    code, shown = shown_by("query", QUERY, "--format", form, "--data-dir", data)
    assert (code, acting(shown)) == (0, set())
    assert "\\u001b" in shown
    assert "\\u202e" in shown
    code, shown = shown_by("query", f"SELECT '{EVIL}' FROM nowhere", "--data-dir", data)
    assert (code, acting(shown)) == (2, set())
    code, shown = shown_by("report", EVIL, "--data-dir", data)
    assert (code, acting(shown)) == (2, set())


@pytest.mark.sample(2)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_pipe_gets_the_bytes_of_a_file(data, tmp_path, form):
    """`--format csv > a.csv` and `--out b.csv` are one file, whatever the locale; nothing is taken out of a text."""
    command = [VOXLAKE, "query", QUERY, "--data-dir", data]
    env = os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    piped = subprocess.run([*command, "--format", form], env=env, capture_output=True, check=True).stdout
    subprocess.run([*command, "--out", tmp_path / f"b.{form}"], env=env, capture_output=True, check=True)
    assert piped == (tmp_path / f"b.{form}").read_bytes()
    assert "\u202etxt\u2066 漢😀".encode() in piped
    assert (EVIL.encode() in piped) is (form == "csv")


@pytest.mark.sample(12)
@pytest.mark.parametrize("name", load_saved_queries(None))
def test_every_report_fits(data, name):
    """No line of a report is wider than the terminal."""
    code, shown = shown_by("report", name, "--data-dir", data)
    assert code == 0
    # What stands on stderr are sentences.
    said = ("Stale: ", "Missing: ", "Not verified: ", "Settling: ", "The table is too narrow ", "No day ")
    said += tuple(filter(None, [load_saved_queries(None)[name].if_empty]))
    assert max(width(line) for line in shown.splitlines() if not line.startswith(said)) <= 80


def test_status_of_strangers(data, tmp_path):
    """`status` keeps its colours, and shows what a stranger wrote into an error."""
    ledger = '{"version": 1, "parts": [], "last_run": {"ended_at": "2026", "exit_code": 4, "requests": 1, "errors": ["'
    copy = tmp_path / "data"
    subprocess.run(["cp", "-a", data, copy], check=True)
    (copy / "ledger.sqlite").unlink(missing_ok=True)
    (copy / "ledger.json").write_text(f'{ledger}\\u001b[2J\\u202e"]}}}}')
    code, shown = shown_by("status", "--data-dir", copy)
    assert code == 0
    assert "\\u001b[2J\\u202e" in shown
    assert "\x1b[1;33m!" in shown


@pytest.mark.sample(2)
@pytest.mark.parametrize("columns", [40, 54, 80])
def test_progress_fits(sandbox, tmp_path, columns):
    """What an export says of its progress fits, says what matters most, and is gone before the result."""
    server = sandbox(rows=300, days=30, faults="http-503=1,first=2")
    environ = ["--credentials", server.credentials, "--api-url", server.url, "--data-dir", tmp_path / "data"]
    code, shown = shown_by("export", *environ, columns=columns)
    assert code == 0
    drawn = [line for line in shown.split("\r\033[K") if "\n" not in line]
    assert max(map(width, drawn)) <= columns
    assert any("trying again for " in line for line in drawn)
    assert any(" of 62 days" in line for line in drawn)
    assert "\r\033[Ksms: " in shown
    assert shown.count("\033") == shown.count("\r\033[K")
