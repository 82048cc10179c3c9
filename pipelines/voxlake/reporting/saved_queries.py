"""The questions that `voxlake report` answers: ours in `sql/reports/`, and the user's in a folder of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from voxlake.errors import SettingsError
from voxlake.sql import promise, statements
from voxlake.text import written

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS = {"from": "--from", "to": "--to", "number": "--number"}


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query with a name; its parameters are among `$from`, `$to` and `$number`.

    `problem` is the sentence that says why a file of the user's is none.
    """

    name: str
    sql: str = ""
    problem: str | None = None

    @property
    def promise(self) -> str:
        """What the query says of itself in its first line, where that is a comment."""
        if self.problem is not None:
            return f"unusable: {self.problem}"
        return promise(self.sql) if self.sql.startswith("--") else ""


def load_saved_queries(folder: Path | None) -> dict[str, SavedQuery]:
    """Give all questions by name, ours first, and those of the user's that are unusable, which stop no other.

    Raises:
        SettingsError: there is no such folder.

    """
    found = {name: SavedQuery(name, sql) for name, sql in statements("reports").items()}
    if folder is None:
        return found
    if not folder.is_dir():
        raise SettingsError(f"There is no folder of reports {folder}: make it, or mend --reports-dir.")
    for path in sorted(folder.glob("*.sql")):
        if path.stem in found:
            problem = f"{path} has the name of a report of voxlake's: rename it."
            found[path.name] = SavedQuery(path.name, problem=problem)
            continue
        try:
            found[path.stem] = SavedQuery(path.stem, path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            problem = f"{path} cannot be read ({error}): mend it or move it away."
            found[path.stem] = SavedQuery(path.stem, problem=problem)
    return found


def bind_parameters(
    question: SavedQuery, *, first: date | None, end: date | None, number: str | None
) -> dict[str, Any]:
    """Give the values to bind; UTC days of [first, end), where either is None without a bound.

    Raises:
        SettingsError: the query is unusable, has an unknown parameter, or none for something that was given.

    """
    import duckdb  # noqa: PLC0415 - listing reports needs no database

    if question.problem is not None:
        raise SettingsError(question.problem)
    try:
        with duckdb.connect() as connection:
            parsed = connection.extract_statements(question.sql)
    except duckdb.Error as error:
        told = " ".join(str(error).split())
        raise SettingsError(f"The report {question.name!r} is no SQL ({told}): mend it and run it again.") from error
    if len(parsed) != 1:
        raise SettingsError(f"The report {question.name!r} has {len(parsed)} statements: leave one.")
    names = set(parsed[0].named_parameters)
    for unknown in sorted(names - set(_FLAGS)):
        raise SettingsError(f"The report {question.name!r} has a parameter ${unknown}: use $from, $to or $number.")
    for name, given in (("from", first), ("to", end), ("number", number)):
        if given is not None and name not in names:
            raise SettingsError(f"The report {question.name!r} does not look at {_FLAGS[name]}: leave it out.")
    values = {"from": first or date.min, "to": end or date.max, "number": None if number is None else written(number)}
    return {name: values[name] for name in names}
