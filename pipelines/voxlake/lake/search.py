"""Search every file below a data directory for a number, unpacked: as bytes, as rows of Parquet, in databases."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.lake.store import files_below
from voxlake.remote import remote_of

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from voxlake.lake.directory import Lake
    from voxlake.transform import Forgotten

_CHUNK: Final = 1 << 22
_OVERLAP: Final = 256
"""Bytes that are looked at together with the next ones: no number is written longer than that."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What was searched: files and their bytes on disk; `found` hold the number, `unread` could not be looked into."""

    files: int
    bytes: int
    found: tuple[Path, ...] = ()
    unread: tuple[Path, ...] = ()


def all_files(lake: Lake) -> Iterator[Path]:
    """Yield every file of a data directory, in order; no link is followed. Those of a store are fetched one by one."""
    remote = remote_of(lake.root)
    for path in files_below(lake.root):
        if remote is None or not (remote.holds(path) or remote.private in path.parents):
            yield path
    if remote is not None:
        yield from map(remote.fetch, remote.paths_below(lake.root))


def search(lake: Lake, forgotten: Forgotten) -> Searched:
    """Look for numbers that are known in clear in every file of a data directory."""
    files = size = 0
    found, unread = [], []
    for path in all_files(lake):
        files += 1
        size += path.stat().st_size
        holds = holds_number(path, forgotten)
        if holds is None:
            unread.append(path)
        elif holds:
            found.append(path)
    return Searched(files, size, tuple(found), tuple(unread))


def holds_number(path: Path, forgotten: Forgotten) -> bool | None:
    """Return whether a file holds a number, packed or not; None where it is damaged and nobody can say."""
    pattern = forgotten.bytes_pattern
    try:
        with path.open("rb") as file:
            found = _in_chunks(iter(lambda: file.read(_CHUNK), b""), pattern)
        return found or _in_packed(path, forgotten)
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, zlib.error, zipfile.BadZipFile, pa.ArrowException):
        return None


def _in_packed(path: Path, forgotten: Forgotten) -> bool:
    """Return whether a file holds a number that its own bytes do not show."""
    pattern = forgotten.bytes_pattern
    if path.suffix == ".parquet":
        return _in_parquet(path, forgotten)
    if path.suffix == ".gz":
        return _in_chunks(_unpacked(path), pattern)
    if path.suffix == ".zst":
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as packed:
            return _in_chunks(iter(lambda: packed.read(_CHUNK), b""), pattern)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(pattern.search(archive.read(name)) for name in archive.namelist())
    return False


def _unpacked(path: Path) -> Iterator[bytes]:
    """Yield what a gzip file holds, up to a torn end."""
    with gzip.open(path, "rb") as file:
        while True:
            try:
                piece = file.read(_CHUNK)
            except EOFError:
                return
            if not piece:
                return
            yield piece


def _in_chunks(chunks: Iterable[bytes], pattern: re.Pattern[bytes]) -> bool:
    before = b""
    for chunk in chunks:
        if pattern.search(before + chunk):
            return True
        before = chunk[-_OVERLAP:]
    return False


def _in_parquet(path: Path, forgotten: Forgotten) -> bool:
    with pq.ParquetFile(path) as file:
        if any(forgotten.bytes_pattern.search(value) for value in (file.metadata.metadata or {}).values()):
            return True
        groups = (file.read_row_group(n) for n in range(file.num_row_groups))
        return any(forgotten.finds(table) for table in groups)
