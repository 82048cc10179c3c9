"""Record a command as a run in the history of its data directory, from the settings to its exit code."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from voxlake import library
from voxlake.cli import signals
from voxlake.cli.notify import Notifier
from voxlake.cli.options import the_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.cli.settings import Settings
    from voxlake.library import RunRecord


@contextmanager
def recorded(settings: Settings, command: str) -> Iterator[RunRecord]:
    """Record the block as a run of a command, and notify whom the settings name.

    What the library does in the block belongs to the same run.
    """
    notifier = Notifier(settings, command)
    record: RunRecord | None = None
    try:
        with library.recorded(settings.data_dir, command, clock=the_clock(), code_of=_exit_code) as record:
            notifier.begin()
            yield record
    finally:
        if record is not None and record.outcome is not None:
            notifier.end(record.outcome, in_haste=signals.requested() is not None)


def _exit_code(error: BaseException) -> int:
    """Return the exit code of the command that an exception ends, whatever has become of a signal's."""
    stopped = signals.requested()
    return library.exit_code_of(error) if stopped is None else stopped.exit_code
