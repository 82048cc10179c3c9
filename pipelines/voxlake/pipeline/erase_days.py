"""Write days of the lake again without what is to be erased, each file in one step, and say of each what was done."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake.errors import DataError
from voxlake.lake import put_days
from voxlake.pipeline.day import count_moving
from voxlake.transform import STREAMS, Treated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pyarrow as pa

    from voxlake.lake import Lake, Manifest
    from voxlake.model import DayFile
    from voxlake.pipeline.certificate import ErasureLog

_SUFFIX = ".erased.parquet"


def erase_days(
    lake: Lake,
    manifest: Manifest,
    day_files: Iterable[DayFile],
    treat: Callable[[DayFile, pa.Table], Treated],
    log: ErasureLog,
    *,
    restate: Callable[[DayFile], DayFile] = lambda day_file: day_file,
    dry_run: bool = False,
) -> list[str]:
    """Write days again of which `treat` takes anything, and record them; returns sentences about damaged ones.

    The files of months are written once for all of their days. `restate` changes what the files say of themselves.

    Raises:
        StorageFull: the disk is full; days that were written before that stay so.

    """
    by_path: dict[Path, list[DayFile]] = defaultdict(list)
    for day_file in day_files:
        by_path[lake.place(day_file.key)].append(day_file)
    lake.store.fetch_many(by_path)
    problems = []
    for its in by_path.values():
        try:
            _erase_in_file(lake, manifest, its, treat, log, restate, dry_run=dry_run)
        except DataError as error:
            problems.append(str(error))
    return problems


def _erase_in_file(
    lake: Lake,
    manifest: Manifest,
    day_files: list[DayFile],
    treat: Callable[[DayFile, pa.Table], Treated],
    log: ErasureLog,
    restate: Callable[[DayFile], DayFile],
    *,
    dry_run: bool,
) -> None:
    drafts: dict[DayFile, tuple[DayFile, Treated]] = {}
    for day_file in day_files:
        again = restate(day_file)
        tables = lake.read_rows(day_file.key)
        if not any(treat(day_file, table).is_changed for table in tables) and again.problem == day_file.problem:
            continue
        drafts[day_file] = _draft(lake, day_file, again, treat)
    if not drafts:
        return
    for day_file, (_, treated) in drafts.items():
        log.count(day_file.key, treated)
    if dry_run:
        for day_file in drafts:
            lake.store.remove(lake.layout.draft(day_file.key, _SUFFIX))
        return
    paths = {day_file.key: lake.layout.draft(day_file.key, _SUFFIX) for day_file in drafts}
    put_days(lake, paths, on_file=log.note)
    for sealed, _ in drafts.values():
        manifest.add(sealed)


def _draft(
    lake: Lake, day_file: DayFile, again: DayFile, treat: Callable[[DayFile, pa.Table], Treated]
) -> tuple[DayFile, Treated]:
    """Write a day aside; returns what its file says, and what was taken out of it, with no rows."""
    stream = STREAMS[day_file.key.stream]
    writer = lake.writer(day_file.key, _SUFFIX)
    total, moving = Treated(stream.schema.empty_table()), 0
    for rows in lake.read_rows(day_file.key):
        treated = treat(day_file, rows)
        writer.add(treated.table)
        moving += count_moving(stream, treated.table)
        total = Treated(
            total.table,
            total.forgotten + treated.forgotten,
            total.anonymised + treated.anonymised,
            total.redacted + treated.redacted,
        )
    again = replace(again, moving=moving, forgotten=again.forgotten + total.forgotten)
    return lake.seal(writer, again), total
