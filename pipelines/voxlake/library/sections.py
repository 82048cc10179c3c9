"""The accounts that a voxlake.toml names: one table `[accounts.NAME]` each, checked before anything is done."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from voxlake.errors import SettingsError
from voxlake.model import GREATEST_ID
from voxlake.text import currency_code, meant
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ALL: Final = "all"
"""What `children` says for every child that the API lists."""
_KEYS: Final = (
    "credentials", "parent", "account_id", "children", "since", "streams", "jobs", "enabled", "currency", "time_zone",
)  # fmt: skip
_NAME = re.compile(r"[^\s*?\[\]](?:[^*?\[\]\n]*[^\s*?\[\]])?")
"""A name that no pattern of `--account` means otherwise."""
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_MOST_JOBS, _FIRST_YEAR = 1000, 2000
_HOW: Final = 'write credentials = "credentials.json", or parent = "NAME" with account_id or children'


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What the file says of one account, or of several children of one parent.

    `place` begins a sentence about it, such as `[accounts.shop] in voxlake.toml`.
    """

    name: str
    place: str
    credentials: Path | None = None
    parent: str | None = None
    account_id: int | None = None
    children: Literal["all"] | tuple[int, ...] | None = None
    since: date | None = None
    streams: tuple[str, ...] | None = None
    jobs: int | None = None
    enabled: bool = True
    currency: str | None = None
    time_zone: str | None = None

    @property
    def ids(self) -> tuple[int, ...]:
        """The numbers that it names itself."""
        if self.account_id is not None:
            return (self.account_id,)
        return self.children if isinstance(self.children, tuple) else ()


def read_sections(content: Any, file: str) -> dict[str, Section]:
    """Return the sections of the table `accounts` of a file, by name.

    Raises:
        SettingsError: the file, the section, and what to write.

    """
    if not isinstance(content, dict):
        raise SettingsError(f"accounts in {file} is not a table: write sections such as [accounts.main].")
    sections = {name: _section(name, its, file) for name, its in content.items()}
    _check_names(sections.values(), file)
    for section in sections.values():
        _check_parent(section, sections)
    _check_numbers(sections)
    return sections


def _section(name: str, its: Any, file: str) -> Section:
    place = f"[accounts.{name if name.replace('-', '').replace('_', '').isalnum() else repr(name)}] in {file}"
    if not isinstance(its, dict):
        raise SettingsError(f"{place} is not a section: {_HOW}.")
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{place} has a name that --account cannot mean: use letters, digits, - and _.")
    if unknown := sorted(set(its) - set(_KEYS)):
        raise SettingsError(f"{place} has no setting {unknown[0]!r}{meant(unknown[0], _KEYS)}: use {', '.join(_KEYS)}.")
    read = {key: _READERS[key](value, f"{key} of {place}") for key, value in its.items()}
    section = Section(name=name, place=place, **read)
    _check_kind(section)
    return section


def _check_kind(section: Section) -> None:
    """Refuse a section that is neither an account with a key of its own nor children of one."""
    place = section.place
    if section.credentials is None and section.parent is None:
        raise SettingsError(f"{place} says neither how it signs in nor whose child it is: {_HOW}.")
    if section.credentials is not None:
        beside = [key for key in ("parent", "account_id", "children") if getattr(section, key) is not None]
        if beside:
            raise SettingsError(
                f"{place} has {beside[0]} beside credentials: an account signs with its own key or is a child; {_HOW}."
            )
        return
    if (section.account_id is None) == (section.children is None):
        both = "both account_id and children" if section.children is not None else "neither account_id nor children"
        raise SettingsError(
            f'{place} has {both}: write account_id = NUMBER for one child, or children = "all" or [NUMBERS] for'
            " several."
        )


def _check_names(sections: Any, file: str) -> None:
    seen: dict[str, str] = {}
    for section in sections:
        folded = section.name.casefold()
        if folded in seen:
            raise SettingsError(
                f"Two accounts in {file} have one name, {seen[folded]!r} and {section.name!r}: give one another name."
            )
        seen[folded] = section.name


def _check_parent(section: Section, sections: Mapping[str, Section]) -> None:
    if section.parent is None:
        return
    parent = sections.get(section.parent)
    if parent is None:
        near = meant(section.parent, sections)
        raise SettingsError(
            f"parent of {section.place} is {section.parent!r}, which is not there{near}: write the section"
            f' [accounts.{section.parent}] with its credentials = "credentials.json".'
        )
    if parent.credentials is None:
        which = "itself" if parent is section else f"{section.parent!r}, which is a child itself"
        raise SettingsError(
            f"parent of {section.place} is {which}: name an account that has credentials, because its key signs for"
            " the child."
        )


def _check_numbers(sections: Mapping[str, Section]) -> None:
    lists: dict[str | None, Section] = {}
    for section in sections.values():
        if section.children == ALL:
            if section.parent in lists:
                raise SettingsError(
                    f"{lists[section.parent].place} and {section.place} both list all children of {section.parent!r}:"
                    " leave one out."
                )
            lists[section.parent] = section
    owners: dict[int, Section] = {}
    for section in sections.values():
        for number in section.ids:
            if number in owners:
                raise two_accounts(number, owners[number].place, section.place)
            owners[number] = section
    for section in sections.values():
        if section.name.isdecimal() and int(section.name) in owners and section.ids != (int(section.name),):
            raise SettingsError(
                f"{section.place} has the number of another account for its name: give it another, so that --account"
                " means one of them."
            )


def two_accounts(number: int, first: str, second: str) -> SettingsError:
    """Return the error for a number that two sections name, or two keys claim."""
    return SettingsError(f"Account {number} is in {first} and again in {second}: leave it in one of them.")


def _whole(value: Any, most: int = GREATEST_ID) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _path(value: Any, what: str) -> Path:
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{what} is not a path: give the path of the vendor's credentials.json.")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise SettingsError(f"{what} is {value!r}, and there is no such home directory: give a whole path.") from None


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{what} is not a name: give that of the section with the parent's credentials.")
    return value


def _number(value: Any, what: str) -> int:
    # What stands there is not quoted: a key may have got into its place.
    if not _whole(value):
        raise SettingsError(f"{what} is not the number of an account: give its digits, without quotes.")
    return int(value)


def _children(value: Any, what: str) -> Literal["all"] | tuple[int, ...]:
    if value == ALL:
        return ALL
    if not isinstance(value, list) or not value or not all(map(_whole, value)):
        raise SettingsError(f'{what} must be "all", or a list of account numbers such as [414877, 414878].')
    if twice := [number for number in value if value.count(number) > 1]:
        raise SettingsError(f"{what} has {twice[0]} twice: leave one out.")
    return tuple(value)


def _day(value: Any, what: str) -> date:
    found = value
    if isinstance(value, str):
        try:
            found = date.fromisoformat(value)
        except ValueError:
            found = None
    if not isinstance(found, date) or isinstance(found, datetime) or found.year < _FIRST_YEAR:
        raise SettingsError(f"{what} is not a UTC day from {_FIRST_YEAR} on: write one as since = 2026-01-31.")
    return found


def _streams(value: Any, what: str) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or any(name not in STREAMS for name in names):
        raise SettingsError(f'{what} must be a list of {" and ".join(STREAMS)}: write one as streams = ["sms"].')
    return tuple(dict.fromkeys(names))


def _jobs(value: Any, what: str) -> int:
    if not _whole(value, _MOST_JOBS):
        raise SettingsError(f"{what} must be a whole number from 1 to {_MOST_JOBS}.")
    return int(value)


def _enabled(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"{what} must be true or false, without quotes.")
    return value


def usable_currency(value: Any, what: str) -> str:
    """Return the ISO code of a currency; `what` begins the sentence about another value.

    Raises:
        SettingsError: it is not three capital letters. Source: ISO 4217, and the vendor's own RUR.

    """
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise SettingsError(f'{what} is not the code of a currency: write three capital letters, such as "EUR".')
    return currency_code(value)


def usable_time_zone(value: Any, what: str) -> str:
    """Return the name of a time zone; `what` begins the sentence about another value.

    Raises:
        SettingsError: this machine knows no such zone.

    """
    try:
        return zoneinfo.ZoneInfo(value).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError, AttributeError):
        names = {name.lower(): name for name in zoneinfo.available_timezones()}
        close = get_close_matches(value.lower(), names, n=1) if isinstance(value, str) else []
        near = f" (did you mean {names[close[0]]!r}?)" if close else ""
        raise SettingsError(f'{what} is not a time zone{near}: write one such as "Europe/Berlin".') from None


_READERS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "credentials": _path,
    "parent": _name,
    "account_id": _number,
    "children": _children,
    "since": _day,
    "streams": _streams,
    "jobs": _jobs,
    "enabled": _enabled,
    "currency": usable_currency,
    "time_zone": usable_time_zone,
}
