"""A data directory in an object store, and the working directory that stands for it on this machine.

Which objects there are is answered by the catalogue; the bytes of one are fetched when they are wanted; and what is
written is put before its copy here takes its name.
"""

from __future__ import annotations

import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from voxlake.errors import AlreadyRunning, StorageFull
from voxlake.remote.catalogue import Known
from voxlake.remote.objects import ANY, Objects
from voxlake.remote.refusals import Conflict
from voxlake.remote.session import SECONDS, Session, break_lease
from voxlake.remote.working import Working

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from voxlake.remote.address import Address

HELD: Final = ("lake", "rejects", "raw", "certificates", "delta.txt")
"""What of a data directory is objects, folders and files; the rest is this machine's, or goes another way."""
_AT_ONCE: Final = 16
"""Objects that are fetched at a time, where many are wanted."""
_BYTES_AT_ONCE: Final = 64 << 20
"""Bytes of objects that are fetched at a time, unless one alone has more: each is in memory until it is here."""
_ACCOUNT: Final = re.compile(r"/account_id=(-?[0-9]+)/")


class Remote(Working):
    """A data directory in a store; `root` is the working directory. The methods that write are for whoever holds it.

    Raises what `refusals` does, wherever the store is asked.
    """

    def __init__(self, root: Path, address: Address) -> None:
        super().__init__(root, address)
        self.seconds = SECONDS
        self.session: Session | None = None
        self.is_out_of_reach = False
        """Whether the store did not answer last time: what can do without it then does not wait for it again."""
        self._objects: Objects | None = None
        self._fetching_many = threading.Lock()

    @property
    def objects(self) -> Objects:
        """The objects, asked for when they are first needed."""
        with self.lock:
            if self._objects is None:
                self._objects = Objects(self.url)
            return self._objects

    def holds(self, path: Path) -> bool:
        """Return whether a path stands for an object, or for a folder of objects."""
        return self.key_of(path).partition("/")[0] in HELD

    def names_in(self, folder: os.PathLike[str] | str) -> list[str]:
        """Return what a folder has; nothing where there is none."""
        return self.catalogue.names_in(self.key_of(folder))

    def stamp(self, path: os.PathLike[str] | str) -> str:
        """Return the ETag of an object. Raises FileNotFoundError where there is none."""
        known = self.catalogue.get(self.key_of(path))
        if known is None:
            raise FileNotFoundError(str(path))
        return known.etag

    def paths_below(self, folder: Path) -> list[Path]:
        """Return the paths of all objects below a folder, in order."""
        return [self.root / key for key, _, _ in self.catalogue.below(self.key_of(folder))]

    def has(self, path: Path) -> bool:
        """Return whether there is an object."""
        return self.catalogue.get(self.key_of(path)) is not None

    def size(self, path: Path) -> int:
        """Return the bytes of an object, 0 where there is none."""
        known = self.catalogue.get(self.key_of(path))
        return 0 if known is None else known.size

    def fetch(self, path: Path) -> Path:
        """Bring the object of a path here, unless its copy is there; without an object there is no file either."""
        key = self.key_of(path)
        known, copy = self.catalogue.get(key), self.copies.get(key)
        if known is None:
            if copy is not None:
                self.drop_copy(key)
            return path
        if _is_of(copy, known) and path.exists():
            return path
        try:
            found = self.objects.get(key)
        except FileNotFoundError:
            self.catalogue.remove([key])
            self.drop_copy(key)
            return path
        if found is not None:
            with self.aside() as aside:
                aside.write_bytes(found.data)
                self.take_copy(aside, path, Known(found.etag, len(found.data)))
            if found.etag != known.etag:
                self.catalogue.put(key, found.etag, len(found.data))
        return path

    def fetch_many(self, paths: Iterable[Path]) -> None:
        """Bring the objects of many paths here side by side, as `fetch` brings each: nearly all of its time is waiting.

        The first error ends it, and what is on its way then is waited for.
        """
        wanted = [path for path in dict.fromkeys(paths) if not self._is_here(path)]
        if not wanted:
            return
        # Threads of several accounts take turns, so that the bounds are those of the process.
        with self._fetching_many, ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="voxlake-fetch") as threads:
            try:
                for some in self._batches(wanted):
                    for each in as_completed([threads.submit(self.fetch, path) for path in some]):
                        each.result()
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise

    def _is_here(self, path: Path) -> bool:
        """Return whether there is nothing to be fetched: the copy is that of the object, or there is no object."""
        key = self.key_of(path)
        known, copy = self.catalogue.get(key), self.copies.get(key)
        return known is None or (_is_of(copy, known) and path.exists())

    def _batches(self, paths: Iterable[Path]) -> Iterator[list[Path]]:
        """Yield paths in groups whose objects may be in memory at the same time."""
        batch: list[Path] = []
        left = _BYTES_AT_ONCE
        for path in paths:
            if batch and self.size(path) > left:
                yield batch
                batch, left = [], _BYTES_AT_ONCE
            batch.append(path)
            left -= self.size(path)
        yield batch

    def put(self, aside: Path, path: Path) -> None:
        """Put a whole file as one object, over the one that is known, and its copy in place.

        Raises:
            AlreadyRunning: another run has taken over.
            StorageFull: another one is there, which nobody can explain; the next run looks what it is.

        """
        session, key = self.held(), self.key_of(path)
        known = self.catalogue.get(key)
        over = (known.etag if known is not None else None) if key.startswith("lake/") else ANY
        data = aside.read_bytes()
        try:
            with session.writing():
                etag = self.objects.put(key, data, over=over)
        except Conflict:
            self._meet_conflict(session, key)
        self.catalogue.put(key, etag, len(data))
        self.take_copy(aside, path, Known(etag, len(data)))

    def put_new(self, aside: Path, path: Path, other: str = "again.{}") -> Path:
        """Put a file under a name that nobody has, if need be another one; returns its path."""
        session, data = self.held(), aside.read_bytes()
        while True:
            key = self.key_of(path)
            if self.catalogue.get(key) is None:
                try:
                    with session.writing():
                        etag = self.objects.put(key, data, over=None)
                except Conflict:
                    pass
                else:
                    self.catalogue.put(key, etag, len(data))
                    self.take_copy(aside, path, Known(etag, len(data)))
                    return path
            path = path.with_name(other.format(path.name))

    @contextmanager
    def copied(self, path: Path) -> Iterator[Path]:
        """Yield a copy of an object aside. Raises FileNotFoundError where there is none."""
        with self.aside() as aside:
            shutil.copyfile(self.fetch(path), aside)
            yield aside

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove objects that may not be there, and their copies."""
        keys = [key for path in paths if self.catalogue.get(key := self.key_of(path)) is not None]
        if keys:
            with self.held().writing():
                self.objects.delete(keys)
            self.catalogue.remove(keys)
        for key in keys:
            self.drop_copy(key)

    def _meet_conflict(self, session: Session, key: str) -> NoReturn:
        found = _ACCOUNT.search(key)
        session.meet_conflict((int(found[1]),) if found else ())
        raise StorageFull(
            f"{self.url}/{key} was changed by somebody else meanwhile: run the same command again, which looks at it"
            " first."
        ) from None

    def leave_nothing_old(self) -> None:
        """Write the whole index anew at the next commit, so that no part holds what was erased from it."""
        self.index.forget()

    def is_held_elsewhere(self) -> bool:
        """Return whether a run of another machine held it when that was looked up last."""
        return self.session is None and self.state().get("holder") is not None

    def held(self) -> Session:
        """Return the session of this process. Raises AlreadyRunning where it has none."""
        if self.session is None:
            raise AlreadyRunning(f"Nobody holds {self.url}, and nothing is written then: report it.")
        return self.session

    def break_lease(self) -> str | None:
        """Take the lease away from whoever has it, and return who that was; None where nobody has it."""
        return break_lease(self.objects)


def _is_of(copy: Known | None, known: Known) -> bool:
    """Return whether a copy is that of an object as it is known."""
    return copy is not None and copy.etag == known.etag
