"""The options of a sandbox, and the sandbox that they describe."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxlake.cli.options import the_clock
from voxlake.cli.types import Number
from voxlake.errors import SettingsError
from voxlake.sandbox import (
    SENDERS,
    AccountConfig,
    Behaviour,
    Faults,
    Limits,
    Reseller,
    Sandbox,
    World,
    read_accounts,
    read_balance,
    read_phones,
    read_roles,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def sandbox_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a sandbox; the command gets a function that builds it in a folder."""

    @functools.wraps(command)
    def shaped(**flags: Any) -> Any:
        chosen = {name: flags.pop(name) for name in _NAMES}
        return command(build=functools.partial(_sandbox, chosen), keep=flags.pop("directory"), **flags)

    shaped_command: Callable[..., Any] = shaped
    for option in reversed(_OPTIONS):
        shaped_command = option(shaped_command)
    return shaped_command


_WORLD = (
    click.option("--port", type=click.IntRange(0, 65_535), default=0, help="[a free one]"),
    click.option(
        "--rows",
        type=click.IntRange(0, 10**9),
        default=100_000,
        show_default=True,
        help="Messages of an account, in both histories.",
    ),
    click.option("--days", type=click.IntRange(1, 36_500), default=60, show_default=True, help="Days up to today."),
    click.option("--seed", type=int, default=1, show_default=True),
    click.option(
        "--faults",
        default="",
        metavar="PLAN",
        help="Failures to rehearse, like 'reset=0.1,http-429=0.05,first=500'; see docs/sandbox.md.",
    ),
    click.option(
        "--switch", "switches", multiple=True, metavar="NAME=VALUE", help="Undocumented behaviour; see docs/sandbox.md."
    ),
)
_ACCOUNT = (
    click.option(
        "--role",
        "roles",
        multiple=True,
        metavar="ROLE",
        help="A role of the service account, like Supervisor. [Owner and CallsSMS]",
    ),
    click.option(
        "--phone",
        "phones",
        multiple=True,
        metavar="NUMBER=STATE",
        help="A rented number: enabled, disabled or unsupported. [five of them]",
    ),
    click.option(
        "--sender", "senders", multiple=True, metavar="ID", help="A SenderID that is installed. [six of them]"
    ),
    click.option("--balance", default="1000", show_default=True, metavar="AMOUNT", help="The balance of the account."),
    click.option(
        "--delivery",
        type=Number(min=0),
        default=30,
        show_default=True,
        metavar="SECONDS",
        help="Time from sending a message to its final status.",
    ),
    click.option(
        "--speed",
        type=Number(min=0, min_open=True),
        default=1,
        show_default=True,
        metavar="N",
        help="Speed of the delivery clock relative to the real one.",
    ),
    click.option("--callback-url", metavar="URL", help="Where inbound messages are posted."),
    click.option("--callback-salt", default="", metavar="TEXT", help="The salt in the hash of callbacks."),
    click.option("--store-inbound", is_flag=True, help="Store the texts of inbound messages in the history."),
)
_PLACE = (
    click.option(
        "--state", type=click.Path(path_type=Path), metavar="FILE", help="Keep messages and settings across restarts."
    ),
    click.option("--tls", is_flag=True, help="Serve https with a certificate of its own."),
    click.option(
        "--directory",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Where credentials and certificate are kept for the next start. [a folder that is removed at the end]",
    ),
)
_RESELLER = (
    click.option(
        "--accounts",
        type=click.IntRange(0, 100_000),
        default=0,
        show_default=True,
        help="Child accounts of the account.",
    ),
    click.option(
        "--quiet-share",
        type=Number(0, 1),
        default=0,
        show_default=True,
        metavar="SHARE",
        help="Share of the children that have few messages.",
    ),
    click.option("--quiet-rows", type=click.IntRange(0, 10**9), metavar="N", help="How few. [one for each day]"),
    click.option(
        "--account",
        "account_settings",
        multiple=True,
        metavar="N:SETTING",
        help="What is special about an account, like '3:frozen' or '2-5:rows=100,currency=EUR'; see docs/sandbox.md.",
    ),
    click.option(
        "--limits",
        default="",
        metavar="PLAN",
        help="How much is answered at once, like 'in_flight=16,account_rate=20'; see docs/sandbox.md.",
    ),
    click.option(
        "--latency",
        type=Number(0, 60),
        default=0,
        show_default=True,
        metavar="SECONDS",
        help="Time that each reply takes.",
    ),
)
_OPTIONS = (*_WORLD, *_RESELLER, *_ACCOUNT, *_PLACE)
_NAMES = (
    "port", "rows", "days", "seed", "faults", "switches", "roles", "phones", "senders", "balance", "delivery", "speed",
    "callback_url", "callback_salt", "store_inbound", "state", "tls", "accounts", "quiet_share", "quiet_rows",
    "account_settings", "limits", "latency",
)  # fmt: skip


def _sandbox(chosen: dict[str, Any], folder: Path) -> Sandbox:
    clock = the_clock()
    try:
        config = AccountConfig(
            roles=read_roles(chosen["roles"]),
            phones=read_phones(chosen["phones"]),
            senders=chosen["senders"] or SENDERS,
            balance=read_balance(chosen["balance"]),
            delivery=chosen["delivery"],
            speed=chosen["speed"],
            callback_url=chosen["callback_url"],
            callback_salt=chosen["callback_salt"],
            store_inbound=chosen["store_inbound"],
        )
        behaviour, faults = Behaviour.parse(chosen["switches"]), Faults.parse(chosen["faults"])
        shape = {"rows": chosen["rows"], "days": chosen["days"], "seed": chosen["seed"], "until": clock.now().date()}
        reseller = Reseller(
            **shape,
            children=chosen["accounts"],
            quiet_share=chosen["quiet_share"],
            quiet_rows=chosen["quiet_rows"],
            settings=read_accounts(chosen["account_settings"], children=chosen["accounts"]),
        )
        return Sandbox(
            World(**shape),
            port=chosen["port"],
            behaviour=behaviour,
            faults=faults,
            directory=folder,
            now=clock.time,
            config=config,
            state=chosen["state"],
            tls=chosen["tls"],
            reseller=reseller,
            limits=Limits.parse(chosen["limits"]),
            latency=chosen["latency"],
        )
    except ValueError as error:
        raise SettingsError(str(error)) from error
    except OSError as error:
        if error.filename is not None:
            raise SettingsError(f"{error.filename} cannot be used ({error.strerror}): name another file.") from error
        raise SettingsError(
            f"Port {chosen['port']} cannot be used ({error.strerror}): choose another with --port."
        ) from error
