"""The same rows give the same bytes, and a checksum that says so."""

from datetime import date

import pyarrow as pa
import pytest
from support.rows import messages

from voxlake.lake import NO_ROWS, Lake
from voxlake.lake import writer as module
from voxlake.lake.writer import rows_checksum
from voxlake.model import DayKey
from voxlake.transform import SMS

KEY = DayKey(4711, "sms", date(2026, 3, 1))
ROWS = pa.Table.from_pylist(messages(KEY.date, 5_000), schema=SMS.schema)


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """Return a lake whose row groups are small."""
    monkeypatch.setattr(module, "ROW_GROUP", 1_024)
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    return lake


def written(lake, sizes, metadata=""):
    """Write the rows in pieces of some sizes, again and again, and return checksum and path."""
    writer, at = lake.writer(KEY), 0
    while at < len(ROWS):
        for size in sizes:
            writer.add(ROWS.slice(at, size))
            at += size
    checksum = writer.finish()
    writer.seal({b"voxlake": metadata})
    assert writer.rows == len(ROWS)
    return checksum, writer.path


@pytest.mark.parametrize("sizes", [[5_000], [1], [1_024], [1_023, 1, 0, 2_000], [7, 1_500]], ids=str)
def test_pieces_make_no_difference(lake, sizes):
    """However the rows come, file and checksum are the same."""
    checksum, path = written(lake, [5_000])
    content = path.read_bytes()
    assert written(lake, sizes) == (checksum, path)
    assert path.read_bytes() == content


def test_the_checksum_covers_the_rows_alone(lake):
    """What the footer says does not change the checksum, which can be worked out again; a row does."""
    checksum, path = written(lake, [5_000], metadata="one thing")
    assert rows_checksum(path) == checksum == written(lake, [5_000], metadata="quite another thing")[0]
    writer = lake.writer(KEY)
    writer.add(ROWS.slice(1))
    assert writer.finish() != checksum
    writer.discard()
    assert not list(lake.tmp.iterdir())


def test_no_rows(lake):
    """A day without messages has a file, too."""
    writer = lake.writer(KEY)
    checksum = writer.finish()
    writer.seal({})
    assert rows_checksum(writer.path) == checksum == NO_ROWS
