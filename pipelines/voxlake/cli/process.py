"""What the program `voxlake` sets for its own process; nobody who imports voxlake gets any of it."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def tune_process() -> None:
    """Set what makes a run smaller and faster; docs/decisions/0010-tricks-that-stay.md has the figures."""
    # Arrow's own allocator keeps a quarter more memory, for no gain in time. It is chosen when Arrow is first imported.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # Nothing here multiplies matrices, and the threads that numpy starts for it take turns at waiting.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # What the library of Delta tables says on stderr of its own accord, we say in a sentence.
    os.environ.setdefault("RUST_LOG", "off")
    # What fills the memory of a run are columns, which hold no cycles, and modules, which stay to the end.
    gc.set_threshold(100_000, 20, 100)
    atexit.register(gc.freeze)


def prepare_streams() -> None:
    """Make stdout and stderr fit to be written to, whatever the caller has made of them."""
    # A stream that the caller has closed is None: what is written there goes nowhere.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - open to the end
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    # As stderr does: an answer that holds a character too many for a terminal is an answer all the same.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def some_home() -> Iterator[None]:
    """Name a home directory for the block where there is none: Altair looks for one when it is imported."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = os.sep
        try:
            yield
        finally:
            del os.environ["HOME"]
    else:
        yield
