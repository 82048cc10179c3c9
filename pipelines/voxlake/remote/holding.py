"""Begin and end a run on a data directory in a store, and bring what others have committed."""

from __future__ import annotations

import dataclasses
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from voxlake.errors import AlreadyRunning, DataError, StoreUnavailable
from voxlake.events import LOGGER
from voxlake.files import make
from voxlake.locks import is_held, locked, waiting
from voxlake.remote.directory import HELD
from voxlake.remote.published import AHEAD
from voxlake.remote.root import KEY, DatabaseState, Root, read_root
from voxlake.remote.session import Session
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from voxlake.remote.directory import Remote

_SMALL: Final = ("lake/accounts.json", "lake/forgotten.json", "delta.txt")
"""Objects that every command needs, and that are brought before it begins."""
_TRIES: Final = 3


@contextmanager
def hold(remote: Remote, *, holder: str, accounts: Collection[int] | None = None) -> Iterator[bool]:
    """Hold the data directory for a run on some accounts, or on all, with what was committed last.

    Yields whether a run has died before, so that what it worked on was listed again. At the end what has changed is
    committed, also after an error. Where a signal ends the process, the next run finds out itself what has changed.

    Raises:
        AlreadyRunning: another run holds it, or has taken it over.

    """
    with _of_this_machine(remote, holder):
        session = Session(remote.objects, remote.index, remote.work_id, seconds=remote.seconds)
        try:
            session.begin(holder, accounts)
        except StoreUnavailable:
            remote.is_out_of_reach = True
            raise
        remote.is_out_of_reach = commits = False
        try:
            was_listed = _begin(remote, session)
            _save_replies(remote)
            commits = True
            yield was_listed
            _save_replies(remote)
        except (AlreadyRunning, StoreUnavailable) as error:
            # Nothing more can be written, or not for now.
            remote.is_out_of_reach = isinstance(error, StoreUnavailable)
            commits = False
            raise
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException:
            commits = False
            raise
        finally:
            remote.session = None
            session.end(commit=commits)
            if commits:
                remote.dirty.unlink(missing_ok=True)
                remote.trim()


@contextmanager
def _of_this_machine(remote: Remote, holder: str) -> Iterator[None]:
    path = remote.private / "session"
    busy = f"Another run of this machine is working in {remote.url}: wait until it ends."
    with locked(path, holder=holder, busy=busy):
        yield


def _begin(remote: Remote, session: Session) -> bool:
    """Make everything here what the root object says, and list what a run that died may have changed.

    Returns whether there was one.
    """
    with waiting(remote.private / "refresh"):
        try:
            _take_in(remote, session.root)
        except DataError as error:
            LOGGER.warning("%s", error)
            session.root = dataclasses.replace(session.root, index=None, suspects=())
            _take_in(remote, session.root)
        remote.note(id=session.root.id)
        if remote.state().get("database") == AHEAD:
            # A run died after it had built one, and before that was put.
            remote.note(database=None)
        remote.dirty.touch()
    remote.session = session
    suspects = session.root.suspects
    if suspects is not None or session.root.index is None:
        list_again(remote, suspects or None)
        return True
    return False


def _save_replies(remote: Remote) -> None:
    """Put the archives of replies that runs of this machine have written, also those of a run that was killed."""
    for path in sorted((remote.root / "raw").glob("*.gz")):
        if path.stat().st_size != remote.size(path):
            with remote.aside() as aside:
                shutil.copyfile(path, aside)
                remote.put(aside, path)


def list_again(remote: Remote, accounts: Collection[int] | None) -> None:
    """Take what the store lists of some accounts, or of everything, in place of what the catalogue says."""
    tables = [stream.table for stream in STREAMS.values()]
    folders = (
        list(HELD)
        if accounts is None
        else [f"{top}/{table}/account_id={n}" for n in accounts for top in ("lake", "rejects") for table in tables]
    )
    for folder in folders:
        remote.catalogue.replace(folder, remote.objects.list(folder))
    for key in _SMALL:
        try:
            found = remote.objects.get(key)
        except FileNotFoundError:
            remote.catalogue.remove([key])
        else:
            if found is not None:
                remote.catalogue.put(key, found.etag, len(found.data))
    _bring_small(remote)


def read_lease(remote: Remote) -> str | None:
    """Return who holds the data directory in the store; None where nobody does, or there is none yet."""
    try:
        found = remote.objects.get(KEY)
    except FileNotFoundError:
        return None
    lease = None if found is None else read_root(found.data, remote.url).lease
    return None if lease is None else lease.holder


def refresh(remote: Remote) -> None:
    """Bring what was committed meanwhile, for whoever only reads; a run of this working directory has newer.

    Where the store does not answer, what is known here stays, and that is logged.

    Raises:
        StoreUnavailable: it does not answer, and nothing is known here.

    """
    if remote.session is not None:
        return
    with waiting(remote.private / "refresh"):
        if is_held(remote.private / "session"):
            return
        known, is_dirty = remote.state(), remote.dirty.exists()
        try:
            found = remote.objects.get(KEY, unless=None if is_dirty else known.get("etag"))
        except FileNotFoundError:
            return
        except StoreUnavailable as error:
            remote.is_out_of_reach = True
            if "id" not in known:
                raise
            LOGGER.warning("%s What is known here is older.", error)
            return
        remote.is_out_of_reach = False
        if found is not None:
            root = read_root(found.data, remote.url)
            _take_in(remote, root)
            remote.dirty.unlink(missing_ok=True)
            remote.note(
                id=root.id, etag=found.etag, newest=_database(root.database), holder=_holder(root, remote.work_id)
            )


def _take_in(remote: Remote, root: Root) -> None:
    """Make everything here what the root object says.

    Raises:
        DataError: the index is damaged.

    """
    if remote.state().get("id", root.id) != root.id:
        remote.clear()
    for left in reversed(range(_TRIES)):
        try:
            if root.index is None:
                remote.index.forget()
                is_changed = True
            else:
                is_changed = remote.index.bring(remote.objects, root.index)
            break
        except FileNotFoundError as error:
            # Since the root object was read, the index was written anew.
            found = remote.objects.get(KEY) if left else None
            if found is None:
                raise DataError(f"{error} of {remote.url} is gone: the next run makes the index anew.") from error
            root = read_root(found.data, remote.url)
    if is_changed or remote.dirty.exists():
        remote.reset()
        remote.drop_old_copies()
    if root.index is not None:
        make(remote.root / "lake")
    _bring_small(remote)


def _bring_small(remote: Remote) -> None:
    for key in _SMALL:
        remote.fetch(remote.root / key)


def _database(database: DatabaseState | None) -> dict[str, Any] | None:
    return None if database is None else dataclasses.asdict(database)


def _holder(root: Root, work_id: str) -> str | None:
    """Return who holds the data directory from elsewhere."""
    return None if root.lease is None or root.lease.work_id == work_id else root.lease.holder
