"""The entries of the index as rows of its table `day_files`: what they hold, and the day files that they mean."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from operator import itemgetter
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from voxlake.model import DayFile, DayKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from voxlake.lake.ids import Range

FACTS: Final = tuple(field.name for field in dataclasses.fields(DayFile) if field.name != "key")
"""The columns that say what the footer of a file says."""
ADDED: Final = {"forgotten": 0, "textless": 0, "privacy": ""}
"""Those of them, the last ones, that an index has once anything was erased or treated; what they are until then."""

ERASED: Final = 4
"""The number of the format of an index with the columns `ADDED`, so that earlier versions refuse it."""

HELD, DAMAGED, MISSING, FORGOTTEN = "held", "damaged", "missing", "forgotten"
"""What there was at a day when its entry was written: a file; one that cannot be read; none any more, which is missed;
or none any more, which was accepted. Of the last, an entry remains, so that the database hears of it."""

_COLUMNS = (
    "account_id", "stream", "date", "sequence", "state", "stamp", "compared", "least", "greatest", "ahead", *FACTS,
)  # fmt: skip
SELECT: Final = "SELECT * FROM day_files"
"""The columns in the order of the table; only some indexes have the last."""
_ADD = "ALTER TABLE day_files ADD COLUMN {} NOT NULL DEFAULT {!r}"

_NOT_ADDED: Final = list(ADDED.values())
_VERIFIED, _AT, _PROBLEM, _TEXTLESS = (FACTS.index(name) for name in ("verified", "exported_at", "problem", "textless"))
_numbers = itemgetter(*(FACTS.index(name) for name in ("row_count", "moving", "rejects", "surplus", "forgotten")))
_TYPES = {
    (int, total, int, int, str, str, int, problem, str, int, int, int, str)
    for total in (int, NoneType)
    for problem in (str, NoneType)
}
"""The types that the facts have in SQLite, in the order of FACTS."""


class Entry(NamedTuple):
    """What the index holds of a day.

    `stamp` is that of the file which the entry describes; its ids were `compared` with those of other files and lie in
    the range `ids`, None without any; with `ahead` it was exported later than the clock then said.
    """

    key: DayKey
    sequence: int
    state: str
    stamp: str | None = None
    compared: bool = False
    ids: Range | None = None
    ahead: bool = False
    day_file: DayFile | None = None


def read_entries(rows: Iterable[tuple[Any, ...]]) -> Iterator[Entry]:
    """Yield the entries that rows of `SELECT` hold.

    Raises:
        ValueError, TypeError: a row is not what was written.

    """
    for row in rows:
        account_id, stream, day, sequence, state, stamp, compared, least, greatest, ahead, *facts = row
        key = DayKey(account_id, stream, date.fromisoformat(day))
        if state != HELD:
            yield Entry(key, sequence, state)
            continue
        day_file = _day_file(key, facts + _NOT_ADDED[len(_NOT_ADDED) - (len(FACTS) - len(facts)) :])
        yield Entry(key, sequence, state, stamp, bool(compared), ids_of(least, greatest), bool(ahead), day_file)


def ids_of(least: Any, greatest: Any) -> Range | None:
    """Return a range of ids; None where there is none. Raises TypeError where they are not numbers."""
    if least is None and greatest is None:
        return None
    if type(least) is not int or type(greatest) is not int:
        raise TypeError(f"ids from {least!r} to {greatest!r}")
    return least, greatest


def _day_file(key: DayKey, facts: list[Any]) -> DayFile:
    if (
        tuple(map(type, facts)) not in _TYPES
        or min(_numbers(facts)) < 0
        or not {facts[_VERIFIED], facts[_TEXTLESS]} <= {0, 1}
    ):
        raise ValueError(f"{key} is {facts}")
    facts[_VERIFIED], facts[_TEXTLESS] = facts[_VERIFIED] == 1, facts[_TEXTLESS] == 1
    facts[_AT] = at = datetime.fromisoformat(facts[_AT])
    if at.utcoffset() is None:
        raise ValueError("exported_at has no zone")
    return DayFile(key, *facts)


def write_entries(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Write entries in place of the earlier ones of their days."""
    rows = [_row(entry) for entry in entries]
    columns = _COLUMNS
    if not has_added(connection):
        if any(any(row[-len(ADDED) :]) for row in rows):
            add_columns(connection)
        else:
            columns, rows = _COLUMNS[: -len(ADDED)], [row[: -len(ADDED)] for row in rows]
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    connection.executemany(f"INSERT OR REPLACE INTO day_files ({names}) VALUES ({places})", rows)  # noqa: S608


def has_added(connection: sqlite3.Connection) -> bool:
    """Return whether an index has the columns `ADDED`."""
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    return int(version) >= ERASED


def add_columns(connection: sqlite3.Connection) -> None:
    """Add the columns `ADDED` to an index that lacks them, from when on earlier versions refuse it."""
    if not has_added(connection):
        for name, until_then in ADDED.items():
            connection.execute(_ADD.format(name, until_then))
        connection.execute(f"PRAGMA user_version = {ERASED}")


def _row(entry: Entry) -> tuple[Any, ...]:
    key, day_file = entry.key, entry.day_file
    facts: list[Any] = [*[None] * (len(FACTS) - len(ADDED)), *[0] * len(ADDED)]
    if day_file is not None:
        facts = [getattr(day_file, name) for name in FACTS]
        facts[_VERIFIED], facts[_TEXTLESS] = int(day_file.verified), int(day_file.textless)
        facts[_AT] = day_file.exported_at.isoformat()
        if day_file.problem is not None:
            # SQLite does not take half a surrogate pair, which a reply may hold.
            facts[_PROBLEM] = day_file.problem.encode(errors="backslashreplace").decode()
    least, greatest = entry.ids or (None, None)
    at = key.account_id, key.stream, str(key.date), entry.sequence
    return *at, entry.state, entry.stamp, int(entry.compared), least, greatest, int(entry.ahead), *facts
