"""What the lake holds and lacks, by stream, without asking anybody."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from voxlake.lake.manifest import Ledger
from voxlake.model import DAY
from voxlake.transform.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from voxlake.lake.day_file import Lake
    from voxlake.model import Part, Settling


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """Days of one stream of one account, from its oldest to today; `newest_message` is UTC."""

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
    final_days: list[str]
    open_days: list[str]
    missing_days: list[str]
    unverified_days: dict[str, str]


def status(lake: Lake, *, today: date, settling: Settling, warnings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Count the days that are final, open (verified, may still change), unverified and missing; each day is one.

    `warnings` are what the database holds that is odd.
    """
    ledger = Ledger(lake)
    streams = []
    for account, stream in _known(ledger):
        parts = ledger.of(account, stream)
        states = _states(ledger, account, stream, today=today, settling=settling)
        names = ("final", "open", "missing", "unverified")
        final, still_open, missing, unverified = ([day for day in states if states[day] == name] for name in names)
        streams.append(
            StreamStatus(
                account_id=account,
                stream=stream,
                first_day=str(min(states)),
                last_day=str(max(parts, default=max(states))),
                rows=sum(part.row_count for part in parts.values()),
                newest_message=_newest(lake, [part for part in parts.values() if part.row_count]),
                rejects=sum(part.rejects for part in parts.values()),
                final=len(final),
                open=len(still_open),
                missing=len(missing),
                unverified=len(unverified),
                final_days=[str(day) for day in final],
                open_days=[str(day) for day in still_open],
                missing_days=[str(day) for day in missing],
                unverified_days={str(day): parts[day].problem or "not verified" for day in unverified},
            )
        )
    return {
        "streams": [asdict(stream) for stream in streams],
        "warnings": list(warnings),
        "last_run": ledger.last_run,
    }


def calendars(lake: Lake, *, today: date, settling: Settling) -> dict[tuple[int, str], dict[date, str]]:
    """Give the state of every day, in order, by account and stream, as `status` counts them."""
    ledger = Ledger(lake)
    return {
        (account, stream): _states(ledger, account, stream, today=today, settling=settling)
        for account, stream in _known(ledger)
    }


def _known(ledger: Ledger) -> list[tuple[int, str]]:
    """List the streams of each account that have files, or had some."""
    known = {(cell.account_id, cell.stream) for cell in (*(part.cell for part in ledger), *ledger.lost)}
    accounts = sorted({account for account, _ in known})
    return [(account, stream) for account in accounts for stream in STREAMS if (account, stream) in known]


def _states(ledger: Ledger, account: int, stream: str, *, today: date, settling: Settling) -> dict[date, str]:
    """Name the state of each day from the oldest that was exported to today."""
    parts = ledger.of(account, stream)
    first = ledger.oldest(account, stream) or today
    span = [first + DAY * n for n in range((max([today, first, *parts]) - first).days + 1)]
    return {day: _state(parts.get(day), settling) for day in span}


def _state(part: Part | None, settling: Settling) -> str:
    if part is None:
        return "missing"
    if not part.verified:
        return "unverified"
    return "final" if part.final(settling) else "open"


def _newest(lake: Lake, parts: list[Any]) -> str | None:
    if not parts:
        return None
    cell = max(parts, key=lambda part: part.cell.date).cell
    newest = max(pc.max(batch["processed_at"]).as_py() for batch in lake.batches(cell, columns=["processed_at"]))
    return f"{newest:%Y-%m-%d %H:%M:%S}"
