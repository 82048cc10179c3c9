"""The reply archive: every reply as it came, for a dispute with the vendor or a bug of ours.

One gzip file for each run, `raw/<start>-<process>.gz`, readable with zcat: for each reply a line of JSON that says what
was asked (no secrets) and when (UTC), then the body, then a newline. Each reply is a gzip member of its own, so a
killed run loses at most the last one.
"""

from __future__ import annotations

import functools
import gzip
import json
import os
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from voxlake.errors import DataError, SettingsError
from voxlake.files import append, storage

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.clock import Clock
    from voxlake.lake.layout import Layout

_CHUNK = 1 << 20
_HEADER = gzip.compress(b"", 6, mtime=0)[:10]
"""How each member begins; none follows a torn end."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply with HTTP status 200; `run` is the name of its file, `at` when it had come (UTC)."""

    run: str
    account_id: int
    method: str
    parameters: dict[str, str]
    at: datetime
    body: bytes


Treat = Callable[[int, str, Mapping[str, str], bytes], bytes | None]


@dataclass(slots=True)
class _OneFile:
    """The file of a run, once there is one, and whose turn it is to write to it."""

    file: io.FileIO | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


def _whole(_account_id: int, _method: str, _parameters: Mapping[str, str], body: bytes) -> bytes:
    return body


class ReplyArchive:
    """The replies of one run, in one file that the first of them creates; can be shared between threads.

    A copy that was pickled for another process writes a file of its own. What may be kept of a reply is what `treat`
    returns of it, given the account, the method, the parameters and the body; None of what may not be.
    """

    def __init__(
        self, layout: Layout, account_id: int, *, clock: Clock, treat: Treat = _whole, file: _OneFile | None = None
    ) -> None:
        self._layout, self._account_id, self._clock, self._treat = layout, account_id, clock, treat
        self._file = file or _OneFile()

    def of(self, account_id: int) -> ReplyArchive:
        """Return the archive of another account, in the same file."""
        return ReplyArchive(self._layout, account_id, clock=self._clock, treat=self._treat, file=self._file)

    def __reduce__(self) -> tuple[Callable[..., ReplyArchive], tuple[Any, ...]]:
        """Pickle without the open file and the lock."""
        its = functools.partial(ReplyArchive, clock=self._clock, treat=self._treat)
        return its, (self._layout, self._account_id)

    def keep(self, method: str, parameters: Mapping[str, str], body: bytes, *, at: datetime) -> None:
        """Append the body of a reply with HTTP status 200, what it answers, and when it came (UTC).

        Raises:
            StorageFull: it cannot be written.

        """
        kept = self._treat(self._account_id, method, parameters, body)
        if kept is None:
            return
        body = kept
        asked = {
            "at": at.isoformat(),
            "account_id": self._account_id,
            "method": method,
            "parameters": dict(parameters),
            "bytes": len(body),
        }
        member = gzip.compress(json.dumps(asked).encode() + b"\n" + body + b"\n", 6, mtime=0)
        its = self._file
        with its.lock, storage(self._layout.root):
            if its.file is None:
                its.file = self._open()
            append(its.file, member)

    def close(self) -> None:
        """Make what was kept survive a power cut. Raises StorageFull where that fails."""
        if self._file.file is not None:
            with storage(self._layout.root):
                os.fsync(self._file.file.fileno())
                self._file.file.close()

    def _open(self) -> io.FileIO:
        folder = self._layout.replies
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / f"{self._clock.now():%Y%m%dT%H%M%SZ}-{os.getpid()}.gz").open("ab", buffering=0)


def archives(folder: Path) -> list[Path]:
    """List the files of all runs, oldest run first.

    Raises:
        SettingsError: there is none.

    """
    if paths := sorted(folder.glob("*.gz")):
        return paths
    raise SettingsError(f"{folder} holds no replies: they are kept by 'voxlake export --keep-raw'.")


def replies(folder: Path, torn: Callable[[Path], None]) -> Iterator[Reply]:
    """Yield all replies of all runs, oldest run first.

    Where a run was killed while it wrote, the torn last reply is skipped and `torn` is called with the file's path.

    Raises:
        SettingsError: there are no files.
        DataError: a file is damaged elsewhere than at its end, or no reply is left.

    """
    any_left = False
    for path in archives(folder):
        try:
            for member in members(path, torn):
                any_left = True
                line, _, rest = member.partition(b"\n")
                asked: dict[str, Any] = json.loads(line)
                at = datetime.fromisoformat(asked["at"]).astimezone(UTC)
                body = rest[: asked["bytes"]]
                yield Reply(path.name, asked["account_id"], asked["method"], asked["parameters"], at, body)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
            raise DataError(
                f"{path} is damaged ({' '.join(str(error).split())}): take it from a backup or move it away."
            ) from error
    if not any_left:
        raise DataError(f"No reply in {folder} could be read: take its files from a backup, or name another --raw.")


def members(path: Path, torn: Callable[[Path], None]) -> Iterator[bytes]:
    """Unpack the members of a gzip file one by one; a last one without its end was torn by a kill."""
    with path.open("rb") as file:
        start, packed = 0, b""
        while packed or (packed := file.read(_CHUNK)):
            unpacking, pieces, size = zlib.decompressobj(31), [], 0
            while not unpacking.eof and packed:
                size += len(packed)
                pieces.append(unpacking.decompress(packed))
                packed = unpacking.unused_data if unpacking.eof else file.read(_CHUNK)
            if not unpacking.eof:
                file.seek(start + 1)
                if _HEADER in file.read():
                    raise ValueError(f"the reply at byte {start} has no end")
                torn(path)
                return
            start += size - len(packed)
            yield b"".join(pieces)
