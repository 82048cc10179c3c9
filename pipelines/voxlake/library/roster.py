"""The accounts of a run: those that the sections of a file name, and the children that the API lists for them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from voxlake.api import child_of, children
from voxlake.errors import ApiRejected, SettingsError, TryAgain, VoxlakeError, gravest
from voxlake.lake import AccountRegistry, claimed
from voxlake.library.account import connect
from voxlake.library.composition import holder
from voxlake.library.sections import ALL, two_accounts
from voxlake.library.selection import find_meant, is_pattern, select
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from voxlake.api import Children
    from voxlake.clock import Clock
    from voxlake.lake import Lake
    from voxlake.library.account import Account
    from voxlake.library.sections import Section

_NAMED = 5
"""Accounts that a sentence names, at most."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The accounts that are meant, by number; `notes` are sentences for the user, `errors` what to try again."""

    accounts: tuple[Account, ...]
    notes: tuple[str, ...] = ()
    errors: tuple[VoxlakeError, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return 0, or the code of what could not be listed for now."""
        return gravest({error.exit_code for error in self.errors})


@dataclass(slots=True)
class _Gathering:
    """What is known while a roster is made: accounts by number, and the section that each is from."""

    accounts: dict[int, Account] = field(default_factory=dict)
    places: dict[int, str] = field(default_factory=dict)
    excluded: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    errors: list[VoxlakeError] = field(default_factory=list)

    def add(self, account: Account, place: str) -> None:
        number = account.account_id
        if number in self.places:
            raise two_accounts(number, self.places[number], place)
        self.accounts[number], self.places[number] = account, place

    def known(self) -> list[tuple[int, str | None]]:
        return [(number, account.name) for number, account in self.accounts.items()]


def find_accounts(
    sections: Mapping[str, Section], lake: Lake, *, wanted: Sequence[str] = (), ask: bool = True, **options: Any
) -> Roster:
    """Return the accounts that sections name, or those of them that are `wanted`; each is made by `connect(**options)`.

    For sections with `children = "all"` the API is asked, unless `ask` is not set or only accounts are wanted that are
    known already. Where it does not list them, the children known from earlier runs are taken.

    Raises:
        SettingsError: a key cannot be used, two keys claim one account, or nothing is wanted that there is.

    """
    registry = AccountRegistry(lake)
    found = _Gathering()
    keys = _keys(sections, options)
    for section in sections.values():
        _add_named(found, section, keys, registry)
    for section in sections.values():
        if section.children == ALL and section.enabled:
            parent = keys[str(section.parent)]
            known = {facts.account_id: facts.name for facts in registry.children_of(parent.account_id)}
            need = ask and _must_list(wanted, [*found.known(), *known.items()])
            listed = _listed(found, section, parent, known) if need else None
            _add_children(found, section, parent, known if listed is None else listed)
            if listed is not None:
                _remember(lake, parent, known, listed, found.notes, clock=parent.clock)
    if not found.accounts:
        if found.errors:
            raise found.errors[0]
        raise SettingsError("; ".join(found.notes) or "No account is enabled: set enabled = true in one section.")
    chosen = select(wanted, found.known()) if wanted else sorted(found.accounts)
    return Roster(tuple(found.accounts[number] for number in chosen), tuple(found.notes), tuple(found.errors))


def _keys(sections: Mapping[str, Section], options: Mapping[str, Any]) -> dict[str, Account]:
    """Return the accounts that have a key of their own and are needed, by section."""
    needed = {section.parent for section in sections.values() if section.enabled}
    keys: dict[str, Account] = {}
    for section in sections.values():
        if section.credentials is not None and (section.enabled or section.name in needed):
            try:
                keys[section.name] = connect(section.credentials, **options, name=section.name)
            except SettingsError as error:
                raise SettingsError(f"{section.place} cannot be used. {error}") from error
    return keys


def _add_named(found: _Gathering, section: Section, keys: Mapping[str, Account], registry: AccountRegistry) -> None:
    """Add the accounts whose numbers are known without asking; note those that are switched off."""
    own = keys.get(section.name)
    numbers = section.ids if own is None else (own.account_id,)
    if not section.enabled:
        found.excluded.update(numbers)
        for number in numbers:
            if number in found.places:
                raise two_accounts(number, found.places[number], section.place)
            found.places[number] = section.place
        return
    if own is not None:
        found.add(_with(own, section), section.place)
        return
    for number in numbers:
        name = section.name if section.account_id is not None else registry.get(number).name
        found.add(_child(keys[str(section.parent)], section, number, name), section.place)


def _add_children(found: _Gathering, section: Section, parent: Account, listed: Mapping[int, str | None]) -> None:
    """Add the children of a list; one with a section of its own has that of its section."""
    taken = {account.name.casefold() for account in found.accounts.values() if account.name}
    own = {number for number, account in found.accounts.items() if account.parent_id == parent.account_id}
    for number, name in listed.items():
        if number in own or number in found.excluded or number == parent.account_id:
            continue
        if name is not None and name.casefold() in taken:
            name = f"{name} ({number})"  # noqa: PLW2901 - the name that is left
        found.add(_child(parent, section, number, name), section.place)


def _must_list(wanted: Sequence[str], known: Iterable[tuple[int, str | None]]) -> bool:
    """Whether a list is needed: not where every wanted account is known by its number or name."""
    pairs = list(known)
    return not wanted or any(is_pattern(text) or not find_meant(text, pairs) for text in wanted)


def _listed(
    found: _Gathering, section: Section, parent: Account, known: Mapping[int, str | None]
) -> dict[int, str | None] | None:
    """Return the children that the API lists, with those known where it may lack some; None where it refuses."""
    client = parent.api()
    try:
        listed = children(client)
    except VoxlakeError as error:
        if isinstance(error, SettingsError):
            raise
        found.notes.append(
            f"The children of {section.parent!r} could not be listed ({reason_of(error)}): {_instead(known)}"
        )
        if isinstance(error, TryAgain):
            found.errors.append(error)
        return None
    finally:
        client.close()
    return _believed(found, section, listed, known)


def reason_of(error: VoxlakeError) -> str:
    """Return an error as a clause within a sentence that has its own advice."""
    return error.reason if isinstance(error, ApiRejected) else str(error).rstrip(".")


def _believed(
    found: _Gathering, section: Section, listed: Children, known: Mapping[int, str | None]
) -> dict[int, str | None] | None:
    if not listed.found and known:
        found.notes.append(f"The API lists no child of {section.parent!r}: {_instead(known)}")
        return None
    names = {child.account_id: child.name for child in listed.found}
    if listed.whole:
        return names
    if listed.total is not None:
        found.notes.append(
            f"The API listed {len(names):,} of {counted(listed.total, 'child account')} of {section.parent!r}:"
            " those known from earlier runs are exported, too."
        )
    return {**known, **names}


def _instead(known: Mapping[int, str | None]) -> str:
    if not known:
        return "write their numbers as children = [414877, 414878] into the section."
    return f"{counted(len(known), 'child account')} known from earlier runs {'is' if len(known) == 1 else 'are'} taken."


def _remember(
    lake: Lake,
    parent: Account,
    known: Mapping[int, str | None],
    listed: Mapping[int, str | None],
    notes: list[str],
    *,
    clock: Clock,
) -> None:
    """Remember which children there are, and name those that have vanished."""
    gone = sorted(set(known) - set(listed))
    if gone:
        named = ", ".join(known[number] or str(number) for number in gone[:_NAMED])
        more = f" and {len(gone) - _NAMED:,} more" if len(gone) > _NAMED else ""
        notes.append(
            f"{counted(len(gone), 'account')} vanished from the list of {parent.name!r}: {named}{more}; what was"
            " exported stays."
        )
    if not lake.root.exists():
        return
    # Where the directory cannot be had, they are listed again tomorrow.
    with suppress(TryAgain), claimed(lake, (), holder=holder(clock)) as (ours, _):
        _note(AccountRegistry(ours), parent, listed, gone, clock.now())


def _note(
    registry: AccountRegistry, parent: Account, listed: Mapping[int, str | None], gone: Sequence[int], now: datetime
) -> None:
    for number in gone:
        registry.put(replace(registry.get(number), vanished_at=now))
    for number, name in listed.items():
        facts = registry.get(number)
        registry.put(replace(facts, parent_id=parent.account_id, name=facts.name or name, vanished_at=None))
    registry.save()


def _child(parent: Account, section: Section, number: int, name: str | None) -> Account:
    own = replace(parent, credentials=child_of(parent.credentials, number), parent_id=parent.account_id, name=name)
    return _with(own, section)


def _with(account: Account, section: Section) -> Account:
    """Return an account with what its section says of it."""
    if section.since is not None and section.since > (today := account.clock.now().date()):
        raise SettingsError(f"since of {section.place} is {section.since}, in the future: the last UTC day is {today}.")
    return replace(
        account,
        jobs=section.jobs or account.jobs,
        currency=section.currency,
        time_zone=section.time_zone,
        since=section.since,
        streams=section.streams,
    )
