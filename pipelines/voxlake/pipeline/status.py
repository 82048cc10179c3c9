"""What the lake holds and lacks, by stream, without network."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from voxlake.errors import DataError, SettingsError
from voxlake.lake import AccountRegistry, Learned, RunHistory
from voxlake.model import DAY, MAX_AGE
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.horizon import describe_older, unfinished
from voxlake.pipeline.plan import DayRange
from voxlake.pipeline.result import jsonable
from voxlake.text import in_words
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from voxlake.lake import Lake, Manifest, RecordedRun
    from voxlake.model import DayFile, FinalityPolicy
    from voxlake.warehouse import Warehouse

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Calendars = dict[tuple[int, str], dict[date, str]]
"""The state of every day, in order, by account and stream: final, open, missing or unverified."""


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """Days of one stream of one account, to today; `newest_message` is UTC, days are ISO dates.

    `exported_since` is the first day that exports look after, None where that was never written down, and `older` a
    sentence where the API has messages before it that the lake does not.
    """

    account_id: int
    stream: str
    first_day: str
    last_day: str
    rows: int
    newest_message: str | None
    rejects: int
    final: int
    open: int
    missing: int
    unverified: int
    final_days: tuple[str, ...]
    open_days: tuple[str, ...]
    missing_days: tuple[str, ...]
    unverified_days: Mapping[str, str]
    exported_since: str | None = None
    older: str = ""


@dataclass(frozen=True, slots=True)
class AccountAge:
    """When the newest run of an account ended well (UTC), how long ago that was in words, and whether it is `stale`."""

    account_id: int
    last_good_run: str
    age: str
    stale: bool


@dataclass(frozen=True, slots=True)
class Status:
    """What there is; `warnings` is what is odd in the database, `damage` why that cannot be read.

    `last_run` is the newest of the `last_runs` of accounts, which `names` names where that is known; `recorded` has the
    newest run of each command, the newest of all first. `ages` say how long ago an export of each account ended well.
    """

    streams: tuple[StreamStatus, ...]
    calendars: Calendars
    warnings: Sequence[dict[str, Any]]
    last_run: dict[str, Any] | None
    damage: DataError | None
    last_runs: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    recorded: tuple[RecordedRun, ...] = ()
    ages: tuple[AccountAge, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return 0, or 4 where the database cannot be read."""
        return 0 if self.damage is None else self.damage.exit_code

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        ages = {its.account_id: asdict(its) for its in self.ages}
        unknown = {"last_good_run": None, "age": None, "stale": None}
        return {
            "streams": [asdict(stream) for stream in self.streams],
            "warnings": jsonable(self.warnings),
            "last_run": self.last_run,
            "runs": [run.to_json() for run in self.recorded],
            "accounts": [
                {"account_id": number, "name": self.names.get(number), "last_run": self.last_runs.get(number)}
                | ages.get(number, unknown)
                for number in sorted({*self.last_runs, *(stream.account_id for stream in self.streams)})
            ],
        }


def status(
    lake: Lake,
    warehouse: Warehouse,
    *,
    now: datetime,
    finality: FinalityPolicy,
    accounts: Collection[int] | None = None,
) -> Status:
    """Count the days that are final, open (verified, may still change), unverified and missing; each day is one.

    With `accounts`, only theirs.

    Raises:
        SettingsError: there is no such data directory.
        DataError: the file of a newest day cannot be read.

    """
    if not lake.root.is_dir():
        raise SettingsError(
            f"There is no data directory {lake.root}: name another with --data-dir, or run 'voxlake export' first."
        )
    manifest = open_manifest(lake, warehouse, now=now, account_ids=accounts)
    registry = AccountRegistry(lake)
    states, streams = _streams(lake, manifest, registry, now=now, finality=finality)
    warnings: Sequence[dict[str, Any]] = ()
    damage = None
    try:
        warnings = warehouse.warnings(accounts=accounts)
    except DataError as error:
        damage = error
    # Of an account that always refused its key, only its last run knows the name.
    names = {number: str(run["name"]) for number, run in manifest.last_runs.items() if run.get("name")}
    names |= {facts.account_id: facts.name for facts in registry.all() if facts.name is not None}
    newest = {run.command: run for run in RunHistory(lake.layout).runs()}
    recorded = tuple(sorted(newest.values(), key=lambda run: run.started_at, reverse=True))
    return Status(
        streams, states, warnings, manifest.last_run, damage, manifest.last_runs, names, recorded, _ages(registry, now)
    )


def _ages(registry: AccountRegistry, now: datetime) -> tuple[AccountAge, ...]:
    """Return how old what is known of each account is; of those that vanished, nobody expects news."""
    known = ((its.account_id, its.last_good_run) for its in registry.all() if its.vanished_at is None)
    return tuple(
        AccountAge(number, f"{at:%Y-%m-%d %H:%M:%S}", in_words(now - at), now - at > MAX_AGE)
        for number, at in known
        if at is not None
    )


def stream_states(
    lake: Lake, warehouse: Warehouse, *, now: datetime, finality: FinalityPolicy
) -> tuple[StreamStatus, ...]:
    """Return what `status` counts of each stream of all accounts, without a look into the database.

    Raises:
        DataError: the file of a newest day cannot be read.

    """
    manifest = open_manifest(lake, warehouse, now=now)
    return _streams(lake, manifest, AccountRegistry(lake), now=now, finality=finality)[1]


def _streams(
    lake: Lake, manifest: Manifest, registry: AccountRegistry, *, now: datetime, finality: FinalityPolicy
) -> tuple[Calendars, tuple[StreamStatus, ...]]:
    states = calendars(manifest, registry, Learned(lake), today=now.date(), finality=finality)
    return states, tuple(_stream(lake, manifest, registry, *key, days) for key, days in states.items())


def calendars(
    manifest: Manifest, registry: AccountRegistry, learned: Learned, *, today: date, finality: FinalityPolicy
) -> Calendars:
    """Return the state of each day of each known stream to today: those that are looked after, or were exported."""
    keys = (*(day_file.key for day_file in manifest), *manifest.missing)
    known = {(key.account_id, key.stream) for key in keys}
    accounts = sorted({account for account, _ in known})
    return {
        (account, stream): _states(
            manifest,
            account,
            stream,
            unfinished(learned, account, stream),
            since=registry.get(account).exported_since.get(stream),
            today=today,
            finality=finality,
        )
        for account in accounts
        for stream in STREAMS
        if (account, stream) in known
    }


def _stream(
    lake: Lake, manifest: Manifest, registry: AccountRegistry, account: int, stream: str, states: dict[date, str]
) -> StreamStatus:
    day_files, facts = manifest.of(account, stream), registry.get(account)
    since = facts.exported_since.get(stream)
    held = sum(file.row_count for day, file in day_files.items() if since is not None and day < since)
    final, still_open, missing, unverified = (
        [day for day, state in states.items() if state == name] for name in ("final", "open", "missing", "unverified")
    )
    return StreamStatus(
        account_id=account,
        stream=stream,
        first_day=str(min(states)),
        last_day=str(max(day_files, default=max(states))),
        rows=sum(day_file.row_count for day_file in day_files.values()),
        newest_message=_newest(lake, [day_file for day_file in day_files.values() if day_file.row_count]),
        rejects=sum(day_file.rejects for day_file in day_files.values()),
        final=len(final),
        open=len(still_open),
        missing=len(missing),
        unverified=len(unverified),
        final_days=tuple(map(str, final)),
        open_days=tuple(map(str, still_open)),
        missing_days=tuple(map(str, missing)),
        unverified_days={str(day): day_files[day].problem or "not verified" for day in unverified},
        exported_since=None if since is None else str(since),
        older=describe_older(facts, stream, held=held),
    )


def _states(
    manifest: Manifest,
    account: int,
    stream: str,
    left: set[date],
    *,
    since: date | None,
    today: date,
    finality: FinalityPolicy,
) -> dict[date, str]:
    day_files, known = manifest.of(account, stream), manifest.known_days(account, stream) | left
    first = since or min(known, default=today)
    end = max([today, first, *day_files]) + DAY
    return {day: _state(day_files.get(day), finality) for day in DayRange(None, end).days(first, known)}


def _state(day_file: DayFile | None, finality: FinalityPolicy) -> str:
    if day_file is None:
        return "missing"
    if not day_file.verified:
        return "unverified"
    return "final" if day_file.final(finality) else "open"


def _newest(lake: Lake, day_files: Sequence[DayFile]) -> str | None:
    """Return the time of the newest message of days with rows."""
    if not day_files:
        return None
    key = max(day_files, key=lambda day_file: day_file.key.date).key
    tables = lake.read_rows(key, columns=["processed_at"])
    # As numbers: the first time that Arrow makes a datetime, it imports pandas.
    newest = max(pc.max(table["processed_at"].cast(pa.int64())).as_py() for table in tables)
    return f"{_EPOCH + timedelta(microseconds=newest):%Y-%m-%d %H:%M:%S}"
