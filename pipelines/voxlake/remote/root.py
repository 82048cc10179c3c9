"""The root object of a data directory in a store, `voxlake.json`: who works there, and which index and database count.

It is only replaced by compare-and-swap, and no two of its states are the same bytes. Whoever takes the lease thereby
makes every later change of the one before fail, whatever that one believes.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
from dataclasses import dataclass
from typing import Any, Final

from voxlake.errors import DataError, SettingsError

KEY: Final = "voxlake.json"
"""The key of the root object."""
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works in the data directory, and on which accounts; on all of them where those are None.

    It lasts for `seconds` after the store has last written it. `token` is that of the run, `work_id` the name of its
    working directory, `record` that of the run in the history.
    """

    token: str
    work_id: str
    holder: str
    seconds: int
    accounts: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """An object with a part of the index."""

    key: str
    bytes: int


@dataclass(frozen=True, slots=True)
class IndexState:
    """The parts that make up the index, of which the first `whole` ones are all that there was once.

    `checksums` are those of the files that come of it.
    """

    version: int
    parts: tuple[Part, ...]
    whole: int
    checksums: dict[str, str]


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """The published database: the object that has it, and the one that had the database before it."""

    key: str
    etag: str
    bytes: int
    published_at: str
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """The content of the root object; `id` is the data directory's own.

    `suspects` are accounts whose objects may not be as the index has them, after a run that died: None for no account,
    () for all of them.
    """

    id: str
    lease: Lease | None = None
    suspects: tuple[int, ...] | None = None
    index: IndexState | None = None
    database: DatabaseState | None = None

    def to_bytes(self) -> bytes:
        """Return the bytes of the object, which are never the same twice."""
        said = {"format": FORMAT, "token": secrets.token_hex(8), **dataclasses.asdict(self)}
        return json.dumps(said, separators=(",", ":")).encode()


def read_root(data: bytes, url: str) -> Root:
    """Return the content of a root object.

    Raises:
        DataError: it is not one of ours.
        SettingsError: a newer version of voxlake wrote it.

    """
    try:
        said: dict[str, Any] = json.loads(data)
        version = int(said["format"])
        if version > FORMAT:
            raise SettingsError(
                f"{KEY} of {url} has format {version}, which a newer version of voxlake wrote: install that one."
            )
        lease, index, database = said["lease"], said["index"], said["database"]
        return Root(
            str(said["id"]),
            lease and Lease(**lease | {"accounts": _tuple(lease["accounts"])}),
            _tuple(said["suspects"]),
            index and IndexState(**index | {"parts": tuple(Part(**part) for part in index["parts"])}),
            database and DatabaseState(**database),
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise DataError(f"{KEY} of {url} is damaged: remove it, and the next run makes it again.") from error


def _tuple(its: list[int] | None) -> tuple[int, ...] | None:
    return None if its is None else tuple(map(int, its))


def joined(some: tuple[int, ...] | None, others: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Return the suspects of both: None stands for none, () for all."""
    if some is None or others is None:
        return others if some is None else some
    return tuple(sorted({*some, *others})) if some and others else ()
