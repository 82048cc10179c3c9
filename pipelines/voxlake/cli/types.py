"""Types of values; each says in one sentence where a value that cannot be used came from, and what can be."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from voxlake.errors import SettingsError
from voxlake.privacy import PrivacyKey, parse_key
from voxlake.text import api_address, meant

if TYPE_CHECKING:
    from collections.abc import Sequence

API_URL: Final = "https://api.voximplant.com/platform_api"
"""The vendor's own API, as in `voxlake.api`, which takes longer to import than all of this."""
FILE: Final = "voxlake.file"
"""The key in a context's `meta` under which the name of the settings file is kept."""


def origin(param: click.Parameter | None, ctx: click.Context | None) -> str:
    """Return where the value of a parameter came from: its flag, its variable, or its key in the settings file."""
    if param is None or ctx is None or param.name is None:
        return "The value"
    source = ctx.get_parameter_source(param.name)
    if source is ParameterSource.ENVIRONMENT:
        return str(param.envvar)
    if source is ParameterSource.DEFAULT_MAP:
        return f"{getattr(param, 'key', param.name)} in {ctx.meta[FILE]}"
    return param.human_readable_name if isinstance(param, click.Argument) else param.opts[0]


def shown(value: Any) -> str:
    """Return a value as it is written in TOML."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


class Number(click.FloatRange):
    """A finite number in a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number; `nan` and `inf` are none."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value!r} is not a number that can be used.", param, ctx)
        return float(number)


class WholeNumber(click.IntRange):
    """A whole number in a range; a boolean or a fraction from the settings file is not one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number.

        Raises:
            SettingsError: it is not a whole number, or lies outside the range.

        """
        try:
            number = None if isinstance(value, bool | float) else int(value)
        except (TypeError, ValueError):
            number = None
        least, most = self.min or 0, self.max
        if number is None or number < least or (most is not None and number > most):
            span = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise SettingsError(f"{origin(param, ctx)} is {shown(value)}: give a whole number {span}.")
        return number


class AccountNumber(WholeNumber):
    """The number of an account, which is never quoted: a key may have got into its place."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; raises SettingsError for what is not one."""
        try:
            return super().convert(value, param, ctx)
        except SettingsError:
            raise SettingsError(
                f"{origin(param, ctx)} is not the number of an account: give its digits, and the key in"
                " VOXIMPLANT_API_KEY."
            ) from None


class OneOf(click.Choice):  # type: ignore[type-arg] # generic in newer versions of click alone
    """One of a few words."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word.

        Raises:
            SettingsError: it is not one of them.

        """
        if value not in self.choices:
            near = meant(str(value), self.choices)
            raise SettingsError(f"{origin(param, ctx)} is {shown(value)}{near}: use {' or '.join(self.choices)}.")
        return str(value)


class Switch(click.types.BoolParamType):
    """True or false, in the words that click knows."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bool:
        """Return true or false.

        Raises:
            SettingsError: it is neither.

        """
        try:
            if value == "":
                self.fail("it is empty", param, ctx)
            return super().convert(str(value), param, ctx)
        except click.BadParameter:
            raise SettingsError(f"{origin(param, ctx)} is {shown(value)}: use true or false.") from None


class UserPath(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click alone
    """The path of a file or folder; `~` is the user's home."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path.

        Raises:
            SettingsError: it is empty or not text, or begins with a home directory that is not known.

        """
        if not isinstance(value, str | Path) or not str(value):
            raise SettingsError(f"{origin(param, ctx)} is not a path: give the path of a file or folder.")
        try:
            return Path(value).expanduser()
        except RuntimeError:
            raise SettingsError(
                f"{origin(param, ctx)} is {str(value)!r}, and there is no such home directory: give a whole path."
            ) from None


class KeyText(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click alone
    """A privacy key, which is never quoted."""

    name = "key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> PrivacyKey:
        """Return the key; raises SettingsError for what is not one."""
        return value if isinstance(value, PrivacyKey) else parse_key(str(value), origin(param, ctx))


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address to which notices are posted: it is a secret, of which only the host is ever shown."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}/..." if self.url else "none"

    def __bool__(self) -> bool:
        return bool(self.url)


class WebhookUrl(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click alone
    """The address of a webhook, which is never quoted; an empty text in the file stands for none."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Webhook:
        """Return the address; raises SettingsError for what is not one."""
        if isinstance(value, Webhook):
            return value
        with suppress(ValueError, AttributeError, TypeError):
            parts = urlsplit(value)
            if not value or (parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1) > 0):
                return Webhook(value)
        raise SettingsError(
            f"{origin(param, ctx)} is not the address of a webhook: give one like https://hooks.example.com/1234."
        )


class ApiUrl(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click alone
    """The address of an API; credentials do not belong into it."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address without a slash at its end; where it names a host alone, with the vendor's path.

        Raises:
            SettingsError: it is not an HTTP address, or holds a user or a query.

        """
        address = api_address(value)
        if address is None:
            raise SettingsError(f"{origin(param, ctx)} is not an address of an API: give one like {API_URL}.")
        return address


class UtcDay(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click alone
    """A UTC day, or a time that is rounded out to one: down, or up for an `end`, which is excluded."""

    name = "date"

    def __init__(self, *, end: bool = False) -> None:
        self.end = end

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day.

        Raises:
            SettingsError: it is neither a date nor a time.

        """
        if isinstance(value, date):
            return value
        for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S"):
            try:
                at = datetime.strptime(value.strip(), form).replace(tzinfo=UTC)
            except ValueError:
                continue
            midnight = at.hour == at.minute == at.second == 0
            try:
                return at.date() + timedelta(days=self.end and not midnight)
            except OverflowError:
                break
        raise SettingsError(
            f"{origin(param, ctx)} {value!r} is not a UTC day: use YYYY-MM-DD or 'YYYY-MM-DD HH:MM:SS'."
        )


class TimeOfDay(click.ParamType[str]):
    """A time of day as HH:MM, on a clock of 24 hours."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the time as HH:MM; TOML has a type for times, too.

        Raises:
            SettingsError: it is not a time of day.

        """
        try:
            found = value if isinstance(value, time) else datetime.strptime(value.strip(), "%H:%M").time()  # noqa: DTZ007
        except (ValueError, AttributeError, TypeError):
            raise SettingsError(f"{origin(param, ctx)} is {shown(value)}: give a time of day as HH:MM.") from None
        return f"{found:%H:%M}"


_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LENGTH = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)([mhdw])", re.ASCII)


class Length(click.ParamType[timedelta]):
    """A length of time, such as 90m, 26h or 2d."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length of time.

        Raises:
            SettingsError: it cannot be read as one.

        """
        if isinstance(value, timedelta):
            return value
        match = _LENGTH.fullmatch(str(value).strip().lower())
        if match is None:
            raise SettingsError(f"{origin(param, ctx)} is {value!r}: give a length of time, such as 90m, 26h or 2d.")
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
