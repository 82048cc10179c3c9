"""Decide which UTC days are still open, and how each is brought up to date: pure, and without a request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from voxlake.errors import SettingsError
from voxlake.lake import OLDEST_DAY, Learned, erased_in
from voxlake.model import DAY, DayFile, midnight, span
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.horizon import horizon, unfinished

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from voxlake.lake import Manifest
    from voxlake.model import FinalityPolicy
    from voxlake.pipeline.context import Context
    from voxlake.pipeline.horizon import Horizon
    from voxlake.transform import Stream


@dataclass(frozen=True, slots=True)
class DayRange:
    """The UTC days `[first, end)`; without `first`, those that exports look after.

    `since` is where these begin by the settings. A span that a backfill `fills` does not move that.
    """

    first: date | None
    end: date
    since: date | None = None
    fills: bool = False

    def days(self, since: date, known: Collection[date] = ()) -> list[date]:
        """Return the days, in order; without a first one, from `since` on, and those before it that are `known`.

        Between what a backfill brought and the first day that is looked after, nothing is.
        """
        if self.first is not None:
            return span(self.first, self.end)
        return [*sorted(day for day in known if day < min(since, self.end)), *span(since, self.end)]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does with the days of one stream: read some, probe those verified earlier, skip the final ones.

    `refused` counts days that are left out because the API refused them as too old.
    """

    read: tuple[date, ...]
    probe: tuple[DayFile, ...]
    final: tuple[date, ...]
    refused: int = 0

    @property
    def probe_days(self) -> tuple[date, ...]:
        """The days to probe."""
        return tuple(day_file.key.date for day_file in self.probe)

    @property
    def open(self) -> int:
        """How many days are not final."""
        return len(self.read) + len(self.probe)


def plan(days: Iterable[date], known: Mapping[date, DayFile], *, finality: FinalityPolicy, force: bool = False) -> Plan:
    """Sort days by what is known of them; with `force`, all of them are read.

    A day that was verified before it had ended is read: nothing is known of the rest of it.
    """
    read, probe, final = [], [], []
    for day in sorted(set(days)):
        day_file = known.get(day)
        # What only one reply has given, because its run ended before a second one, is counted like the open days.
        is_whole = day_file is not None and (day_file.verified or day_file.unconfirmed)
        if day_file is not None and not force and day_file.final(finality):
            final.append(day)
        elif force or day_file is None or not is_whole or day_file.exported_at < midnight(day) + DAY:
            read.append(day)
        else:
            probe.append(day_file)
    return Plan(tuple(read), tuple(probe), tuple(final))


def plan_export(
    context: Context,
    streams: Sequence[Stream],
    days: DayRange,
    *,
    force: bool = False,
    manifest: Manifest | None = None,
    learned: Learned | None = None,
    begins: Horizon | None = None,
) -> dict[Stream, Plan]:
    """Plan what `export` would do with the same arguments; asks the API nothing.

    Without a first day these are the days that exports look after, see `horizon`, with those that a backfill brought
    earlier. Days that the API refused as too old are left out, unless `force` is set.
    """
    account, now = context.history.account_id, context.now()
    if manifest is None:
        manifest = open_manifest(context.lake, context.warehouse, now=now, account_ids=[account])
    learned = Learned(context.lake, [account]) if learned is None else learned
    begins = horizon(context, streams, days, manifest, learned) if begins is None else begins
    plans = {}
    for stream in streams:
        known = manifest.of(account, stream.name)
        first = None if force else first_given(learned, account, stream)
        brought = manifest.known_days(account, stream.name) | unfinished(learned, account, stream.name)
        kept = erased_in(context.lake).retained.get((account, stream.name))
        if kept is not None and days.fills and days.first is not None and days.first < kept:
            raise SettingsError(
                f"{stream.name}: days before {kept} were retained away, and are not exported again: begin with {kept}."
            )
        wanted = begun(days.days(begins.first[stream], brought), now)
        wanted = [day for day in wanted if kept is None or day >= kept]
        given = [day for day in wanted if first is None or day >= first]
        found = plan(given, known, finality=context.finality, force=force)
        plans[stream] = replace(found, refused=len(wanted) - len(given))
    return plans


def first_given(learned: Learned, account_id: int, stream: Stream) -> date | None:
    """Return the first UTC day that the API gives, as far as an earlier run learned that there is one."""
    fact = learned.get(account_id, stream.name, OLDEST_DAY)
    try:
        return None if fact is None else date.fromisoformat(fact.value)
    except (TypeError, ValueError):
        return None


def begun(days: Iterable[date], now: datetime) -> list[date]:
    """Return the days that have at least one whole second behind them: at midnight, today has none to ask for."""
    at = now.replace(microsecond=0)
    first_to_come = at.date() + DAY if at > midnight(at.date()) else at.date()
    return [day for day in days if day < first_to_come]
