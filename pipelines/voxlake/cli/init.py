"""`voxlake init`: from four answers to a file of settings, and to the next three commands."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from voxlake.cli.account import account_of
from voxlake.cli.examples import examples
from voxlake.cli.init_file import settings_text
from voxlake.cli.options import the_clock
from voxlake.cli.output import give, say
from voxlake.cli.place import find_place
from voxlake.cli.program import as_called
from voxlake.cli.questions import ask, ask_secret
from voxlake.cli.settings import DECLARATIONS, settings_options
from voxlake.cli.settings_file import DEFAULT_FILE
from voxlake.cli.signals import stoppable
from voxlake.cli.types import AccountNumber, TimeOfDay, UserPath, UtcDay
from voxlake.errors import SettingsError, VoxlakeError
from voxlake.files import write_private
from voxlake.model import GREATEST_ID, Window
from voxlake.places import explain, usable
from voxlake.transform import SMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from voxlake.cli.settings import Settings
    from voxlake.library import Account

_PATIENCE: Final = 10
"""Seconds for the one call: somebody waits for it."""
_BEGINNING: Final = "30 days back"


@dataclass(frozen=True, slots=True)
class _Answers:
    """What was asked for: a credentials file, or the pair that is to be stored in one."""

    settings: Settings
    since: date | None

    @property
    def has_pair(self) -> bool:
        return self.settings.credentials is None


@click.command(
    epilog=examples(
        "voxlake init",
        "voxlake init --credentials credentials.json --data-dir data --since 2026-01-01 --nightly-at 03:15",
        "voxlake init --account-id 1234567 --api-key - --offline < key.txt",
    )
)
@settings_options(
    "data_dir", "credentials", "account_id", "api_key", "api_url", "insecure_http", "nightly_at", file="write",
    nightly_at="When the nightly run begins, by this machine's clock.",
    account_id="The account of an API key, where there is no credentials file.",
    api_key="Its key; - reads it from stdin. Who lists the processes sees a flag, and no variable.",
)  # fmt: skip
@click.option("--since", type=UtcDay(), metavar="DATE", help="First UTC day to export. [30 days back]")
@click.option("--offline", is_flag=True, help="Do not try the credentials.")
@click.option("--force", is_flag=True, help="Replace the file; the one before is kept beside it, as FILE.before.")
def init(settings: Settings, since: date | None, *, offline: bool, force: bool) -> None:
    """Write voxlake.toml from four answers, try the credentials, and show what comes next.

    The questions are where the credentials are, where the data go, since when, and at what time every night. Flags
    answer them beforehand; without a terminal, the credentials must be given so. The exit code is 0, or that of the one
    call by which the credentials were tried: then the file is written all the same.
    """
    file = settings.file
    if file.exists() and not force:
        raise SettingsError(f"{file} exists: edit it, name another file with --config, or replace it with --force.")
    if settings.api_key == "-":
        settings = replace(settings, api_key=sys.stdin.readline().strip())
    if _is_flag("account_id") and not _is_flag("credentials"):
        settings = replace(settings, credentials=None)
    with stoppable("Stopped by {signal}: nothing was written."):
        answers = _answers(settings, since)
        account = _account(answers)
        _write(answers, file, force=force)
    problem = None if offline else _tried(account)
    if problem is not None:
        say(f"voxlake: {problem}")
    _end(file, problem)


def _answers(settings: Settings, since: date | None) -> _Answers:
    """Ask for what no flag and no variable says; without a terminal, what has a default has it."""
    asking = sys.stdin is not None and sys.stdin.isatty()
    has_credentials = settings.credentials is not None or (settings.account_id and settings.api_key)
    if not asking:
        if not has_credentials:
            raise SettingsError(
                "There is no terminal to ask on, and no credentials are given: name the vendor's credentials.json with"
                " --credentials, or give --account-id and --api-key."
            )
        return _Answers(_absolute(settings), since)
    say("Four questions at most; Enter takes what stands in brackets, and Ctrl-C leaves everything as it is.")
    if not has_credentials:
        settings = _ask_credentials(settings)
    if not _is_given("data_dir"):
        place = ask("Folder for the data, or bucket as s3://BUCKET/FOLDER", str(settings.data_dir), _place)
        settings = replace(settings, **place)
    if since is None:
        since = ask("First UTC day to export, as YYYY-MM-DD", _BEGINNING, _first_day)
    if not _is_given("nightly_at"):
        at = ask("Time of the nightly run, by this machine's clock", settings.nightly_at, _reader(TimeOfDay()))
        settings = replace(settings, nightly_at=at)
    return _Answers(_absolute(settings), since)


def _ask_credentials(settings: Settings) -> Settings:
    usual = "credentials.json" if Path("credentials.json").exists() else None
    question = "Path of the vendor's credentials.json, or the number of an account with an API key"
    found = ask(question, usual, lambda text: text.strip() if text.strip().isdecimal() else _existing(text))
    if isinstance(found, Path):
        return replace(settings, credentials=found)
    number = AccountNumber(1, GREATEST_ID).convert(found, None, None)
    return replace(settings, account_id=number, api_key=ask_secret(f"API key of account {number} (not shown)"))


def _place(text: str) -> dict[str, Any]:
    found = find_place(UserPath().convert(text.strip(), None, None), None, use="write")
    return found if "address" in found else {"data_dir": usable(found["data_dir"])}


def _existing(text: str) -> Path:
    path = UserPath().convert(text.strip(), None, None)
    if not path.is_file():
        raise SettingsError(f"{path} is not a file: download the key of a service account from the control panel.")
    return path


def _first_day(text: str) -> date | None:
    if text == _BEGINNING:
        return None
    day: date = UtcDay().convert(text, None, None)
    return day


def _reader(type_: click.ParamType[Any], check: Callable[[Any], Any] = lambda value: value) -> Callable[[str], Any]:
    return lambda text: check(type_.convert(text.strip(), None, None))


def _is_given(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT


def _is_flag(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _absolute(settings: Settings) -> Settings:
    """Return the settings with paths that mean the same from everywhere; cron and systemd begin elsewhere."""
    found = settings.credentials
    return replace(
        settings,
        data_dir=settings.data_dir if settings.address else usable(settings.data_dir).absolute(),
        credentials=None if found is None else found.absolute(),
        patience=min(settings.patience, _PATIENCE),
    )


def _account(answers: _Answers) -> Account:
    """Return the account, as every command will make it of the file.

    Raises:
        SettingsError: the credentials or the address cannot be used.

    """
    if answers.since is not None and answers.since > the_clock().now().date():
        raise SettingsError(f"--since is {answers.since}, in the future: give a day of the past, or leave it out.")
    if answers.has_pair and not answers.settings.api_key:
        raise SettingsError("The key of the account is missing: give it with --api-key, or in VOXIMPLANT_API_KEY.")
    account = account_of(answers.settings)
    account.api().close()
    return account


def _write(answers: _Answers, file: Path, *, force: bool) -> None:
    """Write the file of settings, after that of the key where there is a pair."""
    settings = answers.settings
    try:
        credentials = settings.credentials or _store_pair(settings, file.absolute().parent, force=force)
        chosen: dict[str, Any] = {"data_dir": settings.address or settings.data_dir, "credentials": credentials}
        for name in ("api_url", "insecure_http"):
            if getattr(settings, name) != DECLARATIONS[name].default:
                chosen[name] = getattr(settings, name)
        chosen["nightly_at"] = settings.nightly_at
        text = settings_text(chosen, since=answers.since)
        if file.exists():
            write_private(file.with_name(f"{file.name}.before"), file.read_bytes().decode("utf-8"), replace=True)
        write_private(file, text, replace=force)
    except FileExistsError as error:
        raise SettingsError(f"{error.filename2 or error.filename} exists: replace it with --force.") from None
    except OSError as error:
        raise explain(error, file.parent) or SettingsError(
            f"{file} cannot be written ({error.strerror}): make its folder first, or name another with --config."
        ) from error


def _store_pair(settings: Settings, folder: Path, *, force: bool) -> Path:
    """Store number and key of an account where a credentials file can be, and return its path."""
    path = folder / f"credentials-{settings.account_id}.json"
    content = json.dumps({"account_id": settings.account_id, "api_key": settings.api_key}, indent=1)
    write_private(path, f"{content}\n", replace=force)
    say(f"The key is stored in {path}, which nobody but you may read.")
    return path


def _tried(account: Account) -> VoxlakeError | None:
    """Ask how many messages there were yesterday, which changes nothing, and return what went wrong."""
    yesterday = the_clock().now().date() - timedelta(days=1)
    history = account.history()
    try:
        with stoppable("Stopped by {signal}: the file is written, the credentials were not tried."):
            history.total(SMS, Window.of_days(yesterday, yesterday))
    except VoxlakeError as error:
        return error
    finally:
        history.close()
    say(f"The API answers for account {account.account_id}.")
    return None


def _end(file: Path, problem: VoxlakeError | None) -> None:
    called = as_called()
    config = "" if file == Path(DEFAULT_FILE) else f" --config {shlex.quote(str(file))}"
    if problem is None:
        say(f"{file} is written. Next:")
    else:
        say(f"{file} is written all the same. Mend that first, then:")
    timer = "install-timer" if os.geteuid() == 0 else "install-timer --user"
    give("\n".join(f"{called} {command}{config}" for command in ("doctor", "export", timer)))
    if problem is not None:
        click.get_current_context().exit(problem.exit_code)
