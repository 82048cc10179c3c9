"""The value of the setting that says whether there are Delta tables, and where."""

from __future__ import annotations

from typing import Any, Final

import click

from voxlake.cli.types import origin, shown
from voxlake.errors import SettingsError

_YES: Final = frozenset({"true", "yes", "on", "1"})
_NO: Final = frozenset({"false", "no", "off", "0"})


class DeltaTables(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click alone
    """Whether there are Delta tables, and where: yes, no, or their address."""

    name = "address"
    default_place = "true"
    """The value that means the folder in the data directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | None:
        """Return the address, `default_place`, or None for no tables.

        Raises:
            SettingsError: it is empty, or neither a truth value nor a text.

        """
        word = str(value).strip().lower()
        if not isinstance(value, str | bool) or not word:
            raise SettingsError(
                f"{origin(param, ctx)} is {shown(value)}: use true, false, a folder or one such as s3://bucket/sms."
            )
        if word in _NO:
            return None
        return self.default_place if word in _YES else str(value).strip()
