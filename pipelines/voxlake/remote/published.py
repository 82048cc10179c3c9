"""The published database beside a lake in a store: brought when another one counts, and put when a run has built one.

Each is an object of its own, which never changes; the root object says which one counts. So nobody reads half of one,
and a run that was taken over replaces nothing.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from voxlake.errors import DataError
from voxlake.locks import is_held, waiting
from voxlake.remote.root import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.remote.directory import Remote
    from voxlake.remote.root import Root

_FOLDER: Final = "warehouse"
AHEAD: Final = "ahead"
"""In place of an ETag: the database here is one that was never put."""


@contextmanager
def newer_database(remote: Remote, here: Path) -> Iterator[Path | None]:
    """Yield a file with the database that counts, for the caller to install; None where that is the one at `here`.

    Raises:
        DataError: it is gone.

    """
    with waiting(remote.private / "database"):
        newest, database = _newest(remote), remote.state().get("database")
        # A run that is publishing has a newer one here than the store.
        publishes = is_held(remote.private / "session") if remote.session is None else database == AHEAD
        if newest is None or publishes or (database == newest["etag"] and here.exists()):
            yield None
            return
        with remote.aside() as aside:
            try:
                remote.objects.get_file(newest["key"], aside)
            except FileNotFoundError as error:
                raise DataError(
                    f"The database {newest['key']} of {remote.url} is gone: run the same command again, or publish."
                ) from error
            at = datetime.fromisoformat(newest["published_at"]).timestamp()
            os.utime(aside, (at, at))
            yield aside
        remote.note(database=newest["etag"])


def published_at(remote: Remote) -> datetime | None:
    """Return when the database that counts was published (UTC); None where there is none."""
    newest = _newest(remote)
    return None if newest is None else datetime.fromisoformat(newest["published_at"])


def begin_publishing(remote: Remote) -> None:
    """Commit the index before a database is built that knows it. Raises AlreadyRunning where the lease was lost."""
    remote.held().commit()
    remote.note(database=AHEAD)


def publish_database(remote: Remote, file: Path, *, at: datetime) -> None:
    """Put a database that was installed here, and make it count; the one before the last is removed.

    Raises AlreadyRunning where the lease was lost.
    """
    session, at = remote.held(), at.astimezone(UTC)
    session.require()
    key = f"{_FOLDER}/{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.duckdb"
    etag, size, before = remote.objects.put_file(key, file), file.stat().st_size, session.root.database

    def change(root: Root) -> Root:
        known = None if before is None else before.key
        return dataclasses.replace(root, database=DatabaseState(key, etag, size, at.isoformat(), known))

    session.change(change)
    remote.note(database=etag, newest=_newest(remote))
    if before is not None and before.before is not None:
        remote.objects.delete([before.before])


def remove_earlier_database(remote: Remote) -> None:
    """Remove the database that was published before the one that counts. Raises AlreadyRunning where all is lost."""
    before = remote.held().root.database
    if before is not None and before.before is not None:
        remote.held().change(
            lambda root: dataclasses.replace(
                root, database=None if root.database is None else dataclasses.replace(root.database, before=None)
            )
        )
        remote.objects.delete([before.before])


def _newest(remote: Remote) -> dict[str, Any] | None:
    if remote.session is not None:
        database = remote.session.root.database
        return None if database is None else dataclasses.asdict(database)
    found: dict[str, Any] | None = remote.state().get("newest")
    return found
