"""The body of a reply is read within bounds, whatever comes."""

import gzip
import io
import json
import zlib

import pytest
from support.hostile import bomb
from urllib3 import HTTPResponse

from voxlake.api.body import LARGEST_REPLY, read_body
from voxlake.transform import BrokenReplyError

CONTENT = b'{"result":[],"total_count":0}' * 100


def read(content, encoding=None, **options):
    """Read a body."""
    headers = {} if encoding is None else {"Content-Encoding": encoding}
    return read_body(HTTPResponse(io.BytesIO(content), headers=headers, preload_content=False), **options)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (CONTENT, None),
        (CONTENT, "identity"),
        (gzip.compress(CONTENT, mtime=0), "gzip"),
        (gzip.compress(CONTENT[:50], mtime=0) + gzip.compress(CONTENT[50:], mtime=0), "GZIP"),
        (zlib.compress(CONTENT), "deflate"),
    ],
)
def test_bodies(content, encoding):
    """With or without an encoding, in one member or several, a body is what was meant, up to its largest size."""
    assert read(content, encoding) == CONTENT
    assert read(content, encoding, largest=len(CONTENT)) == CONTENT
    with pytest.raises(BrokenReplyError, match="more than 2,899 bytes"):
        read(content, encoding, largest=len(CONTENT) - 1)


@pytest.mark.parametrize(
    ("content", "encoding", "says"),
    [
        (gzip.compress(CONTENT, mtime=0)[:-9], "gzip", "cut off"),
        (CONTENT, "gzip", "damaged"),
        (CONTENT, "br", "not asked for"),
        (CONTENT, "gzip, gzip", "not asked for"),
    ],
)
def test_bodies_that_cannot_be_decoded(content, encoding, says):
    """What is not whole, or was not asked for, is a broken reply."""
    with pytest.raises(BrokenReplyError, match=says):
        read(content, encoding)


def test_bombs():
    """Neither a small body that becomes a large one, nor a large one that becomes nothing, is read to its end."""
    for content in (bomb(8 << 20), gzip.compress(b"") * 60_000):
        with pytest.raises(BrokenReplyError, match="more than 1,000,000 bytes"):
            read(content, "gzip", largest=1_000_000)


def test_the_largest_reply():
    """A page of a thousand rows whose texts are as long as can be, escaped as wastefully as can be, fits."""
    text = json.dumps("\U0001f600" * 1600)
    assert len(text) * 1000 < LARGEST_REPLY * 0.6
