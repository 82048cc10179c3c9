"""The account that a command works for, as the settings name it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.api import is_open_to_others
from voxlake.cli.log import user_listener
from voxlake.cli.options import the_clock
from voxlake.cli.output import say
from voxlake.errors import SettingsError
from voxlake.library import connect

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings
    from voxlake.library import Account
    from voxlake.messaging import Client


def account_of(settings: Settings) -> Account:
    """Return the account that the settings name.

    Raises:
        SettingsError: they name none.

    """
    credentials: Any = settings.credentials
    if credentials is None:
        if settings.account_id is None or settings.api_key is None:
            raise SettingsError(
                "There are no credentials: name the vendor's credentials.json with --credentials or"
                " VOXIMPLANT_CREDENTIALS, or as credentials in voxlake.toml, or set VOXIMPLANT_ACCOUNT_ID and"
                " VOXIMPLANT_API_KEY. (In a shell, variables reach voxlake only after 'export'.)"
            )
        credentials = settings.account_id, settings.api_key
    elif is_open_to_others(credentials):
        say(f"voxlake: Others on this machine may read {credentials}: chmod 600 it.")
    return connect(
        credentials,
        api_url=settings.api_url,
        output="csv" if settings.output == "csv" else "json",
        jobs=settings.jobs,
        patience=settings.patience,
        timeout=settings.timeout,
        clock=the_clock(),
        insecure_http=settings.insecure_http,
    )


def client_of(settings: Settings) -> Client:
    """Return a client for the sending methods of the account that the settings name; the user hears of long pauses.

    Raises:
        SettingsError: they name none.

    """
    return account_of(settings).client(on_event=user_listener())
