"""Hold a data directory in a store beside holding its working directory: there, one run at a time holds all of it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from voxlake.remote import hold, remote_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractContextManager
    from pathlib import Path


def held(root: Path, *, holder: str, accounts: Collection[int] | None = None) -> AbstractContextManager[object]:
    """Hold for the length of the block what stands behind a directory, for a run on some accounts or on all.

    Raises:
        AlreadyRunning: another run holds it.

    """
    remote = remote_of(root)
    return nullcontext() if remote is None else hold(remote, holder=holder, accounts=accounts)
