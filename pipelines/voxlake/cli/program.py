"""How this program was started: as a shell can repeat it, and as cron and systemd, which know no PATH, can."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

_NAME = "voxlake"


def as_called() -> str:
    """Return what to type to start the program again: its name where a shell finds it, else the way to it."""
    words = program()
    found = shutil.which(_NAME)
    if found is not None and len(words) == 1 and Path(found).samefile(words[0]):
        return _NAME
    called = sys.argv[0]
    if len(words) == 1 and os.sep in called and not Path(called).is_absolute() and Path(called).exists():
        return shlex.quote(called)
    return shlex.join(words)


def program() -> list[str]:
    """Return the words that start the program from any directory and without a PATH."""
    called = Path(sys.argv[0])
    beside = Path(sys.executable).with_name(_NAME)
    if called.name == _NAME and os.sep in sys.argv[0] and called.exists():
        return [os.path.abspath(called)]  # noqa: PTH100 - a link to the program stays one: its target may move
    if called.name == _NAME and (found := shutil.which(_NAME)) is not None:
        return [os.path.abspath(found)]  # noqa: PTH100 - the same
    return [str(beside)] if beside.exists() else [sys.executable, "-m", _NAME]
