"""Bring the published database of a data directory in a store to this machine, where another one counts by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxlake.errors import SettingsError
from voxlake.library.inputs import find_folder
from voxlake.remote import published_at, remote_of
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class PullResult:
    """What was brought: the path of the database, when it was published (UTC), and whether it is another one now."""

    database: Path
    published_at: datetime | None
    is_new: bool

    @property
    def exit_code(self) -> int:
        """Return 0: what stops it is raised."""
        return 0

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {
            "exit_code": self.exit_code,
            "database": str(self.database),
            "published_at": None
            if self.published_at is None
            else f"{self.published_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            "is_new": self.is_new,
        }


def pull(data_dir: str | os.PathLike[str], *, to: str | os.PathLike[str] | None = None) -> PullResult:
    """Bring the newest published database, only if it changed, and put it in place as a publish does.

    Whoever has the one before open keeps it. With `to`, it goes to that folder, as `voxlake.duckdb`, by a copy of the
    one that is kept for the other commands.

    Raises:
        SettingsError: the data directory is not in a store, nothing was published there yet, or `to` cannot be used.
        DataError: the database is gone.
        StoreUnavailable: the store could not be reached in time.
        StorageFull: there is no room.

    """
    folder = find_folder(data_dir)
    remote = remote_of(folder)
    if remote is None:
        raise SettingsError(
            f"{folder} is a folder of this machine, and its database is there: pull brings those of a bucket."
        )
    warehouse = Warehouse(folder)
    is_new = warehouse.bring()
    at = published_at(remote)
    if at is None:
        raise SettingsError(f"Nothing was published to {remote.url} yet: run 'voxlake export' first.")
    path = warehouse.path
    if to is not None:
        target = Path(to).expanduser()
        path, is_new = warehouse.copy_to(target, mark=str(remote.state()["database"]))
    return PullResult(path, at, is_new)
