"""The first screen of README.md is true: its picture is there, and `make run` does and prints what it says."""

import re
import subprocess

import pytest
from support.paths import ROOT

pytestmark = pytest.mark.dateless

PAGE = (ROOT / "README.md").read_text()
FIRST_SCREEN = "\n".join(PAGE.splitlines()[:30])


def test_the_picture():
    """It is shown first, and small."""
    (name,) = re.findall(r"^!\[[^]]+\]\((\S+)\)$", FIRST_SCREEN, re.MULTILINE)
    picture = (ROOT / name).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 200_000


def test_make_run():
    """It writes below data/demo alone, and the commands that it prints are those of the page, by their whole path."""
    command = ["make", "--always-make", "--dry-run", "--old-file=.venv/.installed", "run"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"--data-dir (\S+?)[\s\"]", printed)) == {"data/demo"}
    to_type = re.findall(r'^echo "  (\.venv/bin/voxlake .*?)\s+#', printed, re.MULTILINE)
    assert len(to_type) == 3
    assert to_type == re.findall(r"^\$ (\.venv/bin/voxlake .*?)\s+#", FIRST_SCREEN, re.MULTILINE)
