"""Put days in place so that no message ever lies in two day files, whoever is killed and whenever.

A message that moved to another day is taken out of the one before it is put into the other. Between the two it is in
neither: both days are unverified then, so that the next run reads them again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.errors import DataError
from voxlake.lake import held_elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from voxlake.lake import Lake, Manifest
    from voxlake.model import DayFile, DayKey
    from voxlake.pipeline.day import WrittenDay

_ARRIVING = "messages are moving here from another day"


@dataclass(frozen=True, slots=True)
class Placement:
    """What putting a day in place did.

    `day_file` is what lies there now, `disturbed` are the files of other days that lost messages to it; `again` are
    the UTC days to be read again.
    """

    day_file: DayFile
    disturbed: tuple[DayFile, ...] = ()
    again: frozenset[date] = frozenset()


def place(lake: Lake, manifest: Manifest, written: WrittenDay) -> Placement:
    """Put a sealed day in place, after taking its messages out of the other days that have them, and record all of it.

    A message that the day only kept from its file before, and that another day has, has moved there: it is left out.

    Raises:
        StorageFull: the disk is full.
        DataError: a file that has one of the messages is damaged.

    """
    day_file = written.day_file
    key = day_file.key
    if not written.is_sealed:
        # Its file may have lost messages to another day meanwhile: then it is not as it was, and is read again.
        present = manifest.get(key)
        return Placement(day_file) if present in (None, day_file) else Placement(present, again=frozenset({key.date}))
    elsewhere = held_elsewhere(lake, manifest, key) if day_file.row_count else {}
    moved_away = written.kept.intersection(*[set().union(*elsewhere.values())])
    if moved_away:
        day_file = lake.leave_out(day_file, moved_away)
        elsewhere = {other: ids - moved_away for other, ids in elsewhere.items() if ids - moved_away}
    if elsewhere:
        _announce(lake, manifest, day_file)
    disturbed = tuple(_take_out(lake, manifest, elsewhere.items()))
    lake.put(key, lake.layout.draft(key))
    manifest.add(day_file)
    again = {its.key.date for its in disturbed} | ({key.date} if moved_away else set())
    return Placement(day_file, disturbed, frozenset(again))


def _announce(lake: Lake, manifest: Manifest, day_file: DayFile) -> None:
    """Mark a day that messages are about to move to: until they are there, it must not count as whole."""
    before = manifest.get(day_file.key)
    if before is None:
        manifest.add(lake.put_placeholder(day_file.key, _ARRIVING, now=day_file.exported_at))
    elif before.verified:
        manifest.add(lake.remove_rows(before, frozenset(), problem=_ARRIVING))


def part_days(lake: Lake, manifest: Manifest, *, suspects_only: bool = False) -> list[DayFile]:
    """Take messages that lie in several day files out of all but the one that was exported last.

    With `suspects_only`, files are compared that were put in place since the index was saved, as before a kill, with
    those whose ids overlap theirs. A damaged file keeps its rows: an audit names it. Returns the files that were
    written again; their days are unverified.

    Raises:
        StorageFull: the disk is full.

    """
    changed: list[DayFile] = []
    for day_files in manifest.overlapping(suspects_only=suspects_only):
        with suppress(DataError):
            changed += _take_out(lake, manifest, lake.duplicates(day_files).items())
    return changed


def _take_out(lake: Lake, manifest: Manifest, found: Iterable[tuple[DayKey, set[int]]]) -> Iterator[DayFile]:
    for key, ids in found:
        day_file = lake.remove_rows(manifest[key], ids)
        manifest.add(day_file)
        yield day_file
