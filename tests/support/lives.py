"""Try random lives in this process, without kills: `PYTHONPATH=tests python -m support.lives 500 1`.

The arguments are how many lives, the seed of the first, and which part of all replies lie, where that is not to be
drawn. A life that fails prints its scenario, and the driver ends with 1.
"""

import random
import sys
import tempfile
import traceback
from collections import Counter

from support.scenario import QuickLife, draw

EVERY = 20
"""Lives after which the driver says how far it is."""


def main(lives, seed="1", share=None):
    """Live, and give the exit code."""
    tally, failed = Counter(), 0
    for number in range(int(seed), int(seed) + int(lives)):
        scenario = draw(random.Random(number), kills=False, lies=None if share is None else float(share))
        with tempfile.TemporaryDirectory(prefix="voxlake-life-") as folder:
            try:
                tally.update(QuickLife(scenario, folder).live())
            except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
                traceback.print_exc()
                print(f"seed {number} FAILED: {scenario}", flush=True)
                failed += 1
                continue
        tally["lives"] += 1
        if tally["lives"] % EVERY == 0:
            say(tally, failed)
    say(tally, failed)
    return int(bool(failed))


def say(tally, failed):
    """Print what was tried so far."""
    print(f"{failed} failed; " + ", ".join(f"{value:,} {name}" for name, value in sorted(tally.items())), flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
