"""One line for each account: what it is, what was exported of it, and when last that went well; without network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake import pipeline
from voxlake.lake import AccountFacts, AccountRegistry, Lake
from voxlake.library.arguments import finality
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from voxlake.library.sections import Section
    from voxlake.pipeline import StreamStatus


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account; times are UTC. A day counts once, whichever of its streams is open, unverified or missing."""

    account: str | None
    account_id: int | None
    currency: str | None
    time_zone: str | None
    newest_message: str | None
    open: int
    unverified: int
    missing: int
    last_good_run: str | None
    remark: str | None


def account_lines(
    lake: Lake, sections: Mapping[str, Section], *, now: datetime, settle_hours: float, give_up_days: float
) -> list[AccountLine]:
    """Return the accounts that were exported, that the API listed, or that sections name, by name and number.

    `settle_hours` and `give_up_days` say when a day is final.

    Raises:
        DataError: the file of a newest day cannot be read.

    """
    policy = finality(settle_hours, give_up_days)
    found = pipeline.stream_states(lake, Warehouse(lake.root), now=now, finality=policy)
    streams: dict[int, list[StreamStatus]] = {}
    for stream in found:
        streams.setdefault(stream.account_id, []).append(stream)
    facts = {its.account_id: its for its in AccountRegistry(lake).all()}
    named, unread = _sections_by_number(sections, facts.values())
    lines = [
        _line(facts.get(number) or AccountFacts(account_id=number), streams.get(number, ()), named.get(number))
        for number in {*streams, *facts, *named}
    ]
    lines += [
        AccountLine(section.name, None, section.currency, section.time_zone, None, 0, 0, 0, None, _remark(section))
        for section in unread
    ]
    return sorted(lines, key=lambda line: (line.account is None, (line.account or "").casefold(), line.account_id or 0))


def _line(facts: AccountFacts, streams: Sequence[StreamStatus], section: Section | None) -> AccountLine:
    own_name = section.name if section is not None and section.children is None else None
    return AccountLine(
        account=own_name or facts.name,
        account_id=facts.account_id,
        currency=facts.currency or (section.currency if section else None),
        time_zone=facts.time_zone or (section.time_zone if section else None),
        newest_message=max(filter(None, (stream.newest_message for stream in streams)), default=None),
        open=len({day for stream in streams for day in stream.open_days}),
        unverified=len({day for stream in streams for day in stream.unverified_days}),
        missing=len({day for stream in streams for day in stream.missing_days}),
        last_good_run=None if facts.last_good_run is None else f"{facts.last_good_run:%Y-%m-%d %H:%M:%S}",
        remark=_state(facts, section) or (None if streams else "not exported yet"),
    )


def _state(facts: AccountFacts, section: Section | None) -> str | None:
    if facts.vanished_at is not None:
        return f"vanished from its parent's list on {facts.vanished_at:%Y-%m-%d}"
    if section is not None and not section.enabled:
        return _remark(section)
    if facts.frozen:
        return "frozen"
    return "not active" if facts.active is False else None


def _remark(section: Section) -> str:
    return "not exported yet" if section.enabled else "switched off (enabled = false)"


def _sections_by_number(
    sections: Mapping[str, Section], known: Iterable[AccountFacts]
) -> tuple[dict[int, Section], list[Section]]:
    """Return the sections by the numbers of their accounts, and those whose number only their key tells."""
    by_name = {facts.name: facts.account_id for facts in known if facts.parent_id is None}
    named: dict[int, Section] = {}
    unread: list[Section] = []
    for section in sections.values():
        numbers = section.ids
        if section.credentials is not None:
            number = _number_in(section) or by_name.get(section.name)
            numbers = () if number is None else (number,)
            unread += [] if numbers else [section]
        named.update(dict.fromkeys(numbers, section))
    return named, unread


def _number_in(section: Section) -> int | None:
    """Return the account of a credentials file, of which nothing else is looked at; None where it cannot be read."""
    try:
        content = json.loads(section.credentials.read_bytes()) if section.credentials is not None else {}
        return int((content.get("result") or content)["account_id"])
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
