"""Read the pieces of a busy day before their turn: side by side, where one after another would wait for each reply."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from voxlake.extract.paginate import Reading
    from voxlake.extract.piece import PieceReader
    from voxlake.model import Window

MOST = 16
"""Pieces that are read at the same time, at most: their rows wait in memory for their turn."""

_CSV_AT_ONCE = 2
"""Of csv, one piece is read in several places at the same time, and counted before and after."""


class ReadAhead:
    """Reads pieces by a reader, and those that follow at the same time by readers of their own.

    What these learn of the API is added to what the reader knows when the turn of their piece comes. Pieces are read
    ahead only once it is known that the API looks at the time of day and that its counts prove what came.
    """

    def __init__(self, reader: PieceReader) -> None:
        self._reader = reader
        self._begun: dict[Window, tuple[PieceReader, Future[Reading]]] = {}

    def read(self, piece: Window, following: Sequence[Window]) -> Reading:
        """Return what a piece gave; of the pieces in their order that follow, as many as it is worth are begun.

        Raises:
            ApiRejected, CeilingReached, Refused, Unavailable: what the reading of the piece raises.

        """
        if self._is_of_use(piece):
            for window in islice((piece, *following), self._at_once):
                if window not in self._begun and self._is_of_use(window):
                    reader = self._reader.fork(window)
                    self._begun[window] = reader, self._reader.source.begin_reading(reader.read, window)
        if piece not in self._begun:
            return self._reader.read(piece)
        reader, reading = self._begun.pop(piece)
        try:
            return reading.result()
        finally:
            self._reader.join(reader)

    def stop(self) -> None:
        """Wait for what was begun and is of no more use."""
        for _, reading in self._begun.values():
            reading.cancel()
        for reader, reading in self._begun.values():
            if not reading.cancelled():
                reading.exception()
                self._reader.join(reader)
        self._begun.clear()

    @property
    def _at_once(self) -> int:
        source = self._reader.source
        return min(source.jobs // (_CSV_AT_ONCE if source.is_csv else 1), MOST)

    def _is_of_use(self, piece: Window) -> bool:
        quirks = self._reader.quirks
        return len(piece.days) == 1 and quirks.ignores_time is False and quirks.counts_prove and self._at_once > 1
