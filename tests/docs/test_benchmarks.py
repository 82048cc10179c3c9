"""The benchmark's own parts work: its server answers voxlake, and its floors make what they promise."""

import importlib
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from support.paths import ROOT

BENCHMARKS = ROOT / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
measure = pytest.importorskip("measure")
pytestmark = pytest.mark.system_clock


@pytest.mark.slow
def test_contestants(tmp_path):
    """Those that need nothing but voxlake's own packages fetch every row, and the harness counts them."""
    with measure.server("--rows", 1500, "--days", 5) as url:
        for name in ("leanest", "script", "voxlake_export"):
            where = tmp_path / name
            where.mkdir()
            taken = measure.run(name, url, str(where), *(["2", "6"] if name == "voxlake_export" else []))
            assert measure.rows(str(where)) == 3000
            assert taken.requests >= 4
        taken = measure.run("floor_fetch", url, str(tmp_path))
        assert (taken.requests, taken.least) == (6, 4)


@pytest.mark.slow
def test_csv(tmp_path):
    """The server's csv holds the rows of its JSON."""
    with measure.server("--rows", 1500, "--days", 5) as url:
        for output in ("json", "csv"):
            where = tmp_path / output
            where.mkdir()
            measure.run("voxlake_export", url, str(where), 2, 6, output)
    json, csv = (
        {path.parts[-4:]: pq.ParquetFile(path).read() for path in (tmp_path / output).glob("lake/**/*.parquet")}
        for output in ("json", "csv")
    )
    # Midnight may come between the two: each has a day of its own then.
    both = json.keys() & csv.keys()
    assert len(both) >= 12
    assert all(json[day].replace_schema_metadata(None).equals(csv[day].replace_schema_metadata(None)) for day in both)


@pytest.mark.slow
def test_the_night_of_a_reseller():
    """Accounts beyond the first of each kind get its days, and a night is measured that reads what is new."""
    night = importlib.import_module("night")
    taken = night.measured(night.KINDS + 1, 8, quiet=0)
    assert taken.requests >= 4 * (night.KINDS + 1)
    assert taken.rows > night.KINDS


@pytest.mark.slow
def test_the_dashboard():
    """A database is made up without a lake, and its page is drawn, small however many days it has."""
    board = importlib.import_module("board")
    *_, line = board.pages([(10, 2, 1)])
    years, accounts, rows, *_, size = line.strip("| ").split(" | ")
    assert (years, accounts) == ("10", "2")
    assert int(rows.replace(",", "")) > 2 * 2 * 3600
    assert 0.1 < float(size) < 0.5


@pytest.mark.slow
def test_a_part_of_the_report(tmp_path):
    """The harness writes its table."""
    out = tmp_path / "RESULTS.md"
    subprocess.run(
        [
            sys.executable,
            BENCHMARKS / "run.py",
            "--rows",
            "500",
            "--rounds",
            "1",
            "--contestants",
            "leanest",
            "--parts",
            "contest",
            "--out",
            out,
        ],
        check=True,
        capture_output=True,
    )
    assert "leanest unverified program" in out.read_text()
