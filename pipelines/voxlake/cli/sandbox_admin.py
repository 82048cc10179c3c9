"""`voxlake sandbox inbound` and `advance`: commands to a sandbox that is running."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
import requests

from voxlake.cli.examples import examples
from voxlake.cli.output import give
from voxlake.cli.settings import settings_options
from voxlake.cli.types import API_URL, Number
from voxlake.errors import SettingsError, Unavailable
from voxlake.sandbox import HEADER, find_token
from voxlake.text import is_loopback

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings

TOKEN_VARIABLE = "VOXLAKE_SANDBOX_TOKEN"  # noqa: S105 - a name


_account = click.option("--account", default="", metavar="ACCOUNT", help="An id, a name or a number. [the parent]")


@click.command(
    epilog=examples(
        "voxlake sandbox inbound --from 447700900123 --to 12025550123 --text 'Hello'",
    )
)
@_account
@click.option("--from", "source", required=True, metavar="NUMBER", help="Who writes.")
@click.option("--to", "destination", required=True, metavar="NUMBER", help="A number of the account.")
@click.option("--text", required=True, help="What is written.")
@click.option("--callback-url", metavar="URL", help="Where to post it, in place of the sandbox's own.")
@settings_options("api_url", api_url="The address of the sandbox.")
def inbound(
    settings: Settings, account: str, source: str, destination: str, text: str, callback_url: str | None
) -> None:
    """Inject an inbound message into a running sandbox, which posts it to the callback URL."""
    message = {"source_number": source, "destination_number": destination, "sms_body": text, "account": account}
    _post(settings.api_url, "inbound", message | ({"callback_url": callback_url} if callback_url else {}))


@click.command(
    epilog=examples(
        "voxlake sandbox advance 3600",
    )
)
@_account
@click.argument("seconds", type=Number(min=0))
@settings_options("api_url", api_url="The address of the sandbox.")
def advance(settings: Settings, account: str, seconds: float) -> None:
    """Advance the delivery clock of a running sandbox by SECONDS."""
    _post(settings.api_url, "advance", {"seconds": str(seconds), "account": account})


@click.command(
    epilog=examples(
        "voxlake sandbox accounts",
        "voxlake sandbox accounts 1234567 --sums",
    )
)
@click.argument("account", default="")
@click.option("--sums", is_flag=True, help="Add how many messages each history shows, and their cost.")
@settings_options("api_url", api_url="The address of the sandbox.")
def accounts(settings: Settings, account: str, sums: bool) -> None:
    """List the accounts of a running sandbox, or the one with this id, name or number, as JSON."""
    _post(settings.api_url, "accounts", {"account": account, "sums": "1" if sums else ""})


@click.command(
    epilog=examples(
        "voxlake sandbox condition 1234567 frozen",
    )
)
@click.argument("account")
@click.argument("words", nargs=-1, required=True, metavar="CONDITION...")
@settings_options("api_url", api_url="The address of the sandbox.")
def condition(settings: Settings, account: str, words: tuple[str, ...]) -> None:
    """Put an account of a running sandbox into a CONDITION, like frozen, or back to normal."""
    _post(settings.api_url, "condition", {"account": account, "condition": ",".join(words)})


def _post(api_url: str, command: str, form: dict[str, str]) -> None:
    """Post a command that only a sandbox knows, and print its reply."""
    if api_url == API_URL:
        raise SettingsError("Name the sandbox's address with --api-url or VOXIMPLANT_API_URL: this is the vendor's.")
    url = f"{api_url.removesuffix('/platform_api')}/sandbox/{command}"
    token = find_token(urlsplit(url).port) or os.environ.get(TOKEN_VARIABLE, "")
    try:
        with requests.Session() as session:
            # No proxy leads to a sandbox on this machine.
            session.trust_env = not is_loopback(url)
            reply = session.post(url, data=form, headers={HEADER: token}, timeout=30, allow_redirects=False)
    except requests.exceptions.RequestException as error:
        raise Unavailable(
            f"No sandbox answers at {api_url} ({type(error).__name__}): start 'voxlake sandbox serve' and name its"
            " address with --api-url or VOXIMPLANT_API_URL."
        ) from None
    plain = reply.headers.get("Content-Type", "").startswith("text/plain")
    if reply.status_code == requests.codes.bad_request or (reply.status_code == requests.codes.forbidden and plain):
        raise SettingsError(reply.text.strip())
    if reply.status_code != requests.codes.ok:
        raise SettingsError(
            f"{api_url} is not a sandbox (HTTP {reply.status_code}): use the address of one with --api-url."
        )
    give(reply.text, form="json")
