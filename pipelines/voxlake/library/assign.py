"""What a run is to do for each account: its streams and days, which are its own where the caller names none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake.errors import SettingsError
from voxlake.library.account import Account
from voxlake.library.arguments import day_range, find_streams
from voxlake.library.composition import Work
from voxlake.model import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.library.inputs import Day


def assign(
    account: Account | Iterable[Account],
    streams: str | Iterable[str],
    since: Day | None,
    until: Day | None,
    *,
    today: bool = True,
    fills: bool = False,
) -> list[Work]:
    """Return what is to be done for one account or for several, in their order.

    An account that has none of these streams is left out. The days end with today, or without `today` before it. A
    backfill `fills` a span.

    Raises:
        SettingsError: an argument cannot be used, an account is there twice, or nothing is to be done.

    """
    named = [account] if isinstance(account, Account) else list(account)
    chosen = find_streams(streams)
    works: dict[int, Work] = {}
    for each in named:
        if not isinstance(each, Account):
            raise SettingsError(f"{type(each).__name__} is not an account: pass what voxlake.connect returns.")
        if each.account_id in works:
            raise SettingsError(f"Account {each.account_id} is there twice: leave one out.")
        now = each.clock.now().date()
        days = replace(
            day_range(since, until, today=now, limit=now + DAY if today else now), since=each.since, fills=fills
        )
        its = [stream for stream in chosen if each.streams is None or stream.name in each.streams]
        if its:
            works[each.account_id] = Work(each, its, days)
    if not named:
        raise SettingsError("No account is named: pass at least one.")
    if not works:
        name, has = named[0].name or named[0].account_id, " and ".join(named[0].streams or ())
        raise SettingsError(f"The account {name} exports {has} alone: name that stream.")
    return list(works.values())
