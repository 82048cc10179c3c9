"""Bring the pages of one window into one table of our schema: each message once, sorted, inside the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from voxlake.streams import STATUSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.model import Window
    from voxlake.streams import Stream


def normalise(tables: Sequence[pa.Table], *, stream: Stream, window: Window) -> pa.Table:
    """Merge decoded tables, the latest state of a message winning, and keep what lies in `[start, end)`.

    Types are Arrow's all the way (`pd.ArrowDtype`): the default ones would make floats of decimals and of
    integers with gaps.
    """
    frame = pa.concat_tables(tables).to_pandas(types_mapper=pd.ArrowDtype)
    frame = frame.drop_duplicates("message_id", keep="last")
    inside = (frame["processed_at"] >= window.start) & (frame["processed_at"] < window.end)
    frame = frame[inside].sort_values(["processed_at", "message_id"], ignore_index=True)
    status = frame["status_id"].map(STATUSES).fillna("unknown")
    frame["status"] = status.astype(pd.ArrowDtype(pa.string()))
    return pa.Table.from_pandas(frame, schema=stream.schema, preserve_index=False).replace_schema_metadata(None)
