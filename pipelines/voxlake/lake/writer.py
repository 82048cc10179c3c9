"""Write the Parquet file of a day or a month, by row groups, so that the same rows always give the same bytes."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.files import storage
from voxlake.lake.store import Store, sha256

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.transform import Stream

ROW_GROUP = 122_880
"""Rows of a row group, whatever the sizes of the tables that are added; at most one group is held in memory."""


NO_ROWS = hashlib.sha256(b"PAR1").hexdigest()[:32]
"""The checksum of a file without a row: before its footer, there is only Parquet's mark."""


class DayFileWriter:
    """A day file in the making at `path`; rows are added in the order in which they are to lie in it.

    `cut` ends a row group early; `groups` are those that are written, each as the number of its rows and where it ends.
    `finish` ends the rows and returns their checksum, `seal` writes the footer, which may hold that checksum. Every
    method that writes raises StorageFull where the disk is full.
    """

    def __init__(self, store: Store, path: Path, stream: Stream) -> None:
        self.path = path
        self.rows = 0
        self.groups: list[tuple[int, int]] = []
        self._root = store.root
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self._file = store.create(path)
        with storage(self._root):
            self._writer = pq.ParquetWriter(
                self._file,
                stream.schema,
                compression="zstd",
                compression_level=1,
                write_page_checksum=True,
                **stream.parquet,
            )

    def add(self, table: pa.Table) -> None:
        """Append rows."""
        self.rows += table.num_rows
        self._pending.append(table)
        self._pending_rows += table.num_rows
        while self._pending_rows >= ROW_GROUP:
            self._write(ROW_GROUP)

    def cut(self, *, rows: int = 1) -> None:
        """Write the rows that wait for a whole row group, if they are as many as `rows`."""
        if self._pending_rows >= rows:
            self._write(self._pending_rows)

    def finish(self) -> str:
        """Write the remaining rows and return the checksum of all of them: of the file as far as it is written."""
        self.cut()
        with storage(self._root):
            return sha256(self.path, size=self._file.tell())

    def seal(self, metadata: dict[bytes, str]) -> None:
        """Write the footer with our own entry, and close the file: from now on it can be read."""
        with storage(self._root):
            self._writer.add_key_value_metadata(metadata)
            self._writer.close()
            self._file.close()

    def discard(self) -> None:
        """Close and remove an unfinished file, also where the disk is full."""
        # Arrow writes a footer whenever it closes a file. Where that does not fit on the disk, closing fails, and would
        # be tried again, and complained about, when the writer is destroyed.
        with suppress(OSError, pa.ArrowException):
            self._writer.close()
        self._writer.is_open = False
        with suppress(OSError, pa.ArrowException):
            self._file.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _write(self, rows: int) -> None:
        whole = pa.concat_tables(self._pending)
        with storage(self._root):
            self._writer.write_table(whole.slice(0, rows).combine_chunks(), row_group_size=ROW_GROUP)
            self.groups.append((rows, self._file.tell()))
        self._pending, self._pending_rows = [whole.slice(rows)], whole.num_rows - rows


def rows_checksum(path: Path) -> str:
    """Return the checksum of a finished Parquet file up to its footer, as `DayFileWriter.finish` returned it.

    Raises:
        OSError: the file cannot be read, or is shorter than the end of a Parquet file.

    """
    with path.open("rb") as file:
        end = file.seek(-8, os.SEEK_END)
        footer = int.from_bytes(file.read(4), "little")
    return sha256(path, size=end - footer)
