"""What is known of the account of a run: asked of the API now and then, else taken from the settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from voxlake.api import account_info
from voxlake.errors import VoxlakeError

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.api import AccountInfo
    from voxlake.lake import AccountFacts, AccountRegistry
    from voxlake.pipeline.context import Context

_WEEK: Final = 7
_OVERRIDES: Final = {"currency": "currency", "time_zone": "time zone"}
"""What settings may say where the API does not, and what people call it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose run it is: what the settings say of the account, and the registry of all that are known."""

    stated: AccountFacts
    registry: AccountRegistry


def learn_facts(context: Context, *, ask: bool = True) -> tuple[str, ...]:
    """Bring what is known of the account up to date, and return sentences about what does not fit together.

    The API is asked by one request, where that is due; what it says outweighs the settings. Where it refuses, which a
    missing role is enough for, the settings count. With `ask` unset no request is sent. Nothing is saved here.
    """
    identity = context.identity
    if identity is None:
        return ()
    stated, now = identity.stated, context.now()
    facts = identity.registry.get(stated.account_id)
    info: AccountInfo | None = None
    if ask and is_due(facts, now):
        try:
            context.history.ceiling.need("account", counts=1)
            with context.history.ceiling.asking():
                info = account_info(context.history.client)
            facts = replace(facts, refreshed_at=now, refused_at=None)
        except VoxlakeError:
            facts = replace(facts, refused_at=now)
    if info is not None and info.account_id != stated.account_id:
        # An answer about the parent, say, says nothing of this account.
        info, facts = None, replace(facts, refreshed_at=None, refused_at=now)
    facts, sentences = _reconciled(facts, stated, info)
    identity.registry.put(facts)
    return sentences


def note_good_run(context: Context) -> None:
    """Remember that a run of the account ended well."""
    if context.identity is not None:
        facts = context.identity.registry.get(context.identity.stated.account_id)
        context.identity.registry.put(replace(facts, last_good_run=context.now()))


def is_due(facts: AccountFacts, now: datetime) -> bool:
    """Return whether to ask of an account: once a week, and never twice on one UTC day.

    Accounts take turns, each on its day of the week, so that a thousand do not ask in one night.
    """
    if facts.refused_at is not None and (now.date() - facts.refused_at.date()).days < _WEEK:
        return False
    if facts.refreshed_at is None:
        return True
    days = (now.date() - facts.refreshed_at.date()).days
    return days >= _WEEK or (days > 0 and (now.toordinal() + facts.account_id) % _WEEK == 0)


def _reconciled(
    facts: AccountFacts, stated: AccountFacts, info: AccountInfo | None
) -> tuple[AccountFacts, tuple[str, ...]]:
    """Return the facts that count, and what is to be said of them that was not said before."""
    known: dict[str, Any] = {
        "name": stated.name or (info and info.name) or facts.name,
        "parent_id": stated.parent_id or facts.parent_id,
    }
    if info is not None:
        known |= {"active": info.active, "frozen": info.frozen, "vanished_at": None}
    confirmed, said, sentences = set(facts.confirmed), [], []
    who = stated.name or str(stated.account_id)
    for field, word in _OVERRIDES.items():
        of_api, of_settings = getattr(info, field, None), getattr(stated, field)
        if of_api is not None:
            confirmed.add(field)
        elif field in confirmed:
            of_api = getattr(facts, field)
        known[field] = of_api or of_settings
        token, sentence = None, ""
        if of_api and of_settings and of_api != of_settings:
            token = f"{field} {of_api}, not {of_settings}"
            sentence = (
                f"the {word} of {who} is {of_api} by the API, and {of_settings} by the settings: the API's counts, so"
                f" take {field} out of the settings"
            )
        elif known[field] is None and stated.name is not None:
            token = f"{field} unknown"
            sentence = f"the {word} of {who} is not known, because the API does not say: write {field} into its section"
        if token is not None:
            said.append(token)
            if token not in facts.said:
                sentences.append(sentence)
    return replace(facts, **known, confirmed=tuple(sorted(confirmed)), said=tuple(said)), tuple(sentences)
