"""Put the days of months into one file a month, in one step for whoever reads the lake.

A glob sees each row once at any moment, so that the files of a month's days must give way to that of the month in one
step. For this the folder of an account and stream is built anew beside the lake, with links to the files that stay and
with the files of the months, and then takes the place of the present one: two folders can be exchanged in one step.
What lay there before is removed afterwards; a run that is killed leaves it in `tmp/`, outside of every glob.

The file of a month lies in the folder of its last day, in place of that day's own file, and has a name of its own. So
whoever lists the folders while they are exchanged either finds the month whole, or has listed a file that is gone when
it is opened, which every reader reports. A month elsewhere could be overlooked by both halves of such a listing.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.errors import DataError, SettingsError
from voxlake.files import can_exchange, exchange, put, storage, sync, temporary
from voxlake.lake.day_file import read_rows, readable
from voxlake.lake.index import Index
from voxlake.lake.month_file import read_month, write_month
from voxlake.lake.months import ASIDE, last_of, stored_day
from voxlake.lake.sharing import indexing
from voxlake.lake.stored_day import StoredDay
from voxlake.lake.writer import rows_checksum
from voxlake.places import UNSUPPORTED
from voxlake.remote import remote_of
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from voxlake.lake.directory import Lake
    from voxlake.model import DayFile

_SUCCESSOR = ".account"
"""How the folder ends that is to take the place of an account's."""
Month = tuple["DayFile", ...]
"""The days that are to lie in the file of their month, in order, up to its last day."""


def require_exchange(lake: Lake, *, able: Callable[[Path], bool] = can_exchange) -> None:
    """Return where the folders of accounts can be exchanged.

    Raises:
        SettingsError: the system or the file system cannot do that.

    """
    if remote_of(lake.root) is not None:
        return
    with storage(lake.root):
        if not able(lake.tmp):
            raise SettingsError(
                f"The file system of {lake.root} cannot exchange two folders in one step, which is needed to compact"
                " months: the lake stays one file a day."
            )


def size_of(lake: Lake, month: Month) -> int:
    """Return the bytes of the files that have the rows of a month; those that are gone have none."""
    found = 0
    for path in {lake.place(day_file.key) for day_file in month}:
        with suppress(OSError):
            found += lake.store.size(path)
    return found


def write_months(lake: Lake, months: Iterable[Month]) -> Iterator[tuple[Month, DataError | None]]:
    """Write the file of each month aside and compare it with the days; yields why that is not possible, or None.

    Raises:
        StorageFull: the disk is full.

    """
    for month in months:
        try:
            _write(lake, month)
        except DataError as error:
            lake.layout.draft(month[-1].key, ASIDE).unlink(missing_ok=True)
            yield month, error
        else:
            yield month, None


def _write(lake: Lake, month: Month) -> None:
    last = month[-1].key
    aside = lake.layout.draft(last, ASIDE)
    lake.fetch(day_file.key for day_file in month)

    def days() -> Iterator[tuple[DayFile, Iterable[pa.Table]]]:
        for day_file in month:
            _require_sound(lake, month, day_file)
            yield day_file, lake.read_rows(day_file.key)

    write_month(lake.store, aside, STREAMS[last.stream], days())
    written = lake.tmp / lake.layout.month_file(last, len(month)).name
    aside.replace(written)
    try:
        found = read_month(written, last_of(last))
        facts = [its.day_file for its in found.days.values()]
        before = chain.from_iterable(lake.read_rows(day_file.key) for day_file in month)
        if not (found.is_written() and facts == list(month) and same_rows(before, read_rows(StoredDay(last, written)))):
            raise DataError(f"{written.name} of {last.date:%Y-%m} is not as its days: report it.")
    finally:
        written.replace(aside)


def _require_sound(lake: Lake, month: Month, day_file: DayFile) -> None:
    """Raise DataError where a day is not what was written, or lies in a file with days that are to stay there."""
    stored, present = stored_day(lake.layout, day_file.key)
    if present is not None and not present.keys <= {its.key for its in month}:
        raise DataError(f"{day_file.key.date} lies in a file with days that are to stay there.")
    with readable(stored.path, day_file.key):
        sound = rows_checksum(stored.path) == day_file.checksum if present is None else present.is_written(stored)
    if not sound:
        name = stored.path.relative_to(lake.root)
        raise DataError(f"{name} is not what was written, and its checksum differs: run 'voxlake audit --repair'.")


def same_rows(some: Iterable[pa.Table], others: Iterable[pa.Table]) -> bool:
    """Return whether tables, one after the other, have the same rows as others that are cut elsewhere."""
    left, right = (iter(table for table in its if table.num_rows) for its in (some, others))
    one, other = next(left, None), next(right, None)
    while one is not None and other is not None:
        rows = min(one.num_rows, other.num_rows)
        if not one.slice(0, rows).equals(other.slice(0, rows)):
            return False
        one = one.slice(rows) if one.num_rows > rows else next(left, None)
        other = other.slice(rows) if other.num_rows > rows else next(right, None)
    return one is None and other is None


def install_months(lake: Lake, months: Sequence[Month]) -> None:
    """Replace the files of days by those of their months that were written, of one stream of one account, in one step.

    The caller holds the account.

    Raises:
        DataError: the folder of the account holds what is not a file, or cannot be exchanged.
        StorageFull: the disk is full.

    """
    if not months:
        return
    with indexing(lake):
        Index(lake).allow_months()
    if remote_of(lake.root) is not None:
        _put_months(lake, months)
        return
    key = months[0][-1].key
    live = lake.layout.day_file(key).parent.parent
    gone = {lake.path(day_file.key) for month in months for day_file in month}
    with temporary(lake.tmp / f"{key.stream}-{key.account_id}{_SUCCESSOR}") as new:
        with storage(lake.root):
            try:
                carried = _carry_over(live, new, gone)
                for month in months:
                    _place(lake, month, live, new)
                for folder in (*(path for path in new.iterdir() if path.is_dir()), new):
                    sync(folder)
                exchange(new, live)
            except OSError as error:
                if error.errno not in {*UNSUPPORTED, errno.EXDEV, errno.EBUSY}:
                    raise
                raise DataError(f"{live} cannot be replaced ({error.strerror}): it stays one file a day.") from error
        _remove(lake, live, new, {*carried, *(path.relative_to(live) for path in gone)})


def _put_months(lake: Lake, months: Sequence[Month]) -> None:
    """Put the files of months as objects, and remove those of their days: the month counts as soon as it is there."""
    for month in months:
        target = lake.layout.month_file(month[-1].key, len(month))
        gone = {lake.place(day_file.key) for day_file in month}
        lake.store.put(lake.layout.draft(month[-1].key, ASIDE), target)
        for path in gone - {target}:
            lake.store.remove(path)


def _place(lake: Lake, month: Month, live: Path, new: Path) -> None:
    """Put the file of a month in its place in the folder that is to be that of the account."""
    its = lake.layout.month_file(month[-1].key, len(month))
    target = new / its.relative_to(live)
    target.parent.mkdir(exist_ok=True)
    put(lake.layout.draft(month[-1].key, ASIDE), target)
    _make_like(its.parent, target.parent)


def _carry_over(live: Path, new: Path, gone: set[Path]) -> set[Path]:
    """Make a folder with links to the files of another, but for some; returns what has one, relative to the folder.

    Raises:
        DataError: there is something that is neither a file nor a folder of files.

    """
    carried: set[Path] = set()
    if live.is_symlink() or not live.is_dir():
        raise DataError(f"{live} is a link: it stays one file a day.")
    new.mkdir()
    for path in sorted(live.iterdir()):
        name = path.name
        inside = sorted(path.iterdir()) if path.is_dir() and not path.is_symlink() else [path]
        kept = [file for file in inside if file not in gone]
        if any(file.is_symlink() or not file.is_file() for file in kept):
            raise DataError(f"{path} holds what is not a file: move it away, or the account stays one file a day.")
        if path not in inside and (kept or not inside):
            (new / name).mkdir()
        for file in kept:
            (new / file.relative_to(live)).hardlink_to(file)
            carried.add(file.relative_to(live))
        if path not in inside and (kept or not inside):
            _make_like(path, new / name)
    _make_like(live, new)
    return carried


def _make_like(folder: Path, successor: Path) -> None:
    """Set mode, times and, where that is allowed, the owner of a folder as the one has them that it is to replace."""
    its = folder.stat()
    with suppress(PermissionError):
        os.chown(successor, its.st_uid, its.st_gid)
    shutil.copystat(folder, successor)


def _remove(lake: Lake, live: Path, old: Path, known: set[Path]) -> None:
    """Remove the folder that was replaced; what somebody has put there meanwhile is kept."""
    with storage(lake.root):
        for folder, _, names in os.walk(old, topdown=False):
            for name in names:
                path = Path(folder, name)
                if path.relative_to(old) in known:
                    path.unlink()
                else:
                    lake.store.move(path, lake.layout.stray(live / path.relative_to(old)))
            Path(folder).rmdir()
