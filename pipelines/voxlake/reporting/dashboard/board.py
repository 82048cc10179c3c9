"""Read a span of days once, then render it as a page or as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.reporting.dashboard import draw, style
from voxlake.reporting.dashboard.figures import gather
from voxlake.reporting.dashboard.page import page
from voxlake.reporting.dashboard.panels import panels

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from voxlake.reporting.dashboard.spans import Span
    from voxlake.reporting.gaps import Gaps
    from voxlake.reporting.scope import Scope


class Board:
    """The dashboard of a span of days; reads the database once, when it is created.

    `gaps` are those of the days since the first of the span, so that the page says how far behind its newest day is.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, span: Span, scope: Scope, gaps: Gaps) -> None:
        self._figures = gather(connection, span, scope)
        self._gaps = gaps
        self._panels = panels(self._figures)

    def html(self) -> str:
        """Return one self-contained HTML page."""
        return page(self._figures, self._panels, self._gaps)

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Return each chart that has data as a PNG, by file name."""
        for panel in self._panels:
            if panel.rows and panel.draw is not None:
                yield f"{panel.name}.png", draw.png(panel.draw, style.as_picture(half=panel.half))
