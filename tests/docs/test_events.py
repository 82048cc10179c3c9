"""docs/events.md: its table is what is declared, and its transcripts are what a night with faults writes."""

import json
import re

from support.nights import with_faults
from support.paths import DOCS

from voxlake.events import KINDS

PAGE = (DOCS / "events.md").read_text()
TRANSCRIPTS = re.findall(r"^```console\n\$ voxlake (.*?)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_kind_is_in_the_table():
    """The table has each kind with its level, its meaning and its details."""
    rows = [
        f"| `{kind}` | {declared.level} | {declared.meaning} | {', '.join(f'`{name}`' for name in declared.details)} |"
        for kind, declared in KINDS.items()
    ]
    assert PAGE.partition("## Every kind")[2].strip().splitlines()[2:] == rows


def timeless(line):
    """Return a line without times, and without the lengths of pauses, which chance decides."""
    line = re.sub(r"\d\d:\d\d:\d\d(\.\d+)?", "00:00:00", line)
    line = re.sub(r"\d+\.\d+ s\b", "0.0 s", line)
    return re.sub(r'"(seconds|left)": [\d.]+', r'"\1": 0', line)


def test_the_transcripts(tmp_path, capfd, monkeypatch):
    """Both commands write these lines, but for their times; the order of two threads is nobody's promise."""
    monkeypatch.chdir(tmp_path)
    night = with_faults(tmp_path)
    with night.server:
        for command, text in TRANSCRIPTS:
            assert night.run(*command.split()) == 0
            written = [line.replace(f"{tmp_path}/", "") for line in capfd.readouterr().err.splitlines()]
            assert sorted(map(timeless, written)) == sorted(map(timeless, text.splitlines())), "\n".join(written)
    events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert {"retry", "quirk-learned", "split", "day-verified"} <= {event["kind"] for event in events}
    assert len(TRANSCRIPTS) == 2
