"""The door of the room: read a span once, then give it as a page or as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.reporting.dashboard import draw, style
from voxlake.reporting.dashboard.figures import gather
from voxlake.reporting.dashboard.page import page
from voxlake.reporting.dashboard.panels import panels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import duckdb

    from voxlake.reporting.dashboard.figures import Span


class Board:
    """A span of days as people look at it; reads the database when it is made, and never again."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, span: Span) -> None:
        self._figures = gather(connection, span)
        self._panels = panels(self._figures)

    def html(self, *, made: datetime) -> str:
        """Give one page that needs nothing beside itself."""
        return page(self._figures, self._panels, made=made)

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Draw each chart that has something to show as a PNG, by the name of its file."""
        for panel in self._panels:
            if panel.rows:
                yield f"{panel.name}.png", draw.png(panel.draw(style.as_picture(half=panel.half)))
