"""The working directory that stands for a data directory in a store: what is known of its objects, and copies of them.

Beside the files of a data directory it has a folder of its own: `base/`, the index as it was committed last; the
catalogue; which objects have a copy here; a note of the root object; and `dirty`, while a run has it or has died.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from voxlake.files import make, put, storage, temporary
from voxlake.remote.address import PRIVATE
from voxlake.remote.catalogue import Catalogue, Known
from voxlake.remote.indexed import CATALOGUE, LEDGER, IndexCopy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.remote.address import Address

_KEPT = frozenset({PRIVATE, "locks", "tmp", ".lock", "address.json", "session", "refresh", "database"})
"""What is kept where everything else is thrown away: locks, which somebody holds, and for what the directory stands."""


_MOST_BYTES: Final = 4 << 30
"""Bytes of the copies of days beyond which half of them are removed."""


class Working:
    """The working directory at `root`, for the store at `url`. Every method that writes raises StorageFull."""

    def __init__(self, root: Path, address: Address) -> None:
        self.root, self.url, self.work_id = root, address.url, address.work_id
        self.private = private = root / PRIVATE
        self.catalogue, self.copies = Catalogue(private / CATALOGUE), Catalogue(private / "copies.sqlite")
        self.index = IndexCopy(private / "base", {LEDGER: root / LEDGER, CATALOGUE: private / CATALOGUE})
        self.dirty = private / "dirty"
        self.lock = threading.RLock()

    def key_of(self, path: os.PathLike[str] | str) -> str:
        """Return the key of the object that a path stands for."""
        return os.fspath(path)[len(str(self.root)) + 1 :]

    def state(self) -> dict[str, Any]:
        """Return what was noted of the root object, and of what is here."""
        try:
            said = json.loads((self.private / "state.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def note(self, **known: Any) -> None:
        """Add to what is noted."""
        with self.lock, storage(self.root), temporary(self.private / f"state-{secrets.token_hex(4)}") as aside:
            aside.write_text(json.dumps(self.state() | known))
            put(aside, self.private / "state.json")

    def reset(self) -> None:
        """Put the index back to what was committed last."""
        self.catalogue.close()
        self.index.reset()

    def clear(self) -> None:
        """Throw away what is here of another data directory, which had the same address."""
        self.catalogue.close()
        self.copies.close()
        with storage(self.root):
            for path in (*self.root.iterdir(), *self.private.iterdir()):
                if path.name in _KEPT:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    @contextmanager
    def aside(self) -> Iterator[Path]:
        """Yield the path of a new file, outside of what the data directory has; it is gone after the block."""
        folder = self.private / "incoming"
        with storage(self.root):
            make(folder)
        with temporary(folder / secrets.token_hex(8)) as aside:
            yield aside

    def take_copy(self, aside: Path, path: Path, known: Known) -> None:
        """Put a file in place as the copy of an object."""
        key = self.key_of(path)
        self.copies.remove([key])
        with storage(self.root):
            make(path.parent)
            put(aside, path)
        self.copies.put(key, *known)

    def drop_old_copies(self) -> None:
        """Remove the copies of objects that were replaced or removed: what was erased elsewhere is erased here."""
        for key, etag, _ in self.copies.below(""):
            known = self.catalogue.get(key)
            if known is None or known.etag != etag:
                self.drop_copy(key)

    def trim(self) -> None:
        """Remove the copies of days that were made first, where all copies take more than they may."""
        known = [(key, size) for key, _, size in self.copies.below("lake") if key.endswith(".parquet")]
        left = sum(size for _, size in known)
        if left > _MOST_BYTES:
            used = {key: (self.root / key).stat().st_mtime if (self.root / key).exists() else 0 for key, _ in known}
            for key, size in sorted(known, key=lambda its: used[its[0]]):
                if left <= _MOST_BYTES // 2:
                    break
                self.drop_copy(key)
                left -= size

    def drop_copy(self, key: str) -> None:
        """Remove the copy of an object that is gone."""
        self.copies.remove([key])
        with storage(self.root):
            (self.root / key).unlink(missing_ok=True)
