"""Where the generations of the database lie, and which files belong to one.

Each has a folder of its own, `warehouse/<number>/voxlake.duckdb`: DuckDB names a database after its file, whatever link
leads there, and BI tools save that name. Earlier versions wrote `warehouse/<number>.duckdb`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from voxlake.files import make

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

NAME: Final = "voxlake.duckdb"
"""The name of every database file, and of the link to the published one."""
_ENTRY: Final = re.compile(r"([0-9]{1,18})(\.duckdb(?:\.wal)?)?")


def new_generation(generations: Path) -> Path:
    """Return where the next database is to be put, in a folder that is made now; raises OSError.

    Its number is higher than any that is there: DuckDB takes a new file at an old path for the old one, as long as
    anybody in the process has that open.
    """
    numbers = [int(match[1]) for path in generations.iterdir() if (match := _ENTRY.fullmatch(path.name))]
    folder = generations / f"{max(numbers, default=0) + 1:08d}"
    make(folder)
    return folder / NAME


def remove_generations(generations: Path, *, but: Collection[Path]) -> None:
    """Remove all generations but those of these files, which are named without links; raises OSError.

    A folder stays as long as anything else is in it, such as rows that a reader has spilled beside its database.
    """
    for entry in _entries(generations.resolve()):
        if any(entry in (file, file.parent, _log_of(file)) for file in but):
            continue
        file = entry / NAME
        # With what a killed writing session left beside it, and a copy from another disk that was killed.
        for path in (file, _log_of(file), *entry.glob(f".{NAME}.*")) if entry.is_dir() else (entry,):
            with suppress(IsADirectoryError):
                path.unlink(missing_ok=True)
        remove_if_empty(entry)


def earlier_files(generations: Path, current: Path) -> list[Path]:
    """Return all files of all generations but the `current` one, which is named without links; raises OSError.

    That includes whatever lies in their folders, such as rows that a reader has spilled there.
    """
    folder = generations.resolve()
    others = [entry for entry in _folders(folder) if entry != current.parent]
    inside = [path for entry in others for path in entry.rglob("*") if path.is_symlink() or not path.is_dir()]
    return [*inside, *(path for path in folder.glob("*.duckdb*") if path != current and path not in others)]


def remove_empty_folders(generations: Path) -> None:
    """Remove the folders of generations that have no file any more; raises OSError."""
    for entry in _folders(generations):
        for folder in sorted((path for path in entry.rglob("*") if path.is_dir()), reverse=True):
            remove_if_empty(folder)
        remove_if_empty(entry)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that has nothing in it."""
    with suppress(OSError):
        folder.rmdir()


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def _entries(generations: Path) -> list[Path]:
    """Return what has the name and the kind of a generation, but for links, which voxlake never made of one."""
    if not generations.is_dir():
        return []
    found = ((_ENTRY.fullmatch(path.name), path) for path in sorted(generations.iterdir()) if not path.is_symlink())
    return [path for match, path in found if match and bool(match[2]) is not path.is_dir()]


def _folders(generations: Path) -> list[Path]:
    """Return the folders of generations, and those in which DuckDB spilled rows beside one of an earlier version."""
    spilled = [path for path in generations.glob("*.duckdb.tmp") if path.is_dir() and not path.is_symlink()]
    return [*(entry for entry in _entries(generations) if entry.is_dir()), *spilled]
