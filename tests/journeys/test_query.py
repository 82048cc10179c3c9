"""`query` and `report` write what they print, in every format."""

import io
import sys
from datetime import timedelta
from pathlib import Path

import openpyxl
from support.dates import days_ago
from support.lakes import FIRST, Hand, row
from support.terminal import run


def test_query_command(voxlake, tmp_path):
    """`query` writes the same files as `report`."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1, text="=1+1")])
    hand.publish()
    for ending in ("csv", "json", "txt", "parquet", "xlsx"):
        out = voxlake.folder / f"a.{ending}"
        done = voxlake("query", "SELECT text FROM messages", "--data-dir", hand.root, "--out", out)
        assert done.stderr.startswith("1 row: ")
        assert out.stat().st_size > 5
    assert (voxlake.folder / "a.csv").read_text() == "text\n'=1+1\n"
    assert openpyxl.load_workbook(voxlake.folder / "a.xlsx").active["A2"].value == "=1+1"


def test_a_query_that_begins_with_a_comment(voxlake, tmp_path):
    """A comment in front is no option, and an option is no comment."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    where = ("--data-dir", hand.root, "--format", "csv")
    for sql in ("-- note\nSELECT 1 AS a", "--note\nSELECT 1 AS a", "-- note\n\n/* more */ SELECT 1 AS a"):
        assert voxlake("query", sql, *where).stdout == "a\n1\n"
        assert voxlake("query", *where, sql).stdout == "a\n1\n"
    assert "empty" in voxlake("query", "-- only", *where, code=2).stderr
    assert "--note" in voxlake("query", "--note", "SELECT 1", *where, code=2).stderr


def test_the_caret_of_every_way_to_ask(tmp_path, monkeypatch, capsys):
    """The line and its caret are those of the text that was given: an argument, a file, stdin, lines of the shell."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    monkeypatch.chdir(tmp_path)
    sql = "-- 漢字\nSELECT\t'漢字 שלום' AS a,\n\tnowhere.b"
    Path("file.sql").write_text(f"\ufeff{sql}\n")
    told = []
    for words, typed in (
        (("query", sql), ""),
        (("query", "@file.sql"), ""),
        (("query", "-"), f"\ufeff{sql}"),
        (("shell", "--plain"), f"{sql};"),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        assert run(*words, "--data-dir", hand.root) == 2
        told.append(capsys.readouterr().err.rstrip("\n").split("\n")[-2:])
    assert told == [["LINE 3:  nowhere.b", "         ^^^^^^^^^"]] * 3 + [["LINE 3:  nowhere.b;", "         ^^^^^^^^^"]]


def test_a_report_says_which_days_lack_messages(tmp_path, voxlake):
    """Figures over days that are missing or not verified come with a word about it, and only they."""
    hand = Hand(tmp_path / "data")
    for n in range(4):
        day = FIRST + timedelta(days=n)
        hand.put(day, [row(n + 1, day)], verified=n not in (1, 2))
    hand.publish()
    where = ("--data-dir", tmp_path / "data")
    after = (days_ago(0) - FIRST).days - 4
    told = voxlake("report", "daily", *where).stderr.splitlines()
    assert told[0].startswith("Stale: the newest export that ended well was ")
    assert told[1:] == [
        f"Missing: 2026-01-05 to {days_ago(1)} ({after} days) of sms; run 'voxlake export'.",
        (
            "Not verified: 2026-01-02 to 2026-01-03 (2 days) of sms, so messages may be missing; 'voxlake status' says"
            " why."
        ),
    ]
    assert voxlake("query", "SELECT 1", *where).stderr.splitlines() == told
    assert voxlake("report", "daily", "-q", *where).stderr.splitlines() == told
    (line,) = voxlake("report", "daily", "--from", "2026-01-03", "--to", "2026-01-04", *where).stderr.splitlines()
    assert line.startswith("Not verified: 2026-01-03 of sms, so")
    assert not voxlake("report", "daily", "--from", "2026-01-04", "--to", "2026-01-05", *where).stderr
    assert not voxlake("report", "daily", "--to", "2026-01-02", *where).stderr
    (line,) = voxlake("report", "daily", "--from", "2025-12-30", "--to", "2026-01-02", *where).stderr.splitlines()
    assert line == (
        "Missing: 2025-12-30 to 2025-12-31 (2 days) of sms, before what exports look after; run 'voxlake backfill sms"
        " --from 2025-12-30 --to 2026-01-01'."
    )
    states = voxlake("query", "SELECT max(date) AS day FROM days", "--format", "csv", *where).stdout
    assert states == f"day\n{days_ago(1)}\n"
