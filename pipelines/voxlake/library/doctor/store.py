"""What a store of data can do: may objects be read, listed and put there, on conditions, and whose clock is right."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from voxlake.errors import VoxlakeError
from voxlake.library.doctor.check import SET_UP, Check
from voxlake.remote import read_lease, remote_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.clock import Clock
    from voxlake.remote import Remote

_APART: Final = timedelta(minutes=5)
"""What a clock may be off: stores refuse a quarter of an hour."""


def check_store(root: Path, *, clock: Clock) -> Iterator[Check]:
    """Yield what is to be known of the store behind a working directory, where there is one; nothing stays there."""
    remote = remote_of(root)
    if remote is None:
        return
    try:
        lease = read_lease(remote)
        yield Check.ok("store", f"{remote.url} can be read")
        next(remote.objects.list("lake"), None)
        yield Check.ok("store list", "objects can be listed")
        yield from _written(remote, clock)
    except (VoxlakeError, OSError) as error:
        yield Check.failed("store", error, code=SET_UP)
        return
    if lease is not None:
        yield Check.note("store lease", f"{lease} is working there, or died within the last minute")


def _written(remote: Remote, clock: Clock) -> Iterator[Check]:
    remote.objects.require_conditions()
    yield Check.ok("store write", "objects can be put, on conditions, and removed")
    apart = abs(clock.now() - remote.objects.now())
    text = f"This machine's clock and the store's are {apart.total_seconds():,.0f} s apart"
    yield Check.note("store clock", text, "correct the clock") if apart > _APART else Check.ok("store clock", text)
