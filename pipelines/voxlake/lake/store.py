"""File operations below a data directory: each succeeds as a whole, survives a power cut, or raises.

Together with `layout.py` this is what an object store would replace: paths there, operations here.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.files import make, put, storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Store:
    """The files below `root`. Every method that writes raises StorageFull where the disk is full or read-only."""

    root: Path

    def create(self, path: Path) -> pa.NativeFile:
        """Open a new file for writing, aside: `put` it in place when it is whole."""
        with storage(self.root):
            return pa.OSFile(str(path), "wb")

    def put(self, aside: Path, path: Path) -> None:
        """Move a whole file into place by one rename, over the one before."""
        with storage(self.root):
            make(path.parent)
            put(aside, path)

    def write_text(self, path: Path, text: str, *, aside: Path) -> None:
        """Write a text file as a whole."""
        with storage(self.root):
            aside.write_text(text, encoding="utf-8", errors="backslashreplace")
        self.put(aside, path)

    def keep(self, path: Path, copy: Path) -> None:
        """Keep the present content of a file as `copy` too, under another name where that one is taken."""
        with storage(self.root):
            make(copy.parent)
            while os.path.lexists(copy):
                copy = copy.with_name(f"again.{copy.name}")
            os.link(path, copy)

    def move(self, path: Path, target: Path) -> Path:
        """Move a file or a folder, under another name where that one is taken, and return its new path."""
        with storage(self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            while os.path.lexists(target):
                target = target.with_name(f"{target.name}.again")
            return path.rename(target)

    def remove(self, path: Path) -> None:
        """Remove a file that may not be there."""
        with storage(self.root):
            path.unlink(missing_ok=True)

    @staticmethod
    def stamp(path: Path) -> str:
        """Return what changes whenever a file is replaced: its size, time and inode."""
        stat = path.stat()
        return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"

    @staticmethod
    def find(folder: Path, pattern: str) -> Iterator[Path]:
        """Yield the paths in a folder that match a glob, in order."""
        return iter(sorted(folder.glob(pattern)))


def sha256(path: Path, *, size: int) -> str:
    """Return the first 128 bits, in hexadecimal, of the SHA-256 of the first `size` bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (piece := file.read(min(size, _CHUNK))):
            digest.update(piece)
            size -= len(piece)
    return digest.hexdigest()[:32]
