"""Are lake and database well: as `voxlake status --check` judges it, and whether the database opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.errors import DataError, SettingsError, VoxlakeError
from voxlake.lake import Lake
from voxlake.library.doctor.check import DATA, SET_UP, Check
from voxlake.library.offline import health
from voxlake.places import explain
from voxlake.text import counted
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from voxlake.clock import Clock

_AGE = "run 'voxlake export', and let it run every night with 'voxlake install-timer'"


def check_data(
    root: Path,
    *,
    settle_hours: float,
    give_up_days: float,
    accounts: Collection[int] | None = None,
    paused: Collection[int] = (),
    clock: Clock,
) -> Iterator[Check]:
    """Yield what is wrong with the days of a data directory, and whether its database can be read."""
    try:
        if next(Lake(root).day_keys(), None) is None:
            yield Check.note("lake", f"Nothing was exported to {root} yet", "run 'voxlake export'")
            return
        found = health(
            root, accounts=accounts, paused=paused, settle_hours=settle_hours, give_up_days=give_up_days, clock=clock
        )
        for problem in found.problems:
            mend = _AGE if problem.kind == "stale" else None
            yield Check.failed(f"lake {problem.kind}", problem.message, mend, code=DATA)
        if not found.problems:
            when = f", the newest good export was at {found.last_good_run} UTC" if found.last_good_run else ""
            yield Check.ok("lake", f"No day of {counted(found.accounts, 'account')} is missing or unverified{when}")
        yield _database(root)
    except VoxlakeError as error:
        yield Check.failed("lake", error, code=DATA)
    except OSError as error:
        explained = explain(error, root, writing=False) or error
        yield Check.failed("lake", explained, code=SET_UP if isinstance(explained, SettingsError) else DATA)


def _database(root: Path) -> Check:
    damage = Warehouse(root).damage()
    if damage is None:
        return Check.ok("database", "opens, and its checks for what is odd run; 'voxlake audit' compares every row")
    if isinstance(damage, DataError):
        return Check.failed("database", damage, code=DATA)
    return Check.failed("database", "There is no database beside the lake", "run 'voxlake publish'", code=DATA)
