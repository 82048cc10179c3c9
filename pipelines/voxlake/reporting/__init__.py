"""Ask the database and show the answer: queries, saved queries, output formats, the calendar of `status`.

A name is imported on first use, so that a command that only prints a plan or a table does not wait half a second for
DuckDB and XlsxWriter, and one that prints an answer does not wait for Altair.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxlake.reporting.calendar import ASCII_GLYPHS, GLYPHS, draw_calendar, draw_legend
    from voxlake.reporting.dashboard import Board, Extent, Span, covered_days
    from voxlake.reporting.formats import choose_format, render_plan, render_rows, render_status, to_json
    from voxlake.reporting.gaps import Gaps, read_gaps
    from voxlake.reporting.macros import report_macros
    from voxlake.reporting.near_numbers import number_note
    from voxlake.reporting.notebook import draw_overview
    from voxlake.reporting.prometheus import METRICS, render_metrics
    from voxlake.reporting.query import (
        query_pieces,
        query_table,
        query_text,
        report_table,
        write_answer,
    )
    from voxlake.reporting.question import scope_parameters
    from voxlake.reporting.saved_queries import SavedQuery, bind_parameters, flags_of, load_saved_queries, set_digest
    from voxlake.reporting.scope import Scope, read_scope

_MODULES = {
    "calendar": ("ASCII_GLYPHS", "GLYPHS", "draw_calendar", "draw_legend"),
    "dashboard": ("Board", "Extent", "Span", "covered_days"),
    "formats": ("choose_format", "render_plan", "render_rows", "render_status", "to_json"),
    "prometheus": ("METRICS", "render_metrics"),
    "gaps": ("Gaps", "read_gaps"),
    "query": ("query_pieces", "query_table", "query_text", "report_table", "write_answer"),
    "question": ("scope_parameters",),
    "macros": ("report_macros",),
    "near_numbers": ("number_note",),
    "notebook": ("draw_overview",),
    "saved_queries": ("SavedQuery", "bind_parameters", "flags_of", "load_saved_queries", "set_digest"),
    "scope": ("Scope", "read_scope"),
}

__all__ = [
    "ASCII_GLYPHS",
    "GLYPHS",
    "METRICS",
    "Board",
    "Extent",
    "Gaps",
    "SavedQuery",
    "Scope",
    "Span",
    "bind_parameters",
    "choose_format",
    "covered_days",
    "draw_calendar",
    "draw_legend",
    "draw_overview",
    "flags_of",
    "load_saved_queries",
    "number_note",
    "query_pieces",
    "query_table",
    "query_text",
    "read_gaps",
    "read_scope",
    "render_metrics",
    "render_plan",
    "render_rows",
    "render_status",
    "report_macros",
    "report_table",
    "scope_parameters",
    "set_digest",
    "to_json",
    "write_answer",
]


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
