"""A terminal of a given width, on which commands are run in the process of the test."""

import fcntl
import os
import pty
import struct
import sys
import termios
import threading
from contextlib import contextmanager

from support.clock import CLOCK
from voxlake.cli import commands


@contextmanager
def terminal(columns):
    """Make stdout and stderr a terminal for the block; the list that it gives holds what was shown, after the block."""
    ours, theirs = pty.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    shown, pieces = [], []
    reading = threading.Thread(target=_read, args=(ours, pieces))
    reading.start()
    before = sys.stdout, sys.stderr
    try:
        with os.fdopen(theirs, "w", encoding="utf-8", errors="backslashreplace") as stream:
            sys.stdout = sys.stderr = stream
            yield shown
    finally:
        sys.stdout, sys.stderr = before
        reading.join()
        os.close(ours)
        shown.append(b"".join(pieces).decode())


def run(*arguments):
    """Run a command in this process, and return its exit code."""
    try:
        return commands.main([str(a) for a in arguments], standalone_mode=False, prog_name="voxlake", obj=CLOCK) or 0
    except SystemExit as end:
        return end.code


def shown_by(*arguments, columns=80):
    """Return the exit code of a command and what it shows on a terminal."""
    with terminal(columns) as shown:
        code = run(*arguments)
    return code, shown[0]


def _read(ours, pieces):
    try:
        while piece := os.read(ours, 65536):
            pieces.append(piece)
    except OSError:
        # So ends a terminal that nobody writes to any more.
        return
