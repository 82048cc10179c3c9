"""A program that exports to a store and kills itself at one of its requests that write: `python killed.py N ...`."""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import voxlake
from support.contexts import StandingClock
from voxlake.remote import find_root
from voxlake.remote.objects import Objects


def killing(method, left, *, after):
    """Return a method of `Objects` that ends the process before or after its request, when none are left."""

    def call(self, *arguments, **rest):
        left[0] -= 1
        if left[0] == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = method(self, *arguments, **rest)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return call


def main():
    """Export as of a time, and die at the write of a number: before it, or for a negative one right after it."""
    number, url, work, credentials, api_url, at, since = sys.argv[1:]
    left = [abs(int(number))]
    for name in ("put", "put_file", "delete"):
        setattr(Objects, name, killing(getattr(Objects, name), left, after=int(number) < 0))
    clock = StandingClock(datetime.fromisoformat(at).astimezone(UTC))
    account = voxlake.connect(credentials, api_url=api_url, clock=clock)
    sys.exit(voxlake.export(account, find_root(url, Path(work)), since=since).exit_code)


if __name__ == "__main__":
    main()
