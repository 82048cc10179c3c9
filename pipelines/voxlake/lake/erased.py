"""What no run may bring back: numbers that were forgotten, and days and texts that are older than they are kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from voxlake.lake.accounts import AccountRegistry
from voxlake.lake.tombstones import Tombstones
from voxlake.transform import Forgotten, Treated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from voxlake.lake.directory import Lake
    from voxlake.model import DayFile, DayKey, Reject

TEXT: Final = "text"


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased in a lake, and stays so whoever gives it again.

    `retained` is, by account and stream, the first UTC day that is kept, and `with_text` the first whose texts are.
    """

    forgotten: Forgotten = field(default_factory=Forgotten)
    retained: Mapping[tuple[int, str], date] = field(default_factory=dict)
    with_text: Mapping[tuple[int, str], date] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything was erased."""
        return bool(self.forgotten or self.retained or self.with_text)

    def is_retained(self, key: DayKey) -> bool:
        """Return whether a day was retained away: it is older than days are kept."""
        first = self.retained.get((key.account_id, key.stream))
        return first is not None and key.date < first

    def is_textless(self, key: DayKey, day_file: DayFile | None = None) -> bool:
        """Return whether the texts of a day are older than texts are kept; its file, if it has one, says it as well."""
        if day_file is not None and day_file.textless:
            return True
        first = self.with_text.get((key.account_id, key.stream))
        return first is not None and key.date < first

    def treat(self, table: pa.Table, *, textless: bool) -> Treated:
        """Return rows of a day without what was erased, and how many messages that were."""
        treated = self.forgotten.treat(table)
        return treated._replace(table=without_text(treated.table)) if textless else treated

    def treat_rejects(self, rejects: Iterable[Reject], *, textless: bool) -> list[Reject]:
        """Return rows of a day that cannot be read, without what was erased."""
        if textless:
            # Nobody knows which part of them is the text.
            rejects = [replace(reject, raw=None) for reject in rejects]
        return [self.forgotten.treat_reject(reject) for reject in rejects]


def without_text(table: pa.Table) -> pa.Table:
    """Return rows with nothing in place of what was written."""
    at = table.column_names.index(TEXT)
    its = table.schema.field(at)
    return table.set_column(at, its, pa.nulls(table.num_rows, its.type))


def forgotten_in(lake: Lake, key: DayKey) -> set[int]:
    """Return the messages of a day's file that are to be forgotten, as where that was interrupted."""
    erased, found = erased_in(lake), set[int]()
    for table in lake.read_rows(key) if erased.forgotten else ():
        treated = erased.forgotten.treat(table)
        if treated.forgotten:
            found |= set(table["message_id"].to_pylist()) - set(treated.table["message_id"].to_pylist())
    return found


def erased_in(lake: Lake) -> Erased:
    """Return what was erased in a lake: looked up once for a run, which holds its accounts.

    Raises:
        SettingsError: numbers were forgotten here, and their key is missing or another one.
        DataError: nobody knows which they are, because their file is damaged.

    """
    if lake.known_erased is None:
        forgotten = Tombstones(lake).require(lake.key)
        facts = AccountRegistry(lake).all()
        lake.known_erased = Erased(
            forgotten,
            {(its.account_id, stream): day for its in facts for stream, day in its.kept_since.items()},
            {(its.account_id, stream): day for its in facts for stream, day in its.texts_since.items()},
        )
    return lake.known_erased
