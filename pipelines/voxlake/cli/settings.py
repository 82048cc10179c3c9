"""The settings, each declared once: as a field that click reads from flag, environment, file or default."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

from voxlake.cli.declaration import Declaration, setting
from voxlake.cli.delta_option import DeltaTables
from voxlake.cli.executor_option import SchedulerAddress
from voxlake.cli.log import log_on_stderr
from voxlake.cli.place import find_place
from voxlake.cli.settings_file import DEFAULT_FILE, PATH, SECTIONS, config_option, option_class
from voxlake.cli.types import (
    API_URL,
    AccountNumber,
    ApiUrl,
    KeyText,
    Length,
    OneOf,
    Switch,
    TimeOfDay,
    UserPath,
    Webhook,
    WebhookUrl,
    WholeNumber,
)
from voxlake.cli.verbosity import LOG_FORMAT_HELP, LOG_FORMATS, program_log_format, quiet_option, verbose_option
from voxlake.model import GREATEST_ID
from voxlake.modes import private
from voxlake.policy import KEEP, PARTS, TREATMENTS, PrivacyPolicy
from voxlake.privacy import KEY_FILE, VARIABLE, PrivacyKey, read_key

if TYPE_CHECKING:
    from datetime import timedelta

    from voxlake.cli.settings_file import Use
    from voxlake.library import Section

F = TypeVar("F", bound=Callable[..., Any])


def _privacy(name: str, help_: str) -> dict[str, Declaration]:
    return setting(OneOf(TREATMENTS), f"VOXLAKE_PRIVACY_{name}", help_, default="keep", table="privacy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, resolved and checked."""

    data_dir: Path = field(
        metadata=setting(
            UserPath(), "VOXLAKE_DATA_DIR", "Where lake and database live.", default="data", metavar="DIR|URL"
        )
    )
    work_dir: Path | None = field(
        metadata=setting(UserPath(), "VOXLAKE_WORK_DIR", "Where those of a URL are worked on.", metavar="DIR")
    )
    api_url: str = field(
        metadata=setting(
            ApiUrl(), "VOXIMPLANT_API_URL", "The API's address.", default=API_URL, shown="the vendor's", metavar="URL"
        )
    )
    insecure_http: bool = field(
        metadata=setting(
            Switch(), "VOXLAKE_INSECURE_HTTP", "Send the key over plain http, to another machine.", default=False,
            shown=False,
        )
    )  # fmt: skip
    credentials: Path | None = field(
        metadata=setting(UserPath(), "VOXIMPLANT_CREDENTIALS", "The vendor's credentials.json.", metavar="FILE")
    )
    output: str = field(
        metadata=setting(
            OneOf(("json", "csv")), "VOXLAKE_OUTPUT", "The format that the API is asked for.", default="json"
        )
    )
    jobs: int = field(
        metadata=setting(WholeNumber(1, 1000), "VOXLAKE_JOBS", "Requests at the same time.", default=4, metavar="N")
    )
    executor: str | None = field(
        metadata=setting(
            SchedulerAddress(), "VOXLAKE_EXECUTOR", "A Dask scheduler whose workers read.", metavar="dask://HOST:PORT"
        )
    )
    patience: int = field(
        metadata=setting(
            WholeNumber(0, 7 * 86_400), "VOXLAKE_PATIENCE", "Seconds to wait out the faults of one request.",
            default=180, metavar="N",
        )
    )  # fmt: skip
    timeout: int = field(
        metadata=setting(
            WholeNumber(1, 86_400), "VOXLAKE_TIMEOUT", "Seconds to wait for one reply.", default=60, metavar="N"
        )
    )
    keep_raw: bool = field(
        metadata=setting(
            Switch(), "VOXLAKE_KEEP_RAW", "Keep every reply in raw/, for 'voxlake replay'.", default=False, shown=False
        )
    )
    compact: bool = field(
        metadata=setting(
            Switch(), "VOXLAKE_COMPACT", "Bring months that are final into one file each.", default=False, shown=False
        )
    )
    settle_hours: int = field(
        metadata=setting(
            WholeNumber(0, 87_600), "VOXLAKE_SETTLE_HOURS", "Hours after a day's end until it can be final.",
            default=72, metavar="N",
        )
    )  # fmt: skip
    give_up_days: int = field(
        metadata=setting(
            WholeNumber(0, 3650), "VOXLAKE_GIVE_UP_DAYS", "Days after which a status counts as final.",
            default=14, metavar="N",
        )
    )  # fmt: skip
    database: str = field(
        metadata=setting(
            OneOf(("auto", "portable", "linked")), "VOXLAKE_DATABASE",
            "One file that holds all, or one linked to files beside it.", default="auto",
        )
    )  # fmt: skip
    delta: str | None = field(
        metadata=setting(
            DeltaTables(), "VOXLAKE_DELTA", "Keep Delta tables of the lake up to date.", metavar="[URI]", bare="true"
        )
    )  # fmt: skip
    reports_dir: Path | None = field(
        metadata=setting(
            UserPath(), "VOXLAKE_REPORTS_DIR", "A folder of your own reports, one query a .sql file.", metavar="DIR"
        )
    )
    nightly_at: str = field(
        metadata=setting(
            TimeOfDay(), "VOXLAKE_NIGHTLY_AT", "When the timer exports every night, by this machine's clock.",
            default="03:15", metavar="HH:MM",
        )
    )  # fmt: skip
    files_group: str | None = field(
        metadata=setting(click.STRING, "VOXLAKE_FILES_GROUP", "Who may read the data beside its owner.", table="files")
    )
    privacy_source: str = field(metadata=_privacy("SOURCE", "The numbers and SenderIDs that sent."))
    privacy_destination: str = field(metadata=_privacy("DESTINATION", "The numbers that were written to."))
    privacy_text: str = field(metadata=_privacy("TEXT", "What was written."))
    privacy_error_text: str = field(metadata=_privacy("ERROR_TEXT", "The numbers in texts of errors."))
    privacy_unknown_fields: str = field(metadata=_privacy("UNKNOWN_FIELDS", "Fields that voxlake does not know."))
    privacy_key_file: Path | None = field(
        metadata=setting(UserPath(), "VOXLAKE_PRIVACY_KEY_FILE", "The key of keyed digests.", table="privacy")
    )
    retention_older_than: timedelta | None = field(
        metadata=setting(
            Length(), "VOXLAKE_RETENTION_OLDER_THAN", "Days that ended longer ago are taken away.", table="retention"
        )
    )
    retention_texts_older_than: timedelta | None = field(
        metadata=setting(
            Length(), "VOXLAKE_RETENTION_TEXTS_OLDER_THAN", "So are the texts of such days.", table="retention"
        )
    )
    notify_url: Webhook | None = field(
        metadata=setting(
            WebhookUrl(), "VOXLAKE_NOTIFY_URL", "Where to post how runs begin and end.", table="notify", secret=True
        )
    )
    notify_url_start: Webhook | None = field(
        metadata=setting(
            WebhookUrl(), "VOXLAKE_NOTIFY_URL_START", "The same for their begin alone.", table="notify", secret=True
        )
    )
    notify_url_failure: Webhook | None = field(
        metadata=setting(
            WebhookUrl(), "VOXLAKE_NOTIFY_URL_FAILURE", "The same for those that fail.", table="notify", secret=True
        )
    )
    log_format: str | None = field(metadata=setting(OneOf(LOG_FORMATS), "VOXLAKE_LOG_FORMAT", LOG_FORMAT_HELP))
    account_id: int | None = field(
        metadata=setting(
            AccountNumber(1, GREATEST_ID), "VOXIMPLANT_ACCOUNT_ID", "The account of the legacy pair.", secret=True
        )
    )
    api_key: str | None = field(
        metadata=setting(click.STRING, "VOXIMPLANT_API_KEY", "The key of the legacy pair.", secret=True), repr=False
    )
    privacy_key: PrivacyKey | None = field(
        metadata=setting(KeyText(), VARIABLE, "The key itself, in place of its file.", secret=True)
    )
    sections: Mapping[str, Section] = field(default_factory=dict)
    """The accounts that the file names, by the names of their sections; none where --credentials names one."""
    file: Path = Path(DEFAULT_FILE)
    """The file of settings, which may not exist."""
    address: str | None = None
    """The URL of a data directory that is in a bucket; `data_dir` is its working directory then."""
    wanted: tuple[str, ...] = ()
    """What `--account` names, where the command has that flag: names, numbers and patterns; all accounts if none."""

    @property
    def key_path(self) -> Path:
        """The file of the privacy key, which may not exist: beside the file of settings, unless another is named."""
        return self.privacy_key_file or self.file.parent / KEY_FILE

    def find_key(self) -> PrivacyKey | None:
        """Return the privacy key, None where there is none; raises SettingsError for one that must not be used."""
        return self.privacy_key or read_key(self.key_path, data_dir=self.data_dir)

    def find_policy(self) -> PrivacyPolicy:
        """Return how numbers and texts are treated before they are written; raises what `find_key` raises."""
        chosen: dict[str, Any] = {part: getattr(self, f"privacy_{part}") for part in PARTS}
        return PrivacyPolicy(**chosen, key=self.find_key() if set(chosen.values()) != {KEEP} else None)


DECLARATIONS: Final[dict[str, Declaration]] = {
    each.name: each.metadata["declaration"] for each in dataclasses.fields(Settings) if each.metadata
}
NAMES: Final = tuple(name for name, its in DECLARATIONS.items() if not its.secret and its.table is None)
"""The settings that have a flag and a key in the file."""
TABLES: Final[dict[str, dict[str, str]]] = {
    table: {name.removeprefix(f"{table}_"): name for name, its in DECLARATIONS.items() if its.table == table}
    for table in sorted({its.table for its in DECLARATIONS.values() if its.table is not None})
}
"""The tables of the file, each with its keys and the settings that they set."""


def settings_options(*flags: str, file: Use = "read", **helps: str) -> Callable[[F], F]:
    """Hand a command its `Settings` as first argument; these of them are also flags, with their own help or another.

    A command that does not "read" the `file` of settings is to "write" it, which it may not be able to read, or is to
    "examine" it: then `problems` returns what is wrong with any setting, in place of which its default is handed over.
    """

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def with_settings(**values: Any) -> Any:
            chosen = {name: values.pop(name) for name in DECLARATIONS}
            chosen["log_format"] = _log_format(chosen["log_format"])
            with log_on_stderr(chosen["log_format"]), private(group=chosen["files_group"] is not None):
                if "data_dir" in flags:
                    chosen |= find_place(chosen["data_dir"], chosen["work_dir"], use=file)
                return command(Settings(**chosen, **_accounts()), **values)

        its_flags = {*flags, "work_dir"} if "data_dir" in flags else flags
        decorated: Any = config_option(NAMES, TABLES, use=file)(with_settings)
        if "log_format" in flags:
            decorated = quiet_option(verbose_option(decorated))
        for name, declared in reversed(DECLARATIONS.items()):
            decorated = _option(name, declared, flag=name in its_flags, help_=helps.get(name), use=file)(decorated)
        return decorated  # type: ignore[no-any-return] # what click's decorators return

    return decorate


def _accounts() -> dict[str, Any]:
    """Return what the file says of accounts: where a flag names the credentials, those count alone."""
    ctx = click.get_current_context()
    is_flag = ctx.get_parameter_source("credentials") is ParameterSource.COMMANDLINE
    return {"sections": {} if is_flag else ctx.meta.get(SECTIONS, {}), "file": ctx.meta.get(PATH, Path(DEFAULT_FILE))}


def _log_format(found: str | None) -> str | None:
    """Return the format of the log: what stands before the command outweighs all but a flag behind it."""
    ctx, flag = click.get_current_context(), ParameterSource.COMMANDLINE
    return found if ctx.get_parameter_source("log_format") is flag else program_log_format(ctx) or found


def _option(name: str, declared: Declaration, *, flag: bool, help_: str | None, use: Use) -> Callable[[Any], Any]:
    spelled = f"--{name.replace('_', '-')}"
    return click.option(
        f"{spelled}/--no-{spelled[2:]}" if isinstance(declared.type, Switch) else spelled,
        cls=option_class(use, flag=flag),
        secret=declared.secret,
        key=declared.key(name),
        hidden=not flag,
        type=declared.type,
        envvar=declared.variable,
        default=declared.default,
        show_default=declared.shown if declared.default is not None else False,
        metavar=declared.metavar,
        **({} if declared.bare is None else {"is_flag": False, "flag_value": declared.bare}),
        help=help_ or declared.help,
    )
