"""The accounts that a voxlake.toml names, for programs."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Final

from voxlake.clock import SYSTEM
from voxlake.errors import SettingsError
from voxlake.events import LOGGER
from voxlake.lake import Lake
from voxlake.library.inputs import find_folder
from voxlake.library.roster import find_accounts
from voxlake.library.sections import read_sections

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from voxlake.clock import Clock
    from voxlake.library.account import Account

_OPTIONS: Final = ("api_url", "insecure_http", "output", "jobs", "patience", "timeout")
"""The settings of the file that `connect` takes."""


def connect_all(
    config: str | os.PathLike[str] = "voxlake.toml",
    *,
    accounts: Sequence[str] = (),
    data_dir: str | os.PathLike[str] | None = None,
    clock: Clock = SYSTEM,
) -> list[Account]:
    """Return the accounts that the sections `[accounts.NAME]` of a file name, as `voxlake export` exports them.

    `accounts` chooses some, by names, numbers or patterns. Where a section says `children = "all"`, the API is asked
    for them, and where it does not list them, those known in the data directory are taken: `data_dir`, else that of the
    file. What is to be said of that goes to the logger `voxlake`. Paths in the file are relative to the working
    directory.

    Raises:
        SettingsError: the file cannot be read or names no account, or an account cannot be used.
        Refused, TryAgain: no account is known, and the API does not list any.

    """
    path = find_folder(config)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"{path} cannot be read ({error}): mend it, or name another file.") from error
    if "accounts" not in content:
        raise SettingsError(f"{path} names no account: write a section such as [accounts.main] with its credentials.")
    sections = read_sections(content["accounts"], path.name)
    options = {name: content[name] for name in _OPTIONS if name in content}
    folder = find_folder(content.get("data_dir", "data") if data_dir is None else data_dir)
    roster = find_accounts(sections, Lake(folder), wanted=list(accounts), clock=clock, **options)
    for note in roster.notes:
        LOGGER.warning("%s", note)
    return list(roster.accounts)
