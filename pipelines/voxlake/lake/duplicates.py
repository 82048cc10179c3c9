"""Find messages that lie in several days of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.lake.compare import find_duplicates
from voxlake.lake.day_file import is_of_its_day
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from voxlake.lake.directory import Lake
    from voxlake.model import DayFile, DayKey


def duplicates(lake: Lake, day_files: Iterable[DayFile]) -> dict[DayKey, set[int]]:
    """Find messages that lie in several of these days; each is named under all of its days but one.

    That is the latest export, unless its rows are not of its day, as in a file that was copied over another.

    Returns:
        The ids of such messages by day.

    """

    def rank(day_file: DayFile) -> tuple[bool, datetime, DayKey]:
        if day_file.key not in own:
            own[day_file.key] = is_of_its_day(lake.stored(day_file.key))
        return own[day_file.key], day_file.exported_at, day_file.key

    own: dict[DayKey, bool] = {}
    # Named by the path of a file of its own, whether the day has one or lies in that of its month.
    by_path = {str(lake.layout.day_file(day_file.key)): day_file for day_file in day_files}
    found: dict[DayKey, set[int]] = {}
    keys = [day_file.key for day_file in by_path.values()]
    others = {key for key in keys if not lake.is_current(key)}
    ids = {lake.layout.day_file(key): _ids(lake, key) for key in others}
    for message_id, paths in find_duplicates((lake.path(key) for key in keys if key not in others), ids, tmp=lake.tmp):
        for day_file in sorted((by_path[path] for path in paths), key=rank)[:-1]:
            found.setdefault(day_file.key, set()).add(message_id)
    return found


def _ids(lake: Lake, key: DayKey) -> pa.Table:
    none = STREAMS[key.stream].schema.empty_table().select(["message_id"])
    return pa.concat_tables([none, *lake.read_rows(key, ["message_id"])])
