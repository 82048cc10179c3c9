"""How runs of different accounts share one data directory, and write one after the other what all accounts share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from voxlake.lake.claims import claim_accounts
from voxlake.lake.directory import Lake
from voxlake.lake.held import held
from voxlake.locks import locked, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from voxlake.lake.claims import Claim


@contextmanager
def claimed(lake: Lake, account_ids: Collection[int], *, holder: str) -> Iterator[tuple[Lake, Claim]]:
    """Share a data directory with runs of other accounts; yields the lake as this run sees it, and what it has claimed.

    Raises:
        AlreadyRunning: another run works on all of these accounts, or on everything.
        StorageFull: the folder cannot be written.

    """
    with (
        locked(lake.layout.lock, holder=holder, shared=True),
        claim_accounts(lake.layout, account_ids, holder=holder) as claim,
        held(lake.root, holder=holder, accounts=claim.account_ids),
    ):
        yield Lake(lake.root, run=claim.run, key=lake.key, policy=lake.policy), claim


@contextmanager
def indexing(lake: Lake) -> Iterator[None]:
    """Be the only run that writes the index and its like, for a moment; the caller holds or shares the directory."""
    with waiting(lake.layout.locks / "index"):
        yield


@contextmanager
def publishing(lake: Lake, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Be the only run that publishes; `on_wait` is called once where another takes long."""
    with waiting(lake.layout.locks / "publish", on_wait=on_wait):
        yield
