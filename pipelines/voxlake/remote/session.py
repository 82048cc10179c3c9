"""Hold a data directory in a store: a lease in the root object, renewed while the run lives, taken over when it died.

A lease has an owner and a time, as the lock of a directory has a process. Only the store's clock counts: a lease ends
when its object is older there than it may be. Whoever loses it finds out before he writes anything more: he has not
renewed it in time, or his next change of the root object fails.
"""

from __future__ import annotations

import dataclasses
import secrets
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from voxlake.errors import AlreadyRunning, StoreUnavailable, VoxlakeError
from voxlake.events import LOGGER
from voxlake.remote.refusals import Conflict
from voxlake.remote.root import KEY, Lease, Root, joined, read_root

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from voxlake.remote.indexed import IndexCopy
    from voxlake.remote.objects import Objects

SECONDS: Final = 60
"""How long a lease lasts without being renewed."""
_TRIES: Final = 5
_GRACE: Final = timedelta(seconds=2)
"""Stores tell times in whole seconds."""
_clock: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while a process is stopped, and where that is known, while the machine sleeps."""


def _now() -> float:
    return time.clock_gettime(_clock)


class Session:
    """A run that holds the data directory. `root` is the root object as it was written last."""

    def __init__(self, objects: Objects, index: IndexCopy, work_id: str, *, seconds: int = SECONDS) -> None:
        self._objects, self._index, self._work_id, self._seconds = objects, index, work_id, seconds
        self._token = secrets.token_hex(8)
        self._mutex = threading.RLock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._lost: str | None = None
        self._etag: str | None = None
        self._renewed = 0.0
        self._conflicts: tuple[int, ...] | None = None
        self._writes = 0
        self.root = Root("")

    def begin(self, holder: str, accounts: Collection[int] | None) -> None:
        """Take the lease for a run on some accounts, or on all; what a dead run worked on becomes `root.suspects`.

        Raises:
            AlreadyRunning: another run has it.
            SettingsError: the store has no conditional writes; found out before anything is written to stay.

        """
        its = None if accounts is None else tuple(sorted(accounts))
        lease = Lease(self._token, self._work_id, holder, self._seconds, its)
        for _ in range(_TRIES):
            began = _now()
            try:
                found = self._objects.get(KEY)
            except FileNotFoundError:
                self._objects.require_conditions()
                # What is there already was copied from somewhere: all of it has to be looked at.
                root, self._etag = Root(secrets.token_hex(8), suspects=()), None
            else:
                if found is None:
                    continue
                root, self._etag = read_root(found.data, self._objects.url), found.etag
                if root.lease is not None and root.lease.work_id != self._work_id:
                    age = self._objects.now() - found.modified
                    if age <= timedelta(seconds=root.lease.seconds) + _GRACE:
                        raise AlreadyRunning(_busy(self._objects.url, root.lease))
                root = without_lease(root)
            root = dataclasses.replace(root, lease=lease)
            try:
                self._etag = self._objects.put(KEY, root.to_bytes(), over=self._etag)
            except Conflict:
                continue
            self.root, self._renewed = root, began
            self._thread = threading.Thread(target=self._renew_often, name="voxlake-lease", daemon=True)
            self._thread.start()
            return
        raise AlreadyRunning(f"Other runs begin in {self._objects.url} at this moment: run the same command again.")

    def require(self) -> None:
        """Return where the lease is held for as long as a write may take. Raises AlreadyRunning where it was lost."""
        if self._lost is None and _now() - self._renewed > self._seconds / 2:
            with self._mutex:
                if _now() - self._renewed > self._seconds / 2:
                    self._write(self.root)
        if self._lost is not None:
            raise AlreadyRunning(self._lost)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write objects in the block. Raises AlreadyRunning where the lease was lost, and lets a Conflict through."""
        self.require()
        with self._mutex:
            self._writes += 1
        try:
            yield
        except Conflict:
            with self._mutex:
                self._writes -= 1
            raise

    def change(self, change: Callable[[Root], Root]) -> None:
        """Replace the root object. Raises AlreadyRunning where the lease was lost."""
        with self._mutex:
            self.require()
            self._write(change(self.root))

    def commit(self) -> None:
        """Put what has changed of the index, and make it count. Raises AlreadyRunning where the lease was lost."""
        with self._mutex:
            self.require()
            self._write(self._committed(self.root))

    def _committed(self, root: Root) -> Root:
        done = self._index.commit(self._objects, root.index)
        if done is None:
            return root
        index, self._aside = done
        self._old = [] if root.index is None else [part.key for part in root.index.parts]
        return dataclasses.replace(root, index=index)

    def end(self, *, commit: bool) -> None:
        """Commit, and give the lease back in the same step; without a commit, what was worked on is suspect.

        Raises AlreadyRunning where the lease was lost, if there is anything to commit.
        """
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if commit:
            self.require()
            with self._mutex:
                root = self._committed(self.root)
                self._write(dataclasses.replace(root, lease=None, suspects=self._conflicts))
        elif self._lost is None:
            # Where that fails, the lease ends by itself.
            with suppress(VoxlakeError), self._mutex:
                self._write(without_lease(self.root))

    def meet_conflict(self, accounts: tuple[int, ...]) -> None:
        """Make some accounts, or all for (), those that the next run lists: an object is not as it was known.

        Raises AlreadyRunning where the lease was lost, which explains it.
        """
        with self._mutex:
            self._conflicts = joined(self._conflicts, accounts)
            self._write(dataclasses.replace(self.root, suspects=joined(self.root.suspects, accounts)))

    def _write(self, root: Root) -> None:
        if self._lost is not None:
            raise AlreadyRunning(self._lost)
        for _ in range(_TRIES):
            began = _now()
            try:
                self._etag = self._objects.put(KEY, root.to_bytes(), over=self._etag)
                break
            except Conflict:
                root = self._taken_in(root)
        else:
            raise StoreUnavailable(f"{KEY} of {self._objects.url} changes all the time: run the same command again.")
        committed = root.index if root.index is not self.root.index else None
        self.root, self._renewed = root, began
        if committed is not None:
            self._index.install(self._aside, committed)
            self._objects.delete(key for key in self._old if key not in {part.key for part in committed.parts})

    def _taken_in(self, root: Root) -> Root:
        """Take in what another run has added to the root object, while the lease is ours.

        Raises AlreadyRunning where it is not. Then the root object says that what this run has written may have come
        later than the other one has looked.
        """
        found = self._stored()
        lease = None if found is None else found[0].lease
        if found is not None and lease is not None and lease.token == self._token:
            self._etag = found[1]
            self._conflicts = joined(self._conflicts, found[0].suspects)
            return dataclasses.replace(root, suspects=joined(root.suspects, found[0].suspects))
        by = "another run" if lease is None else f"another run ({lease.holder})"
        self._lost = (
            f"This run was silent for so long that {by} has taken {self._objects.url} over: run the same command again,"
            " which looks at what this one has written."
        )
        if self._writes:
            self._mention()
        raise AlreadyRunning(self._lost) from None

    def _mention(self) -> None:
        with suppress(VoxlakeError):
            for _ in range(_TRIES):
                found = self._stored()
                if found is None:
                    return
                suspects = joined(found[0].suspects, without_lease(self.root).suspects)
                changed = dataclasses.replace(found[0], suspects=suspects)
                with suppress(Conflict):
                    self._objects.put(KEY, changed.to_bytes(), over=found[1])
                    return

    def _stored(self) -> tuple[Root, str] | None:
        """Return the root object as it is in the store, and its ETag; None where it cannot be read."""
        try:
            found = self._objects.get(KEY)
            return None if found is None else (read_root(found.data, self._objects.url), found.etag)
        except (VoxlakeError, FileNotFoundError):
            return None

    def _renew_often(self) -> None:
        while not self._ended.wait(self._seconds / 3):
            try:
                with self._mutex:
                    if not self._ended.is_set():
                        self._write(self.root)
            except AlreadyRunning:
                return
            except Exception as error:  # noqa: BLE001 - tried again; the run finds out by the time of the last success
                LOGGER.debug("The lease was not renewed: %s", error)


def without_lease(root: Root) -> Root:
    """Return a root object whose lease is nobody's; what it was for is suspect."""
    lease = root.lease
    if lease is None:
        return root
    suspects = () if lease.accounts is None else lease.accounts or None
    return dataclasses.replace(root, lease=None, suspects=joined(root.suspects, suspects))


def break_lease(objects: Objects) -> str | None:
    """Take the lease away from whoever has it, and return who that was; None where nobody has it.

    Raises StoreUnavailable where somebody changes it at the same time.
    """
    try:
        found = objects.get(KEY)
    except FileNotFoundError:
        return None
    root = None if found is None else read_root(found.data, objects.url)
    if found is None or root is None or root.lease is None:
        return None
    try:
        objects.put(KEY, without_lease(root).to_bytes(), over=found.etag)
    except Conflict as error:
        raise StoreUnavailable(f"{objects.url} was changed at this moment: run the same command again.") from error
    return root.lease.holder


def _busy(url: str, lease: Lease) -> str:
    return (
        f"Another run is working in {url} ({lease.holder}): wait until it ends; if it is dead, that is known"
        f" {lease.seconds} seconds after it died, or at once with --break-lock."
    )
