"""Ask for messages by their ids: how they are now, and on which days they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.errors import ApiRejected
from voxlake.model import DAY, SECOND, Window, midnight
from voxlake.transform import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.transform import Stream

IDS = 500
"""Ids in one request: they travel in its body."""

_ABOUT = (31, 2)
"""Days before and after one on which its messages are looked for: APIs differ in how long a window may be."""


def messages_by_id(history: HistoryApi, stream: Stream, window: Window, ids: set[int]) -> dict[int, dict[str, Any]]:
    """Ask for messages by id; an API that refuses or ignores the filter gives none."""
    asked = Window(window.start - SECOND, window.end)
    listed = ";".join(map(str, sorted(ids)))
    try:
        page = history.page(stream, asked, offset=0, count=len(ids), filters={"message_id": listed})
    except ApiRejected:
        return {}
    table = normalise([page.table], stream=stream, window=asked)
    rows = {row["message_id"]: row for row in table.to_pylist()}
    return rows if rows.keys() <= ids else {}


def days_of_messages(history: HistoryApi, stream: Stream, day: date, ids: Iterable[int]) -> set[date]:
    """Return the days to which messages have moved, of the first few messages that are requested."""
    some = set(sorted(ids)[:IDS])
    for reach in _ABOUT:
        window = Window(midnight(day) - reach * DAY, midnight(day) + (reach + 1) * DAY)
        rows = messages_by_id(history, stream, window, some)
        if rows:
            return {row["processed_at"].date() for row in rows.values()} - {day}
    return set()
