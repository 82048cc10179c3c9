"""Which accounts a question is about and whose days it means, as the database knows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import duckdb

from voxlake.errors import SettingsError
from voxlake.text import counted, meant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

OWN_ZONES = "account"
"""The time zone that stands for each account's own."""
UTC = "UTC"
PARAMETERS = ("accounts", "tz")
"""The parameters of a query that a scope sets: a list of account ids, never null, and the name of a zone."""
_UNIT = ("account_id", "account", "currency")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account of the database; None for what is not known of it."""

    account_id: int
    name: str | None
    currency: str | None
    time_zone: str | None

    def __str__(self) -> str:
        return f"{self.account_id}" if self.name is None else f"{self.account_id} ({self.name})"


@dataclass(frozen=True, slots=True)
class Scope:
    """The accounts that a question is about, of all that the database has, and a zone, or `account`."""

    everyone: tuple[KnownAccount, ...]
    accounts: tuple[KnownAccount, ...]
    tz: str = UTC

    @property
    def of_one_account(self) -> bool:
        """Whether the database has one account, so that no answer needs to say whose it is."""
        return len(self.everyone) <= 1

    @property
    def account_ids(self) -> list[int]:
        """The numbers of the accounts that were chosen, or of all."""
        return [account.account_id for account in self.accounts]

    def names(self) -> list[tuple[int, str | None]]:
        """Return the number and the name of every account of the database."""
        return [(account.account_id, account.name) for account in self.everyone]

    def bind(self, bound: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of a query with those set that a scope sets."""
        mine: dict[str, Any] = {"accounts": self.account_ids, "tz": self.tz}
        return {name: mine.get(name, value) for name, value in bound.items()}

    def narrowed(self, account_ids: Collection[int]) -> Scope:
        """Return the same with these accounts alone."""
        return replace(self, accounts=tuple(its for its in self.everyone if its.account_id in account_ids))

    def notes(self, sql: str = "cost") -> list[str]:
        """Return a sentence for each thing that is not known and that the answer of a query depends on."""
        found = []
        unpriced = [account for account in self.accounts if account.currency is None]
        if unpriced and not self.of_one_account and "cost" in sql:
            found.append(
                f"The currency of {_listed(unpriced)} is not known, so the costs have no unit: write currency = "
                '"EUR" into [accounts.NAME] of voxlake.toml, and export.'
            )
        unplaced = [account for account in self.accounts if account.time_zone is None]
        if unplaced and self.tz == OWN_ZONES:
            found.append(
                f"The time zone of {_listed(unplaced)} is not known, so the days are those of UTC: write time_zone = "
                '"Europe/Berlin" into [accounts.NAME] of voxlake.toml, and export.'
            )
        return found


def read_scope(connection: duckdb.DuckDBPyConnection, tz: str | None = None) -> Scope:
    """Return the scope of all accounts of a database, and of a zone by its name, `account`, or UTC.

    Raises:
        SettingsError: there is no such zone, or an earlier version published the database.

    """
    try:
        rows = connection.execute(
            "SELECT account_id, name, currency, time_zone FROM accounts ORDER BY account_id"
        ).fetchall()
        connection.execute("SELECT stream, segments FROM totals LIMIT 0")
    except (duckdb.CatalogException, duckdb.BinderException):
        raise SettingsError(
            "An earlier version of voxlake published this database, which has less than reports ask for: run 'voxlake"
            " publish' to build it again."
        ) from None
    everyone = tuple(KnownAccount(*row) for row in rows)
    return Scope(everyone, everyone, _zone(connection, tz))


def shown_columns(names: Sequence[str], scope: Scope | None) -> list[int]:
    """Return which columns of a report are shown: of one account, not those that say whose a row is.

    A row that is one message keeps the number of its account, which belongs to the key.
    """
    hidden = set(_UNIT if scope is not None and scope.of_one_account else ())
    if "message_id" in names:
        hidden.discard("account_id")
    return [number for number, name in enumerate(names) if name not in hidden]


def _zone(connection: duckdb.DuckDBPyConnection, tz: str | None) -> str:
    """Return a zone as DuckDB spells it."""
    if tz is None or tz == OWN_ZONES:
        return tz or UTC
    zones = {name.casefold(): name for (name,) in connection.execute("SELECT name FROM pg_timezone_names()").fetchall()}
    if found := zones.get(tz.casefold()):
        return UTC if found.casefold() == "utc" else found
    raise SettingsError(
        f"There is no time zone {tz!r}{meant(tz, zones.values())}: use a name such as 'Europe/Berlin', or"
        f" {OWN_ZONES!r} for each account's own."
    )


def _listed(accounts: Sequence[KnownAccount]) -> str:
    """Return accounts by number and name, the first of many."""
    if len(accounts) == 1:
        return f"account {accounts[0]}"
    more = ", ..." if len(accounts) > _SHOWN else ""
    return f"{counted(len(accounts), 'account')}, {', '.join(map(str, accounts[:_SHOWN]))}{more},"
