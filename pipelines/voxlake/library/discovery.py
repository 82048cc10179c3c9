"""The children that the API lists for a parent, beside those that a voxlake.toml names already."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxlake.api import children, with_states
from voxlake.errors import ApiRejected, Refused, SettingsError
from voxlake.files import beside, target_of
from voxlake.library.roster import reason_of
from voxlake.library.sections import ALL, read_sections
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from voxlake.api import Child
    from voxlake.lake import AccountRegistry
    from voxlake.library.account import Account
    from voxlake.library.sections import Section

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
"""A key of TOML that needs no quotes."""
_PATTERN: Final = str.maketrans(dict.fromkeys("*?[]", "-"))
"""What `--account` would take for a pattern."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """A child account; `section` is the one that names it, None where none does."""

    account_id: int
    name: str | None
    active: bool | None
    frozen: bool | None
    currency: str | None
    section: str | None


@dataclass(frozen=True, slots=True)
class Discovery:
    """The children of a parent; `notes` are sentences for the user."""

    children: tuple[Discovered, ...]
    notes: tuple[str, ...]

    @property
    def unnamed(self) -> list[Discovered]:
        """Those that no section names."""
        return [child for child in self.children if child.section is None]


def discover(parent: Account, sections: Mapping[str, Section], registry: AccountRegistry) -> Discovery:
    """Ask the API for the children of an account.

    Raises:
        Refused, ApiRejected: the API does not list them; the sentence says what to write instead.
        Unavailable: it could not be reached.

    """
    client = parent.api()
    try:
        listed = children(client)
        found = with_states(client, listed).found
    except (Refused, ApiRejected) as error:
        raise Refused(
            f"The children of {_name(parent)} could not be listed ({reason_of(error)}): write their numbers into"
            " voxlake.toml, as children = [414877, 414878] or each as account_id in a section."
        ) from error
    finally:
        client.close()
    notes = []
    if listed.total is not None and not listed.whole:
        notes.append(f"The API listed {len(found):,} of {counted(listed.total, 'child account')}: try again.")
    named = _named(parent, sections)
    known = {facts.account_id: facts for facts in registry.all()}
    gone = sorted(facts.account_id for facts in registry.children_of(parent.account_id))
    if missing := [number for number in gone if number not in {child.account_id for child in found}]:
        notes.append(
            f"{counted(len(missing), 'account')} exported earlier {'is' if len(missing) == 1 else 'are'} not in the"
            f" list: {', '.join(map(str, missing[:5]))}{' and others' if len(missing) > 5 else ''}."  # noqa: PLR2004
        )
    return Discovery(tuple(_row(child, known.get(child.account_id), named) for child in found), tuple(notes))


def _row(child: Child, known: object, named: Mapping[int | None, str]) -> Discovered:
    currency = child.currency or getattr(known, "currency", None)
    section = named.get(child.account_id, named.get(None))
    return Discovered(child.account_id, child.name, child.active, child.frozen, currency, section)


def _named(parent: Account, sections: Mapping[str, Section]) -> dict[int | None, str]:
    """Return the sections that name children, by number; under None the one that takes all of this parent."""
    named: dict[int | None, str] = {}
    for section in sections.values():
        named.update(dict.fromkeys(section.ids, section.name))
        if section.children == ALL and section.parent == parent.name:
            named[None] = section.name
    return named


def _name(account: Account) -> str:
    return repr(account.name) if account.name else str(account.account_id)


def sections_text(parent: str, found: Iterable[Discovered], taken: Iterable[str]) -> str:
    """Return sections for child accounts in TOML, each under its own name, or where that is taken, with its number."""
    names = {name.casefold() for name in taken}
    pieces = []
    for child in found:
        name = (child.name or "").translate(_PATTERN).strip()
        if not name or name.isdecimal():
            name = f"account-{child.account_id}"
        if name.casefold() in names:
            name = f"{name}-{child.account_id}"
        names.add(name.casefold())
        pieces.append(f"[accounts.{_key(name)}]\nparent = {_quoted(parent)}\naccount_id = {child.account_id}\n")
    return "\n".join(pieces)


def append_sections(path: Path, text: str) -> None:
    """Append sections to a file of settings; what is there stays as it is, to the last comment.

    Raises:
        SettingsError: the file cannot be read or written, or would not be one of settings any more.

    """
    try:
        before = path.read_bytes().decode("utf-8")
        line_end = "\r\n" if "\r\n" in before else "\n"
        gap = "" if not before else line_end if before.endswith("\n") else line_end * 2
        content = before + gap + text.replace("\n", line_end)
        _check(content, path)
        with beside(path) as aside:
            aside.write_bytes(content.encode("utf-8"))
            shutil.copymode(target_of(path), aside)
            aside.replace(target_of(path))
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{path} cannot be written ({error}): add the sections to it by hand.") from error


def _check(content: str, path: Path) -> None:
    try:
        read_sections(tomllib.loads(content).get("accounts"), path.name)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"Sections cannot be appended to {path} ({error}): write them into it by hand.") from error


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
