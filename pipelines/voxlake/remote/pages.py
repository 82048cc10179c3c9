"""What has changed in a few files of SQLite, as the blocks that differ: what a night adds to an index is a part of it.

A change is one or several pieces of bytes, which are applied in order; the first ones, against files that are not
there, are all that there is.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_BLOCK: Final = 1024
"""Bytes of a block, which is a page of the index."""
_READ: Final = 1 << 20
_PIECE: Final = 32 << 20
"""Bytes of blocks in a piece, about, before they are compressed."""


def copy_of(path: Path, copy: Path) -> None:
    """Copy a database of SQLite as it is at one moment, page by page; one that is missing has no copy."""
    copy.unlink(missing_ok=True)
    if path.exists():
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)


def differences(before: Path, files: Mapping[str, Path]) -> Iterator[bytes]:
    """Yield how some files differ from those of the same names in a folder `before`; nothing where they do not."""
    for name, path in files.items():
        if not path.exists():
            continue
        old = before / name
        if old.exists() and old.stat().st_size == path.stat().st_size and checksum(old) == checksum(path):
            continue
        size, blocks, numbers = path.stat().st_size, list[bytes](), list[int]()
        for number, block in _differing(old, path):
            numbers.append(number)
            blocks.append(block)
            if len(blocks) * _BLOCK >= _PIECE:
                yield _packed(name, size, numbers, blocks)
                blocks, numbers = [], []
        yield _packed(name, size, numbers, blocks)


def _differing(old: Path, new: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    with new.open("rb") as file:
        before = old.open("rb") if old.exists() else None
        try:
            while piece := file.read(_READ):
                known = b"" if before is None else before.read(_READ)
                if piece != known:
                    for begin in range(0, len(piece), _BLOCK):
                        block = piece[begin : begin + _BLOCK]
                        if block != known[begin : begin + _BLOCK]:
                            yield number + begin // _BLOCK, block
                number += _READ // _BLOCK
        finally:
            if before is not None:
                before.close()


def _packed(name: str, size: int, numbers: list[int], blocks: list[bytes]) -> bytes:
    head = json.dumps({"name": name, "size": size, "block": _BLOCK, "numbers": numbers}).encode() + b"\n"
    raw = head + b"".join(blocks)
    packed: bytes = pa.compress(raw, codec="zstd", asbytes=True)
    return json.dumps({"bytes": len(raw)}).encode() + b"\n" + packed


def apply(piece: bytes, folder: Path) -> None:
    """Apply a piece to the files in a folder.

    Raises:
        ValueError, KeyError, TypeError, pa.ArrowException: it is not what was written.

    """
    line, _, packed = piece.partition(b"\n")
    raw = pa.decompress(packed, int(json.loads(line)["bytes"]), codec="zstd", asbytes=True)
    line, _, blocks = raw.partition(b"\n")
    head = json.loads(line)
    path, size = folder / head["name"], int(head["block"])
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(int(head["size"]))
        for place, number in enumerate(head["numbers"]):
            file.seek(int(number) * size)
            file.write(blocks[place * size : (place + 1) * size])


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; "" where it is missing."""
    if not path.exists():
        return ""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ):
            digest.update(piece)
    return digest.hexdigest()
