"""Ask whoever sits at the terminal, again until the answer can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from voxlake.cli.output import say
from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def ask(question: str, default: str | None, read: Callable[[str], T]) -> T:
    """Return what `read` makes of an answer; where that is a SettingsError, its sentence is shown and it asks again.

    Raises:
        SettingsError: there is nobody to answer any more.

    """
    while True:
        try:
            return read(_prompted(question, default, hidden=False))
        except _NobodyError:
            raise SettingsError("There was no answer, so nothing was written: run the command again.") from None
        except SettingsError as error:
            say(str(error))


def ask_secret(question: str) -> str:
    """Return an answer that is not shown while it is typed; raises SettingsError as `ask` does."""
    try:
        return _prompted(question, None, hidden=True).strip()
    except _NobodyError:
        raise SettingsError("There was no answer, so nothing was written: run the command again.") from None


class _NobodyError(Exception):
    """The terminal was closed."""


def _prompted(question: str, default: str | None, *, hidden: bool) -> str:
    try:
        text: str = click.prompt(question, default=default, hide_input=hidden, err=True)
    except click.Abort:
        raise _NobodyError from None
    return text
