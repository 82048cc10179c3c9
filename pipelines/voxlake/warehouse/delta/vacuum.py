"""Remove what no version of a Delta table needs any more, after some days or at once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from voxlake import extras
from voxlake.warehouse.delta.place import Place, delta_errors
from voxlake.warehouse.delta.tables import all_tables

if TYPE_CHECKING:
    from pathlib import Path

LEAST_DAYS: Final = 7
"""Files that were replaced more recently may be in the hands of readers, or of writers that have not committed yet."""


def vacuum_delta(uri: str, *, days: int) -> int:
    """Remove the files of versions that were replaced `days` ago or earlier, and return how many these were.

    Such versions cannot be read any more. With 0 days nothing is left but the newest version of each table, which is
    for erasing: nobody may write meanwhile, and who reads an older version fails.

    Raises:
        SettingsError: the place cannot be used, or the package that writes Delta tables is not installed.
        Unavailable: the store does not answer.

    """
    place = Place.at(uri)
    removed = 0
    with delta_errors(place):
        for table in all_tables():
            delta = place.load(table.name)
            if delta is None:
                continue
            removed += len(
                delta.vacuum(
                    days * 24,
                    dry_run=False,
                    enforce_retention_duration=False,
                    # Also what a writer that was killed has left.
                    full=True,
                    commit_properties=extras.load("deltalake").CommitProperties(max_commit_retries=5),
                )
            )
            if place.folder is not None:
                _remove_empty(place.folder / table.name)
    return removed


def _remove_empty(folder: Path) -> None:
    """Remove the folders of months that have nothing left."""
    for month in folder.glob("month=*"):
        with suppress(OSError):
            month.rmdir()
