"""Whether the pieces of a day that was cut in time are together the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from voxlake.extract.verify import is_inside
from voxlake.transform import distinct

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from voxlake.extract.paginate import Reading
    from voxlake.model import Window, WindowRows


class SplitDayCheck:
    """Whether the pieces of a day are together the day, whatever the API makes of a time of day.

    `expected` is how many rows the API counted of the whole day, at least. Every row that came with some piece, also
    beside it, must have been kept in the piece where it belongs.
    """

    def __init__(self, window: Window, expected: int) -> None:
        self.window = window
        self.kept = 0
        self._expected = expected
        self._inside: list[pa.ChunkedArray] = []
        self._beside: list[pa.ChunkedArray] = []
        self._rejects: set[str] = set()
        self._surplus = 0

    def add(self, rows: WindowRows, readings: Iterable[Reading]) -> None:
        """Add the rows of a piece, and all that came while it was read."""
        self.kept += rows.table.num_rows
        for reading in readings:
            for page in reading.pages:
                ids, inside = page.table["message_id"], is_inside(page.table["processed_at"], self.window)
                self._inside.append(ids.filter(inside))
                self._beside.append(ids.filter(pc.invert(inside)))
            self._rejects |= {repr(reject.raw) for reject in reading.rejects}
            self._surplus += reading.surplus

    def problem(self) -> str | None:
        """Return in words what is wrong with the pieces; None where they are the day."""
        inside = distinct(self._inside)
        came = distinct([*self._inside, *self._beside]) + len(self._rejects) + self._surplus
        if came < self._expected:
            return f"cut in time, the day gave {came} messages where the API counted {self._expected} before"
        if inside > self.kept:
            return f"cut in time, {inside - self.kept} messages of the day came where they do not belong"
        return None
