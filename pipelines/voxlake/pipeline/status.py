"""What the lake holds and lacks, by stream, without asking anybody."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from voxlake.lake import Manifest
from voxlake.model import DAY
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from voxlake.lake import Lake
    from voxlake.model import DayFile, FinalityPolicy


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


def status(lake: Lake, *, today: date, finality: FinalityPolicy, warnings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Count the days that are final, open (verified, may still change), unverified and missing; each day is one.

    `warnings` are what the database holds that is odd.
    """
    manifest = Manifest(lake)
    streams = []
    for account, stream in _known(manifest):
        day_files = manifest.of(account, stream)
        states = _states(manifest, account, stream, today=today, finality=finality)
        names = ("final", "open", "missing", "unverified")
        final, still_open, missing, unverified = ([day for day in states if states[day] == name] for name in names)
        streams.append(
            StreamStatus(
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
                final_days=[str(day) for day in final],
                open_days=[str(day) for day in still_open],
                missing_days=[str(day) for day in missing],
                unverified_days={str(day): day_files[day].problem or "not verified" for day in unverified},
            )
        )
    return {
        "streams": [asdict(stream) for stream in streams],
        "warnings": list(warnings),
        "last_run": manifest.last_run,
    }


def calendars(lake: Lake, *, today: date, finality: FinalityPolicy) -> dict[tuple[int, str], dict[date, str]]:
    """Give the state of every day, in order, by account and stream, as `status` counts them."""
    manifest = Manifest(lake)
    return {
        (account, stream): _states(manifest, account, stream, today=today, finality=finality)
        for account, stream in _known(manifest)
    }


def _known(manifest: Manifest) -> list[tuple[int, str]]:
    """List the streams of each account that have files, or had some."""
    known = {
        (day_key.account_id, day_key.stream)
        for day_key in (*(day_file.key for day_file in manifest), *manifest.missing)
    }
    accounts = sorted({account for account, _ in known})
    return [(account, stream) for account in accounts for stream in STREAMS if (account, stream) in known]


def _states(manifest: Manifest, account: int, stream: str, *, today: date, finality: FinalityPolicy) -> dict[date, str]:
    """Name the state of each day from the oldest that was exported to today."""
    day_files = manifest.of(account, stream)
    first = manifest.oldest(account, stream) or today
    span = [first + DAY * n for n in range((max([today, first, *day_files]) - first).days + 1)]
    return {day: _state(day_files.get(day), finality) for day in span}


def _state(day_file: DayFile | None, finality: FinalityPolicy) -> str:
    if day_file is None:
        return "missing"
    if not day_file.verified:
        return "unverified"
    return "final" if day_file.final(finality) else "open"


def _newest(lake: Lake, day_files: list[Any]) -> str | None:
    if not day_files:
        return None
    day_key = max(day_files, key=lambda day_file: day_file.key.date).key
    newest = max(pc.max(batch["processed_at"]).as_py() for batch in lake.read_rows(day_key, columns=["processed_at"]))
    return f"{newest:%Y-%m-%d %H:%M:%S}"
