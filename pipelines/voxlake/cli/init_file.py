"""The text of a new voxlake.toml: every setting with what it means; those that were not chosen are comments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from voxlake.cli.settings import DECLARATIONS, NAMES, TABLES
from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

_HEAD: Final = """\
# Settings of voxlake. A flag outweighs the environment, which outweighs this file.
# What is commented out has its default.
# Without --config, this file is read from the directory in which voxlake runs.
"""
_SECTIONS: Final = """
# Several accounts, such as the children of a reseller: in place of credentials above, a section for each account.
# [accounts.main]
# credentials = "/srv/sms/credentials.json"
# since = 2026-01-31          # the first UTC day that exports look after
#
# [accounts.rest]
# parent = "main"
# children = "all"
"""
_SECTION: Final = """
# The account. Further sections name further accounts, such as its children: [accounts.rest], parent = "main" and
# children = "all".
[accounts.main]
credentials = {credentials}
# The first UTC day that exports look after.
since = {since}
"""


def settings_text(chosen: Mapping[str, Any], *, since: date | None) -> str:
    """Return the content of a file with the settings that were `chosen`; with `since`, the account is a section.

    Raises:
        SettingsError: a path cannot be written in TOML.

    """
    values = {name: _written(value) for name, value in chosen.items()}
    if since is None:
        return _HEAD + "".join(_line(name, values) for name in NAMES) + _tables() + _SECTIONS
    section = _SECTION.format(credentials=values.pop("credentials"), since=since)
    return _HEAD + "".join(_line(name, values) for name in NAMES if name != "credentials") + _tables() + section


def _tables() -> str:
    """Return the tables of settings, as comments."""
    text = ""
    for table, keys in TABLES.items():
        text += f"\n# [{table}]\n"
        text += "".join(f"# {key} = {_default(name)}  # {DECLARATIONS[name].help}\n" for key, name in keys.items())
    return text


def _line(name: str, values: Mapping[str, str]) -> str:
    declared = DECLARATIONS[name]
    if name in values:
        return f"\n# {declared.help}\n{name} = {values[name]}\n"
    return f"\n# {declared.help}\n# {name} = {_default(name)}\n"


def _default(name: str) -> str:
    """Return the default of a setting in TOML, or what kind of text it takes."""
    declared = DECLARATIONS[name]
    return f'"{declared.metavar or "..."}"' if declared.default is None else _written(declared.default)


def _written(value: Any) -> str:
    """Return a value in TOML, whose texts are escaped as those of JSON are."""
    if isinstance(value, bool | int):
        return str(value).lower()
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingsError(
            f"{Path(text)!r} is not Unicode, which TOML needs: use another name, or a flag in place of the file."
        ) from None
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
