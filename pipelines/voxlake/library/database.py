"""The published database for programs: a read-only connection, and its reports and messages as exact frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from voxlake.clock import SYSTEM
from voxlake.errors import SettingsError
from voxlake.lake import Lake
from voxlake.library.inputs import find_folder, utc_day
from voxlake.library.privacy import find_key
from voxlake.library.selection import select
from voxlake.library.trouble import log_answer, log_database, log_sentence
from voxlake.reporting import (
    bind_parameters,
    draw_overview,
    load_saved_queries,
    number_note,
    query_table,
    read_gaps,
    read_scope,
    set_digest,
)
from voxlake.text import did_you_mean
from voxlake.transform import load_pandas
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from types import TracebackType

    import duckdb
    import pandas as pd

    from voxlake.clock import Clock
    from voxlake.library.inputs import Day
    from voxlake.privacy import PrivacyKey
    from voxlake.reporting import Gaps, Scope

    Accounts = int | str | Iterable[int | str]

_PARAMETERS = {
    "since": "from", "from": "from", "first": "from", "until": "to", "to": "to", "end": "to", "number": "number",
    "account": "accounts", "accounts": "accounts", "tz": "tz",
}  # fmt: skip
"""What a caller may call the parameters of a report: `from` is a keyword of Python."""
_NAMES = {"from": "since", "to": "until", "number": "number", "accounts": "accounts", "tz": "tz"}
_MESSAGES = """
SELECT * FROM messages
WHERE ($from IS NULL OR date >= $from) AND ($to IS NULL OR date < $to)
    AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
ORDER BY processed_at, channel, account_id, message_id -- the former name of stream: earlier databases have it, too
"""


class Database:
    """The published database as it was when it was opened, read-only: SQL through DuckDB, reports and messages.

    Days that are missing or not verified, and stale data, are logged as warnings when it is opened, and shown where the
    session is interactive, once in a process as long as they are the same. A notebook shows accounts, span, trouble and
    which days are complete.

    It is a context manager. Queries open no other file; a run that publishes meanwhile is neither waited for nor seen.
    What is not described here is delegated to `connection`, whose errors are DuckDB's own. As any connection of
    DuckDB's it belongs to one thread: `cursor` gives another thread one of its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        reports_dir: Path | None = None,
        clock: Clock = SYSTEM,
        key: PrivacyKey | None = None,
    ) -> None:
        self._folder = folder.resolve()
        self._warehouse, self._lake, self._key = Warehouse(folder), Lake(folder), key
        self._reports_dir, self._clock = reports_dir, clock
        self.connection: duckdb.DuckDBPyConnection = self._warehouse.connect()
        try:
            self._log_trouble()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<voxlake.Database {str(self._warehouse.path)!r}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: accounts, span, trouble, and which days are complete."""
        scope = self._scope([], None)
        now = self._clock.now()
        with self._warehouse.read_errors(), self.connection.cursor() as cursor:
            gaps = read_gaps(cursor, self._lake, scope, now=now)
            return draw_overview(cursor, scope, gaps, name=str(self._warehouse.path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if name == "connection":
            raise AttributeError(name)
        return getattr(self.connection, name)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return another connection to the same database, for another thread."""
        return self.connection.cursor()

    def execute(self, query: str, parameters: object = None) -> duckdb.DuckDBPyConnection:
        """Run SQL; the result has `fetchall`, `fetchone`, `df` and the other methods of DuckDB."""
        return self.connection.execute(query, parameters)

    def sql(self, query: str, *, params: object = None) -> duckdb.DuckDBPyRelation:
        """Return the rows of SQL as a relation of DuckDB's."""
        return self.connection.sql(query, params=params)

    def query(self, query: str, *, params: object = None) -> duckdb.DuckDBPyRelation:
        """Do what `sql` does."""
        return self.sql(query, params=params)

    def frame(self, query: str, *, params: object = None) -> pd.DataFrame:
        """Return the rows of SQL with Arrow's types: amounts are decimals, where DuckDB's own `df` makes floats."""
        with self.connection.cursor() as cursor:
            table = cursor.sql(query, params=params).to_arrow_table()
        found: pd.DataFrame = table.to_pandas(types_mapper=load_pandas().ArrowDtype)
        return found

    def reports(self) -> dict[str, str]:
        """Return what each report answers, by its name."""
        return {name: query.promise for name, query in load_saved_queries(self._reports_dir).items()}

    def report(self, name: str, **parameters: Any) -> pd.DataFrame:
        """Return the rows of a saved query, with Arrow's types: amounts are decimals, never floats.

        The parameters are those of `voxlake report`: `since` and `until`, days of which the second is excluded,
        `number`, `accounts` (one or several, by number, name or a pattern), and `tz`, the zone whose days are meant:
        UTC, another one, or `account` for each account's own. Of a database of one account, the columns `account_id`,
        `account` and `currency` are left out.

        Raises:
            SettingsError: there is no such report, account or zone, or the report has no such parameter.
            DataError: the database is damaged.

        """
        known = load_saved_queries(self._reports_dir)
        if name not in known:
            usable = [each.name for each in known.values() if each.problem is None]
            raise SettingsError(f"There is no report {name!r}: {did_you_mean(name, usable)}")
        given = _parameters(name, parameters)
        first, end = utc_day(given.get("from"), "since"), utc_day(given.get("to"), "until", end=True)
        if first and end and first >= end:
            raise SettingsError(f"since {first} is not before until {end}: the end is excluded.")
        accounts, tz = _wanted(given.get("accounts")), given.get("tz")
        query = known[name]
        bound = bind_parameters(
            query, first=first, end=end, number=given.get("number"), accounts=accounts, tz=tz, flags=_NAMES
        )
        if not (query.shipped or bound.keys() & {"accounts", "tz"}):
            return self._told(self._frame(query.sql, bound, number=given.get("number")), first, end)
        scope, report_of = self._scope(accounts, tz), query.shipped
        frame = self._frame(query.sql, scope.bind(bound), scope if report_of else None, number=given.get("number"))
        return self._told(frame, first, end, scope)

    def messages(
        self, since: Day | None = None, until: Day | None = None, *, accounts: Accounts | None = None
    ) -> pd.DataFrame:
        """Return the messages of the UTC days `[since, until)` of both streams, in the order of time.

        The columns are those of the view `messages`, with Arrow's types: times are UTC, costs are decimals. `accounts`
        are one or several, by number, name or a pattern; None stands for all.

        Raises:
            SettingsError: an argument is not a day, or there is no such account.
            DataError: the database is damaged.

        """
        first, end = utc_day(since, "since"), utc_day(until, "until", end=True)
        scope = None if accounts is None else self._scope(_wanted(accounts), None)
        ids = None if scope is None else scope.account_ids
        return self._told(self._frame(_MESSAGES, {"from": first, "to": end, "accounts": ids}), first, end, scope)

    def gaps(self, since: Day | None = None, until: Day | None = None, *, accounts: Accounts | None = None) -> Gaps:
        """Return which of the UTC days `[since, until)` are missing, not verified or still settling, and what is stale.

        Days before the first that exports look after are named where `since` asks for them.

        Raises:
            SettingsError: an argument is not a day, there is no such account, or an earlier version published.
            DataError: the database is damaged.

        """
        first, end = utc_day(since, "since"), utc_day(until, "until", end=True)
        return self._gaps(first, end, self._scope(_wanted(accounts), None))

    def _gaps(self, first: date | None, end: date | None, scope: Scope) -> Gaps:
        now = self._clock.now()
        with self._warehouse.read_errors(), self.connection.cursor() as cursor:
            return read_gaps(cursor, self._lake, scope, now=now, first=first, end=end)

    def _told(
        self, frame: pd.DataFrame, first: date | None, end: date | None, scope: Scope | None = None
    ) -> pd.DataFrame:
        """Return an answer with what it lacks in its `attrs`; log what opening the database did not."""
        try:
            gaps = self._gaps(first, end, scope or self._scope([], None))
        except SettingsError as problem:
            sentences, newest = [str(problem)], None
        else:
            sentences, newest = gaps.sentences(), gaps.to_json()["last_good_run"]
            log_answer(self._folder, gaps)
        frame.attrs |= {"gaps": sentences, "last_good_run": newest}
        return frame

    def _log_trouble(self) -> None:
        try:
            log_database(self._folder, self._gaps(None, None, self._scope([], None)))
        except SettingsError as problem:
            log_sentence(self._folder, str(problem))

    def _scope(self, accounts: Sequence[str], tz: str | None) -> Scope:
        with self._warehouse.read_errors(), self.connection.cursor() as cursor:
            scope = read_scope(cursor, tz)
        if not accounts:
            return scope
        return scope.narrowed(select(accounts, scope.names()))

    def _frame(
        self, sql: str, bound: Mapping[str, Any], report_of: Scope | None = None, *, number: str | None = None
    ) -> pd.DataFrame:
        arrow_dtype = load_pandas().ArrowDtype
        # On a cursor of its own: a result of the caller's that was not fetched to its end stays as it is.
        with self._warehouse.read_errors(), self.connection.cursor() as cursor:
            set_digest(cursor, number, self._key)
            table = query_table(cursor, sql, bound, form="DataFrame", report_of=report_of)
            note = number_note(cursor, bound, has_key=bool(self._key)) if number and not table.num_rows else None
        frame: pd.DataFrame = table.to_pandas(types_mapper=arrow_dtype)
        frame.attrs |= {"number": note} if note else {}
        return frame


def _wanted(accounts: Accounts | None) -> list[str]:
    """Return accounts that a caller names, one or several, as texts."""
    if accounts is None:
        return []
    return [str(its) for its in ([accounts] if isinstance(accounts, int | str) else accounts)]


def _parameters(report: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by the names that they have in SQL."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _PARAMETERS:
            raise SettingsError(
                f"The report {report!r} has no parameter {name!r}: {did_you_mean(name, _NAMES.values())}"
            )
        if _PARAMETERS[name] in found:
            raise SettingsError(f"The report {report!r} got {name!r} under two names: leave one out.")
        found[_PARAMETERS[name]] = value
    return found


def open_database(
    data_dir: str | os.PathLike[str],
    *,
    reports_dir: str | os.PathLike[str] | None = None,
    clock: Clock = SYSTEM,
    key_file: str | os.PathLike[str] | None = None,
) -> Database:
    """Open the published database of a data directory, read-only; `reports_dir` has reports of your own.

    By `clock`, answers say which days are missing and how old they are. With the privacy key in `key_file`, reports
    find a `number` where a digest stands for it, too.

    Raises:
        SettingsError: nothing was published there yet, or there is no such folder or key.
        AlreadyRunning: nothing yet, but a run is working that will publish.
        DataError: the database is damaged.

    """
    folder = find_folder(data_dir)
    lake = Lake(folder)
    if not folder.exists():
        raise SettingsError(f"There is no data directory {folder}: run 'voxlake export' first, or name another.")
    if not os.path.lexists(lake.database):
        lake.require_idle()
    key = None if key_file is None else find_key(Path(key_file), folder)
    reports = None if reports_dir is None else find_folder(reports_dir)
    return Database(folder, reports_dir=reports, clock=clock, key=key)
