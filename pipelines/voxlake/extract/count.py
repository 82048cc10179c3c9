"""Count the messages of whole days without reading them, once it is known what the API's date bounds mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected

if TYPE_CHECKING:
    from voxlake.api import HistoryApi
    from voxlake.extract.bounds import DateBounds
    from voxlake.model import Window
    from voxlake.transform import Stream


def count(history: HistoryApi, stream: Stream, window: Window, bounds: DateBounds) -> int | None:
    """Ask how many messages a window of whole UTC days holds; None where the API rejects the question.

    Raises:
        Refused, Unavailable: what the API's counts raise.

    """
    try:
        return history.total(stream, bounds.exactly(window))
    except ApiRejected:
        return None
