"""A copy of the published database in PostgreSQL: its tables, what its views answer, and all comments.

The copy is a schema that belongs to voxlake. One transaction brings it up to date, so that whoever reads it sees the
copy before or the one after, and one that is killed leaves no trace. What is there is remembered beside it: for each
day of messages the checksum of its rows, and for every other table a digest, so that only what differs is sent.
"""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake import extras
from voxlake.errors import SettingsError, Unavailable
from voxlake.transform import STREAMS
from voxlake.warehouse.relations import MESSAGES, SCHEMA, literal, place, postgres_type, quoted, read_relations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from voxlake.warehouse.relations import Relation

_BATCH = 100_000
"""Rows that are in memory at a time."""
_CONNECTION, _LOST = "08", "57P"
"""How the SQLSTATE of an error begins that says that the server cannot be reached, or is going down."""


@dataclass(frozen=True, slots=True)
class PostgresCopy:
    """What was sent: how many days of messages, the rows of these days, and how many other tables.

    `rows` is how many messages the copy holds now.
    """

    days: int
    sent: int
    tables: int
    rows: int


def copy_to_postgres(connection: duckdb.DuckDBPyConnection, uri: str) -> PostgresCopy:
    """Bring the copy of a published database in PostgreSQL up to date; `uri` is as libpq takes it.

    Raises:
        SettingsError: the address or the credentials are wrong, the schema is somebody else's, or the package that
            speaks to PostgreSQL is not installed.
        Unavailable: the server cannot be reached, or went away.

    """
    if not uri:
        raise SettingsError("The address of PostgreSQL is empty: give one such as postgresql://USER@HOST/DATABASE.")
    scheme, slashes, _ = uri.partition("://")
    if slashes and "=" not in scheme and scheme not in {"postgresql", "postgres"}:
        raise SettingsError(
            f"An address that begins with {scheme}:// is not one of PostgreSQL: give one such as"
            " postgresql://USER@HOST/DATABASE."
        )
    with _postgres_errors(uri), closing(extras.load("adbc_driver_postgresql.dbapi").connect(uri)) as postgres:
        with closing(postgres.cursor()) as cursor:
            copy = _Copy(connection, cursor)
            copy.prepare()
            days, sent = copy.send_messages()
            tables = copy.send_tables()
            rows = sum(copy.count(stream.table) for stream in STREAMS.values())
        postgres.commit()
    return PostgresCopy(days, sent, tables, rows)


class _Copy:
    """The copying of one database within a transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, cursor: Any) -> None:
        self._source, self._cursor = connection, cursor
        self._relations = {each.name: each for each in read_relations(connection)}
        self._tables = [stream.table for stream in STREAMS.values()]

    def prepare(self) -> None:
        """Make the schema, or make it anew where the tables of the database are others than those of the copy."""
        execute = self._cursor.execute
        execute(f"SELECT pg_advisory_xact_lock({_key(SCHEMA)})")
        design = self._design()
        if self._ask("SELECT 1 FROM pg_namespace WHERE nspname = 'voxlake'"):
            if not self._ask("SELECT 1 FROM pg_tables WHERE schemaname = 'voxlake' AND tablename = 'copied_design'"):
                raise SettingsError(
                    f"The PostgreSQL database has a schema {SCHEMA} that is not a copy of voxlake's: rename it, or name"
                    " another database."
                )
            if self._ask(f"SELECT design FROM {place('copied_design')}") == [(design,)]:  # noqa: S608 - our own words
                return
            execute(f"DROP SCHEMA {quoted(SCHEMA)} CASCADE")
        execute(f"CREATE SCHEMA {quoted(SCHEMA)}")
        execute(f"COMMENT ON SCHEMA {quoted(SCHEMA)} IS 'A copy that voxlake publish --postgres keeps up to date.'")
        execute(f"CREATE TABLE {place('copied_design')} AS SELECT {literal(design)} AS design")
        execute(
            f"CREATE TABLE {place('copied_days')} (name text, account_id bigint, date date, checksum text,"
            " PRIMARY KEY (name, account_id, date))"
        )
        execute(f"CREATE TABLE {place('copied_tables')} (name text PRIMARY KEY, digest text)")
        for relation in self._relations.values():
            for statement in self._messages(relation) if relation.name == MESSAGES else relation.create():
                execute(statement)
        for table in self._tables:
            execute(f"CREATE UNIQUE INDEX ON {place(table)} (account_id, message_id)")
            execute(f"CREATE INDEX ON {place(table)} (date, account_id)")

    def send_messages(self) -> tuple[int, int]:
        """Send the days of messages that differ, and return how many these are, and their rows."""
        days = sent = 0
        for stream in STREAMS.values():
            theirs = {
                (account_id, day): checksum
                for account_id, day, checksum in self._ask(
                    f"SELECT account_id, date, checksum FROM {place('copied_days')} WHERE name = '{stream.table}'"  # noqa: S608
                )
            }
            ours = {
                (account_id, day): checksum
                for account_id, day, checksum in self._source.execute(
                    "SELECT account_id, date, checksum FROM meta.parts WHERE stream = ?", [stream.name]
                ).fetchall()
            }
            differing = sorted(key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key))
            if not differing:
                continue
            self._forget(stream.table, differing)
            sent += self._send(stream.table, differing, ours)
            days += len(differing)
        return days, sent

    def send_tables(self) -> int:
        """Send every other table and view whose rows differ, whole, and return how many."""
        known = dict(self._ask(f"SELECT name, digest FROM {place('copied_tables')}"))  # noqa: S608 - our own words
        sent = 0
        for relation in self._relations.values():
            if relation.name in (*self._tables, MESSAGES):
                continue
            ((digest,),) = self._source.execute(
                f"SELECT count(*) || ' ' || coalesce(sum(hash(r)::HUGEINT), 0) FROM ({relation.select()}) AS r"  # noqa: S608
            ).fetchall()
            if known.get(relation.name) == digest:
                continue
            self._cursor.execute(f"DELETE FROM {place(relation.name)}")  # noqa: S608 - a name of the database
            self._ingest(relation.name, relation.select())
            self._cursor.execute(
                f"INSERT INTO {place('copied_tables')} VALUES ({literal(relation.name)}, {literal(digest)})"  # noqa: S608
                " ON CONFLICT (name) DO UPDATE SET digest = excluded.digest"
            )
            sent += 1
        return sent

    def count(self, table: str) -> int:
        """Return how many rows a table of the copy has."""
        ((rows,),) = self._ask(f"SELECT count(*) FROM {place(table)}")  # noqa: S608 - a name of the database
        return int(rows)

    def _forget(self, table: str, days: Sequence[tuple[int, Any]]) -> None:
        listed = ", ".join(f"({account_id}, DATE '{day}')" for account_id, day in days)
        for target, where in ((place(table), "true"), (place("copied_days"), f"name = '{table}'")):
            self._cursor.execute(
                f"DELETE FROM {target} WHERE {where} AND (account_id, date) IN (VALUES {listed})"  # noqa: S608 - numbers and dates
            )

    def _send(self, table: str, days: Sequence[tuple[int, Any]], checksums: dict[tuple[int, Any], str]) -> int:
        """Send the rows of days, and remember their checksums; a day that is gone has none."""
        there = [key for key in days if key in checksums]
        if not there:
            return 0
        listed = ", ".join(f"({account_id}, DATE '{day}')" for account_id, day in there)
        sent = self._ingest(table, self._relations[table].select(f"(account_id, date) IN (VALUES {listed})"))
        values = ", ".join(
            f"('{table}', {account_id}, DATE '{day}', {literal(checksums[account_id, day])})"
            for account_id, day in there
        )
        self._cursor.execute(f"INSERT INTO {place('copied_days')} VALUES {values}")  # noqa: S608 - as above
        return sent

    def _ingest(self, table: str, query: str) -> int:
        """Append what a query answers to a table, in pieces of `_BATCH` rows."""
        rows = self._source.sql(query).to_arrow_reader(_BATCH)
        return int(self._cursor.adbc_ingest(table, rows, mode="append", db_schema_name=SCHEMA))

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        self._cursor.execute(query)
        found: list[tuple[Any, ...]] = self._cursor.fetchall()
        return found

    def _design(self) -> str:
        """Return a digest of all tables, columns and comments."""
        return hashlib.sha256(repr(sorted(map(repr, self._relations.values()))).encode()).hexdigest()

    def _messages(self, messages: Relation) -> Iterator[str]:
        """Yield the statements that make the view over the messages of every stream."""
        queries = []
        for stream in STREAMS.values():
            own = {name for name, _, _ in self._relations[stream.table].columns}
            given = {
                "stream": literal(stream.name), "channel": literal(stream.name), "direction": "'OUT'",
                "currency": "a.currency", "account": "coalesce(a.name, m.account_id::text)",
            }  # fmt: skip
            columns = ", ".join(
                f"{f'm.{quoted(name)}' if name in own else given.get(name, 'NULL')}::{postgres_type(kind)}"
                f" AS {quoted(name)}"
                for name, kind, _ in messages.columns
            )
            queries.append(
                f"SELECT {columns} FROM {place(stream.table)} AS m"  # noqa: S608 - names of the database
                f" LEFT JOIN {place('accounts')} AS a ON a.account_id = m.account_id"
            )
        yield f"CREATE VIEW {place(MESSAGES)} AS {' UNION ALL '.join(queries)}"
        yield from messages.comments("VIEW")


@contextmanager
def _postgres_errors(uri: str) -> Iterator[None]:
    """Turn an error of PostgreSQL's driver into a sentence; the address can hold a password, and is not quoted."""
    errors = extras.load("adbc_driver_manager")
    try:
        yield
    except errors.Error as error:
        state = getattr(error, "sqlstate", None) or ""
        reason = _reason(error, uri)
        is_away = state.startswith((_CONNECTION, _LOST)) or (not state and "connection to server" in reason)
        refused = any(word in reason for word in ("authentication failed", "no password", "does not exist"))
        if is_away and not refused:
            raise Unavailable(
                f"PostgreSQL cannot be reached ({reason}): the copy there is unchanged; try again."
            ) from error
        raise SettingsError(
            f"PostgreSQL refused ({reason}): the copy there is unchanged; correct that first."
        ) from error


def _reason(error: Exception, uri: str) -> str:
    """Return what a server or libpq said, on one line and without the address."""
    text = " ".join(str(error).split())
    return (text.partition("[libpq] ")[2] or text).replace(uri, "the address")


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])
