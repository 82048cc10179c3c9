"""File operations below a data directory: each succeeds as a whole, survives a power cut, or raises.

Where the data directory is in an object store, they are operations on objects, and `root` is its working directory.
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
from voxlake.remote import remote_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voxlake.remote import Remote

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Store:
    """The files below `root`. Every method that writes raises StorageFull where the disk is full or read-only."""

    root: Path

    def _behind(self, path: Path) -> Remote | None:
        """Return the store that has the object of a path; None where the path is a file of this machine."""
        remote = remote_of(self.root)
        return remote if remote is not None and remote.holds(path) else None

    def create(self, path: Path) -> pa.NativeFile:
        """Open a new file for writing, aside: `put` it in place when it is whole."""
        with storage(self.root):
            return pa.OSFile(str(path), "wb")

    def put(self, aside: Path, path: Path) -> None:
        """Move a whole file into place by one rename, over the one before."""
        if (remote := self._behind(path)) is not None:
            remote.put(aside, path)
            return
        with storage(self.root):
            make(path.parent)
            put(aside, path)

    def write_text(self, path: Path, text: str, *, aside: Path) -> None:
        """Write a text file as a whole."""
        with storage(self.root):
            aside.write_text(text, encoding="utf-8", errors="backslashreplace")
        self.put(aside, path)

    def put_new(self, aside: Path, path: Path) -> None:
        """Move a whole file into place, under another name where that one is taken."""
        if (remote := self._behind(path)) is not None:
            remote.put_new(aside, path)
            return
        with storage(self.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            while os.path.lexists(path):
                path = path.with_name(f"again.{path.name}")
            put(aside, path)

    def keep(self, path: Path, copy: Path) -> None:
        """Keep the present content of a file as `copy` too, under another name where that one is taken."""
        if (remote := self._behind(path)) is not None:
            with remote.copied(path) as aside:
                remote.put_new(aside, copy)
            return
        with storage(self.root):
            make(copy.parent)
            while os.path.lexists(copy):
                copy = copy.with_name(f"again.{copy.name}")
            link(path, copy)

    def move(self, path: Path, target: Path) -> Path:
        """Move a file or a folder, under another name where that one is taken, and return its new path."""
        if (remote := self._behind(path)) is not None:
            with remote.copied(path) as aside:
                moved = remote.put_new(aside, target, "{}.again")
            remote.remove([path])
            return moved
        with storage(self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            while os.path.lexists(target):
                target = target.with_name(f"{target.name}.again")
            return Path(shutil.move(path, target))

    def remove(self, path: Path) -> None:
        """Remove a file that may not be there."""
        if (remote := self._behind(path)) is not None:
            remote.remove([path])
            return
        with storage(self.root):
            path.unlink(missing_ok=True)

    def share(self, path: Path) -> None:
        """Put the present content of a file of this machine as its object, where it has one."""
        if (remote := self._behind(path)) is not None:
            with remote.aside() as aside:
                shutil.copyfile(path, aside)
                aside.chmod(path.stat().st_mode & 0o777)
                remote.put(aside, path)

    def fetch(self, path: Path) -> Path:
        """Return a path, after the bytes of its file were brought to this machine, where there is such a file."""
        remote = self._behind(path)
        return path if remote is None else remote.fetch(path)

    def fetch_all(self, folder: Path) -> None:
        """Bring all files below a folder to this machine."""
        if self._behind(folder) is not None:
            self.fetch_many(self.files(folder))

    def fetch_many(self, paths: Iterable[Path]) -> None:
        """Bring files to this machine side by side, before they are read one by one; those of a disk are there."""
        if (remote := remote_of(self.root)) is not None:
            remote.fetch_many(paths)

    def stamp(self, path: Path) -> str:
        """Return what changes whenever a file is replaced: its size, time and inode, or the ETag of an object."""
        remote = self._behind(path)
        return stamp_of(path.stat()) if remote is None else remote.stamp(path)

    def size(self, path: Path) -> int:
        """Return the bytes of a file; raises an OSError where there is none."""
        remote = self._behind(path)
        return path.stat().st_size if remote is None else remote.size(path)

    def files(self, folder: Path) -> list[Path]:
        """Return the files below a folder, in order; no link is followed. Those of a store have to be fetched."""
        remote = self._behind(folder)
        return list(files_below(folder)) if remote is None else remote.paths_below(folder)

    def is_file(self, path: Path) -> bool:
        """Return whether there is a file."""
        remote = self._behind(path)
        return path.is_file() if remote is None else remote.has(path)

    def find(self, folder: Path, pattern: str) -> Iterator[Path]:
        """Yield the paths in a folder that match a glob, in order. Raises SettingsError where it may not be read."""
        if (remote := self._behind(folder)) is not None:
            name = pattern.rpartition("/")[2]
            return iter(path for path in remote.paths_below(folder) if fnmatch.fnmatchcase(path.name, name))
        with storage(folder, writing=False):
            return iter(sorted(_matching(folder, pattern.split("/"))))


def stamp_of(stat: os.stat_result) -> str:
    """Return a file's stamp from what the file system says of it."""
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"


def files_below(root: Path) -> Iterator[Path]:
    """Yield the files of this machine below a folder, in order; no link is followed."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if not path.is_symlink() and path.is_file():
                yield path


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
