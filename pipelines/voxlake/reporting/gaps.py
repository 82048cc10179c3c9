"""What an answer about a span of days may lack: days that are missing, unverified or still settling, and its age.

All that says so, on the command line, in the library and on the page, takes it from `read_gaps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import duckdb

from voxlake.errors import SettingsError
from voxlake.lake import AccountRegistry
from voxlake.model import DAY, MAX_AGE, span
from voxlake.reporting.scope import UTC as ZONE_UTC
from voxlake.text import counted, in_words
from voxlake.warehouse import set_today

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import date

    from voxlake.lake import Lake
    from voxlake.reporting.scope import Scope

_SHOWN: Final = 3
"""Spans of days, and groups of streams with the same ones, that a sentence names at most."""
_STATES = """
WITH found AS (
    SELECT *, date - row_number() OVER (PARTITION BY account_id, stream, state ORDER BY date)::INTEGER AS run
    FROM days
    WHERE state <> 'final' AND list_contains($accounts::BIGINT[], account_id)
        AND ($first::DATE IS NULL OR date >= $first::DATE) AND ($end::DATE IS NULL OR date < $end::DATE)
)
SELECT state, account_id, account, stream, min(date), max(date)
FROM found
GROUP BY state, account_id, account, stream, run
ORDER BY min(date), account, account_id, stream
"""
_BEFORE = """
WITH begun AS (
    SELECT stream, least(min(coalesce(exported_since, first_day)), $end::DATE, utc_today()) AS until
    FROM streams
    WHERE list_contains($accounts::BIGINT[], account_id)
    GROUP BY stream
),
found AS (
    SELECT stream, date, date - row_number() OVER (PARTITION BY stream ORDER BY date)::INTEGER AS run
    FROM (
        SELECT stream, unnest(range($first::TIMESTAMP, until::TIMESTAMP, INTERVAL 1 DAY))::DATE AS date
        FROM begun
    )
    ANTI JOIN (SELECT * FROM coverage WHERE list_contains($accounts::BIGINT[], account_id)) USING (stream, date)
)
SELECT 'before', NULL, NULL, stream, min(date), max(date) FROM found GROUP BY stream, run ORDER BY min(date), stream
"""
"""Days before the first that exports look after, which none of the accounts has; asked for by name alone."""
_READ = """
SELECT account_id, max(exported_at)
FROM coverage
WHERE list_contains($accounts::BIGINT[], account_id)
    AND account_id NOT IN (SELECT account_id FROM accounts WHERE vanished_on IS NOT NULL)
GROUP BY account_id
ORDER BY account_id
"""


_KINDS: Final = {"missing": "missing", "before": "before", "unverified": "unverified", "settling": "open"}
"""What `Gaps` calls the days in each state."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Successive UTC days of a stream of an account, `first` to `last`; without an account, of all that are asked."""

    account_id: int | None
    account: str | None
    stream: str
    first: date
    last: date

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        whose = {"account_id": self.account_id, "account": self.account, "stream": self.stream}
        return whose | {"first": str(self.first), "last": str(self.last)}


@dataclass(frozen=True, slots=True)
class Age:
    """When the newest export of an account ended well, in UTC; where nobody knows, when a day of it was last read."""

    account_id: int
    account: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Gaps:
    """What an answer about a span of days lacks, as of `now`.

    `missing` are days that exports look after and that are not there, `before` those asked for that lie before the
    first of these, `unverified` may lack messages, and `settling` are days of which statuses can still change. `stale`
    are accounts with days in the span that no export brought up to date for more than `MAX_AGE`.
    """

    now: datetime
    of_one_account: bool
    missing: tuple[Stretch, ...] = ()
    before: tuple[Stretch, ...] = ()
    unverified: tuple[Stretch, ...] = ()
    settling: tuple[Stretch, ...] = ()
    stale: tuple[Age, ...] = ()
    ages: tuple[Age, ...] = ()

    @property
    def newest(self) -> datetime | None:
        """When the newest export ended well, in UTC; None where none did."""
        return max((age.at for age in self.ages), default=None)

    def trouble(self) -> list[str]:
        """Return a sentence for each kind of trouble: what is stale, missing, and not verified."""
        return [*self._stale(), *self._missing(), *self._unverified()]

    def sentences(self) -> list[str]:
        """Return the sentences of `trouble`, and one about days that are still settling."""
        calm = f"Settling: {self._listed(self.settling)}; their figures may still change."
        return [*self.trouble(), *([calm] if self.settling else [])]

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`; spans of days are inclusive."""
        found: dict[str, Any] = {name: [its.to_json() for its in getattr(self, name)] for name in _KINDS}
        newest = None if self.newest is None else f"{self.newest:%Y-%m-%d %H:%M:%S}"
        return found | {"stale": [its.account_id for its in self.stale], "last_good_run": newest}

    @property
    def age(self) -> str:
        """How long ago the newest export of what is stale ended well, in words; of several accounts, the oldest."""
        if not self.stale:
            return ""
        at = min(age.at for age in self.stale)
        most = "" if len(self.stale) == 1 else "up to "
        return f"{most}{in_words(self.now - at)} ago ({at:%Y-%m-%d %H:%M} UTC)"

    def _stale(self) -> Iterator[str]:
        if not self.stale:
            return
        names = ", ".join(_name(age.account_id, age.account) for age in self.stale[:_SHOWN])
        more = f" and {len(self.stale) - _SHOWN:,} more" if len(self.stale) > _SHOWN else ""
        whose = "" if self.of_one_account else f" of {names}{more}"
        yield f"Stale: the newest export{whose} that ended well was {self.age}; run 'voxlake export'."

    def _missing(self) -> Iterator[str]:
        if self.missing:
            yield f"Missing: {self._listed(self.missing)}; run 'voxlake export'."
        if self.before:
            first, last = self.before[0].first, max(its.last for its in self.before)
            streams = {its.stream for its in self.before}
            command = (
                f"voxlake backfill {f'{min(streams)} ' if len(streams) == 1 else ''}--from {first} --to {last + DAY}"
            )
            yield f"Missing: {self._listed(self.before)}, before what exports look after; run '{command}'."

    def _unverified(self) -> Iterator[str]:
        if self.unverified:
            listed = self._listed(self.unverified)
            yield f"Not verified: {listed}, so messages may be missing; 'voxlake status' says why."

    def _listed(self, stretches: Iterable[Stretch]) -> str:
        """Return days with whose they are: streams that lack the same ones together, at most `_SHOWN` such groups."""
        spans: dict[tuple[int | None, str | None, str], list[tuple[date, date]]] = {}
        for its in stretches:
            spans.setdefault((its.account_id, its.account, its.stream), []).append((its.first, its.last))
        groups: dict[tuple[tuple[date, date], ...], list[tuple[int | None, str | None, str]]] = {}
        for key, found in spans.items():
            groups.setdefault(tuple(found), []).append(key)
        pieces = [f"{_days(found)}{self._whose(keys)}" for found, keys in groups.items()]
        return ", ".join(pieces[:_SHOWN]) + (", and others (see the view days)" if len(pieces) > _SHOWN else "")

    def _whose(self, keys: Sequence[tuple[int | None, str | None, str]]) -> str:
        streams = " and ".join(sorted({stream for _, _, stream in keys}))
        accounts = {(number, name) for number, name, _ in keys if number is not None}
        if self.of_one_account or not accounts:
            return f" of {streams}"
        ((number, name), *others) = sorted(accounts, key=str)
        return f" of {streams} of {counted(len(accounts), 'account') if others else _name(number, name)}"


def read_gaps(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    scope: Scope,
    *,
    now: datetime,
    first: date | None = None,
    end: date | None = None,
    asked: bool = True,
    paused: Collection[int] = (),
) -> Gaps:
    """Return what the database lacks of the days `[first, end)` of the accounts of a scope, as of `now`.

    Where the scope has another zone than UTC, the UTC days beside are looked at, too. Days before the first that
    exports look after lack only where somebody `asked` for `first`. Accounts that are `paused` may be old. From now on,
    the view `days` of this connection ends with the day before `now`.

    Raises:
        SettingsError: an earlier version published the database, or a newer one wrote what is known of accounts.

    """
    set_today(connection, now.date())
    beside = DAY * (scope.tz != ZONE_UTC)
    bound = {"accounts": scope.account_ids, "first": first and first - beside, "end": end and end + beside}
    try:
        rows = connection.execute(_STATES, bound).fetchall()
        if first is not None and asked:
            rows += connection.execute(_BEFORE, {**bound, "first": first}).fetchall()
        read = connection.execute(_READ, {"accounts": scope.account_ids}).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        raise SettingsError(
            "An earlier version of voxlake published this database, which does not know the days that are missing: run"
            " 'voxlake publish' to build it again."
        ) from None
    found: dict[str, list[Stretch]] = {}
    for state, *its in rows:
        found.setdefault(state, []).append(Stretch(*its))
    good = {its.account_id: its.last_good_run for its in AccountRegistry(lake).all()}
    names = dict(scope.names())
    ages = tuple(
        Age(number, names.get(number) or str(number), good.get(number) or at.replace(tzinfo=UTC)) for number, at in read
    )
    # What is final does not change with age.
    settling = {its.account_id for its in found.get("open", ())}
    late = (age for age in ages if end is None or end > age.at.date() or age.account_id in settling)
    return Gaps(
        now,
        scope.of_one_account,
        **{name: tuple(found.get(state, ())) for name, state in _KINDS.items()},
        stale=tuple(age for age in late if now - age.at > MAX_AGE and age.account_id not in paused),
        ages=ages,
    )


def days_of(stretches: Iterable[Stretch]) -> list[date]:
    """Return the days of stretches, each once, in order."""
    return sorted({day for its in stretches for day in span(its.first, its.last + DAY)})


def _days(spans: Sequence[tuple[date, date]]) -> str:
    shown = [
        str(first) if first == last else f"{first} to {last} ({counted((last - first).days + 1)})"
        for first, last in spans
    ]
    return ", ".join(shown[:_SHOWN]) + (f" and {len(spans) - _SHOWN:,} more" if len(spans) > _SHOWN else "")


def _name(number: int | None, name: str | None) -> str:
    return str(number) if name in {None, str(number)} else f"{name} ({number})"
