"""Run the fast tests as if today were another day: `days.py [DATE ...]`, by default each of thirty; see `clock.py`.

It stops at the first date on which something fails, names it, and ends with 1.
"""

import os
import subprocess
import sys
from pathlib import Path

DATES = (
    # Every day of a week, among them the Saturday on which a fresh clone once failed.
    "2026-11-23", "2026-11-24T09:30", "2026-11-25", "2026-11-26T18:00", "2026-11-27", "2026-11-28", "2026-11-29T20:00",
    # Leap days, and those beside them, and no leap day.
    "2028-02-29T12:00", "2028-02-29T00:00:01", "2028-02-28T23:59:00", "2028-03-01T00:00:01", "2027-03-01T06:00",
    "2026-02-28T23:59:00",
    # The end of a year, with a week 53, and the beginning.
    "2026-12-31T12:00", "2026-12-31T23:59:00", "2027-01-01T00:00:01", "2029-12-31T23:59:00", "2030-01-01",
    # Ends of months, and the first second after one.
    "2026-01-31T08:00", "2026-03-31T15:00", "2026-04-30T23:59:00", "2026-05-31T21:00", "2026-06-30", "2026-07-31T03:00",
    "2026-08-31T23:59:00", "2026-10-01T00:00:01",
    # Weeks change at midnight, clocks elsewhere change, and time goes on.
    "2026-06-07T23:59:00", "2026-06-08T00:00:01", "2026-10-25T01:30", "2037-05-16T11:00",
)  # fmt: skip
"""What `make days` tries: leap days, the ends of years and months, each weekday, both ends of a day."""
FAST = "not slow and not system_clock and not dateless"
QUICK = ("unit", "sandbox", *(f"journeys/test_{name}.py" for name in ("cli", "refresh", "status")))
"""Of these, what is tried on a date that is named, as CI does with three: the rooms, the nights, the command line."""


def main(*dates):
    """Run the tests under each date, and give the exit code."""
    root = Path(__file__).resolve().parents[2]
    # The nights under every odd API take most of the time, and are left to the thirty dates.
    paths = [*(f"tests/{path}" for path in QUICK), "-k", "not late_rows_and_statuses"] if dates else ["tests"]
    # Those of a named date are few, and most of the time of another process would be what it needs to begin.
    processes = ["-p", "no:xdist"] if len(dates) == 1 else ["-n", "2" if dates else "4", "--dist", "worksteal"]
    command = [sys.executable, "-m", "pytest", *processes, "-q", "-m", FAST, *paths]
    for date in dates or DATES:
        print(f"As if it were {date}:", flush=True)
        code = subprocess.run(command, cwd=root, env=os.environ | {"VOXLAKE_TEST_NOW": date}, check=False).returncode
        if code:
            print(f"These tests fail on {date}: run them with VOXLAKE_TEST_NOW={date}.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
