"""A reseller for `night.py`: voxlake's sandbox with child accounts, in a process of its own.

    python reseller.py DIRECTORY --accounts 1000 --latency 0.1

prints the address and the path of the parent's credentials, then answers each line on stdin, until it ends, with how
many requests came since the one before. The line `tomorrow` lets the clock, which is a day behind, go on to the
machine's, and replies take their time from then on.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.sandbox import AccountSettings, Behaviour, Reseller, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Alike(Reseller):
    """A reseller whose accounts have the histories of the first few, phone numbers included."""

    kinds: int = 10

    def world(self, number: int, now: Callable[[], float]) -> World:
        """Return the world of a child."""
        return Reseller.world(self, 1 + (number - 1) % self.kinds, now)


def main() -> None:
    """Serve until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path, help="where the credentials are written")
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--kinds", type=int, default=10, help="how many of them differ; every so many have one history")
    parser.add_argument("--days", type=int, default=365, help="days of history before today")
    parser.add_argument("--daily", type=float, default=3, help="messages of an account on a day")
    parser.add_argument(
        "--quiet", type=float, default=0.0, help="the share of accounts with one message a week instead"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that a reply takes, from tomorrow on")
    chosen = parser.parse_args()
    behind = DAY
    shape = {"days": chosen.days + 1, "seed": 1, "until": datetime.now(tz=UTC).date() + timedelta(days=1)}
    busy = [AccountSettings(seed=kind, rows=round(chosen.daily * shape["days"])) for kind in range(chosen.kinds)]
    quiet = [AccountSettings(seed=kind, rows=shape["days"] // 7) for kind in range(chosen.kinds)]
    kinds = [*busy[: round(chosen.kinds * (1 - chosen.quiet))], *quiet][: chosen.kinds]
    settings = {number: kinds[number % chosen.kinds] for number in range(1, chosen.accounts + 1)}
    sandbox = Sandbox(
        World(rows=0, **shape),
        reseller=Alike(chosen.accounts, rows=0, **shape, settings=settings, kinds=chosen.kinds),
        behaviour=Behaviour(children_filter="optional"),
        directory=chosen.directory,
        now=lambda: time.time() - behind,
        world_now=lambda: time.time() - behind,
    )
    with sandbox:
        print(sandbox.url, sandbox.credentials, flush=True)
        for line in sys.stdin:
            if line.strip() == "tomorrow":
                behind, sandbox.latency = 0, chosen.latency
            print(len(sandbox.requests), flush=True)
            sandbox.requests.clear()


if __name__ == "__main__":
    main()
