"""Write an answer to stdout, whoever reads it and however long."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from voxlake.errors import SettingsError, StorageFull

if TYPE_CHECKING:
    from pathlib import Path

PRINTED = ("table", "csv", "json")
"""The formats that stdout can have."""


def give(text: Any, *, nl: bool = True) -> None:
    """Write to stdout; a reader that went away (`| head`) has all it wants, and the rest is for nobody.

    Raises:
        StorageFull: it cannot be written.

    """
    try:
        click.echo(text, nl=nl)
    except BrokenPipeError:
        _for_nobody()
    except OSError as error:
        _for_nobody()
        raise StorageFull(
            f"The answer cannot be written to standard output ({error.strerror or error}): make room there, or send it"
            " elsewhere."
        ) from error


def check_place(file: Path) -> None:
    """Find out before anything is asked that an answer could not be written there.

    Raises:
        SettingsError: its folder is none, or in its place is what cannot be replaced by a file.

    """
    folder = file.parent
    if not folder.is_dir():
        told = "is a file, not a folder: choose another" if folder.exists() else "does not exist: make it first"
        raise SettingsError(f"{folder} {told}.")
    if file.exists() and not file.is_file():
        raise SettingsError(f"{file} is no ordinary file: choose another place with --out, or redirect stdout.")


def _for_nobody() -> None:
    """Let what is left in the buffer of stdout go nowhere: Python writes it at the end, and would fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
