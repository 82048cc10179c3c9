"""`voxlake.report`: the answer of a saved query in one call, for notebooks and short programs."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from voxlake.library.database import open_database

if TYPE_CHECKING:
    import os

    import pandas as pd


@dataclass(frozen=True)
class Report:
    """The answer of the report `name`: rows with exact amounts, and `gaps`, a sentence for each thing that they lack.

    `last_good_run` says when the newest export ended well, in UTC, as `YYYY-MM-DD HH:MM:SS`; None where none did.
    """

    name: str
    gaps: tuple[str, ...]
    last_good_run: str | None
    _frame: pd.DataFrame

    def __repr__(self) -> str:
        return f"<voxlake.Report {self.name!r}: {len(self._frame):,} rows of {', '.join(self._frame.columns)}>"

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._frame)

    def _repr_html_(self) -> str:
        said = "".join(f"<p><b>{escape(sentence)}</b></p>" for sentence in self.gaps)
        return f"{said}{self._frame.to_html(max_rows=60, notebook=True)}"

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a frame of your own, with Arrow's types: amounts are decimals, never floats."""
        return self._frame.copy()

    def to_arrow(self) -> pa.Table:
        """Return the rows as a table of Arrow's."""
        return pa.Table.from_pandas(self._frame, preserve_index=False).replace_schema_metadata(None)


def report(
    name: str,
    data_dir: str | os.PathLike[str] = "data",
    *,
    reports_dir: str | os.PathLike[str] | None = None,
    **parameters: Any,
) -> Report:
    """Return the answer of a report, from the newest published database of a data directory.

    The parameters are those of `Database.report`: `since`, `until`, `number`, `accounts` and `tz`. `reports_dir` has
    reports of your own.

    Raises:
        SettingsError: nothing was published there yet, or what `Database.report` raises.
        DataError: the database is damaged.

    """
    with open_database(data_dir, reports_dir=reports_dir) as database:
        frame = database.report(name, **parameters)
    return Report(name, tuple(frame.attrs["gaps"]), frame.attrs["last_good_run"], frame)
