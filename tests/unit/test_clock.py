"""The time comes from one clock, which is handed in."""

import ast
from datetime import UTC, datetime, timedelta

import pytest
from support.clock import CLOCK, START
from support.days import DATES
from support.paths import ROOT

from voxlake.clock import SYSTEM

READERS = {
    "pipelines/voxlake/clock.py",
    "pipelines/voxlake/sandbox/tls.py",
    "tests/support/clock.py",
    "tests/support/data_directory.py",
    "tests/support/other_version.py",
}
"""Who may ask the machine for the time: the clocks, what sets one, and what TLS judges by the machine's time anyway."""
CALLED = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.gmtime"}


def read(path):
    """Return the lines on which a file asks the machine for the time."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ".".join(ast.unparse(node.func).split(".")[-2:]) in CALLED:
            yield node.lineno


def test_nobody_else_reads_the_time():
    """Neither the program nor a test reads the machine's time but through a clock."""
    paths = [path for folder in ("pipelines", "tests") for path in (ROOT / folder).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): list(read(path)) for path in paths if "node_modules" not in path.parts}
    assert {path for path, lines in found.items() if lines} == READERS


def test_the_clock_of_the_tests():
    """A test begins at the start, and time goes on from there; days of voxlake are days of that clock."""
    assert START <= CLOCK.now() < START + timedelta(minutes=1)
    before = CLOCK.time()
    CLOCK.sleep(0.01)
    assert 0.01 <= CLOCK.time() - before < 60


def test_the_clock_of_the_system():
    """It knows its zone, and says the same in seconds."""
    now = SYSTEM.now()
    assert now.tzinfo is UTC
    SYSTEM.sleep(0)
    assert 0 <= SYSTEM.time() - now.timestamp() < 60


@pytest.mark.parametrize("wanted", ["02-29T", "12-31T23:59:00", "01-01T00:00:01", "28T23:59:00"])
def test_the_days_that_are_tried(wanted):
    """Thirty dates, among them leap days, the ends of years, months and days, and each weekday."""
    assert len(set(DATES)) == 30
    assert any(wanted in date for date in DATES)
    assert {datetime.fromisoformat(date).weekday() for date in DATES} == set(range(7))
