"""The clocks of the tests: no outcome depends on the day or the hour at which they run.

Every test begins at `START`: a fixed instant, or what the variable VOXLAKE_TEST_NOW says (an ISO date or datetime, in
UTC where it names no zone). From there the clock goes on as the machine's does, so that waiting takes as long as ever.
A test that starts a program which cannot be given this clock takes `SYSTEM` for the sandbox, too, and is marked
`system_clock`.
"""

import os
import time
from datetime import UTC, datetime
from datetime import time as time_of_day

from voxlake.clock import SYSTEM

__all__ = ["CLOCK", "START", "SYSTEM", "ShiftedClock", "SleepingClock"]

OFFSET = "TESTS_CLOCK_OFFSET"
"""The variable that tells a program of ours, see `program.py`, how far the clock is from the machine's, in seconds."""
_NOW, _USUAL = "VOXLAKE_TEST_NOW", "2026-03-11T12:00:00"


class ShiftedClock:
    """The machine's clock, put forward or back by an offset in seconds."""

    def __init__(self, offset):
        self.offset = offset

    def now(self):
        """Return the time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def time(self):
        """Return the time in UTC seconds."""
        return time.time() + self.offset

    def sleep(self, seconds):
        """Wait for this many real seconds."""
        time.sleep(seconds)

    def restart(self):
        """Go back to `START`, here and in the programs that are started from now on."""
        self.offset = START.timestamp() - time.time()
        os.environ[OFFSET] = str(self.offset)


class SleepingClock:
    """A clock for clients that wait: it moves only when somebody sleeps."""

    def __init__(self):
        self.at, self.slept = CLOCK.time(), []

    def __call__(self):
        """Return the time in UTC seconds, for who takes a function."""
        return self.at

    def time(self):
        """Return the time in UTC seconds."""
        return self.at

    def now(self):
        """Return the time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.at, UTC)

    def sleep(self, seconds):
        """Let time pass."""
        self.slept.append(seconds)
        self.at += seconds


def _start():
    """Return when tests begin: a date alone means noon, for at midnight sharp a day has not begun for voxlake."""
    at = datetime.fromisoformat(os.environ.get(_NOW) or _USUAL)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at if at.time() != time_of_day.min else at.replace(hour=12)


START = _start()
CLOCK = ShiftedClock(START.timestamp() - time.time())
