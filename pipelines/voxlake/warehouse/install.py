"""Make a finished file the published database, from one moment to the next."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from voxlake.files import point, put, storage, unsupported
from voxlake.warehouse.generation_files import new_generation, remove_generations
from voxlake.warehouse.own import is_own, remember

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def install(root: Path, path: Path, file: Path, *, is_database: Callable[[], bool]) -> str:
    """Make a finished file the current generation below `root`, and remove all but the last one before it.

    `path` is what readers open, and `is_database` says whether there is a database of voxlake's now. Returns a sentence
    if something foreign had its place and was moved aside. Raises StorageFull where that cannot be written.
    """
    generations = root / "warehouse"
    with storage(root):
        generation = new_generation(generations)
        with unsupported():
            file.chmod(file.stat().st_mode & 0o444)
        put(file, generation)
        before = path.resolve() if path.exists() else None
        moved_aside = _clear(root, path, is_database)
        # Whenever this is stopped, both are remembered; where links are not possible, the path gets a copy.
        remember(path, *([path.resolve()] if path.exists() and is_own(path) else []), generation)
        point(path, generation)
        current = path.resolve()
        remember(path, current)
        # The generation before stays for whoever has just resolved the link.
        remove_generations(generations, but=(current, *([] if before is None else [before])))
    return moved_aside


def _clear(root: Path, path: Path, is_database: Callable[[], bool]) -> str:
    """Move aside a file or folder that is not a database of voxlake's; return the sentence that says so, or ''."""
    if not os.path.lexists(path) or path.is_symlink() or is_database():
        return ""
    moved = root / "rejects" / "stray" / path.name
    moved.parent.mkdir(parents=True, exist_ok=True)
    while os.path.lexists(moved):
        moved = moved.with_name(f"{moved.name}.again")
    path.rename(moved)
    return f"{path} was not a database of voxlake's: it is {moved} now."
