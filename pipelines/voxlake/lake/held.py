"""Hold a data directory in a store beside holding its working directory: there, one run at a time holds all of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from voxlake.lake.layout import DAY_FILE, DAYS, Layout, days_of_month_file, last_of_month
from voxlake.lake.scan import accounts_in, day_of, listing_of
from voxlake.lake.store import Store
from voxlake.remote import hold, remote_of
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


@contextmanager
def held(root: Path, *, holder: str, accounts: Collection[int] | None = None) -> Iterator[None]:
    """Hold for the length of the block what stands behind a directory, for a run on some accounts or on all.

    Raises:
        AlreadyRunning: another run holds it.

    """
    remote = remote_of(root)
    if remote is None:
        yield
        return
    with hold(remote, holder=holder, accounts=accounts) as was_listed:
        if was_listed:
            _remove_covered(Layout(root))
        yield


def _remove_covered(layout: Layout) -> None:
    """Remove the objects of days that lie in that of their month, too: a run was killed while it compacted them."""
    listing, store = listing_of(layout), Store(layout.root)
    for stream in STREAMS.values():
        for account_id in accounts_in(layout, stream.table):
            folder = layout.lake / stream.table / f"account_id={account_id}"
            for name in listing.names_in(folder):
                last = day_of(name)
                if last is None or last != last_of_month(last):
                    continue
                files = listing.names_in(folder / name)
                covered = [days_of_month_file(last, file) for file in files]
                longest = max(covered, key=len, default=[])
                for day in longest:
                    store.remove(folder / f"{DAYS}{day}" / DAY_FILE)
                for file, days in zip(files, covered, strict=True):
                    if days and days != longest:
                        store.remove(folder / name / file)
