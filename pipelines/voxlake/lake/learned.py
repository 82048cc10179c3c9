"""What earlier runs learned of an API, by account and stream, each fact with the day on which it was learned.

It lies in `learned.json` beside the manifest. To lose it costs the next run some requests, and nothing else.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from voxlake.lake.directory import Lake

_VERSION = 1

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


class Fact(NamedTuple):
    """A value that JSON can hold, and the UTC day on which it was learned."""

    value: Any
    learned_on: date


class Learned:
    """The facts of a data directory. Where their file is missing, damaged or of another version, nothing is known."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._facts = self._stored()
        self._changed = False

    def get(self, account_id: int, stream: str, name: str) -> Fact | None:
        """Return what is known under a name; None where nothing is."""
        return self._facts.get((account_id, stream, name))

    def put(self, account_id: int, stream: str, name: str, value: Any, *, on: date) -> None:
        """Remember a fact, in place of an earlier one of this name."""
        self._facts[account_id, stream, name] = Fact(value, on)
        self._changed = True

    def drop(self, account_id: int, stream: str, name: str) -> None:
        """Forget a fact that turned out to be wrong."""
        self._changed |= self._facts.pop((account_id, stream, name), None) is not None

    def save(self) -> None:
        """Write what was learned, if that is news.

        Raises:
            StorageFull: it cannot be written.

        """
        if not self._changed:
            return
        facts = [
            {"account_id": account, "stream": stream, "name": name, "value": fact.value, "on": str(fact.learned_on)}
            for (account, stream, name), fact in sorted(self._facts.items())
        ]
        path = self._lake.layout.learned
        text = json.dumps({"version": _VERSION, "facts": facts}, indent=1)
        self._lake.store.write_text(path, text, aside=self._lake.tmp / path.name)
        self._changed = False

    def _stored(self) -> dict[tuple[int, str, str], Fact]:
        try:
            stored = json.loads(self._lake.layout.learned.read_bytes())
            if stored["version"] != _VERSION:
                return {}
            return {
                (int(its["account_id"]), str(its["stream"]), str(its["name"])): Fact(
                    its["value"], date.fromisoformat(its["on"])
                )
                for its in stored["facts"]
            }
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return {}
