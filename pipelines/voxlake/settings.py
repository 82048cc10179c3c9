"""What the user chose: flag, then environment, then voxlake.toml, then default."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.model import FinalityPolicy

API_URL = "https://api.voximplant.com/platform_api"
FILE = "voxlake.toml"
OUTPUTS = ("json", "csv")

ENVIRONMENT = {
    "data_dir": "VOXLAKE_DATA_DIR",
    "api_url": "VOXIMPLANT_API_URL",
    "credentials": "VOXIMPLANT_CREDENTIALS",
    "output": "VOXLAKE_OUTPUT",
    "jobs": "VOXLAKE_JOBS",
    "patience": "VOXLAKE_PATIENCE",
    "timeout": "VOXLAKE_TIMEOUT",
    "keep_raw": "VOXLAKE_KEEP_RAW",
    "settle_hours": "VOXLAKE_SETTLE_HOURS",
    "give_up_days": "VOXLAKE_GIVE_UP_DAYS",
    "reports_dir": "VOXLAKE_REPORTS_DIR",
}
DEFAULTS: dict[str, Any] = {
    "data_dir": "data",
    "api_url": API_URL,
    "credentials": None,
    "output": "json",
    "jobs": 4,
    "patience": 180,
    "timeout": 60,
    "keep_raw": False,
    "settle_hours": 72,
    "give_up_days": 14,
    "reports_dir": None,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, resolved and checked; the legacy pair comes from the environment alone and is in no repr."""

    data_dir: Path
    api_url: str
    credentials: Path | None
    output: str
    jobs: int
    patience: timedelta
    timeout: timedelta
    keep_raw: bool
    finality: FinalityPolicy
    reports_dir: Path | None = None
    account_id: int | None = None
    api_key: str | None = field(default=None, repr=False)


def resolve(flags: Mapping[str, Any], environ: Mapping[str, str], *, folder: Path) -> Settings:
    """Resolve the settings; `folder` is where voxlake.toml may lie. An empty variable counts as not set.

    Raises:
        SettingsError: a value cannot be used, or the file has a setting that does not exist.

    """
    from voxlake.model import FinalityPolicy  # noqa: PLC0415 - its dataclasses take longer than all other settings

    stored = _stored(folder / FILE)
    values: dict[str, Any] = {}
    for name, variable in ENVIRONMENT.items():
        flag, place = flags.get(name), f"--{name.replace('_', '-')}"
        if flag is None and environ.get(variable):
            flag, place = environ[variable], variable
        if flag is None and name in stored:
            flag, place = stored[name], f"{name} in {FILE}"
        if flag is None:
            flag = DEFAULTS[name]
        values[name] = _READERS[name](flag, place)
    return Settings(
        data_dir=values["data_dir"],
        api_url=values["api_url"],
        credentials=values["credentials"],
        output=values["output"],
        jobs=values["jobs"],
        patience=timedelta(seconds=values["patience"]),
        timeout=timedelta(seconds=values["timeout"]),
        keep_raw=values["keep_raw"],
        finality=FinalityPolicy(timedelta(hours=values["settle_hours"]), timedelta(days=values["give_up_days"])),
        reports_dir=values["reports_dir"],
        account_id=_account(environ.get("VOXIMPLANT_ACCOUNT_ID")),
        api_key=environ.get("VOXIMPLANT_API_KEY") or None,
    )


def day(text: str, name: str, *, up: bool = False) -> date:
    """Read a UTC day, or a time rounded out to one: down, or `up` for an end that is excluded."""
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S"):
        try:
            at = datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
        whole = at.hour == at.minute == at.second == 0
        try:
            return at.date() + timedelta(days=up and not whole)
        except OverflowError:
            break
    raise SettingsError(f"{name} {text!r} is no UTC day: give YYYY-MM-DD or 'YYYY-MM-DD HH:MM:SS'.")


def _stored(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        import tomllib  # noqa: PLC0415 - few have such a file

        content = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read ({error}): mend it or move it away.") from error
    unknown = sorted(set(content) - set(DEFAULTS))
    if unknown:
        raise SettingsError(f"{path} has no setting {unknown[0]!r}: use {', '.join(DEFAULTS)}.")
    return content


def _account(text: str | None) -> int | None:
    return _whole(text, "VOXIMPLANT_ACCOUNT_ID") if text else None


def _path(value: Any, place: str) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise SettingsError(f"{place} is no path: give the path of a file or folder.")
    return Path(value).expanduser()


def _url(value: Any, place: str) -> str:
    try:
        parts = urlsplit(value)
        usable = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and (parts.port or 1) > 0
        )
    except (ValueError, AttributeError, TypeError):
        usable = False
    if not usable or parts.username is not None:
        raise SettingsError(f"{place} is no address of an API: give one like {API_URL}.")
    return str(value).rstrip("/") + ("" if parts.path.strip("/") else "/platform_api")


def _output(value: Any, place: str) -> str:
    if value not in OUTPUTS:
        raise SettingsError(f"{place} is {_said(value)}: use json or csv.")
    return str(value)


def _whole(value: Any, place: str, *, least: int = 1, most: int | None = None) -> int:
    try:
        number = int(value) if not isinstance(value, bool | float) else None
    except (TypeError, ValueError):
        number = None
    if number is None or number < least or (most is not None and number > most):
        span = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise SettingsError(f"{place} is {_said(value)}: give a whole number {span}.")
    return number


def _said(value: Any) -> str:
    """Give a value as it stands in voxlake.toml."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _switch(value: Any, place: str) -> bool:
    named = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if str(value).lower() not in named:
        raise SettingsError(f"{place} is {_said(value)}: use true or false.")
    return named[str(value).lower()]


_READERS: dict[str, Any] = {
    "data_dir": _path,
    "api_url": _url,
    "credentials": lambda value, place: None if value is None else _path(value, place),
    "output": _output,
    "jobs": lambda value, place: _whole(value, place, most=1000),
    "patience": lambda value, place: _whole(value, place, least=0, most=7 * 86_400),
    "timeout": lambda value, place: _whole(value, place, most=86_400),
    "keep_raw": _switch,
    "settle_hours": lambda value, place: _whole(value, place, least=0, most=87_600),
    "give_up_days": lambda value, place: _whole(value, place, least=0, most=3650),
    "reports_dir": lambda value, place: None if value is None else _path(value, place),
}
