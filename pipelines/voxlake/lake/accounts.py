"""The accounts of a data directory: their names, currencies and time zones, and since when each is exported.

They lie in `lake/accounts.json`, so that a copy of `lake/` has them. The file holds no key. To lose it costs a request
for each account, and what only it remembers: vanished accounts, and the first day of each stream.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from voxlake.lake.evolve import newer_than_ours
from voxlake.lake.scan import accounts_in
from voxlake.locks import waiting
from voxlake.text import currency_code
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.lake.directory import Lake

_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What is known of an account; None where nothing is.

    `confirmed` names the fields whose value the API itself gave, `said` what a run has said of them, so that it is said
    once. `refused_at` is when the API refused to say. All times are UTC. By stream, `exported_since` is the first UTC
    day that is looked after, `older_messages` how many the API counted before it, and `older_since` a day from which on
    these lie; `kept_since` is the first day that is kept, `texts_since` the first whose texts are, and
    `retained_from` the first that was taken away because of its age.
    """

    account_id: int
    name: str | None = None
    parent_id: int | None = None
    currency: str | None = None
    time_zone: str | None = None
    active: bool | None = None
    frozen: bool | None = None
    confirmed: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    refreshed_at: datetime | None = None
    refused_at: datetime | None = None
    vanished_at: datetime | None = None
    last_good_run: datetime | None = None
    exported_since: Mapping[str, date] = field(default_factory=dict)
    older_messages: Mapping[str, int | None] = field(default_factory=dict)
    older_since: Mapping[str, date | None] = field(default_factory=dict)
    retained_from: Mapping[str, date] = field(default_factory=dict)
    kept_since: Mapping[str, date] = field(default_factory=dict)
    texts_since: Mapping[str, date] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON, without those that are not known."""
        return {name: _json(value) for name, value in self.to_dict().items() if value not in (None, (), {})}

    def to_dict(self) -> dict[str, Any]:
        """Return all facts by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


_FIELDS: Final = frozenset(each.name for each in fields(AccountFacts)) - {"account_id"}


class AccountRegistry:
    """The facts of a data directory. Where their file is missing or damaged, nothing is known.

    `save` writes the fields that were changed here into what the file holds by then: another run may have changed
    others meanwhile, and is waited for. The caller of `save` holds or shares the directory. A damaged file is moved
    aside.

    Raises:
        SettingsError: a newer version of voxlake wrote the file.

    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._facts = self._stored()
        self._changed: dict[int, set[str]] = {}

    def get(self, account_id: int) -> AccountFacts:
        """Return what is known of an account; nothing but its number, where it is new."""
        return self._facts.get(account_id) or AccountFacts(account_id=account_id)

    def all(self) -> list[AccountFacts]:
        """Return what is known of all accounts, by number."""
        return [self._facts[number] for number in sorted(self._facts)]

    def children_of(self, parent_id: int) -> list[AccountFacts]:
        """Return the known children of an account that have not vanished from its list."""
        return [facts for facts in self.all() if facts.parent_id == parent_id and facts.vanished_at is None]

    def put(self, facts: AccountFacts) -> None:
        """Remember the facts of an account, in place of the earlier ones."""
        number = facts.account_id
        before = self.get(number)
        changed = {name for name in _FIELDS if getattr(before, name) != getattr(facts, name)}
        if changed or number not in self._facts:
            self._facts[number] = facts
            self._changed.setdefault(number, set()).update(changed)

    def save(self) -> None:
        """Write what was changed, if anything was.

        Raises:
            StorageFull: it cannot be written.

        """
        if not self._changed:
            return
        with waiting(self._lake.layout.locks / "index"):
            self._save()

    def _save(self) -> None:
        stored = self._stored()
        for number, names in self._changed.items():
            ours, theirs = self._facts[number], stored.get(number) or AccountFacts(account_id=number)
            stored[number] = replace(theirs, **{name: getattr(ours, name) for name in names})
        text = json.dumps({"version": _VERSION, "accounts": [stored[number].to_json() for number in sorted(stored)]})
        # An account a line, for people who look and for tools that compare.
        text = text.replace('[{"account_id"', '[\n{"account_id"').replace('}, {"account_id"', '},\n{"account_id"')
        path = self._lake.layout.accounts
        if self._damaged and path.exists():
            self._lake.move_out(path)
        self._lake.store.write_text(path, f"{text}\n", aside=self._lake.tmp / path.name)
        self._facts, self._changed = stored, {}

    def _stored(self) -> dict[int, AccountFacts]:
        path = self._lake.layout.accounts
        self._damaged = False
        try:
            stored = json.loads(path.read_bytes())
            version = int(stored["version"])
            found = [_facts(its) for its in stored["accounts"]] if version == _VERSION else []
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            self._damaged = True
            return {}
        if version > _VERSION:
            raise newer_than_ours(path.name, f"has version {version}", None)
        return {facts.account_id: facts for facts in found}


def exported_accounts(lake: Lake) -> set[int]:
    """Return the accounts that have a folder in the lake, by the names of the folders alone."""
    return {account for stream in STREAMS.values() for account in accounts_in(lake.layout, stream.table)}


def _facts(its: Mapping[str, Any]) -> AccountFacts:
    known = {name: value for name, value in its.items() if name in _FIELDS}
    if isinstance(known.get("currency"), str):
        # An earlier version stored the code as the API gave it.
        known["currency"] = currency_code(known["currency"])
    for name in ("confirmed", "said"):
        known[name] = tuple(map(str, its.get(name, ())))
    for name in ("refreshed_at", "refused_at", "vanished_at", "last_good_run"):
        known[name] = datetime.fromisoformat(its[name]) if name in its else None
    for name in ("exported_since", "older_since", "retained_from", "kept_since", "texts_since"):
        known[name] = {stream: day and date.fromisoformat(day) for stream, day in its.get(name, {}).items()}
    return AccountFacts(account_id=int(its["account_id"]), **known)


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _json(each) for name, each in value.items()}
    return value.isoformat() if isinstance(value, date) else value
