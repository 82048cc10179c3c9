"""Contexts for runs without the command line: a client, a lake in a folder, threads, and a clock."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from voxlake.lake import Lake
from voxlake.model import FinalityPolicy
from voxlake.pipeline import Context, windows_at_once
from voxlake.warehouse import Warehouse

FINALITY = FinalityPolicy(timedelta(hours=72), timedelta(days=14))


class StandingClock:
    """A clock that stands still until it is set; whoever sleeps moves it."""

    def __init__(self, at):
        self.at = at

    def now(self):
        """Return the time as an aware datetime in UTC."""
        return self.at

    def time(self):
        """Return the time in UTC seconds."""
        return self.at.timestamp()

    def sleep(self, seconds):
        """Let time pass."""
        self.at += timedelta(seconds=seconds)


def noon(*day):
    """Return noon of a UTC day."""
    return datetime(*day, 12, tzinfo=UTC)


@contextmanager
def running(history, root, clock, *, executor=None, finality=FINALITY, holder="a test"):
    """Yield the context of a run in `root`, locked; with an executor, that one does the work."""
    lake = Lake(root)
    with lake.locked(holder=holder), executor or ThreadPoolExecutor(windows_at_once(history.client.jobs)) as workers:
        yield Context(history, lake, Warehouse(root), clock, workers, finality)
    history.close()
