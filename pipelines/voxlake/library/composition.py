"""What a run works with: its parts for each account as a `Context`, connections, and an executor."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from voxlake.api import Connections
from voxlake.errors import SettingsError
from voxlake.events import Emitter
from voxlake.lake import AccountFacts, AccountRegistry, ReplyArchive, StandingEraser, erased_in
from voxlake.library.executors import Borrowed, Cluster, is_in_process, width_of
from voxlake.pipeline import Assignment, Context, Identity, Rationed, Run, Shared, windows_at_once
from voxlake.remote import list_again, remote_of
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from voxlake.api import HistoryApi
    from voxlake.clock import Clock
    from voxlake.events import Listener
    from voxlake.lake import Lake
    from voxlake.library.account import Account
    from voxlake.model import FinalityPolicy
    from voxlake.pipeline import DayRange
    from voxlake.transform import Stream

_FEWEST, _MOST = 4, 32
"""How many accounts are worked on at the same time: as many as there are requests, within these bounds."""


def holder(clock: Clock) -> str:
    """Return the name under which this process holds the lock."""
    return f"process {os.getpid()} on {os.uname().nodename}, since {clock.now():%Y-%m-%d %H:%M:%S} UTC"


def list_everything(lake: Lake) -> None:
    """List what is really in the store of a lake, before anything is erased there; the caller holds it."""
    if (remote := remote_of(lake.root)) is not None:
        list_again(remote, None)


def _stated(account: Account) -> AccountFacts:
    """Return what the settings say of an account."""
    return AccountFacts(
        account_id=account.account_id,
        name=account.name,
        parent_id=account.parent_id,
        currency=account.currency,
        time_zone=account.time_zone,
    )


@dataclass(frozen=True, slots=True)
class Work:
    """What a run is to do for one account: some streams on some days."""

    account: Account
    streams: Sequence[Stream]
    days: DayRange


def _archive(lake: Lake, account: Account) -> ReplyArchive:
    """Return the archive of a run's replies, which keeps nothing that was erased in the lake."""
    return ReplyArchive(lake.layout, account.account_id, clock=account.clock, treat=StandingEraser(erased_in(lake)))


def _rationed(executor: Executor, lake: Lake, *, jobs: int, several: bool, keep_raw: bool) -> Rationed:
    """Return an executor of other processes for the length of one run.

    The data directory is seen by processes of this machine, unless it is in a store, whose index is the run's alone.

    Raises:
        SettingsError: replies are to be kept where nobody sees the data directory.

    """
    carries = isinstance(executor, Cluster) or remote_of(lake.root) is not None
    if carries and keep_raw:
        raise SettingsError(
            "Replies cannot be kept where windows are read by processes that do not see the data directory: leave"
            " --keep-raw or --executor out."
        )
    width = partial(width_of, executor, jobs)
    return Rationed(Borrowed(executor), width=width, here=min(jobs, _MOST), carries=carries, several=several)


@contextmanager
def run_accounts(
    works: Sequence[Work],
    lake: Lake,
    *,
    several: bool,
    finality: FinalityPolicy,
    jobs: int | None = None,
    executor: Executor | None = None,
    keep_raw: bool = False,
    on_event: Listener | None = None,
    database: str = "auto",
) -> Iterator[tuple[Run, list[Assignment]]]:
    """Yield a run, and what it has to do for each account; the caller holds these accounts in the lake.

    Of all accounts together at most `jobs` requests are under way, by default as many as one of them may have. With
    `several`, more accounts than one were asked for, of which other runs may have some. An executor that is passed in
    is used and left running; without one there are threads. Replies are only kept where the policy of the lake treats
    nothing of them. After an error the tasks that have not begun are dropped,
    and those that have are waited for, because they write into the lake; not after what ends the process.
    """
    jobs = jobs or max(work.account.jobs for work in works)
    first, windows = works[0].account, windows_at_once(jobs)
    at_once = min(len(works), max(_FEWEST, jobs), _MOST)
    # A thread may have to wait for an API that slows its account down; there are enough for the others then.
    workers = max(windows, 2 * at_once) if several else windows
    used: Executor
    if executor is None:
        used = ThreadPoolExecutor(workers, thread_name_prefix="voxlake")
    elif is_in_process(executor):
        used = Borrowed(executor)
    else:
        used = _rationed(executor, lake, jobs=jobs, several=several, keep_raw=keep_raw)
    parts = _Parts(
        lake,
        Warehouse(lake.root, database=database, clock=first.clock),
        used,
        finality,
        Emitter(first.clock, *filter(None, [on_event])),
        _archive(lake, first) if keep_raw and lake.policy.keeps_all else None,
        AccountRegistry(lake),
        Shared(len(works), 2 * windows, several=several),
        {url: Connections(url, jobs=jobs) for url in {work.account.api_url for work in works} if several},
    )
    wait = True
    try:
        opens: list[Callable[[], AbstractContextManager[Context]]]
        if several:
            opens = [partial(parts.open, work.account) for work in works]
        else:
            only = parts.context(first)
            opens = [lambda: nullcontext(only)]
        assignments = [
            Assignment(work.account.account_id, work.streams, work.days, its, name=work.account.name)
            for work, its in zip(works, opens, strict=True)
        ]
        run = Run(
            lake, parts.warehouse, first.clock, used, finality, parts.events, parts.requests, parts.shared, at_once,
            parts.registry, least_requests=parts.least_requests,
        )  # fmt: skip
        yield run, assignments
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException:
        wait = False
        raise
    finally:
        used.shutdown(wait=wait, cancel_futures=True)
        parts.close(wait=wait)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the contexts of a run are made of; `connections` are those that accounts share, by address."""

    lake: Lake
    warehouse: Warehouse
    executor: Executor
    finality: FinalityPolicy
    events: Emitter
    archive: ReplyArchive | None
    registry: AccountRegistry
    shared: Shared
    connections: Mapping[str, Connections]
    histories: dict[int, HistoryApi] = field(default_factory=dict)
    sent: list[int] = field(default_factory=list)
    needed: list[int] = field(default_factory=list)

    def context(self, account: Account) -> Context:
        """Return the context of an account, which counts as open."""
        history = account.history(
            None if self.archive is None else self.archive.of(account.account_id),
            events=self.events.of(account.account_id, named=self.shared.several),
            connections=self.connections.get(account.api_url),
        )
        self.histories[account.account_id] = history
        return Context(
            history,
            self.lake,
            self.warehouse,
            account.clock,
            self.executor,
            self.finality,
            Identity(_stated(account), self.registry),
            self.shared,
        )

    @contextmanager
    def open(self, account: Account) -> Iterator[Context]:
        """Yield the context of an account, and close what is its own."""
        context = self.context(account)
        try:
            yield context
        finally:
            self.sent.append(context.history.requests)
            self.needed.append(context.history.ceiling.least_of_all)
            del self.histories[account.account_id]
            context.history.close()

    def requests(self) -> int:
        """Return how many requests were sent so far."""
        return sum(self.sent) + sum(history.requests for history in list(self.histories.values()))

    def least_requests(self) -> int:
        """Return how many requests would have sufficed for what was read so far."""
        return sum(self.needed) + sum(history.ceiling.least_of_all for history in list(self.histories.values()))

    def close(self, *, wait: bool) -> None:
        """Close what accounts share, and without a run that goes on, what is still open."""
        if self.archive is not None:
            self.archive.close()
        if wait:
            for history in list(self.histories.values()):
                history.close()
            for its in self.connections.values():
                its.close()
