"""What the runs tell of themselves: the sentences and details of their events, without a word from outside."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected, VoxlakeError
from voxlake.events import Kind
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import date

    from voxlake.events import Emitter
    from voxlake.lake import Month
    from voxlake.model import DayFile, Window
    from voxlake.pipeline.audit_stream import StreamAudit
    from voxlake.pipeline.day import WrittenDay
    from voxlake.pipeline.plan import Plan
    from voxlake.pipeline.shared import Progress


@dataclass
class Ending:
    """How a run ended; the exit code is None until that is known."""

    exit_code: int | None = None


@contextmanager
def run(events: Emitter, name: str, requests: Callable[[], int] = lambda: 0) -> Iterator[Ending]:
    """Announce that a run begins, and that it has ended; `requests` is asked how many were sent."""
    began, ending = events.seconds(), Ending()
    events.emit(Kind.RUN_STARTED, f"The {name} begins.", run=name)
    try:
        yield ending
    except VoxlakeError as error:
        ending.exit_code = error.exit_code
        raise
    finally:
        code, sent, seconds = ending.exit_code, requests(), events.seconds() - began
        how = "was interrupted" if code is None else f"ends with exit code {code}"
        events.emit(
            Kind.RUN_ENDED,
            f"The {name} {how}, after {counted(sent, 'request')} and {seconds:.1f} s.",
            run=name,
            exit_code=code,
            requests=sent,
            seconds=round(seconds, 3),
        )


def planned(events: Emitter, stream: str, plan: Plan) -> None:
    """Announce what a run does with the days of a stream."""
    days = sorted({*plan.read, *plan.probe_days, *plan.final})
    span = f"{days[0]} to {days[-1]}" if days else "no day"
    events.emit(
        Kind.PLANNED,
        f"{stream}: {span}: {len(plan.read):,} to read, {len(plan.probe):,} to refresh, {len(plan.final):,} final.",
        stream=stream,
        read=len(plan.read),
        refresh=len(plan.probe),
        final=len(plan.final),
        first=days[0] if days else None,
        last=days[-1] if days else None,
    )


def surveyed(events: Emitter, stream: str, days: Collection[date], windows: int) -> None:
    """Announce into how many windows days were cut."""
    first, last = min(days), max(days)
    events.emit(
        Kind.SURVEYED,
        f"{stream}: {counted(len(days))} ({first} to {last}) to be read in {counted(windows, 'window')}.",
        stream=stream,
        days=len(days),
        windows=windows,
        first=first,
        last=last,
    )


def window_read(events: Emitter, stream: str, window: Window, *, rows: int, requests: int, seconds: float) -> None:
    """Announce that a window was read to its end."""
    first, last, days = window.days[0], window.days[-1], len(window.days)
    span = str(first) if first == last else f"{first} to {last}"
    events.emit(
        Kind.WINDOW_READ,
        f"{stream}: {span} was read: {counted(rows, 'row')} with {counted(requests, 'request')} in {seconds:.1f} s.",
        stream=stream,
        first=first,
        last=last,
        days=days,
        rows=rows,
        requests=requests,
        seconds=round(seconds, 3),
    )


def day_written(events: Emitter, day_file: DayFile, written: WrittenDay | None = None, reason: str = "") -> None:
    """Announce that a day's file is in place; `reason` stands for a problem that holds words from outside."""
    day, stream, rows = day_file.key.date, day_file.key.stream, day_file.row_count
    if day_file.verified:
        news = f", {written.new:,} new, {written.changed:,} changed" if written else ""
        events.emit(
            Kind.DAY_VERIFIED,
            f"{stream}: {day} is verified: {counted(rows, 'row')}{news}.",
            stream=stream,
            day=day,
            rows=rows,
            new=written.new if written else None,
            changed=written.changed if written else None,
            gone=written.gone if written else None,
        )
    else:
        reason = reason or day_file.problem or "not verified"
        events.emit(
            Kind.DAY_NOT_VERIFIED,
            f"{stream}: {day} is not verified: {reason}.",
            stream=stream,
            day=day,
            rows=rows,
            rejects=day_file.rejects,
            reason=reason,
        )
    if written is not None and written.unaccounted:
        missing, kept = len(written.unaccounted), not written.gone
        events.emit(
            Kind.MESSAGES_GONE,
            f"{stream}: {day}: the API does not report {counted(missing, 'earlier message')} any more, which"
            f" {'stay in the lake' if kept else 'are kept in rejects/gone/'}.",
            stream=stream,
            day=day,
            messages=missing,
            kept=kept,
        )


def messages_moved(events: Emitter, stream: str, days: Collection[date]) -> None:
    """Announce days that are read because messages lie on them now."""
    first, last = min(days), max(days)
    events.emit(
        Kind.MESSAGES_MOVED,
        f"{stream}: {counted(len(days))} more to read ({first} to {last}): messages moved, or days seem empty.",
        stream=stream,
        days=len(days),
        first=first,
        last=last,
    )


def days_doubted(events: Emitter, stream: str, days: Collection[date]) -> None:
    """Announce days that are read again because a count of its own disagrees with what was read of them."""
    first, last = min(days), max(days)
    events.emit(
        Kind.DAYS_DOUBTED,
        f"{stream}: {counted(len(days))} ({first} to {last}) disagree with a count, and are in doubt.",
        stream=stream,
        days=len(days),
        first=first,
        last=last,
    )


def refreshed(events: Emitter, stream: str, *, days: int, changed: int, stale: int) -> None:
    """Announce how days that were verified earlier compare with the API's counts."""
    events.emit(
        Kind.REFRESHED,
        f"{stream}: {counted(days)} up to date without reading, {changed:,} of their messages changed;"
        f" {counted(stale)} to read again.",
        stream=stream,
        days=days,
        changed=changed,
        stale=stale,
    )


def failed(events: Emitter, stream: str, error: VoxlakeError) -> None:
    """Announce trouble with a stream, by the name of the error alone: its sentence may quote the API."""
    code = error.code if isinstance(error, ApiRejected) else None
    name = type(error).__name__
    detail = "" if code is None else f" (error {code})"
    events.emit(Kind.FAILED, f"{stream}: not all could be read: {name}{detail}.", stream=stream, error=name, code=code)


def progress(events: Emitter, so_far: Progress) -> None:
    """Announce how many days are done, over all accounts."""
    events.emit(
        Kind.PROGRESS,
        f"{so_far.done:,} of {counted(so_far.planned)} done.",
        done=so_far.done,
        planned=so_far.planned,
        accounts_done=so_far.accounts_done,
        accounts=so_far.accounts,
    )


def replies_read(events: Emitter, replies: int) -> None:
    """Announce how many replies a replay has read so far."""
    events.emit(Kind.REPLIES_READ, f"{replies:,} kept replies were read.", replies=replies)


def loaded(events: Emitter, *, done: int, planned: int, rows: int) -> None:
    """Announce how many of so many days were loaded into the next database so far, and their rows."""
    events.emit(
        Kind.LOADED,
        f"{done:,} of {counted(planned)} loaded, {counted(rows, 'row')}.",
        done=done,
        planned=planned,
        rows=rows,
    )


def waiting(events: Emitter) -> None:
    """Announce that another run publishes, and is waited for."""
    events.emit(Kind.WAITING, "Another run is publishing: waiting until it is done.")


def published(events: Emitter, *, days: int, rows: int, began: float) -> None:
    """Announce that the database is published: days of it that changed, all of its rows, and when that began."""
    seconds = events.seconds() - began
    events.emit(
        Kind.PUBLISHED,
        f"The database is published: {counted(days)} changed, {counted(rows, 'row')} in all, in {seconds:.1f} s.",
        days=days,
        rows=rows,
        seconds=round(seconds, 3),
    )


def compacted(events: Emitter, months: Sequence[Month]) -> None:
    """Announce that months of one stream of one account lie in one file each now; nothing without any."""
    if months:
        key, days = months[0][0].key, sum(len(month) for month in months)
        events.of(key.account_id).emit(
            Kind.COMPACTED,
            f"{key.stream}: {counted(days)} lie in {counted(len(months), 'file')} now, one a month.",
            stream=key.stream,
            months=len(months),
            days=days,
        )


def not_compacted(events: Emitter, error: Exception) -> None:
    """Announce that months could not be compacted, which an export leaves to the next one."""
    events.emit(Kind.NOT_COMPACTED, f"Months were not compacted: {error}", reason=type(error).__name__)


def audited(events: Emitter, found: StreamAudit) -> None:
    """Announce what the audit of a stream found; of a problem that quotes others, only its beginning."""
    for difference in found.differences:
        reason = difference.told.partition(":")[0]
        events.emit(
            Kind.AUDIT_DIFFERENCE,
            f"{found.stream}: {difference.date} differs: {reason}.",
            stream=found.stream,
            day=difference.date,
            reason=reason,
        )
    differences = len(found.differences)
    events.emit(
        Kind.AUDITED,
        f"{found.stream}: {counted(found.days)} audited: {found.counted:,} counted, {counted(found.files, 'file')} and"
        f" {counted(found.pages, 'page')} read, {counted(differences, 'difference')}.",
        stream=found.stream,
        days=found.days,
        counted=found.counted,
        files=found.files,
        pages=found.pages,
        rows=found.rows,
        differences=differences,
    )
