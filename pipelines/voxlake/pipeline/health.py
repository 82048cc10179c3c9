"""Is a lake healthy: what a monitor asks every hour, without network and without reading a file of messages."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from voxlake.errors import DataError, SettingsError
from voxlake.lake import AccountRegistry, day_states
from voxlake.model import span
from voxlake.pipeline.status import stream_states
from voxlake.remote import name_of
from voxlake.text import counted, in_words, listed_days

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from voxlake.lake import AccountFacts, Lake, StreamDays
    from voxlake.model import FinalityPolicy
    from voxlake.warehouse import Warehouse

STALE_CODE: Final = 5
"""The exit code of a lake in which nothing is wrong but its age."""

_SHOWN = 3
"""Spans of days that a sentence names, at most."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one account, or one stream of it; `days` are ISO dates, UTC."""

    kind: Literal["missing", "unverified", "stale"]
    account_id: int
    account: str | None
    stream: str | None
    days: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Health:
    """What is wrong with a lake of so many `accounts`; `last_good_run` is the newest export of all that ended well."""

    accounts: int
    last_good_run: str | None
    problems: tuple[Problem, ...]

    @property
    def exit_code(self) -> int:
        """Return 0, 4 where days are missing or not verified, and 5 where the lake is too old, and nothing else."""
        if not self.problems:
            return 0
        return STALE_CODE if all(problem.kind == "stale" for problem in self.problems) else DataError.exit_code

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {**asdict(self), "exit_code": self.exit_code}


def health(
    lake: Lake,
    warehouse: Warehouse,
    *,
    now: datetime,
    finality: FinalityPolicy,
    max_age: timedelta,
    accounts: Collection[int] | None = None,
    paused: Collection[int] = (),
) -> Health:
    """Look for days that are missing or not verified, and for exports that ended well too long ago.

    A day is missing from the first day that exports look after to the day before the last one that ended well: what
    comes later is a matter of age. With `accounts`, only these are looked at; those that are `paused` may be old.

    Raises:
        SettingsError: there is no data directory, or nothing was exported yet.

    """
    if not lake.layout.lake.is_dir():
        raise SettingsError(
            f"{name_of(lake.root)} holds no export: name the data directory with --data-dir, or export first."
        )
    registry = AccountRegistry(lake)
    days = day_states(lake, accounts)
    if any(stream.unknown for stream in days):
        # The index is behind the files: their footers tell.
        every = _by_footers(lake, warehouse, registry, now=now, finality=finality)
        found = [its for its in every if accounts is None or its[0].account_id in accounts]
    else:
        found = [(its, _missing(its, registry.get(its.account_id), now.date()), its.unverified) for its in days]
    facts = {its.account_id: its for its in registry.all() if accounts is None or its.account_id in accounts}
    problems: list[Problem] = []
    for its, missing, unverified in found:
        problems += _of_days(its, facts.get(its.account_id), missing, unverified)
    for number in sorted({*facts, *(its.account_id for its in days)} - set(paused)):
        problems += _of_age(number, facts.get(number) or registry.get(number), now, max_age)
    newest = max(filter(None, (its.last_good_run for its in facts.values())), default=None)
    exported = {its.account_id for its in days}
    return Health(len(exported), None if newest is None else f"{newest:%Y-%m-%d %H:%M:%S}", tuple(problems))


def _missing(its: StreamDays, facts: AccountFacts, today: date) -> list[date]:
    """Return the days that have no file: that had one, or that exports look after and have had time to bring."""
    since = facts.exported_since.get(its.stream) or min((*its.present, *its.gone), default=today)
    end = _due(facts, today, newest=its.present.last or since)
    if its.present.covers(since.toordinal(), end.toordinal()):
        return sorted(its.gone)
    expected = span(since, end)
    return sorted({*its.gone, *(day for day in expected if day not in its.present)})


def _due(facts: AccountFacts, today: date, *, newest: date) -> date:
    """Return the day before which all days should be there."""
    return min(today, newest if facts.last_good_run is None else facts.last_good_run.date())


def _by_footers(
    lake: Lake, warehouse: Warehouse, registry: AccountRegistry, *, now: datetime, finality: FinalityPolicy
) -> Iterator[tuple[Any, list[date], Mapping[date, str]]]:
    for its in stream_states(lake, warehouse, now=now, finality=finality):
        end = _due(registry.get(its.account_id), now.date(), newest=_date(its.last_day))
        missing = [day for day in map(_date, its.missing_days) if day < end]
        yield its, missing, {_date(day): problem for day, problem in its.unverified_days.items()}


def _date(text: str) -> date:
    return datetime.fromisoformat(text).date()


def _of_days(
    its: Any, facts: AccountFacts | None, missing: Sequence[date], unverified: Mapping[date, str]
) -> Iterator[Problem]:
    name = facts.name if facts is not None else None
    where = f"{_name(its.account_id, name)} {its.stream}"
    if missing:
        said = f"{where}: {counted(len(missing))} missing ({_shown(missing)}): 'voxlake export' brings them."
        yield Problem("missing", its.account_id, name, its.stream, tuple(map(str, missing)), said)
    if unverified:
        first = next(iter(unverified.values()))
        said = f"{where}: {counted(len(unverified))} not verified ({_shown(unverified)}): {first.rstrip('.')}."
        yield Problem("unverified", its.account_id, name, its.stream, tuple(map(str, unverified)), said)


def _of_age(number: int, facts: AccountFacts, now: datetime, max_age: timedelta) -> Iterator[Problem]:
    if facts.vanished_at is not None:
        return
    at = facts.last_good_run
    if at is not None and now - at <= max_age:
        return
    age = "no export ended well yet" if at is None else f"the last export that ended well was {in_words(now - at)} ago"
    when = "" if at is None else f" ({at:%Y-%m-%d %H:%M} UTC), more than {in_words(max_age)}"
    said = f"{_name(number, facts.name)}: {age}{when}."
    yield Problem("stale", number, facts.name, None, (), said)


def _shown(days: Iterable[date]) -> str:
    spans = listed_days(days)
    return ", ".join(spans[:_SHOWN]) + (", ..." if len(spans) > _SHOWN else "")


def _name(number: int, name: str | None) -> str:
    return str(number) if name is None else f"{name} ({number})"
