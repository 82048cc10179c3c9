"""The accounts that a command works for, as the settings and `--account` name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.api import is_open_to_others
from voxlake.cli.options import the_clock
from voxlake.cli.output import say
from voxlake.errors import SettingsError
from voxlake.lake import Lake
from voxlake.library import Roster, connect, find_accounts
from voxlake.library import account_ids as ids_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.cli.settings import Settings
    from voxlake.events import Listener
    from voxlake.library import Account
    from voxlake.messaging import Client

_NAMED = 8
"""Accounts that a sentence names, at most."""


def roster_of(settings: Settings, wanted: Sequence[str] | None = None, *, ask: bool = True) -> Roster:
    """Return the accounts that the settings name, or those of them that are wanted, and say what is to be said.

    `wanted` is what `--account` names, unless it is passed. Unless `ask` is set, no request is sent: of children that
    the API would list, those known earlier are taken.

    Raises:
        SettingsError: there is none, or one that cannot be used.

    """
    wanted = settings.wanted if wanted is None else wanted
    if not settings.sections:
        return Roster((_only_account(settings, wanted),))
    for section in settings.sections.values():
        if section.credentials is not None:
            _warn_of_readers(section.credentials)
    roster = find_accounts(
        settings.sections, Lake(settings.data_dir), wanted=wanted, ask=ask, **connect_options(settings)
    )
    for note in roster.notes:
        say(f"voxlake: {note}")
    return roster


def accounts_of(settings: Settings, wanted: Sequence[str] | None = None, *, ask: bool = True) -> list[Account]:
    """Return the accounts of `roster_of`, by number."""
    return list(roster_of(settings, wanted, ask=ask).accounts)


def account_of(settings: Settings, wanted: Sequence[str] | None = None, *, ask: bool = True) -> Account:
    """Return the one account that the settings name, or that is wanted.

    Raises:
        SettingsError: there is none, or more than one.

    """
    found = accounts_of(settings, wanted, ask=ask)
    if len(found) > 1:
        names = ", ".join(account.name or str(account.account_id) for account in found[:_NAMED])
        more = ", ..." if len(found) > _NAMED else ""
        raise SettingsError(f"This works for one account at a time: choose one with --account, of {names}{more}.")
    return found[0]


def parent_of(settings: Settings, name: str | None) -> Account:
    """Return the account whose children are meant: the section of that name, or the only one with a key.

    Raises:
        SettingsError: there is no such section, or more than one and none is named.

    """
    parents = {section.name: section for section in settings.sections.values() if section.credentials is not None}
    if not settings.sections:
        account = _only_account(settings, ())
        if name not in (None, str(account.account_id)):
            raise SettingsError(
                f"{settings.file} has no section {name!r}: write [accounts.{name}] with its credentials into it."
            )
        return account
    if name is None and len(parents) == 1:
        name = next(iter(parents))
    if name not in parents:
        which = f"There is no account {name!r} with a key" if name else "Several accounts have a key"
        raise SettingsError(f"{which}: name one with --parent, {' or '.join(parents)}.")
    _warn_of_readers(parents[name].credentials)
    return connect(str(parents[name].credentials), **connect_options(settings), name=name)


def account_ids_of(settings: Settings, wanted: Sequence[str] | None = None) -> list[int] | None:
    """Return the numbers of the accounts in the data directory that are wanted, without the API; None means all.

    Raises:
        SettingsError: a name, number or pattern means no account.

    """
    return ids_of(Lake(settings.data_dir), settings.wanted if wanted is None else wanted, settings.sections)


def client_of(settings: Settings, on_event: Listener | None = None) -> Client:
    """Return a client for the sending methods of the account that the settings name; `on_event` hears what happens.

    Raises:
        SettingsError: they name none, or more than one.

    """
    return account_of(settings).client(on_event=on_event)


def _only_account(settings: Settings, wanted: Sequence[str]) -> Account:
    """Return the account of the credentials."""
    credentials: Any = settings.credentials
    if credentials is None:
        if settings.account_id is None or settings.api_key is None:
            raise SettingsError(
                "There are no credentials: name the vendor's credentials.json with --credentials or"
                " VOXIMPLANT_CREDENTIALS, or as credentials in voxlake.toml, or set VOXIMPLANT_ACCOUNT_ID and"
                " VOXIMPLANT_API_KEY. (In a shell, variables reach voxlake only after 'export'.)"
            )
        credentials = settings.account_id, settings.api_key
    else:
        _warn_of_readers(credentials)
    account = connect(credentials, **connect_options(settings))
    if other := [text for text in wanted if text.strip() != str(account.account_id)]:
        raise SettingsError(
            f"There is no account {other[0]!r}: the credentials are those of {account.account_id}, and"
            f" {settings.file} names no others; write a section such as [accounts.main]."
        )
    return account


def _warn_of_readers(credentials: Any) -> None:
    if is_open_to_others(credentials):
        say(f"voxlake: Others on this machine may read {credentials}: chmod 600 it.")


def connect_options(settings: Settings) -> dict[str, Any]:
    """Return the settings that `connect` takes."""
    return {
        "api_url": settings.api_url,
        "output": "csv" if settings.output == "csv" else "json",
        "jobs": settings.jobs,
        "patience": settings.patience,
        "timeout": settings.timeout,
        "clock": the_clock(),
        "insecure_http": settings.insecure_http,
    }
