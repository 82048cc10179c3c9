"""Bring the pages of one window into one table of our schema: each message once, sorted, inside the window.

Most replies are in order already, and nothing has to be done to them. What is not goes through pandas, whose types are
Arrow's all the way (`pd.ArrowDtype`): the default ones would make floats of decimals and of integers with gaps.
"""

from __future__ import annotations

import functools
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voxlake.transform.streams import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from voxlake.model import Window
    from voxlake.transform.streams import Stream

_importing = threading.Lock()


def normalise(tables: Sequence[pa.Table], *, stream: Stream, window: Window) -> pa.Table:
    """Merge decoded tables, the latest state of a message winning, and keep what lies in `[start, end)`."""
    table = pa.concat_tables(tables)
    ids, times = integers(table["message_id"]), integers(table["processed_at"])
    later, higher = np.diff(times), np.diff(ids)
    ordered = ((later > 0) | ((later == 0) & (higher > 0))).all()
    if not ordered or not ((higher > 0).all() or distinct([table["message_id"]]) == len(ids)):
        table = _merged(table)
        times = integers(table["processed_at"])
    first, end = np.searchsorted(times, [_micros(window.start), _micros(window.end)]).tolist()
    table = table.slice(first, end - first)
    numbers, names = _statuses()
    status = names.take(pc.fill_null(pc.index_in(table["status_id"], value_set=numbers), 0))
    at = stream.schema.get_field_index("status")
    return table.add_column(at, stream.schema.field(at), status).cast(stream.schema)


def _merged(table: pa.Table) -> pa.Table:
    """Keep the last of each message, in the order of time."""
    with _importing:
        if sys.modules.get("pandas", sys) is None:
            del sys.modules["pandas"]
        import pandas as pd  # noqa: PLC0415 - a fifth of a second, which most exports can do without

    frame = table.combine_chunks().to_pandas(types_mapper=pd.ArrowDtype, use_threads=False)
    frame = frame.drop_duplicates("message_id", keep="last").sort_values(["processed_at", "message_id"])
    merged = pa.Table.from_pandas(frame, schema=table.schema, preserve_index=False, nthreads=1)
    return merged.replace_schema_metadata(None)


def put_off_pandas() -> None:
    """Let nobody find pandas before rows have to be merged; for a process that is ours alone.

    Arrow imports it at the first value that it converts, only to know its types, and looks again in `to_pandas`. That
    takes as long as all else that an export imports, and most exports have nothing to merge.
    """
    if "pandas" not in sys.modules:
        # What Python documents for a module that is not to be found. Arrow stumbles over it once, and is content.
        sys.modules["pandas"] = None  # type: ignore[assignment]
        with suppress(ImportError, AttributeError):
            pa.array([])


@functools.cache
def _statuses() -> tuple[pa.Array, pa.Array]:
    """Give the numbers of the statuses and their names; not at import, because Arrow would import pandas for it."""
    return pa.array([None, *STATUSES], pa.int8()), pa.array(["unknown", *STATUSES.values()], pa.string())


def integers(column: pa.ChunkedArray) -> Any:
    """Give whole numbers or times without nulls to numpy; not by `to_numpy`, because that would import pandas."""
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)
    return np.from_dlpack(array.cast(pa.int64()))


def distinct(ids: Iterable[pa.ChunkedArray | pa.Array]) -> int:
    """Count by sorting, in a tenth of the memory of Arrow's table of hashes.

    Not by `np.unique`: that loads `numpy.ma` at its first call, which fails now and then where two threads do so.
    """
    arrays = [array for its in ids for array in (its.chunks if isinstance(its, pa.ChunkedArray) else [its])]
    in_order = np.sort(integers(pa.chunked_array(arrays, pa.int64())))
    return int(np.count_nonzero(np.diff(in_order))) + bool(in_order.size)


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000
