"""Bring the pages of one window into one table of our schema: each message once, sorted, inside the window."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voxlake.streams import STATUSES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voxlake.model import Window
    from voxlake.streams import Stream


@functools.cache
def _statuses() -> tuple[pa.Array, pa.Array]:
    """Give the numbers of the statuses and their names; not at import, because Arrow would import pandas for it."""
    return pa.array([None, *STATUSES], pa.int8()), pa.array(["unknown", *STATUSES.values()], pa.string())


def normalise(tables: Sequence[pa.Table], *, stream: Stream, window: Window) -> pa.Table:
    """Merge decoded tables, the latest state of a message winning, and keep what lies in `[start, end)`.

    Types are Arrow's all the way (`pd.ArrowDtype`): the default ones would make floats of decimals and of
    integers with gaps. What is in order already, as most replies are, is not copied.
    """
    import pandas as pd  # noqa: PLC0415 - half a second, in which other threads fetch and decode

    frame = pa.concat_tables(tables).combine_chunks().to_pandas(types_mapper=pd.ArrowDtype, use_threads=False)
    if not frame["message_id"].is_unique:
        frame = frame.drop_duplicates("message_id", keep="last")
    times = frame["processed_at"].array.__arrow_array__().cast(pa.int64()).to_numpy(zero_copy_only=False)
    ids = frame["message_id"].to_numpy()
    later = np.diff(times)
    if not ((later > 0) | ((later == 0) & (np.diff(ids) > 0))).all():
        order = np.lexsort((ids, times))
        frame, times = frame.take(order), times[order]
    first, end = np.searchsorted(times, [_micros(window.start), _micros(window.end)])
    frame = frame.iloc[first:end]
    numbers, names = _statuses()
    status = names.take(pc.fill_null(pc.index_in(pa.array(frame["status_id"]), value_set=numbers), 0))
    frame = frame.assign(status=pd.array(status, pd.ArrowDtype(pa.string())))
    table = pa.Table.from_pandas(frame, schema=stream.schema, preserve_index=False, nthreads=1)
    return table.replace_schema_metadata(None)


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000
