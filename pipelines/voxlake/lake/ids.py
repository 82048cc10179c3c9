"""Which messages lie in several day files: found by the least and greatest id of each file, then by the ids themselves.

The vendor's ids grow with time, as far as anybody knows, so that the ranges of most days do not overlap, and nothing is
read. Where ids are random, every range overlaps every other: right as well, only slower.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.errors import DataError
from voxlake.spill import READER_MEMORY, bound, require_room
from voxlake.sql import interruptible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from voxlake.lake.directory import Lake
    from voxlake.lake.manifest import Manifest
    from voxlake.model import DayKey

Range = tuple[int, int]
"""The least and the greatest message id of a file."""

_HELD = """
    SELECT file_index, message_id FROM read_parquet($1, hive_partitioning = false)
    WHERE message_id IN (SELECT unnest($2::BIGINT[]))
"""


def id_range(path: Path) -> Range | None:
    """Return the range of the ids in a file, by the statistics of its footer; None where it has no row.

    Raises:
        OSError, pa.ArrowException: it cannot be read.

    """
    metadata = pq.read_metadata(path)
    column = metadata.schema.names.index("message_id") if metadata.num_rows else 0
    groups = [metadata.row_group(n).column(column).statistics for n in range(metadata.num_row_groups)]
    if not metadata.num_rows or not all(its is not None and its.has_min_max for its in groups):
        return None
    return min(int(its.min) for its in groups), max(int(its.max) for its in groups)


def _ids_of_day(lake: Lake, key: DayKey) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the ids of a day, in order; none of one that is missing or damaged."""
    try:
        ids = [table["message_id"].cast(pa.int64()).to_numpy() for table in lake.read_rows(key, ["message_id"])]
    except DataError:
        return np.empty(0, np.int64)
    return np.sort(np.concatenate([np.empty(0, np.int64), *ids]))


def ids_of(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the ids in a file, in order; none of one that is missing or damaged."""
    try:
        column = pq.read_table(path, columns=["message_id"], use_threads=False)["message_id"].cast(pa.int64())
    except (OSError, pa.ArrowException, ValueError):
        return np.empty(0, np.int64)
    return np.sort(column.to_numpy())


def held_elsewhere(lake: Lake, manifest: Manifest, key: DayKey) -> dict[DayKey, set[int]]:
    """Find the messages of a day's draft that lie in the file of another day of its stream.

    Messages that the day's present file has as well are in no other one, and are not looked for.

    Returns:
        The ids of such messages by the day that has them.

    """
    draft = lake.layout.draft(key)
    drafted = id_range(draft)
    if drafted is None:
        return {}
    others = manifest.id_ranges(key.account_id, key.stream)
    others.pop(key, None)
    if not any(its[0] <= drafted[1] and drafted[0] <= its[1] for its in others.values()):
        return {}
    fresh = np.setdiff1d(ids_of(draft), _ids_of_day(lake, key), assume_unique=True)
    others = {other: its for other, its in others.items() if _some_within(fresh, *its)}
    paths = {other: lake.path(other) for other in others}
    alone = [other for other, path in paths.items() if path == lake.layout.day_file(other)]
    found: dict[DayKey, set[int]] = {}
    for other, message_id in _held(alone, [paths[other] for other in alone], fresh.tolist(), lake.tmp):
        found.setdefault(other, set()).add(message_id)
    for other in others.keys() - set(alone):
        if ids := set(np.intersect1d(fresh, _ids_of_day(lake, other)).tolist()):
            found[other] = ids
    return found


def _some_within(wanted: np.ndarray[tuple[int], np.dtype[np.int64]], least: int, most: int) -> bool:
    return bool(np.searchsorted(wanted, least, "left") < np.searchsorted(wanted, most, "right"))


def _held(keys: Sequence[DayKey], paths: Sequence[Path], ids: Sequence[int], tmp: Path) -> list[tuple[DayKey, int]]:
    """Return which of some ids lie in which of some files; damaged files hold none."""
    if not keys:
        return []
    try:
        with interruptible(duckdb.connect()) as connection:
            bound(connection, READER_MEMORY, tmp)
            rows = connection.execute(_HELD, [list(map(str, paths)), ids]).fetchall()
    except duckdb.Error as error:
        require_room(error, tmp)
        # One of them is damaged.
        wanted = set(ids)
        return [(key, n) for key, path in zip(keys, paths, strict=True) for n in wanted & set(ids_of(path).tolist())]
    return [(keys[index], message_id) for index, message_id in rows]


def overlapping(ranges: Mapping[DayKey, Range], suspects: Iterable[DayKey]) -> list[DayKey]:
    """Return the suspects whose range overlaps that of another day, and those other days, in order."""
    days = sorted(ranges, key=lambda key: ranges[key])
    begins = [ranges[key][0] for key in days]
    # The greatest id of each day or of one before it: up to where that is less than an id, no day has it.
    reached = list(accumulate((ranges[key][1] for key in days), max))
    found: set[DayKey] = set()
    for key in suspects:
        if key in ranges:
            least, most = ranges[key]
            near = days[bisect_left(reached, least) : bisect_right(begins, most)]
            others = {other for other in near if other != key and ranges[other][1] >= least}
            found |= {key, *others} if others else set()
    return sorted(found)
