"""A Parquet file in the making: rows go through one row group at a time, and every byte through a digest."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.files import storage

if TYPE_CHECKING:
    from pathlib import Path

ROW_GROUP = 122_880
_GATHERED = 1 << 20
# Measured on a million rows: 18.9 MB, against 29.4 with every dictionary.
_DICTIONARIES = [
    "source_number",
    "direction",
    "delivery_status",
    "fragments",
    "cost",
    "status_id",
    "status",
    "error_message",
]
_DELTAS = ["message_id", "processed_at", "transaction_id"]
# Whose least and greatest value help a query, and are nobody's words.
_STATISTICS = [*_DELTAS, "fragments", "cost", "status_id", "status", "direction", "delivery_status"]


class DayFileWriter:
    """A Parquet file in the making; rows come in the order in which they are to lie.

    Row groups have a fixed number of rows whatever the pieces that came, so the same rows give the same bytes and
    the same checksum, which covers the file up to its footer. At most one row group is held in memory.
    """

    def __init__(self, root: Path, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.rows = 0
        self._root, self._schema = root, schema
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self._sink = _Hashing(path)
        # Gathered first: for every page of every column, the writer would wait until it is its turn to run Python.
        self._gathered = pa.BufferedOutputStream(pa.PythonFile(self._sink, mode="w"), _GATHERED)
        self._writer = pq.ParquetWriter(
            self._gathered,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[name for name in _DICTIONARIES if name in schema.names],
            column_encoding=dict.fromkeys(_DELTAS, "DELTA_BINARY_PACKED"),
            write_page_checksum=True,
            write_statistics=[name for name in _STATISTICS if name in schema.names],
        )

    def add(self, table: pa.Table) -> None:
        """Append rows."""
        self.rows += table.num_rows
        self._pending.append(table)
        self._pending_rows += table.num_rows
        while self._pending_rows >= ROW_GROUP:
            self._flush(ROW_GROUP)

    def finish(self) -> str:
        """Write what is left and give the checksum of the rows."""
        if self._pending_rows:
            self._flush(self._pending_rows)
        with storage(self._root):
            self._gathered.flush()
        return self._sink.digest.hexdigest()[:32]

    def seal(self, metadata: dict[bytes, str]) -> None:
        """Write the footer; the file can be read from now on."""
        with storage(self._root):
            self._writer.add_key_value_metadata(metadata)
            self._writer.close()
            self._gathered.close()

    def discard(self) -> None:
        """Give the file up, also where the disk is too full to close it."""
        with suppress(OSError):
            self._sink.abandon()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _flush(self, rows: int) -> None:
        whole = pa.concat_tables(self._pending)
        with storage(self._root):
            self._writer.write_table(whole.slice(0, rows).combine_chunks(), row_group_size=ROW_GROUP)
        self._pending, self._pending_rows = [whole.slice(rows)], whole.num_rows - rows


def rows_checksum(path: Path) -> str:
    """Digest a Parquet file up to its footer, which is what `Draft.finish` gave when it was written."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        left = file.tell() - int.from_bytes(file.read(4), "little")
        file.seek(0)
        while left > 0 and (piece := file.read(min(left, 1 << 20))):
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()[:32]


class _Hashing:
    """A file that digests what is written to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._abandoned = False
        self.digest = hashlib.sha256()

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: Any) -> int:
        if self._abandoned:
            return len(data)
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        if not self._abandoned:
            self._file.flush()

    def close(self) -> None:
        self._file.close()

    def abandon(self) -> None:
        """Close, and let go of what Arrow still has in hand, which it writes when it is destroyed."""
        self._abandoned = True
        self.close()
