"""Where the rows of a day lie: in a file of its own, or among those of other days in the file of their month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.model import DayKey


@dataclass(frozen=True, slots=True)
class StoredDay:
    """The rows of a day: all rows of the file at `path`, or in a month's file the `count` rows from `first` on.

    `stamp` is that of the month's file when this was found out.
    """

    key: DayKey
    path: Path
    first: int = 0
    count: int | None = None
    stamp: str = ""

    @property
    def is_alone(self) -> bool:
        """Whether the file has the rows of this day and of no other."""
        return self.count is None

    def within(self, begin: int, rows: int) -> tuple[int, int]:
        """Return which rows of a row group are the day's, as an offset in it and a number; the group begins at a row.

        `begin` is that row's number in the file, and `rows` is how many the group has.
        """
        if self.count is None:
            return 0, rows
        start = min(max(self.first - begin, 0), rows)
        return start, max(0, min(self.first + self.count - begin, rows) - start)
