"""Try inputs that nobody thought of: `make fuzz FUZZ=10m SEED=1`.

Each target gets its share of the time, in a process of its own: a crash of the interpreter, or an input that takes
longer than a minute, is a finding like any other. Every finding is shrunk, printed with the seed of its turn, and kept
in `.fuzz/`, whose inputs are tried first the next time. The same seed draws the same inputs.
"""

import faulthandler
import random
import subprocess
import sys
import time
import traceback
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from support.fuzz_targets import TARGETS

TURN = 100
"""Inputs a turn; the seed that is printed is that of a turn."""
_ONE_INPUT, _WIDTH = 60, 400
_UNITS = {"s": 1, "m": 60, "h": 3600}
_KEPT = Path(".fuzz")


def main(length, first=None):
    """Fuzz every target for its share of `length`, and return the exit code: 1 where anything was found."""
    share = float(length[:-1]) * _UNITS[length[-1]] / len(TARGETS)
    number = int(first) if first else random.SystemRandom().randrange(10**6)
    found = 0
    for name in TARGETS:
        command = [sys.executable, "-m", "support.fuzz", "--one", name, str(share), str(number)]
        ended = subprocess.run(command, check=False).returncode
        if ended:
            print(f"{name}: FAILED (exit {ended}); its seed is the last one above, its input is in {_KEPT}/{name}")
        found += bool(ended)
    print(f"{len(TARGETS)} targets, {found} with a finding")
    return min(found, 1)


def one(name, share, number):
    """Fuzz one target in turns until its time is over; the seed goes out before a turn, lest a crash takes it along."""
    until, tried = time.monotonic() + float(share), 0
    turn = int(number)
    while time.monotonic() < until:
        print(f"{name}: seed {turn} ...", end="\r", flush=True)
        count = 0

        def attempt(data):
            nonlocal count
            count += 1
            faulthandler.dump_traceback_later(_ONE_INPUT, exit=True)
            try:
                TARGETS[name](data)
            finally:
                faulthandler.cancel_dump_traceback_later()

        try:
            _drawn(attempt, name, turn)()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what fuzzing looks for
            lines = [line for line in traceback.format_exception(error) if "site-packages/hypothesis" not in line]
            print("\n".join(line[:_WIDTH] for line in "".join(lines).splitlines()))
            print(f"{name}: seed {turn} failed after {tried + count:,} inputs")
            return 1
        tried, turn = tried + count, turn + 1
    print(f"{name}: {tried:,} inputs, seeds {number} to {turn - 1}")
    return 0


def _drawn(attempt, name, turn):
    """Return a call that tries one turn of inputs, those that once failed first."""
    attempt.__qualname__ = attempt.__name__ = name
    drawn = given(st.data())(attempt)
    drawn = settings(
        max_examples=TURN,
        deadline=None,
        database=DirectoryBasedExampleDatabase(_KEPT / name),
        suppress_health_check=list(HealthCheck),
        phases=(Phase.reuse, Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
    )(drawn)
    return seed(turn)(drawn)


if __name__ == "__main__":
    sys.exit(one(*sys.argv[2:]) if sys.argv[1] == "--one" else main(*sys.argv[1:]))
