"""File operations below a data directory: each succeeds as a whole, survives a power cut, or raises.

Together with `layout.py` this is what an object store would replace: paths there, operations here.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.files import link, make, put, storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
            link(path, copy)

    def move(self, path: Path, target: Path) -> Path:
        """Move a file or a folder, under another name where that one is taken, and return its new path."""
        with storage(self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            while os.path.lexists(target):
                target = target.with_name(f"{target.name}.again")
            return Path(shutil.move(path, target))

    def remove(self, path: Path) -> None:
        """Remove a file that may not be there."""
        with storage(self.root):
            path.unlink(missing_ok=True)

    @staticmethod
    def stamp(path: Path) -> str:
        """Return what changes whenever a file is replaced: its size, time and inode."""
        return stamp_of(path.stat())

    @staticmethod
    def find(folder: Path, pattern: str) -> Iterator[Path]:
        """Yield the paths in a folder that match a glob, in order. Raises SettingsError where it may not be read."""
        with storage(folder, writing=False):
            return iter(sorted(_matching(folder, pattern.split("/"))))


def stamp_of(stat: os.stat_result) -> str:
    """Return a file's stamp from what the file system says of it."""
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"


def _matching(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield what matches, as `Path.glob` does, which takes a folder that may not be read for an empty one."""
    first, *rest = parts
    if first == "**":
        for root, _, _ in os.walk(folder, onerror=_raise_but_missing):
            yield from _matching(Path(root), rest)
        return
    if not set("*?[") & set(first):
        path = folder / first
        names = [first] if _exists(path) else []
    else:
        try:
            names = [path.name for path in folder.iterdir() if fnmatch.fnmatchcase(path.name, first)]
        except (FileNotFoundError, NotADirectoryError):
            names = []
    for name in names:
        if rest:
            yield from _matching(folder / name, rest)
        else:
            yield folder / name


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _raise_but_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def sha256(path: Path, *, size: int, begin: int = 0) -> str:
    """Return the first 128 bits, in hexadecimal, of the SHA-256 of `size` bytes of a file, from byte `begin` on."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(begin)
        while size > 0 and (piece := file.read(min(size, _CHUNK))):
            digest.update(piece)
            size -= len(piece)
    return digest.hexdigest()[:32]
