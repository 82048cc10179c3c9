"""What a database lacks, as warnings of the logger `voxlake`: each thing once in a process, however often it is met.

In an interactive session, such as a notebook, where nobody listens to a logger, Python's own warnings show them, too.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from voxlake.events import LOGGER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from voxlake.reporting import Gaps

_KINDS: Final = ("stale", "missing", "before", "unverified")
_LOGGED: dict[tuple[Path, str], set[object]] = {}
"""What was logged of each data directory and kind of trouble."""


def log_database(folder: Path, gaps: Gaps) -> None:
    """Log what a database as a whole lacks: a sentence for each kind of trouble of which anything is new."""
    for kind in _KINDS:
        if kind != "before":
            # What was wrong before and is not any more is news when it comes again.
            _LOGGED.get((folder, kind), set()).intersection_update(getattr(gaps, kind))
    _log(folder, gaps, "stale", "missing", "unverified")


def log_answer(folder: Path, gaps: Gaps) -> None:
    """Log of an answer what its database as a whole did not lack when it was opened."""
    _log(folder, gaps, "stale", "before")


def log_sentence(folder: Path, sentence: str) -> None:
    """Log a sentence about a database."""
    if _is_news(folder, "sentence", [sentence]):
        _warn(sentence)


def _log(folder: Path, gaps: Gaps, *kinds: str) -> None:
    news = [kind for kind in kinds if _is_news(folder, kind, getattr(gaps, kind))]
    quiet: dict[str, Any] = {kind: () for kind in _KINDS if kind not in news}
    for sentence in replace(gaps, **quiet).trouble():
        _warn(sentence)


def _warn(sentence: str) -> None:
    LOGGER.warning("%s", sentence)
    if hasattr(sys, "ps1"):
        # Without the place in the program, which would say nothing.
        warnings.warn_explicit(sentence, UserWarning, "voxlake", 1)


def _is_news(folder: Path, kind: str, found: Iterable[object]) -> bool:
    """Return whether anything that was found has not been logged of this data directory, and remember it."""
    known = _LOGGED.setdefault((folder, kind), set())
    new = set(found) - known
    known |= new
    return bool(new)
