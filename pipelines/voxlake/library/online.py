"""The runs that ask the API for one account or several: export, backfill, audit, and what an export would do."""

from __future__ import annotations

import os
import random
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, overload

from voxlake import pipeline
from voxlake.errors import SettingsError
from voxlake.lake import Lake, claimed, erased_in
from voxlake.library.account import Account
from voxlake.library.arguments import finality
from voxlake.library.assign import assign
from voxlake.library.composition import holder, run_accounts
from voxlake.library.executors import check_address, opened
from voxlake.library.inputs import find_folder
from voxlake.library.privacy import find_policy
from voxlake.library.record import RunRecord, recorded
from voxlake.pipeline import AccountResult
from voxlake.remote import list_again, remote_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from voxlake.errors import AlreadyRunning
    from voxlake.events import Listener
    from voxlake.library.composition import Work
    from voxlake.library.inputs import Day
    from voxlake.library.privacy import Privacy
    from voxlake.pipeline import AuditResult, ExportResult, Plan, StreamAudit
    from voxlake.privacy import PrivacyKey

_ALL = ("sms", "a2p")
_SETTLE_HOURS, _GIVE_UP_DAYS = 72, 14


def export(
    account: Account | Iterable[Account],
    data_dir: str | os.PathLike[str],
    *,
    streams: str | Iterable[str] = _ALL,
    since: Day | None = None,
    until: Day | None = None,
    jobs: int | None = None,
    executor: Executor | str | None = None,
    on_event: Listener | None = None,
    keep_raw: bool = False,
    compact: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    database: str = "auto",
    privacy_key: PrivacyKey | None = None,
    privacy: Privacy | None = None,
) -> ExportResult:
    """Export every UTC day of `[since, until)` that is not final, publish the database, and return what was done.

    Several accounts are exported side by side, with at most `jobs` requests under way for all of them, by default as
    many as one of them may have. What stops one stops no other: `accounts` of the result has each. Streams and `since`
    are an account's own where it has some.

    Without `since` these are the days that exports look after: the first export decides where they begin, by its
    `since` or 30 days back, and an earlier `since` moves that. Without `until` they end with today. `executor` reads
    the windows, and is not shut down; without one, threads do. `on_event` is called with each event of the run, in the
    thread in which it happens, one at a time. With `keep_raw` every reply is kept for `replay`. A day is final when it
    was verified `settle_hours` after its end, and no status in it can change, or `give_up_days` after it. With
    `compact`, the run ends with bringing months that are final into one file each, as `voxlake.compact` does.
    `database` is `portable` (one file that is copied when days change), `linked` (files beside it, which are not), or
    `auto`. `privacy` says how numbers and texts are treated before they are written, with the keys of the table
    `[privacy]` of voxlake.toml.

    Trouble with a day, a stream or the API is part of the result, and decides its `exit_code`.

    Raises:
        SettingsError: an argument cannot be used.
        AlreadyRunning: other runs are working in this data directory for all of these accounts.
        StorageFull: the data directory cannot be written.

    """
    works = assign(account, streams, since, until)
    return _run(
        "export", works, data_dir, force=False, jobs=jobs, executor=executor, on_event=on_event,
        keep_raw=keep_raw, compact=compact, settle_hours=settle_hours, give_up_days=give_up_days,
        database=database, privacy_key=privacy_key, privacy=privacy,
    )  # fmt: skip


def backfill(
    account: Account | Iterable[Account],
    data_dir: str | os.PathLike[str],
    *,
    since: Day,
    until: Day,
    streams: str | Iterable[str] = _ALL,
    force: bool = False,
    jobs: int | None = None,
    executor: Executor | str | None = None,
    on_event: Listener | None = None,
    keep_raw: bool = False,
    compact: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    database: str = "auto",
    privacy_key: PrivacyKey | None = None,
    privacy: Privacy | None = None,
) -> ExportResult:
    """Export a span of days as `export` does; with `force`, final days are read again, and what is gone is taken out.

    Exports go on to look after the same days as before, and after those of the span until they are final.

    Raises what `export` raises.
    """
    for name, value in (("since", since), ("until", until)):
        if value is None:
            raise SettingsError(f"A backfill has no {name}: name both days.")
    works = assign(account, streams, since, until, fills=True)
    return _run(
        "backfill", works, data_dir, force=force, jobs=jobs, executor=executor, on_event=on_event,
        keep_raw=keep_raw, compact=compact, settle_hours=settle_hours, give_up_days=give_up_days,
        database=database, privacy_key=privacy_key, privacy=privacy,
    )  # fmt: skip


@overload
def plan(
    account: Account, data_dir: str | os.PathLike[str], *, streams: str | Iterable[str] = ..., since: Day | None = ...,
    until: Day | None = ..., force: bool = ..., settle_hours: float = ..., give_up_days: float = ...,
) -> dict[str, Plan]: ...  # fmt: skip
@overload
def plan(
    account: Iterable[Account], data_dir: str | os.PathLike[str], *, streams: str | Iterable[str] = ...,
    since: Day | None = ..., until: Day | None = ..., force: bool = ..., settle_hours: float = ...,
    give_up_days: float = ...,
) -> dict[int, dict[str, Plan]]: ...  # fmt: skip
def plan(
    account: Account | Iterable[Account],
    data_dir: str | os.PathLike[str],
    *,
    streams: str | Iterable[str] = _ALL,
    since: Day | None = None,
    until: Day | None = None,
    force: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
) -> dict[str, Plan] | dict[int, dict[str, Plan]]:
    """Return what `export` or `backfill` would do, by stream, without a request and without the lock.

    Of several accounts, the plans are by the number of the account first.
    """
    works, policy = assign(account, streams, since, until), finality(settle_hours, give_up_days)
    found = {}
    with run_accounts(works, Lake(find_folder(data_dir)), several=len(works) > 1, finality=policy) as (_, assignments):
        for assignment in assignments:
            with assignment.open() as context:
                plans = pipeline.plan_export(context, assignment.streams, assignment.days, force=force)
            found[assignment.account_id] = {stream.name: its for stream, its in plans.items()}
    return found[works[0].account.account_id] if isinstance(account, Account) else found


def audit(
    account: Account | Iterable[Account],
    data_dir: str | os.PathLike[str],
    *,
    repair: bool = False,
    streams: str | Iterable[str] = _ALL,
    since: Day | None = None,
    until: Day | None = None,
    pages: int = 10,
    seed: int | None = None,
    jobs: int | None = None,
    executor: Executor | str | None = None,
    on_round: Callable[[Sequence[StreamAudit]], None] = lambda _found: None,
    on_event: Listener | None = None,
    keep_raw: bool = False,
    settle_hours: float = _SETTLE_HOURS,
    give_up_days: float = _GIVE_UP_DAYS,
    database: str = "auto",
    privacy_key: PrivacyKey | None = None,
    privacy: Privacy | None = None,
) -> AuditResult:
    """Compare the lake with the API, with the database and with its own checksums; return what differs.

    With `repair` the days that differ are read again, and audited again. `pages` of each history are read again, at
    places that `seed` decides. `on_round` is called with what was found before a repair, and after it, `on_event` with
    each event. `privacy` is that of the exports. Without `since` the days are all that are looked after or were
    exported; they end with yesterday at the latest. A folder that cannot be written is audited without its lock, unless
    there is something to write.

    Raises:
        SettingsError: an argument cannot be used, or nothing was exported yet.
        AlreadyRunning: another run is working in this data directory.

    """
    works = assign(account, streams, since, until, today=False)
    if isinstance(executor, str):
        check_address(executor)
    policy, folder = finality(settle_hours, give_up_days), find_folder(data_dir)
    lake = Lake(folder, key=privacy_key, policy=find_policy(privacy, folder))
    lake.require()
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    locked = repair or keep_raw or os.access(lake.root, os.W_OK)
    with (
        _recorded("audit", works, lake) as record,
        opened(executor) as workers,
        _claimed(works, lake, record, locked=locked, lists=True) as (its, free, taken),
        run_accounts(
            free, its, several=len(works) > 1, finality=policy, jobs=jobs, executor=workers, keep_raw=keep_raw,
            on_event=record.hearing(on_event), database=database,
        ) as (run, assignments),
    ):  # fmt: skip
        record.count(run)
        found = pipeline.audit_accounts(
            run, assignments, pages=pages, seed=seed, repair=repair, on_round=on_round, taken=taken
        )
        record.take(days=sum(its.days for its in found.rounds[0]))
        record.take_end(found.exit_code, found.errors)
    return replace(found, locked=locked)


@contextmanager
def _claimed(
    works: Sequence[Work], lake: Lake, record: RunRecord, *, locked: bool = True, lists: bool = False
) -> Iterator[tuple[Lake, Sequence[Work], Mapping[int, AlreadyRunning]]]:
    """Hold the accounts, so that no other run changes their files; yields those that no other run has, and the rest.

    With `lists`, what a store has of them is listed, and not only believed.
    """
    if not locked:
        erased_in(lake)
        yield lake, works, {}
        return
    by_id = {work.account.account_id: work for work in works}
    with claimed(lake, list(by_id), holder=holder(works[0].account.clock)) as (its, claim):
        record.begin()
        # Before anything is asked for that may not be kept.
        erased_in(its)
        if lists and (remote := remote_of(its.root)) is not None:
            list_again(remote, claim.account_ids)
        yield its, [by_id[account] for account in claim.account_ids], claim.taken


@contextmanager
def _recorded(command: str, works: Sequence[Work], lake: Lake) -> Iterator[RunRecord]:
    """Record the block as a run for these accounts."""
    with recorded(lake.root, command, clock=works[0].account.clock) as record:
        record.work_on((work.account.account_id, work.account.name) for work in works)
        yield record


def _run(
    command: str, works: Sequence[Work], data_dir: str | os.PathLike[str], *, force: bool, jobs: int | None,
    executor: Executor | str | None, on_event: Listener | None, keep_raw: bool, compact: bool, settle_hours: float,
    give_up_days: float, database: str, privacy_key: PrivacyKey | None, privacy: Privacy | None,
) -> ExportResult:  # fmt: skip
    if isinstance(executor, str):
        check_address(executor)
    policy, folder = finality(settle_hours, give_up_days), find_folder(data_dir)
    lake = Lake(folder, key=privacy_key, policy=find_policy(privacy, folder))
    names = {work.account.account_id: work.account.name for work in works}
    with (
        _recorded(command, works, lake) as record,
        opened(executor) as workers,
        _claimed(works, lake, record) as (its, free, taken),
        run_accounts(
            free, its, several=len(works) > 1, finality=policy, jobs=jobs, executor=workers, keep_raw=keep_raw,
            on_event=record.hearing(on_event), database=database,
        ) as (run, assignments),
    ):  # fmt: skip
        record.count(run)
        others = [AccountResult(number, (), errors=(error,), name=names[number]) for number, error in taken.items()]

        def settle(result: ExportResult) -> None:
            record.take_export(replace(result, accounts=(*result.accounts, *others)))
            record.settle()

        its_run = replace(run, compacts=compact, note=settle)
        result = pipeline.export_accounts(its_run, assignments, force=force, taken=others)
        record.take_export(result)
    return result
