"""Panels of what is new: what the last publish changed day by day, and what the newest runs found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.reporting.dashboard import words
from voxlake.reporting.dashboard.blocks import Panel
from voxlake.text import counted

if TYPE_CHECKING:
    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.dashboard.sums import Row


def changes(figures: Figures) -> Panel:
    """Return what the last publish with news changed, by UTC day, the newest first."""
    newest = figures.changes[0]
    note = (
        f"The one of {newest['published_at']:%Y-%m-%d %H:%M} UTC, against the one before: {newest['all_new']:,} new"
        f" messages, {newest['all_changed']:,} changed, {newest['all_gone']:,} gone, on {counted(newest['days'])}."
    )
    if newest["days"] > len(figures.changes):
        note += f" The newest {len(figures.changes)} days are shown."
    rows = [(row["date"], row["rows_new"], row["rows_changed"], row["rows_gone"]) for row in figures.changes]
    head = ("day, UTC", "new", "changed", "gone")
    return Panel("changes", "What the last publish changed", "", None, head, rows, note=note, half=True, plain=True)


def runs(figures: Figures) -> Panel:
    """Return what the newest runs that read days found, the newest first."""
    several = len(figures.scope.everyone) > 1
    rows = [
        (
            f"{row['started_at']:%Y-%m-%d %H:%M}",
            f"{row['command']} {row['account']}" if several and row["account"] else row["command"],
            *(row[name] for name in ("days", "rows_new", "rows_changed", "rows_gone")),
            _ended(row),
        )
        for row in figures.runs
    ]
    head = ("run, UTC", "command", "days", "new", "changed", "gone", "ended")
    note = f"The last {counted(len(rows), 'run')} that read days."
    return Panel("runs", "What the newest runs found", "", None, head, rows, note=note, half=True, plain=True)


def _ended(row: Row) -> str:
    if row["exit_code"] is None:
        return "killed" if row["finished_at"] is None else words.NOTHING
    return "well" if row["exit_code"] == 0 else row["problem"] or f"exit code {row['exit_code']}"
