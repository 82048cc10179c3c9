"""Try random lives and kill -9 for as long as one asks: `make soak SOAK=30m SEED=1`.

Every second seed has a linked database. Every round prints its seed; a round that fails prints its scenario and ends
the soak with 1. The same seed gives the same scenario (where a kill strikes is up to the machine).
"""

import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from support.scenario import Life, draw
from support.storm import one_world

STORM_EVERY, KILLS = 20, 15
_UNITS = {"s": 1, "m": 60, "h": 3600}


def main(length, seed=None):
    """Soak, and give the exit code."""
    until = time.monotonic() + float(length[:-1]) * _UNITS[length[-1]]
    first = int(seed) if seed else random.SystemRandom().randrange(10**9)
    tally = Counter()
    while time.monotonic() < until:
        number = first + tally["rounds"]
        kind = "storm" if number % STORM_EVERY == 0 else "life"
        with tempfile.TemporaryDirectory(prefix="voxlake-soak-") as folder:
            try:
                found = _storm(number, Path(folder)) if kind == "storm" else _life(number, Path(folder))
            except Exception:  # noqa: BLE001 - whatever it is, it is what a soak looks for
                traceback.print_exc()
                print(f"seed {number} ({kind}) FAILED: {draw(random.Random(number)) if kind == 'life' else ''}")
                return 1
        tally.update(found)
        tally["rounds"] += 1
        print(f"seed {number} ({kind}): {', '.join(f'{value:,} {name}' for name, value in sorted(found.items()))}")
    print(f"seeds {first} to {first + tally['rounds'] - 1}, 0 differences:")
    print(", ".join(f"{value:,} {name}" for name, value in sorted(tally.items())))
    return 0


def _life(number, folder):
    if number % 2:
        (folder / "linked").touch()
    return Life(draw(random.Random(number)), folder).live()


def _storm(number, _folder):
    tally = one_world(number, KILLS)
    rows = tally.pop("rows")
    return Counter({"kills": sum(tally.values()), "rows": rows})


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
