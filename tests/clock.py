"""A clock for clients that wait."""

import time


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.at, self.slept = time.time(), []

    def __call__(self):
        """Tell the time."""
        return self.at

    def sleep(self, seconds):
        """Let time pass."""
        self.slept.append(seconds)
        self.at += seconds
