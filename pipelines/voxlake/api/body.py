"""A reply, and how its body is read within bounds, whatever a server sends."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxlake.transform import BrokenReplyError

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

ROWS_OF_A_PAGE: Final = 1000
"""Rows of a page, at most. Source: the vendor's reference of both histories."""
BYTES_OF_A_ROW: Final = 32 * 1024
"""A text has at most 1,600 characters, each up to 12 bytes where JSON escapes it (an emoji is a pair of `\\uXXXX`):
19,200 bytes. The other documented fields take less than 1 kB; the rest is room for an error message and new fields."""
LARGEST_REPLY: Final = ROWS_OF_A_PAGE * BYTES_OF_A_ROW
"""Bytes of a body without its content encoding: what is larger is not a reply of the API."""

_PIECE: Final = 1 << 18
"""Bytes that are read at once, at most."""
_ZLIB_OR_GZIP: Final = 47
"""The argument of zlib that accepts either header."""


@dataclass(frozen=True, slots=True)
class Response:
    """A reply: its HTTP status, its body without content encoding, and two headers.

    `server_time` is the Date header in UTC seconds, None where it is absent or unreadable.
    """

    status: int
    body: bytes
    server_time: float | None
    retry_after: str | None = None


def read_body(raw: HTTPResponse, *, largest: int = LARGEST_REPLY) -> bytes:
    """Return a body without its content encoding; `raw` is urllib3's response, of which nothing has been read.

    We decode ourselves: not every version of urllib3 that we accept bounds what a small compressed piece becomes.

    Raises:
        BrokenReplyError: it is larger than `largest` bytes, or compressed in a way that was not asked for.

    """
    encoding = raw.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise BrokenReplyError("a content encoding that was not asked for")
    inflate = _Inflater() if encoding not in ("", "identity") else None
    pieces: list[bytes] = []
    received = size = 0
    while piece := raw.read1(_PIECE, decode_content=False):
        received += len(piece)
        # One byte more than fits is enough to know, and an empty piece may come of many bytes.
        pieces.append(piece if inflate is None else inflate(piece, room=largest + 1 - size))
        size += len(pieces[-1])
        if max(size, received) > largest:
            raise BrokenReplyError(
                f"more than {largest:,} bytes, the largest reply that the API can have reason to send"
            )
    if inflate is not None and inflate.midway:
        raise BrokenReplyError("the compressed body is cut off")
    return b"".join(pieces)


class _Inflater:
    """Decompresses pieces of gzip, which may have several members, or of zlib."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_ZLIB_OR_GZIP)
        self.midway = False

    def __call__(self, data: bytes, *, room: int) -> bytes:
        """Return what a piece becomes, at most `room` bytes of it."""
        found = []
        while data and room > 0:
            self.midway = True
            try:
                found.append(self._member.decompress(data, room))
            except zlib.error:
                raise BrokenReplyError("the compressed body is damaged") from None
            room -= len(found[-1])
            data = self._member.unconsumed_tail
            if self._member.eof:
                data, self._member, self.midway = self._member.unused_data, zlib.decompressobj(_ZLIB_OR_GZIP), False
        return b"".join(found)
