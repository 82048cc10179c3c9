"""Where Delta tables lie: a local folder or a bucket, and what it refuses, said in one sentence."""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyarrow import fs

from voxlake import extras
from voxlake.errors import SettingsError, StorageFull, Unavailable, VoxlakeError
from voxlake.files import make, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPTIONS: Final = {"max_retries": "4", "retry_timeout": "60s", "allow_http": "true"}
"""How long a bucket that does not answer is asked again; its address and keys come from the environment."""
_AWAY: Final = re.compile(
    r"client error \(Connect\)|connection (refused|reset|closed)|timed? ?out|dns error|SlowDown|Service Unavailable"
    r"|Internal Server Error|InternalError|Too Many Requests|Bad Gateway|error sending request|\b50[0234]\b",
    re.IGNORECASE,
)
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_DECORATION: Final = re.compile(r"\x1b\[[0-9;]*m|[↳]")
_LONG: Final = 200
_REASONS: Final = {
    r"client error \(Connect\)": "no connection",
    r"loading credentials": "no credentials were found, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    r"403 Forbidden|necessary privileges": "access is denied, 403",
    r"404 Not Found": "there is no such bucket, 404",
    r"Unknown scheme": "Unknown scheme",
}


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of the tables, by its address: `s3://`, `gs://`, `az://` or a path.

    What the store of a bucket refuses is raised by each method as a sentence, see `delta_errors`.
    """

    uri: str

    @classmethod
    def at(cls, uri: str) -> Place:
        """Return the place of an address. Raises SettingsError where it is empty."""
        address = uri.strip().removeprefix("file://").rstrip("/")
        if not address:
            raise SettingsError(
                "The address of the Delta tables is empty: give a folder or one such as s3://bucket/sms."
            )
        extras.require("delta")
        return cls(address if "://" in address else str(Path(address).expanduser().absolute()))

    @property
    def folder(self) -> Path | None:
        """The folder, where it is on this machine."""
        return None if "://" in self.uri else Path(self.uri)

    def address(self, table: str) -> str:
        """Return the address of a table."""
        return f"{self.uri}/{table}"

    @property
    def options(self) -> dict[str, str] | None:
        """The options of the store, beside those in the environment."""
        return dict(_OPTIONS) if self.folder is None else None

    def load(self, table: str) -> Any | None:
        """Return a table in its newest version; None where there is none."""
        deltalake = extras.load("deltalake")
        if self.folder is not None and not (self.folder / table / "_delta_log").is_dir():
            return None
        try:
            return deltalake.DeltaTable(self.address(table), storage_options=self.options)
        except extras.load("deltalake.exceptions").TableNotFoundError:
            return None

    def open(self, table: str, path: str) -> Any:
        """Open a data file of a table to be read, as pyarrow takes it."""
        if self.folder is not None:
            return pa.OSFile(str(self.folder / table / path))
        return self._store(table).open_input_file(path)

    @contextmanager
    def create(self, table: str, path: str) -> Iterator[Any]:
        """Make a data file of a table in the block; nobody reads it before a commit names it.

        Where the block fails, the file is removed.
        """
        try:
            if self.folder is None:
                stream = self._store(table).open_output_stream(path)
                # Closing it is what makes an object of it.
                yield stream
                stream.close()
                return
            file = self.folder / table / path
            make(file.parent)
            with file.open("xb") as opened:
                yield opened
                _settle(opened)
            sync(file.parent)
        except BaseException:
            self.remove(table, path)
            raise

    def size(self, table: str, path: str) -> int:
        """Return the bytes of a data file."""
        if self.folder is not None:
            return (self.folder / table / path).stat().st_size
        return int(self._store(table).get_file_info(path).size)

    def remove(self, table: str, path: str) -> None:
        """Remove a data file that no commit names, if that can be done."""
        with suppress(Exception):
            if self.folder is not None:
                (self.folder / table / path).unlink(missing_ok=True)
            else:
                self._store(table).delete_file(path)

    def _store(self, table: str) -> Any:
        handler = extras.load("deltalake.fs").DeltaStorageHandler(self.address(table), self.options)
        return fs.PyFileSystem(handler)


def _settle(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def delta_errors(place: Place) -> Iterator[None]:
    """Turn what the library of Delta tables or a store says into a sentence about a place.

    Raises:
        Unavailable: the store cannot be reached, or asks to come back later.
        SettingsError: it refuses, or there is no such place.
        StorageFull: the disk has no room.

    """
    try:
        yield
    except VoxlakeError:
        raise
    except (extras.load("deltalake.exceptions").DeltaError, OSError, pa.ArrowException) as error:
        code = _system_code(error) if place.folder is not None else None
        reason = reason_of(error) if code is None else os.strerror(code)
        if code in _NO_ROOM:
            raise StorageFull(
                f"{place.uri} has no room for the Delta tables ({reason}): they are unchanged; make room, then try"
                " again."
            ) from error
        if _AWAY.search(str(error)):
            raise Unavailable(
                f"{place.uri} does not answer ({reason}): its Delta tables are unchanged; try again."
            ) from error
        raise SettingsError(
            f"The Delta tables at {place.uri} cannot be used ({reason}): they are unchanged; correct that first."
        ) from error


def _system_code(error: Exception) -> int | None:
    """Return the number of the system's error, which a library may have put into its text; None without one."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = re.search(r"(?:code: |os error )(\d+)", str(error))
    return None if found is None else int(found[1])


def reason_of(error: BaseException) -> str:
    """Return what is wrong in a few words where that is known, else what a library said, on one line."""
    for said, words in _REASONS.items():
        if re.search(said, str(error)):
            return words
    text = " ".join(_DECORATION.sub(" ", str(error)).split())
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."
