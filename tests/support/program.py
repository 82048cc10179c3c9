"""The command `voxlake` as a process of its own, as users start it, but by the clock of the test that starts it.

`PROGRAM` is how to start it; where a test needs none of the clock, it starts the real one.
"""

import os
import sys
from pathlib import Path

PROGRAM = [sys.executable, __file__]

if __name__ == "__main__":
    # A script finds only what lies beside it.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from support.clock import OFFSET, ShiftedClock
    from voxlake.cli import main

    main(prog_name="voxlake", clock=ShiftedClock(float(os.environ[OFFSET])))
