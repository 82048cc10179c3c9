"""`voxlake doctor`: what is wrong with this set-up, a line each, with what mends it."""

from __future__ import annotations

import os
import stat
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from voxlake.api import is_open_to_others
from voxlake.cli.account import account_ids_of, connect_options
from voxlake.cli.examples import examples
from voxlake.cli.options import API, DATA, account_option, finality_of, form_option, the_clock
from voxlake.cli.output import give, say
from voxlake.cli.sandbox_admin import TOKEN_VARIABLE
from voxlake.cli.settings import DECLARATIONS, settings_options
from voxlake.cli.settings_file import problems
from voxlake.cli.signals import EARLY, stoppable
from voxlake.errors import SettingsError, VoxlakeError
from voxlake.lake import Lake
from voxlake.library import (
    Check,
    Checkup,
    check_account,
    check_data,
    check_network,
    check_place,
    check_store,
    check_versions,
    connect,
    find_accounts,
)
from voxlake.reporting import to_json
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.cli.settings import Settings
    from voxlake.library import Account

_SET_UP, _ACCESS = 2, 3
_MARKS: Final = {"ok": "ok", "note": "note", "failed": "FAILED", "skipped": "skipped"}
_PREFIX: Final = "VOXLAKE_"
_MOST_CHILDREN: Final = 10
"""Children of which methods are called, unless some are chosen."""


@click.command(
    epilog=examples(
        "voxlake doctor",
        "voxlake doctor --offline --format json",
        "voxlake doctor --config /srv/sms/voxlake.toml --account main",
    )
)
@click.option("--offline", is_flag=True, help="Make no connection, and call no method.")
@form_option
@settings_options(*DATA, *API, file="examine")
@account_option
def doctor(settings: Settings, form: str, *, offline: bool) -> None:
    """Look for what is wrong with settings, credentials, network, place and data, a line each, with what mends it.

    Each method of the API is called once, in a form that changes nothing and sends nothing. The exit code is 0 where
    all is well, 2 where settings, network, clock or the place of the data are to be mended, 3 where that is the key,
    its file, a role or the account, and 4 where it is the data; the lowest of them counts.
    """
    found: list[Check] = []
    with stoppable(EARLY):
        for check in _checks(settings, offline=offline):
            found.append(check)
            if form == "text":
                give(f"{_MARKS[check.state]:<8}{check.name:<18} {check.sentence}")
    checkup = Checkup(found)
    if form == "json":
        give(to_json(checkup.to_json()), form="json")
    failed = len(checkup.failed)
    say(f"{failed} of {counted(len(found), 'check')} failed." if failed else "Nothing is wrong.")
    click.get_current_context().exit(checkup.exit_code)


def _checks(settings: Settings, *, offline: bool) -> Iterator[Check]:
    yield from check_versions()
    yield from _settings(settings)
    yield from _credentials(settings)
    yield from _privacy_key(settings)
    accounts: list[Account] = []
    try:
        accounts = _accounts(settings)
    except SettingsError as error:
        if settings.sections or settings.credentials or settings.api_key:
            yield Check.failed("accounts", error, code=_SET_UP)
    if offline:
        yield Check.skipped("network", "not looked at, because of --offline")
    else:
        yield from _network(settings, accounts)
    yield from check_place(settings.data_dir)
    if not offline:
        yield from check_store(settings.data_dir, clock=the_clock())
    yield from _data(settings)


def _settings(settings: Settings) -> Iterator[Check]:
    """Yield every setting with where it comes from, and what is wrong with them."""
    ctx = click.get_current_context()
    for error in problems(ctx):
        yield Check.failed("settings", error, code=_SET_UP)
    if settings.file.exists():
        yield Check.ok("settings", f"{settings.file} is read")
    else:
        yield Check.note("settings", f"There is no {settings.file} here", "write one with 'voxlake init'")
    defaults = []
    for name, declared in DECLARATIONS.items():
        source = _source(ctx, name, settings)
        if source is None:
            if not declared.secret and declared.default is not None:
                defaults.append(f"{declared.key(name)} = {_shown(declared.default)}")
            continue
        value = "is set" if declared.secret and name != "account_id" else _shown(_value(settings, name))
        yield Check.ok(f"  {declared.key(name)}", f"{value} ({source})")
    yield Check.ok("  by default", ", ".join(defaults))
    known = [declared.variable for declared in DECLARATIONS.values()]
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in {*known, "VOXLAKE_CONFIG", TOKEN_VARIABLE}:
            near = get_close_matches(name, known, n=1)
            mend = f"use {near[0]}, or unset it" if near else "unset it"
            yield Check.note("variable", f"{name} is set, which means nothing to voxlake", mend)
    if settings.sections and os.environ.get(DECLARATIONS["credentials"].variable):
        yield Check.note("variable", f"VOXIMPLANT_CREDENTIALS is not looked at: {settings.file} names accounts")


def _source(ctx: click.Context, name: str, settings: Settings) -> str | None:
    """Return where the value of a setting comes from; None for its default."""
    source = ctx.get_parameter_source(name)
    flag, variable = f"--{name.replace('_', '-')}", DECLARATIONS[name].variable
    return {
        ParameterSource.COMMANDLINE: f"flag {flag}",
        ParameterSource.ENVIRONMENT: f"variable {variable}",
        ParameterSource.DEFAULT_MAP: str(settings.file),
    }.get(source)  # type: ignore[arg-type] # the source can be None


def _value(settings: Settings, name: str) -> Any:
    """Return the value of a setting as somebody gave it."""
    return settings.address if name == "data_dir" and settings.address else getattr(settings, name)


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _credentials(settings: Settings) -> Iterator[Check]:
    """Yield who may read the files of keys."""
    files: dict[str, Path] = {
        f"credentials [{section.name}]": section.credentials
        for section in settings.sections.values()
        if section.credentials is not None
    }
    if not files and settings.credentials is not None:
        files = {"credentials": settings.credentials}
    for name, path in files.items():
        if not path.is_file():
            yield Check.failed(name, f"{path} is not a file", "name the vendor's credentials.json", code=_SET_UP)
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        if is_open_to_others(path):
            yield Check.failed(name, f"Others may read {path} ({mode:04o})", f"chmod 600 {path}", code=_ACCESS)
        elif not os.access(path, os.R_OK):
            yield Check.failed(name, f"{path} cannot be read ({mode:04o})", "run as its owner", code=_SET_UP)
        else:
            yield Check.ok(name, f"{path} ({mode:04o})")
    if files or settings.sections:
        return
    if settings.account_id is not None and settings.api_key is not None:
        yield Check.ok("credentials", f"number and key of account {settings.account_id}, from the environment")
    else:
        mend = "name the vendor's credentials.json with 'voxlake init', --credentials or VOXIMPLANT_CREDENTIALS"
        yield Check.failed("credentials", "There are none", mend, code=_SET_UP)


def _privacy_key(settings: Settings) -> Iterator[Check]:
    """Yield whether the key under which digests stand for numbers can be used, where there is one."""
    try:
        key = settings.find_key()
    except SettingsError as error:
        yield Check.failed("privacy key", error, code=_ACCESS)
        return
    if key is not None:
        yield Check.ok("privacy key", f"key {key.id}, from the environment or {settings.key_path}")


def _accounts(settings: Settings) -> list[Account]:
    """Return the accounts that are meant, without asking the API.

    Raises:
        SettingsError: there is none, or one cannot be used.

    """
    options = connect_options(settings)
    if settings.sections:
        lake = Lake(settings.data_dir)
        return list(find_accounts(settings.sections, lake, wanted=settings.wanted, ask=False, **options).accounts)
    if settings.credentials is not None:
        return [connect(settings.credentials, **options)]
    if settings.account_id is not None and settings.api_key is not None:
        return [connect((settings.account_id, settings.api_key), **options)]
    return []


def _network(settings: Settings, accounts: list[Account]) -> Iterator[Check]:
    """Yield how the API is reached, and what it answers for each account."""
    reached = True
    for check in check_network(settings.api_url, timeout=settings.timeout):
        reached = reached and check.state != "failed"
        yield check
    if not reached or not accounts:
        yield Check.skipped("methods", "not called: " + ("there is no key" if reached else "the API cannot be reached"))
        return
    children = [account for account in accounts if account.parent_id is not None]
    shown = children if settings.wanted else children[:_MOST_CHILDREN]
    for account in accounts:
        if account.parent_id is not None and account not in shown:
            continue
        label = account.name or (str(account.account_id) if len(accounts) > 1 else "")
        try:
            yield from check_account(account, label=label, sending=account.parent_id is None)
        except VoxlakeError as error:
            yield Check.failed("methods", error, code=_SET_UP)
    if len(shown) < len(children):
        left = counted(len(children) - len(shown), "child account")
        yield Check.skipped("methods", f"not called for {left}: --account chooses them")


def _data(settings: Settings) -> Iterator[Check]:
    try:
        accounts = account_ids_of(settings) if settings.wanted else None
        off = {number for its in settings.sections.values() if not its.enabled for number in its.ids}
        yield from check_data(
            settings.data_dir, accounts=accounts, paused=off, **finality_of(settings), clock=the_clock()
        )
    except SettingsError as error:
        yield Check.failed("lake", error, code=_SET_UP)
