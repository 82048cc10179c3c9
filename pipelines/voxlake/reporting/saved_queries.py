"""The queries that `voxlake report` answers by name: ours in `sql/reports/`, and the user's in their own folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import duckdb

from voxlake.errors import SettingsError
from voxlake.phones import normal_number
from voxlake.policy import digest_of
from voxlake.reporting.caret import explain
from voxlake.sql import promise, statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from voxlake.privacy import PrivacyKey

DIGEST = "number_digest"
"""The variable of a connection that says to `messages_of` what stands for `$number` where numbers are hashed."""
FLAGS = {"from": "--from", "to": "--to", "number": "--number", "accounts": "--account", "tz": "--tz"}
"""The parameters that a saved query may have, and the flags that set them."""
_EXAMPLE, _SPARE, _EMPTY = "-- Example: ", "-- A narrow table leaves out ", "-- Without rows: "


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query with a name.

    `problem` is a sentence that says why a file of the user's cannot be used; such a query has no `sql`. One that comes
    with voxlake is `shipped`.
    """

    name: str
    sql: str = ""
    problem: str | None = None
    shipped: bool = False

    @property
    def promise(self) -> str:
        """The comment in the first line, which says what the query answers; empty where there is none."""
        if self.problem is not None:
            return f"unusable: {self.problem}"
        return promise(self.sql) if self.sql.startswith("--") else ""

    @property
    def example(self) -> str:
        """A command line that asks the query, from a comment below the first; empty where there is none."""
        return self._said(_EXAMPLE)

    @property
    def spare(self) -> list[str]:
        """The columns that a table leaves out where it is too wide, in this order, from a comment below the first."""
        return [name.strip() for name in self._said(_SPARE).rstrip(".").split(",") if name.strip()]

    @property
    def if_empty(self) -> str:
        """What an answer without rows means, from a comment below the first."""
        return self._said(_EMPTY) or "Nothing of these days and accounts belongs in this report."

    def _said(self, beginning: str) -> str:
        """Return the rest of the comment above the query that begins like this; empty where there is none."""
        above = takewhile(lambda line: line.startswith("--"), self.sql.splitlines())
        return next((line.removeprefix(beginning).strip() for line in above if line.startswith(beginning)), "")


def load_saved_queries(folder: Path | None) -> dict[str, SavedQuery]:
    """Return all saved queries by name, ours first; a file that cannot be used is listed with its problem.

    Raises:
        SettingsError: `folder` does not exist.

    """
    found = {name: SavedQuery(name, sql, shipped=True) for name, sql in statements("reports").items()}
    if folder is None:
        return found
    if not folder.is_dir():
        raise SettingsError(f"There is no folder of reports {folder}: make it, or correct --reports-dir.")
    for path in sorted(folder.glob("*.sql")):
        name = path.name if path.stem in found else path.stem
        found[name] = _load(path, name)
    return found


def _load(path: Path, name: str) -> SavedQuery:
    """Read a file; `name` has its ending where its stem is taken."""
    if name != path.stem:
        return SavedQuery(name, problem=f"{path} has the name of one of voxlake's reports: rename it.")
    try:
        return SavedQuery(name, path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        return SavedQuery(name, problem=f"{path} cannot be read ({error}): correct it or move it away.")


def bind_parameters(
    query: SavedQuery,
    *,
    first: date | None,
    end: date | None,
    number: str | None,
    accounts: Sequence[int | str] | None = None,
    tz: str | None = None,
    flags: Mapping[str, str] = FLAGS,
) -> dict[str, Any]:
    """Return the values of the query's own parameters among `$from`, `$to`, `$number`, `$accounts` and `$tz`.

    The days are [first, end); None stands for no bound, for any number, and for all accounts. `Scope.bind` puts the
    numbers of accounts and the name of a zone in the place of what was asked for. `flags` are the names of the
    parameters that a message shows.

    Raises:
        SettingsError: the query cannot be used, has an unknown parameter, or lacks one for a value that was given.

    """
    if query.problem is not None:
        raise SettingsError(query.problem)
    names = _parameter_names(query)
    unknown = sorted(names - set(FLAGS))
    if unknown:
        raise SettingsError(
            f"The report {query.name!r} has a parameter ${unknown[0]}: use $from, $to, $number, $accounts or $tz."
        )
    given: dict[str, Any] = {"from": first, "to": end, "number": number, "accounts": accounts or None, "tz": tz}
    unused = [flags[name] for name, value in given.items() if value is not None and name not in names]
    if unused:
        raise SettingsError(f"The report {query.name!r} does not look at {unused[0]}: leave it out.")
    values = given | {
        "from": first or date.min,
        "to": end or date.max,
        "number": None if number is None else normal_number(number),
    }
    return {name: values[name] for name in names}


def set_digest(connection: duckdb.DuckDBPyConnection, number: str | None, key: PrivacyKey | None) -> None:
    """Make the queries of a connection find the messages of a number where a digest stands for it, too."""
    if number is not None and key is not None:
        # Hexadecimal digits, or what somebody has read in a report.
        digest = digest_of(key, number).replace("'", "''")
        connection.execute(f"SET VARIABLE {DIGEST} = '{digest}'")


def flags_of(query: SavedQuery) -> list[str]:
    """Return the flags that a query looks at, in the order of `FLAGS`; raises SettingsError where it is not valid."""
    names = _parameter_names(query)
    return [flag for name, flag in FLAGS.items() if name in names]


def _parameter_names(query: SavedQuery) -> set[str]:
    """Return the names of the parameters as DuckDB's parser finds them; raises SettingsError for what is not valid."""
    try:
        with duckdb.connect() as connection:
            parsed = connection.extract_statements(query.sql)
    except duckdb.Error as error:
        reason, place = explain(error)
        raise SettingsError(f"The report {query.name!r} is not valid SQL ({reason}): correct it.{place}") from error
    if len(parsed) != 1:
        raise SettingsError(f"The report {query.name!r} has {len(parsed)} statements: leave one.")
    return set(parsed[0].named_parameters)
