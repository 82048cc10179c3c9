"""Normalise the pages of one window with pandas: each message once, in order, inside the window, fully typed.

Every row goes through one DataFrame whose types are Arrow's (`pandas.ArrowDtype`). The default ones would make floats
of decimals and of integers with gaps; these keep every value exact, and nothing is copied into Python objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from voxlake.transform.streams import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    import pandas as pd

    from voxlake.model import Window
    from voxlake.transform.streams import Stream


def load_pandas() -> ModuleType:
    """Import pandas and return it: the one place that does, so that a run can do it while its first requests travel.

    At the top of this module it would add 0.25 s to the start of every command and of every export, of which 0.2 s
    pass while an export waits for its first replies anyway (measured with `python -X importtime`, pandas 3.0).
    """
    import pandas as pd  # noqa: PLC0415 - as the docstring says

    return pd


def normalise(tables: Sequence[pa.Table], *, stream: Stream, window: Window) -> pa.Table:
    """Return the rows of decoded tables that lie in `[window.start, window.end)`, in the stream's schema.

    The tables come in the order in which they were read. Of a message that is in several rows the last one counts,
    wherever the others lie. The result is ordered by time and message id, and has the column `status`.
    """
    if not any(table.num_rows for table in tables):
        return stream.schema.empty_table()
    frame = _frame(pa.concat_tables(tables))
    frame = _within(_in_order(_latest(frame)), window)
    frame = frame.assign(status=frame["status_id"].map(_status_names(stream)).fillna("unknown"))
    # On one thread: windows are normalised side by side, and to start more would take longer than they save.
    table = pa.Table.from_pandas(frame, schema=stream.schema, preserve_index=False, nthreads=1)
    return table.replace_schema_metadata(None)


def _frame(table: pa.Table) -> pd.DataFrame:
    """Return a DataFrame over the buffers of an Arrow table."""
    pandas = load_pandas()
    frame: pd.DataFrame = table.combine_chunks().to_pandas(types_mapper=pandas.ArrowDtype, use_threads=False)
    return frame


def _latest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each message; most replies have one only, and then nothing is copied."""
    outdated = frame["message_id"].duplicated(keep="last")
    return frame[~outdated] if outdated.any() else frame


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows ordered by time and message id, which most replies already are.

    Two stable sorts by one column each take 40 % of the time of one sort by both, which pandas does by way of codes.
    """
    if frame["processed_at"].is_monotonic_increasing and frame["message_id"].is_monotonic_increasing:
        return frame
    return frame.sort_values("message_id").sort_values("processed_at", kind="stable")


def _within(frame: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Return the rows of a window, of rows in the order of time: a slice, so that nothing is copied."""
    times = frame["processed_at"]
    return frame.iloc[int((times < window.start).sum()) : int((times < window.end).sum())]


def _status_names(stream: Stream) -> pd.Series[Any]:
    """Return the names of the statuses by `status_id`, as Arrow texts."""
    pandas = load_pandas()
    numbers = pandas.Index(list(STATUSES), dtype=pandas.ArrowDtype(stream.wire.field("status_id").type))
    names: pd.Series[Any] = pandas.Series(list(STATUSES.values()), index=numbers, dtype=pandas.ArrowDtype(pa.string()))
    return names


def integers(column: pa.ChunkedArray) -> Any:
    """Return a column of integers or of times (then microseconds since 1970) without nulls as a numpy array."""
    return column.cast(pa.int64()).to_numpy()


def distinct(ids: Iterable[pa.ChunkedArray | pa.Array]) -> int:
    """Count the different numbers in columns without nulls.

    By sorting, which takes a tenth of the memory of a hash table: a day can have millions of messages.
    """
    arrays = [array for its in ids for array in (its.chunks if isinstance(its, pa.ChunkedArray) else [its])]
    in_order = np.sort(integers(pa.chunked_array(arrays, pa.int64())))
    return int(np.count_nonzero(np.diff(in_order))) + bool(in_order.size)
