"""Count the messages of whole days without reading them, once it is known what the API's date bounds mean."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected, DataError
from voxlake.extract.quirks import learn
from voxlake.model import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from voxlake.api import HistoryApi
    from voxlake.extract.quirks import DateBounds
    from voxlake.lake import Lake
    from voxlake.model import DayFile, Window
    from voxlake.transform import Stream

CALIBRATION = 3
"""How many counts it takes at most to learn the bounds."""


def learn_bounds(api: HistoryApi, lake: Lake, stream: Stream, day_files: Mapping[date, DayFile]) -> DateBounds | None:
    """Learn the bounds from the newest days with rows; None where these cannot tell."""
    filled = [day for day, day_file in day_files.items() if day_file.row_count]
    pairs = [day for day in filled if day + DAY in day_files]
    around = max(pairs or filled, default=None)
    if around is None:
        return None
    times: Counter[datetime] = Counter()
    counts = {day: day_file.row_count for day, day_file in day_files.items()}
    try:
        for day in (around, around + DAY):
            if day in day_files:
                for batch in lake.read_rows(day_files[day].key, columns=["processed_at"]):
                    for counted in batch["processed_at"].value_counts().to_pylist():
                        times[counted["values"].replace(microsecond=0)] += counted["counts"]
        return learn(lambda asked: api.total(stream, asked), times, counts, around=around)
    except DataError:
        return None


def count(api: HistoryApi, stream: Stream, window: Window, bounds: DateBounds) -> int | None:
    """Ask how many messages whole days hold; None where the API declines."""
    try:
        return api.total(stream, bounds.exactly(window))
    except ApiRejected:
        return None
