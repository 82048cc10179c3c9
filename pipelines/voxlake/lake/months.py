"""The files of months in a lake: where they are, and how a day that lies in one is replaced.

A day that changes makes its month's file be written again as a whole, over the one before: a glob sees the old rows or
the new ones, as with a day's own file. Where the file of a month is damaged, what can be read of it gets files of its
own again, and the damaged file is kept aside.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from voxlake.errors import DataError
from voxlake.lake.day_file import footer_of, read_footer, read_rows, readable
from voxlake.lake.layout import last_of_month
from voxlake.lake.month_file import read_month, write_month
from voxlake.lake.scan import listing_of, month_file_in
from voxlake.lake.store import Store
from voxlake.lake.stored_day import StoredDay
from voxlake.locks import waiting
from voxlake.model import DayKey
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date
    from pathlib import Path

    import pyarrow as pa

    from voxlake.lake.directory import Lake
    from voxlake.lake.layout import Layout
    from voxlake.lake.month_file import MonthFile
    from voxlake.model import DayFile

ASIDE = ".month.parquet"
"""How the drafts of months end."""
_KEPT = ".kept.parquet"


def last_of(key: DayKey) -> DayKey:
    """Return the last day of the month of a day, in whose folder the month's file lies."""
    return DayKey(key.account_id, key.stream, last_of_month(key.date))


def find_month(layout: Layout, key: DayKey) -> Path | None:
    """Return the path of the month's file that has the rows of a day; None where none has."""
    folder = layout.day_file(last_of(key)).parent
    days, name = month_file_in(str(folder), last_of_month(key.date), listing_of(layout))
    return folder / name if key.date in days else None


def stored_day(layout: Layout, key: DayKey) -> tuple[StoredDay, MonthFile | None]:
    """Return where the rows of a day lie, and the month's file where they lie in one; the day may have no file.

    Raises:
        DataError: they lie in a month's file that is damaged.
        SettingsError: a newer version wrote it.

    """
    path, store = find_month(layout, key), Store(layout.root)
    if path is None:
        return StoredDay(key, store.fetch(layout.day_file(key))), None
    month = read_month(store.fetch(path), last_of(key))
    return month.stored(key), month


def put_into_month(lake: Lake, key: DayKey, draft: Path) -> None:
    """Put a sealed day in place: in its month's file where that has the day, else as its own file.

    Raises:
        StorageFull: the disk is full.

    """
    if find_month(lake.layout, key) is None:
        lake.store.put(draft, lake.layout.day_file(key))
        return
    # Threads and processes of a run may change several days of a month at the same time.
    with waiting(lake.layout.locks / "months"):
        path = find_month(lake.layout, key)
        if path is not None:
            aside = lake.layout.draft(last_of(key), ASIDE)
            try:
                month = read_month(lake.store.fetch(path), last_of(key))
                write_month(
                    lake.store, aside, STREAMS[key.stream], _with_drafts(month, last_of(key), {key.date: draft})
                )
            except DataError:
                _dissolve(lake, path, key)
            else:
                lake.store.put(aside, path)
                lake.store.remove(draft)
                return
        lake.store.put(draft, lake.layout.day_file(key))


def put_days(lake: Lake, drafts: Mapping[DayKey, Path], *, on_file: Callable[[Path, Path], None]) -> None:
    """Put sealed days in place that lie in one file now: their own, or that of their month, which is written once.

    `on_file` is called before it is replaced, with its path and that of what takes its place.

    Raises:
        DataError: the file of the month is damaged.
        StorageFull: the disk is full.

    """
    (path,) = {lake.path(key) for key in drafts}
    first = next(iter(drafts))
    if path == lake.layout.day_file(first):
        aside = drafts[first]
    else:
        aside, last = lake.layout.draft(last_of(first), ASIDE), last_of(first)
        days = _with_drafts(read_month(path, last), last, {key.date: draft for key, draft in drafts.items()})
        write_month(lake.store, aside, STREAMS[last.stream], days)
    on_file(path, aside)
    lake.store.put(aside, path)
    for draft in drafts.values():
        lake.store.remove(draft)


def _with_drafts(
    month: MonthFile, last: DayKey, drafts: Mapping[date, Path]
) -> Iterable[tuple[DayFile, Iterable[pa.Table]]]:
    """Yield the days of a month with drafts in place of some; raises DataError where the file is damaged."""
    with readable(month.path, last):
        sound = month.is_written()
    if not sound:
        raise DataError(f"{month.path} is not what was written.")
    # Read once, and not once for each day: these share row groups.
    tables = read_rows(StoredDay(last, month.path))
    rest: pa.Table | None = None
    for day, its in month.days.items():
        found, wanted = [], its.day_file.row_count
        while wanted:
            rest = next(tables) if rest is None or not rest.num_rows else rest
            found.append(rest.slice(0, wanted))
            rest = rest.slice(found[-1].num_rows)
            wanted -= found[-1].num_rows
        if day in drafts:
            key = its.day_file.key
            yield read_footer(drafts[day], key), read_rows(StoredDay(key, drafts[day]))
        else:
            yield its.day_file, found


def _dissolve(lake: Lake, path: Path, key: DayKey) -> None:
    """Take away a month's file that is damaged, and give each other day of it that is not its own file again."""
    sealed: list[tuple[DayKey, Path]] = []
    with suppress(DataError):
        month = read_month(lake.store.fetch(path), last_of(key))
        others = [its.day_file for its in month.days.values() if its.day_file.key != key]
        for day_file in others:
            if month.damage(day_file) is None:
                writer = lake.writer(day_file.key, _KEPT)
                for table in read_rows(month.stored(day_file.key)):
                    writer.add(table)
                lake.seal(writer, day_file)
                sealed.append((day_file.key, writer.path))
    lake.store.move(path, lake.layout.replaced(last_of(key)).with_name(path.name))
    for other, draft in sealed:
        lake.store.put(draft, lake.layout.day_file(other))


def keep_day(lake: Lake, key: DayKey, copy: Path) -> None:
    """Keep the present rows of a day as a file `copy`, under another name where that one is taken.

    Where the day cannot be read, the whole file that has it is kept.
    """
    try:
        stored, month = stored_day(lake.layout, key)
    except DataError:
        stored, month = StoredDay(key, lake.path(key)), None
    if month is None:
        lake.store.keep(stored.path, copy)
        return
    try:
        writer = lake.writer(key, _KEPT)
        for table in read_rows(stored):
            writer.add(table)
        writer.finish()
        writer.seal(footer_of(month.days[key.date].day_file))
    except DataError:
        writer.discard()
        lake.store.keep(stored.path, copy)
        return
    lake.store.put_new(writer.path, copy)
