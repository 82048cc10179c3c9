"""The story of an export: plan the open days, extract them side by side, publish, report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from voxlake.errors import Refused, VoxlakeError
from voxlake.extract import extract, survey
from voxlake.ledger import Ledger
from voxlake.plan import plan
from voxlake.report import Report, StreamReport
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime, timedelta

    from voxlake.api import Api
    from voxlake.lake import Lake
    from voxlake.streams import Stream


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
    with ThreadPoolExecutor(jobs) as pool:
        open_windows = []
        for stream, its_report in zip(streams, report.streams, strict=True):
            final = set() if force else ledger.final(api.account_id, stream.name, settle=settle, give_up=give_up)
            for window in plan(days(ledger, stream), final=final):
                its_report.days += len(window.days)
                open_windows.append((its_report, stream, pool.submit(survey, api, stream, window)))
        futures = {}
        for its_report, stream, surveyed in open_windows:
            try:
                for window in surveyed.result():
                    future = pool.submit(extract, api, lake, stream, window, before=ledger, now=now)
                    futures[future] = (its_report, window)
            except VoxlakeError as error:
                its_report.errors.append(error)
        done, planned = 0, sum(its_report.days for its_report in report.streams)
        try:
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
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    report.requests = api.requests
    publish(lake, ledger, report, now=now, settle=settle, give_up=give_up)
    return report


def publish(
    lake: Lake,
    ledger: Ledger,
    report: Report,
    *,
    now: Callable[[], datetime],
    settle: timedelta,
    give_up: timedelta,
) -> None:
    """Bring the database up to the lake and remember how the run ended; the caller holds the lock of the lake."""
    warehouse = Warehouse(lake)
    report.database = str(warehouse.path)
    try:
        report.published = warehouse.publish(list(ledger), settle=settle, give_up=give_up)
    except VoxlakeError as error:
        report.errors.append(error)
    ledger.save(last_run={"ended_at": now().isoformat(timespec="seconds"), **report.to_json()})
