"""Ask for messages by their ids: what has become of them, and on which days they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.errors import ApiRejected
from voxlake.extract.quirks import PAGE_SIZES
from voxlake.model import DAY, SECOND, Window, midnight
from voxlake.transform import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.transform import Stream

IDS = 500
"""The most ids in one request; they travel in its body."""

_ABOUT = (31, 2)
"""Days before and after one on which its messages are looked for: APIs differ in how long a window may be."""


def messages_by_id(
    history: HistoryApi, stream: Stream, window: Window, ids: set[int], *, surplus: int = 0
) -> dict[int, dict[str, Any]]:
    """Return the messages with these ids in a window, as rows of the stream's schema by their id.

    Nothing is returned of an API that refuses the filter or ignores it, and nothing of messages that are not there.
    At most `IDS` can be asked for; up to `surplus` rows come beside them, because the API gives some more than once.

    Raises:
        Refused, Unavailable: what the history raises.

    """
    asked = Window(window.start - SECOND, window.end)
    listed = ";".join(map(str, sorted(ids)))
    most = min(len(ids) + surplus, PAGE_SIZES[0])
    try:
        page = history.page(stream, asked, offset=0, count=most, filters={"message_id": listed})
    except ApiRejected:
        return {}
    table = normalise([page.table], stream=stream, window=asked)
    rows = {row["message_id"]: row for row in table.to_pylist()}
    return rows if rows.keys() <= ids else {}


def days_of_messages(history: HistoryApi, stream: Stream, day: date, ids: Iterable[int]) -> set[date]:
    """Return the other UTC days on which messages of `day` lie now; of many, the first `IDS` are looked for.

    Raises:
        Refused, Unavailable: what the history raises.

    """
    some = set(sorted(ids)[:IDS])
    for reach in _ABOUT:
        window = Window(midnight(day) - reach * DAY, midnight(day) + (reach + 1) * DAY)
        rows = messages_by_id(history, stream, window, some)
        if rows:
            return {row["processed_at"].date() for row in rows.values()} - {day}
    return set()
