"""The objects below the address of a data directory: bytes by key, each put on conditions, as a whole or not at all."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from voxlake.errors import SettingsError, StoreUnavailable
from voxlake.extras import load
from voxlake.remote.connect import open_store
from voxlake.remote.refusals import Conflict, refusals, was_cut_off

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

ANY: Final = "*"
"""In place of an ETag: whatever object is there, or none."""
_PAGE: Final = 1000
"""Objects that one request lists, or removes."""
_PIECE: Final = 16 << 20
"""Bytes of a part of a large file."""
_TRIES: Final = 3
"""How often is asked where a connection breaks in the middle of a reply, or is silent."""

T = TypeVar("T")


class Found(NamedTuple):
    """An object: its bytes, its ETag, and when the store says that it was written (UTC)."""

    data: bytes
    etag: str
    modified: datetime


class Listed(NamedTuple):
    """An object in a listing."""

    key: str
    etag: str
    size: int


class Objects:
    """The objects of a data directory at a URL; `requests` counts what was asked for, by kind.

    Every method raises what `refusals` does.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests = {"get": 0, "put": 0, "list": 0, "delete": 0}
        self._store = open_store(url)
        self._obstore: Any = load("obstore", extra=None)

    def get(self, key: str, *, unless: str | None = None) -> Found | None:
        """Return an object; None where it has the ETag `unless`."""
        options = {} if unless is None else {"if_none_match": unless}

        def ask() -> Found:
            self.requests["get"] += 1
            with refusals(self.url, key=key):
                reply = self._obstore.get(self._store, key, options=options)
                return Found(bytes(reply.bytes()), reply.meta["e_tag"] or "", reply.meta["last_modified"])

        try:
            return _patiently(ask)
        except Exception as error:
            if unless is not None and "NotModifiedError" in {type(its).__name__ for its in (error, error.__cause__)}:
                return None
            raise

    def put(self, key: str, data: bytes, *, over: str | None) -> str:
        """Put an object over the one with an ETag, over ANY, or where there is none (None); returns its ETag.

        Raises Conflict where another one is there, unless that has the same bytes: a request that was sent again after
        its reply was lost meets what it has put itself.
        """
        mode: Any = "create" if over is None else "overwrite" if over == ANY else {"e_tag": over}

        def ask() -> str:
            self.requests["put"] += 1
            with refusals(self.url, writing=True, key=key):
                reply = self._obstore.put(self._store, key, data, mode=mode, use_multipart=False)
                return str(reply["e_tag"] or "")

        try:
            return _patiently(ask)
        except Conflict:
            try:
                found = self.get(key)
            except FileNotFoundError:
                found = None
            if found is None or found.data != data:
                raise
            return found.etag
        except FileNotFoundError as error:
            # Some stores say so where the object that was to be replaced is gone.
            raise Conflict(key) from error

    def put_file(self, key: str, path: Path) -> str:
        """Put a large file as one object, in parts; a half that fails leaves nothing. Returns its ETag."""

        def ask() -> str:
            self.requests["put"] += 1 + (path.stat().st_size // _PIECE + 1 if path.stat().st_size > _PIECE else 0)
            with refusals(self.url, writing=True, key=key), path.open("rb") as file:
                reply = self._obstore.put(self._store, key, file, chunk_size=_PIECE, max_concurrency=4)
                return str(reply["e_tag"] or "")

        return _patiently(ask)

    def get_file(self, key: str, path: Path) -> str:
        """Write an object to a file, a piece at a time, and return its ETag."""

        def ask() -> str:
            self.requests["get"] += 1
            with refusals(self.url, key=key):
                reply = self._obstore.get(self._store, key)
                with path.open("wb") as file:
                    for piece in reply.stream(min_chunk_size=_PIECE):
                        file.write(piece)
                return str(reply.meta["e_tag"] or "")

        return _patiently(ask)

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield the objects whose key begins with a folder and "/", or all of them for ""."""
        number, after, left = 0, None, _TRIES
        while left:
            left -= 1
            try:
                with refusals(self.url, key=prefix):
                    for page in self._obstore.list(self._store, prefix=prefix or None, offset=after, chunk_size=_PAGE):
                        for each in page:
                            number, after = number + 1, each["path"]
                            yield Listed(each["path"], _quoted(each["e_tag"]), each["size"])
                break
            except StoreUnavailable as error:
                if not left or not was_cut_off(error):
                    raise
        self.requests["list"] += 1 + number // _PAGE

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects, which may not be there."""
        its = list(keys)
        for begin in range(0, len(its), _PAGE):
            some = its[begin : begin + _PAGE]

            def ask(some: list[str] = some) -> None:
                self.requests["delete"] += 1
                with refusals(self.url, writing=True, key=some[0]):
                    self._obstore.delete(self._store, some)

            try:
                _patiently(ask)
            except FileNotFoundError:
                # Azure's store and Google's say that one was not there, and nothing of the others.
                if len(some) > 1:
                    for key in some:
                        self.delete([key])

    def now(self) -> datetime:
        """Return what the store's clock says, by an object that is written for that and removed again."""
        key = f"clock-{secrets.token_hex(8)}"
        self.put(key, key.encode(), over=None)
        try:
            self.requests["get"] += 1
            with refusals(self.url, key=key):
                modified: datetime = self._obstore.head(self._store, key)["last_modified"]
        finally:
            self.delete([key])
        return modified

    def require_conditions(self) -> None:
        """Try whether the store refuses to create what exists, and to replace what is another one.

        Raises SettingsError where it does not: two runs at once would overwrite each other's days.
        """
        key = f"trial-{secrets.token_hex(8)}"
        try:
            etag = self.put(key, b"1", over=None)
            obeys = bool(etag) and all(self._refuses(key, over) for over in (None, '"0123456789abcdef"'))
        except SettingsError as error:
            if "cannot be used" not in str(error):
                raise
            obeys = False
        finally:
            self.delete([key])
        if not obeys:
            raise SettingsError(
                f"The store of {self.url} has no conditional writes (If-Match, If-None-Match), without which two runs"
                " would overwrite each other's days: use another store, or a folder of this machine."
            )

    def _refuses(self, key: str, over: str | None) -> bool:
        try:
            self.put(key, b"2", over=over)
        except Conflict:
            return True
        return False


def _quoted(etag: str | None) -> str:
    """Return the ETag of a listing as it is on the object itself: Azure's store lists them without quotes."""
    return f'"{etag}"' if etag and not etag.startswith(('"', "W/")) else etag or ""


def _patiently(ask: Callable[[], T]) -> T:
    """Ask, and ask again where the connection broke or was silent; for what may be done twice."""
    for left in reversed(range(_TRIES)):
        try:
            return ask()
        except StoreUnavailable as error:
            if not left or not was_cut_off(error):
                raise
    raise AssertionError
