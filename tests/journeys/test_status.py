"""The command `status`: spans of days, a calendar, and colour on a terminal alone."""

import json
import os
import pty
import subprocess
from datetime import UTC, datetime, timedelta

from support.contexts import StandingClock
from support.dates import days_ago
from support.lakes import FIRST, Hand
from support.program import PROGRAM

from voxlake.library import status
from voxlake.reporting import render_status
from voxlake.reporting.calendar import ASCII_GLYPHS, GLYPHS, draw_legend


def test_status_draws_what_it_counts(sandbox, voxlake):
    """Status draws final, open and missing days with glyphs of their own, without colour into a pipe."""
    server = sandbox(rows=100, days=12)
    voxlake("backfill", "sms", "--from", days_ago(12), "--to", days_ago(8), server=server)
    voxlake("backfill", "sms", "--from", days_ago(2), "--to", days_ago(0), server=server)
    text, plain = (
        subprocess.run(
            [*PROGRAM, "status"],
            cwd=voxlake.folder,
            env=os.environ | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            check=True,
        ).stdout.decode()
        for encoding in ("utf-8", "ascii")
    )
    calendar = "".join(
        line[6:] for line in text.splitlines() if line[2:5] in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    )
    assert [calendar.count(GLYPHS[s]) for s in ("final", "open", "missing", "unverified")] == [4, 2, 7, 0]
    assert text.splitlines()[-1] == draw_legend(GLYPHS, colour=False)
    assert "\033" not in text
    assert plain.splitlines()[-1] == draw_legend(ASCII_GLYPHS, colour=False)


def test_status_names_spans(tmp_path, voxlake):
    """Days that lie together are one line, whatever they lack, and JSON names each."""
    hand = Hand(tmp_path / "data")
    for day in (1, 2, 3, 5, 10):
        hand.put(FIRST.replace(day=day), [], verified=day == 10)
    hand.publish()
    told = voxlake("status", "--data-dir", hand.root).stdout.splitlines()
    assert "  newest message: none" in told
    assert [line for line in told if line.startswith("  unverified: ")] == [
        "  unverified: 2026-01-01 to 2026-01-03 (3 days): not verified",
        "  unverified: 2026-01-05: not verified",
    ]
    after = (days_ago(0) - FIRST.replace(day=10)).days
    assert [line for line in told if line.startswith("  missing: ")] == [
        "  missing: 2026-01-04",
        "  missing: 2026-01-06 to 2026-01-09 (4 days)",
        f"  missing: 2026-01-11 to {days_ago(0)} ({after:,} days)",
    ]
    (stream,) = json.loads(voxlake("status", "--data-dir", hand.root, "--format", "json").stdout)["streams"]
    assert len(stream["missing_days"]) == 5 + after
    assert list(stream["unverified_days"]) == [f"2026-01-0{day}" for day in (1, 2, 3, 5)]


def shown(folder, **environ):
    """Run status on a terminal and give what it shows."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
    subprocess.run([*PROGRAM, "status"], cwd=folder, stdout=theirs, env=clean | environ, check=True)
    os.close(theirs)
    told = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        told += piece
        if not piece:
            break
    os.close(ours)
    return told.decode()


def test_colour_on_a_terminal_alone(sandbox, voxlake):
    """A terminal gets colour, unless its owner has set NO_COLOR."""
    server = sandbox(rows=10, days=2)
    voxlake("export", "--since", days_ago(2), server=server)
    assert "\033[36m" in shown(voxlake.folder)
    assert "\033" not in shown(voxlake.folder, NO_COLOR="1")
    assert "\033" not in shown(voxlake.folder, TERM="dumb")


def test_where_there_is_no_data_directory(voxlake):
    """A name that leads nowhere is a mistake of whoever asks; a directory without an export holds nothing yet."""
    (line,) = voxlake("status", "--data-dir", "nowhere", code=2).stderr.splitlines()
    assert line.startswith("voxlake: There is no data directory nowhere: ")
    assert "'voxlake export'" in line
    assert "holds nothing yet" in voxlake("status", "--data-dir", ".").stdout


def test_an_old_lake_says_its_age(tmp_path):
    """When an export ended well is said in words, and what is stale is called so, of several accounts by name."""
    hand, at = Hand(tmp_path / "data"), datetime(2026, 1, 10, 3, tzinfo=UTC)
    for account, name, days in ((1, "North", 0), (2, "South", 11)):
        hand.put(FIRST, [], account=account)
        hand.know(account, name=name, last_good_run=at - timedelta(days=days, hours=2))
    hand.publish()

    def told(now, *accounts):
        found = status(hand.root, accounts=accounts or None, clock=StandingClock(now)).to_json()
        lines = render_status(found, hand.root, {}).splitlines()
        return [line for line in lines if "ended well" in line or line.startswith("stale")], found["accounts"]

    lines, accounts = told(at)
    assert lines == [
        "stale: South, account 2: 2025-12-30 01:00 UTC, 11 days 2 hours ago",
        "newest export that ended well of North, account 1: 2026-01-10 01:00 UTC, 2 hours ago",
    ]
    assert accounts[1]["last_good_run"] == "2025-12-30 01:00:00"
    assert [(its["age"], its["stale"]) for its in accounts] == [("2 hours", False), ("11 days 2 hours", True)]
    lines, _ = told(at + timedelta(days=2), 1)
    assert lines == ["stale: newest export that ended well: 2026-01-10 01:00 UTC, 2 days 2 hours ago"]
