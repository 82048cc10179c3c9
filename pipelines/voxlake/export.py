"""The story of an export: plan the open days, extract them side by side, publish, report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from voxlake.errors import Refused, VoxlakeError
from voxlake.extract import extract, survey
from voxlake.fetch import Limits
from voxlake.ledger import Ledger
from voxlake.plan import plan
from voxlake.report import Report, StreamReport
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from datetime import date, datetime, timedelta

    from voxlake.api import Api
    from voxlake.extract import Outcome
    from voxlake.lake import Lake
    from voxlake.model import Window
    from voxlake.streams import Stream

Task = tuple[StreamReport, "Stream", "Window"]


def export(
    api: Api,
    lake: Lake,
    streams: Sequence[Stream],
    days: Callable[[Ledger, Stream], Sequence[date]],
    *,
    now: Callable[[], datetime],
    jobs: int,
    settle: timedelta,
    give_up: timedelta,
    force: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _planned: None,
) -> Report:
    """Bring every day that is asked for and not final into the lake, publish, and say what was not done.

    The caller holds the lock of the lake. `days` gives the UTC days of a stream; `now` the time in UTC; `progress` is
    told days done and days planned. Trouble with one window never stops the others; a refusal stops its stream.
    """
    ledger = Ledger(lake)
    report = Report([StreamReport(stream.name) for stream in streams])
    tasks: list[Task] = []
    for stream, its_report in zip(streams, report.streams, strict=True):
        final = set() if force else ledger.final(api.account_id, stream.name, settle=settle, give_up=give_up)
        tasks += [(its_report, stream, window) for window in plan(days(ledger, stream), final=final)]
        its_report.days = sum(len(window.days) for its, _, window in tasks if its is its_report)
    limits = Limits()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            futures = {
                pool.submit(extract, api, lake, stream, window, before=ledger, limits=limits, now=now): (
                    its_report,
                    window,
                )
                for its_report, stream, window in _surveyed(api, pool, tasks)
            }
            _collect(futures, ledger, planned=sum(s.days for s in report.streams), progress=progress)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    report.requests = api.requests
    publish(lake, ledger, report, now=now, settle=settle, give_up=give_up)
    return report


def publish(
    lake: Lake, ledger: Ledger, report: Report, *, now: Callable[[], datetime], settle: timedelta, give_up: timedelta
) -> None:
    """Bring the database up to the lake and remember how the run ended; the caller holds the lock of the lake."""
    warehouse = Warehouse(lake)
    report.database = str(warehouse.path)
    try:
        report.published = warehouse.publish(list(ledger), settle=settle, give_up=give_up)
    except VoxlakeError as error:
        report.errors.append(error)
    ledger.save(last_run={"ended_at": now().isoformat(timespec="seconds"), **report.to_json()})


def _surveyed(api: Api, pool: ThreadPoolExecutor, tasks: Sequence[Task]) -> list[Task]:
    """Cut each window into pieces that are worth their requests; a stream that is refused drops out here."""
    surveys = [pool.submit(survey, api, stream, window) for _, stream, window in tasks]
    pieces: list[Task] = []
    for (its_report, stream, _), pending in zip(tasks, surveys, strict=True):
        try:
            pieces += [(its_report, stream, window) for window in pending.result()]
        except VoxlakeError as error:
            its_report.errors.append(error)
    return pieces


def _collect(
    futures: dict[Future[Outcome], tuple[StreamReport, Window]],
    ledger: Ledger,
    *,
    planned: int,
    progress: Callable[[int, int], None],
) -> None:
    """Take note of what each piece of work brought, in the order in which they end."""
    done = 0
    for future in as_completed(futures):
        its_report, window = futures[future]
        done += len(window.days)
        progress(done, planned)
        if future.cancelled():
            continue
        outcome = future.result()
        for part, new, changed in outcome.parts:
            ledger.add(part)
            its_report.add(part, new=new, changed=changed)
        if outcome.error is not None:
            its_report.errors.append(outcome.error)
        if isinstance(outcome.error, Refused):
            for waiting, (other, _) in futures.items():
                _ = other is its_report and waiting.cancel()
