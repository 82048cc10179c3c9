"""One commit of a Delta table: made of what is there, and given up where another writer was first.

How far the lake's index is in a table is written by the same commit, as transactions of applications, which Delta keeps
for ever, and again in words for whoever reads the history.
"""

from __future__ import annotations

import hashlib
import random
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from voxlake import extras
from voxlake.errors import SettingsError, Unavailable
from voxlake.model import Mark
from voxlake.version import __version__
from voxlake.warehouse.delta.data_files import data_files
from voxlake.warehouse.delta.rows import DayMovedOn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from voxlake.model import FinalityPolicy
    from voxlake.warehouse.delta.data_files import DataFile, NewFiles
    from voxlake.warehouse.delta.place import Place
    from voxlake.warehouse.delta.tables import Table

T = TypeVar("T")

_TRIES: Final = 12
_PAUSE: Final = 0.1
"""Seconds of the first pause after another writer was first; each further one is longer."""
_SEQUENCE: Final = "voxlake.sequence"
_RULE: Final = "voxlake.finality"
_INDEX: Final = ("voxlake.index.1", "voxlake.index.2", "voxlake.index.3")
_DIGITS: Final = (11, 11, 10)
"""Hexadecimal digits of an index's id that each of its numbers has: they are 64 bits wide."""
_READER: Final = 1
"""The version of Delta's protocol that a reader of these tables has to know."""


class LostRaceError(Exception):
    """Another writer has committed since the table was read."""


def in_turn(attempt: Callable[[], T], place: Place, *, sleep: Callable[[float], None] = time.sleep) -> T:
    """Return what an attempt returns, made again where another writer was first or a day was replaced meanwhile.

    Raises:
        Unavailable: that goes on.

    """
    for n in range(_TRIES):
        try:
            return attempt()
        except (LostRaceError, DayMovedOn):
            sleep(random.uniform(0, _PAUSE * (n + 1)))  # noqa: S311 - no secret
    raise Unavailable(f"Others write to {place.uri} or change the lake all the time: try again when they have ended.")


def opened(place: Place, table: Table) -> Any:
    """Return a table, made where there is none.

    Raises:
        SettingsError: another program has changed it so that it cannot be written to.

    """
    deltalake, errors = extras.load("deltalake"), extras.load("deltalake.exceptions")
    found = place.load(table.name)
    if found is None:
        try:
            found = deltalake.DeltaTable.create(
                place.address(table.name), table.schema, mode="error", partition_by=table.partitions or None,
                name=table.name, description=table.comment, configuration=table.settings,
                storage_options=place.options, commit_properties=_properties([], {}),
            )  # fmt: skip
        except errors.DeltaError as error:
            if place.load(table.name) is None:
                raise
            raise LostRaceError from error
    if found.protocol().min_reader_version > _READER or found.metadata().partition_columns != table.partitions:
        raise SettingsError(
            f"{place.address(table.name)} was changed by another program, or is not voxlake's: name another place."
        )
    return found


def fits(delta: Any, table: Table) -> bool:
    """Return whether a table has the columns of today, by name and type, in any order."""
    wanted = extras.load("deltalake").Schema.from_arrow(table.schema)
    return {its.name: its.type for its in delta.schema().fields} == {its.name: its.type for its in wanted.fields}


def read_mark(delta: Any) -> Mark | None:
    """Return up to where a table has the changes of an index; None where it says nothing of it."""
    sequence, numbers = delta.transaction_version(_SEQUENCE), [delta.transaction_version(name) for name in _INDEX]
    if sequence is None or None in numbers:
        return None
    digits = (f"{number:0{width}x}" for number, width in zip(numbers, _DIGITS, strict=True))
    return Mark("".join(digits), sequence)


def has_rule(delta: Any, finality: FinalityPolicy) -> bool:
    """Return whether a table says of days that they are final by this rule."""
    return bool(delta.transaction_version(_RULE) == _number(finality))


def commit(
    delta: Any,
    files: NewFiles,
    replaced: Iterable[DataFile],
    mark: Mark | None,
    *,
    whole: bool,
    days: int,
    finality: FinalityPolicy,
) -> None:
    """Put new files in the place of others, or of all where the `whole` table is replaced, and its columns with it.

    Raises:
        LostRaceError: another writer has committed since the table was loaded; the new files are removed.

    """
    table, now = files.table, files.now
    actions = [*files.added]
    if not whole:
        actions += [_removal(file, now) for file in replaced]
    before = delta.version()
    try:
        delta.create_write_transaction(
            actions,
            "overwrite" if whole else "append",
            table.schema,
            table.partitions,
            commit_properties=_properties(_transactions(mark, finality), _words(mark, days)),
        )
    except Exception as error:
        newest = files.place.load(table.name)
        if newest is not None and newest.version() > before:
            # It may be ours, where the store has lost its answer: then there is nothing left to do next time.
            if not _is_committed(newest, files):
                files.discard()
            raise LostRaceError from error
        files.discard()
        raise


def _is_committed(delta: Any, files: NewFiles) -> bool:
    return bool({file.path for file in data_files(delta)} & {action.path for action in files.added})


def _removal(file: DataFile, now: datetime) -> Any:
    values = {} if file.month is None else {"month": file.month}
    return extras.load("deltalake.transaction").RemoveAction(
        file.path,
        True,  # noqa: FBT003 - data_change
        int(now.timestamp() * 1000),
        file.size,
        values,
    )


def _properties(transactions: list[Any], words: dict[str, Any]) -> Any:
    """Return what a commit says beside its files; it is not tried again on what another writer has made."""
    return extras.load("deltalake").CommitProperties(
        custom_metadata={"voxlake.version": __version__, **words},
        max_commit_retries=0,
        app_transactions=transactions,
    )


def _transactions(mark: Mark | None, finality: FinalityPolicy) -> list[Any]:
    transaction = extras.load("deltalake.transaction").Transaction
    numbers = {_RULE: _number(finality)}
    if mark is not None and len(mark.index_id) == sum(_DIGITS):
        first, second = _DIGITS[0], _DIGITS[0] + _DIGITS[1]
        digits = (mark.index_id[:first], mark.index_id[first:second], mark.index_id[second:])
        numbers |= {name: int(its, 16) for name, its in zip(_INDEX, digits, strict=True)}
        numbers[_SEQUENCE] = mark.sequence
    return [transaction(name, number) for name, number in numbers.items()]


def _words(mark: Mark | None, days: int) -> dict[str, Any]:
    return {"voxlake.days": days} | ({} if mark is None else {"voxlake.mark": f"{mark.index_id}/{mark.sequence}"})


def _number(finality: FinalityPolicy) -> int:
    rule = repr((finality.time.total_seconds(), finality.give_up.total_seconds()))
    return int.from_bytes(hashlib.sha256(rule.encode()).digest()[:7])
