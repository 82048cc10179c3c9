"""Whether the messages are in the database itself or in files beside it, and where."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from voxlake.errors import SettingsError
from voxlake.warehouse.clone import shares_blocks

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.warehouse.state import PublishedState

PORTABLE, LINKED, AUTO = "portable", "linked", "auto"
LAYOUTS = (AUTO, PORTABLE, LINKED)
MANY = 200_000_000
"""From so many rows on, copying them at each publish takes longer than anybody waits, where blocks are not shared."""


def require_layout(layout: str) -> str:
    """Return a layout. Raises SettingsError where there is no such one."""
    if layout not in LAYOUTS:
        raise SettingsError(f"There is no database {layout!r}: use {', '.join(LAYOUTS)}.")
    return layout


def require_portable(layout: str, url: str) -> None:
    """Raise SettingsError where a linked database is asked for of a data directory in a store."""
    if layout == LINKED:
        raise SettingsError(
            f"The database of {url} is one file, which is put beside the lake, and a linked one needs files of this"
            " machine: use database = 'portable'."
        )


def is_linked(layout: str, state: PublishedState | None, folder: Path) -> bool:
    """Return whether the next database is a linked one, by the rows of the published one if `auto` is to decide.

    One that was linked for its rows stays so until half of them are gone, or it would be built again and again.
    """
    if layout != AUTO:
        return layout == LINKED
    many = 0 if state is None else MANY // 2 if state.rows_folder else MANY
    return state is not None and state.rows >= many and not shares_blocks(folder)


def rows_folder(root: Path) -> Path:
    """Return the folder of the files of a linked database, below the data directory."""
    return root / "warehouse" / "rows"


def absolute(folder: Path) -> str:
    """Return the path of a folder as a linked database names it: a view follows no link, and knows no other place."""
    return os.path.realpath(folder)
