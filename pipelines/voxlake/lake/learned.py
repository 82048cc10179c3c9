"""What earlier runs learned of an API, by account and stream, each fact with the day on which it was learned.

It lies in the file of the index. To lose it costs the next run some requests, and nothing else; but of a backfill that
was killed, only the days that have a file are remembered then.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from voxlake.lake.index import Index

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from voxlake.lake.directory import Lake

OLDEST_DAY = "oldest_day"
"""The name of a fact: the first UTC day that the API gives, as an ISO date; it refuses those before."""

DECIMAL_MARK = "decimal_mark"
"""The name of a fact: what separates the decimals of amounts that were sent as texts, a point or a comma."""

DATE_SHIFT = "date_shift"
"""The name of a fact: by how many seconds later dates must be asked for than rows have them; 0 where they agree."""

UNDATED_COUNT = "undated_count"
"""The name of a fact: how many messages the API counts without dates where all days that were read are empty.

Those are older than these days, or newer.
"""

UNFINISHED = "unfinished"
"""The name of a fact: spans of UTC days that a run set out to read before those that exports look after.

Each is a pair of ISO dates, of which the second is excluded. A run that ends takes the spans away.
"""

FILLED = "filled"
"""The name of a fact: backfills brought days before the first export, which begins where it would have begun."""

_Name = tuple[int, str, str]
_SELECT = "SELECT account_id, stream, name, value, learned_on FROM learned"


class Fact(NamedTuple):
    """A value that JSON can hold, and the UTC day on which it was learned."""

    value: Any
    learned_on: date


class Learned:
    """The facts of some accounts, or of all in a data directory. Where the index is missing or damaged, there are none.

    Raises:
        SettingsError: a newer version of voxlake wrote the index, or it may not be read.

    """

    def __init__(self, lake: Lake, account_ids: Collection[int] | None = None) -> None:
        self._index = Index(lake)
        self._accounts = account_ids
        self._facts = self._index.read(self._stored)
        self._changed: set[_Name] = set()

    def get(self, account_id: int, stream: str, name: str) -> Fact | None:
        """Return what is known under a name; None where nothing is."""
        return self._facts.get((account_id, stream, name))

    def put(self, account_id: int, stream: str, name: str, value: Any, *, on: date) -> None:
        """Remember a fact, in place of an earlier one of this name."""
        self._facts[account_id, stream, name] = Fact(value, on)
        self._changed.add((account_id, stream, name))

    def drop(self, account_id: int, stream: str, name: str) -> None:
        """Forget a fact that turned out to be wrong."""
        if self._facts.pop((account_id, stream, name), None) is not None:
            self._changed.add((account_id, stream, name))

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to save."""
        return bool(self._changed)

    def save(self) -> None:
        """Write what was learned, if that is news.

        Raises:
            StorageFull: it cannot be written.

        """
        if self._changed:
            self._index.write(self._write)
            self._changed.clear()

    def _write(self, connection: sqlite3.Connection) -> None:
        for at in sorted(self._changed):
            connection.execute("DELETE FROM learned WHERE (account_id, stream, name) = (?, ?, ?)", at)
            if (fact := self._facts.get(at)) is not None:
                row = *at, json.dumps(fact.value), str(fact.learned_on)
                connection.execute("INSERT INTO learned VALUES (?, ?, ?, ?, ?)", row)

    def _stored(self, connection: sqlite3.Connection) -> dict[_Name, Fact]:
        if self._accounts is None:
            rows = connection.execute(_SELECT).fetchall()
        else:
            one = f"{_SELECT} WHERE account_id = ?"
            rows = [row for account in self._accounts for row in connection.execute(one, [account])]
        facts = {}
        for account_id, stream, name, value, learned_on in rows:
            with suppress(ValueError, TypeError, RecursionError):
                facts[account_id, stream, name] = Fact(json.loads(value), date.fromisoformat(learned_on))
        return facts
