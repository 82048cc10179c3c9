"""What a lake and its runs can be measured by, as numbers for a monitor, without network."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from voxlake.lake import AccountRegistry, Lake, RunHistory, StreamSums, day_states, day_sums, last_runs
from voxlake.model import midnight
from voxlake.pipeline.health import health
from voxlake.pipeline.status import stream_states
from voxlake.version import __version__

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from voxlake.lake import AccountFacts, RecordedRun
    from voxlake.model import FinalityPolicy
    from voxlake.pipeline.health import Health
    from voxlake.warehouse import Warehouse

Labels = dict[str, str]
Metrics = dict[str, list[tuple[Labels, float]]]
"""The samples of each metric by its name without `voxlake_`: labels and a value."""


def metrics(
    lake: Lake,
    warehouse: Warehouse,
    *,
    now: datetime,
    finality: FinalityPolicy,
    max_age: timedelta,
    accounts: Collection[int] | None = None,
    paused: Collection[int] = (),
) -> tuple[Metrics, Health]:
    """Return what can be measured, and what is wrong with the lake, as `health` finds it with these arguments.

    Raises:
        SettingsError: there is no data directory, or nothing was exported yet.

    """
    found = health(lake, warehouse, now=now, finality=finality, max_age=max_age, accounts=accounts, paused=paused)
    registry = AccountRegistry(lake)
    its: Metrics = {
        "info": [({"version": __version__}, 1)],
        "written_timestamp_seconds": [({}, now.timestamp())],
        "check_exit_code": [({}, found.exit_code)],
    }
    sums = _sums(lake, warehouse, now=now, finality=finality, accounts=accounts)
    _of_streams(its, sums, found)
    facts = [each for each in registry.all() if accounts is None or each.account_id in accounts]
    _of_accounts(its, facts, now)
    _of_last_runs(its, {n: run for n, run in last_runs(lake).items() if accounts is None or n in accounts})
    _of_commands(its, RunHistory(lake.layout).runs())
    if (published := warehouse.published_at()) is not None:
        _add(its, "database_timestamp_seconds", {}, published)
        _add(its, "database_age_seconds", {}, max(0.0, now.timestamp() - published))
    return its, found


def _sums(
    lake: Lake,
    warehouse: Warehouse,
    *,
    now: datetime,
    finality: FinalityPolicy,
    accounts: Collection[int] | None,
) -> Iterable[StreamSums]:
    if not any(stream.unknown for stream in day_states(lake, accounts)):
        return day_sums(lake, finality=finality, account_ids=accounts)
    # The index is behind the files: their footers tell.
    return [
        StreamSums(
            its.account_id, its.stream, its.rows, its.final, its.open, its.unverified,
            max(map(date.fromisoformat, (*its.final_days, *its.open_days)), default=None),
        )
        for its in stream_states(lake, warehouse, now=now, finality=finality)
        if accounts is None or its.account_id in accounts
    ]  # fmt: skip


def _of_streams(its: Metrics, sums: Iterable[StreamSums], found: Health) -> None:
    missing = {
        (problem.account_id, problem.stream): len(problem.days)
        for problem in found.problems
        if problem.kind == "missing"
    }
    for each in sums:
        labels = {"account": str(each.account_id), "stream": each.stream}
        days = {
            "final": each.final,
            "open": each.open,
            "unverified": each.unverified,
            "missing": missing.pop((each.account_id, each.stream), 0),
        }
        for state, number in days.items():
            _add(its, "days", {**labels, "state": state}, number)
        _add(its, "rows", labels, each.rows)
        if each.newest_verified is not None:
            newest = midnight(each.newest_verified).timestamp()
            _add(its, "newest_verified_day_timestamp_seconds", labels, newest)
    for (account_id, stream), number in missing.items():
        _add(its, "days", {"account": str(account_id), "stream": str(stream), "state": "missing"}, number)


def _of_accounts(its: Metrics, facts: Iterable[AccountFacts], now: datetime) -> None:
    for each in facts:
        labels = {"account": str(each.account_id)}
        _add(its, "account_info", {**labels, "name": each.name or ""}, 1)
        if each.last_good_run is not None:
            _add(its, "last_good_export_timestamp_seconds", labels, each.last_good_run.timestamp())
            _add(its, "last_good_export_age_seconds", labels, max(0.0, (now - each.last_good_run).total_seconds()))


def _of_last_runs(its: Metrics, runs: Mapping[int, Mapping[str, object]]) -> None:
    for account_id, run in sorted(runs.items()):
        labels = {"account": str(account_id)}
        for name, metric in (("exit_code", "last_export_exit_code"), ("requests", "last_export_requests")):
            if isinstance(value := run.get(name), int):
                _add(its, metric, labels, value)


def _of_commands(its: Metrics, runs: Iterable[RecordedRun]) -> None:
    for command, run in sorted({run.command: run for run in runs}.items()):
        labels = {"command": command}
        _add(its, "run_started_timestamp_seconds", labels, run.started_at.timestamp())
        # Of a run that was killed, or is still running, nobody knows more.
        _add(its, "run_unfinished", labels, int(run.exit_code is None))
        values = {
            "run_exit_code": run.exit_code,
            "run_duration_seconds": run.seconds,
            "run_requests": run.requests,
            "run_least_requests": run.least_requests,
            "run_retries": run.retries,
            "run_rows_new": run.rows_new,
        }
        for name, value in values.items():
            if value is not None:
                _add(its, name, labels, value)


def _add(its: Metrics, name: str, labels: Labels, value: float) -> None:
    its.setdefault(name, []).append((labels, value))
