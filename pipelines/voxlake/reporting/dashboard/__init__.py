"""One HTML page, and pictures, of what the database says about a span of days."""

from voxlake.reporting.dashboard.board import Board
from voxlake.reporting.dashboard.figures import Extent, covered_days
from voxlake.reporting.dashboard.spans import Span

__all__ = ["Board", "Extent", "Span", "covered_days"]
