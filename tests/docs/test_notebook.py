"""docs/notebook.ipynb runs from beginning to end on an exported history, and shows what it says it does."""

import os
import re
import subprocess
import sys

import nbformat
import pytest
from support.clock import SYSTEM
from support.dates import days_ago
from support.notebook import PAGE
from support.paths import ROOT

import voxlake

pytestmark = pytest.mark.system_clock


def shown(page):
    """Return the kinds of all outputs of each cell."""
    return [
        [sorted(output.get("data", {output.output_type: ""})) for output in cell.outputs]
        for cell in page.cells
        if cell.cell_type == "code"
    ]


def test_the_notebook(sandbox, tmp_path):
    """Every cell runs, warns of nothing, and shows the same kinds of things as the file."""
    server = sandbox(rows=300, days=6, clock=SYSTEM)
    account = voxlake.connect(server.credentials, api_url=server.url)
    assert voxlake.export(account, tmp_path / "data" / "demo", since=days_ago(6, SYSTEM)).exit_code == 0
    (tmp_path / "docs").mkdir()
    made = tmp_path / "made.ipynb"
    command = [sys.executable, "-m", "support.notebook", tmp_path / "docs", made]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT / "tests")}, check=True)
    assert shown(nbformat.read(made, as_version=4)) == shown(nbformat.read(PAGE, as_version=4))


def test_what_is_kept_of_it():
    """The file is small, valid, was run from beginning to end, and names no place of the machine that ran it."""
    text = PAGE.read_text()
    page = nbformat.read(PAGE, as_version=4)
    nbformat.validate(page)
    assert len(text) < 20_000
    assert not re.search(r"/(work|home|root|tmp|usr|Users|private)/|Traceback|\.py", text)
    counts = [cell.execution_count for cell in page.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert "Decimal(" in text
    assert all(cell.outputs for cell in page.cells if cell.cell_type == "code")
