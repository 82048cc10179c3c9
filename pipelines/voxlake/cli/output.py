"""Write an answer to stdout, whoever reads it and however long."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from voxlake.errors import SettingsError, StorageFull
from voxlake.reporting import ASCII_GLYPHS, GLYPHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
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


def say(text: str) -> None:
    """Write a message to stderr; if nobody reads it any more, what was done stays done."""
    with suppress(OSError):
        click.echo(text, err=True)


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """Yield what shows days done and planned on a terminal, as a bar that begins with them; a log gets nothing."""
    with ExitStack() as stack:
        bar: Any = None

        def show(done: int, planned: int) -> None:
            nonlocal bar
            if bar is None:
                bar = stack.enter_context(
                    click.progressbar(
                        length=planned, label="days", file=sys.stderr, show_pos=True, hidden=not sys.stderr.isatty()
                    )
                )
            bar.length = planned
            bar.update(done - bar.pos)

        yield show


def drawing() -> tuple[Mapping[str, str], bool]:
    """Choose the glyphs that stdout can write, and colour on a terminal whose owner has not set NO_COLOR."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    try:
        "".join(GLYPHS.values()).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return ASCII_GLYPHS, colour
    return GLYPHS, colour


def check_place(file: Path) -> None:
    """Find out before anything is asked that an answer could not be written there.

    Raises:
        SettingsError: its folder does not exist, or its place is taken by something other than a file.

    """
    folder = file.parent
    if not folder.is_dir():
        problem = "is a file, not a folder: choose another" if folder.exists() else "does not exist: make it first"
        raise SettingsError(f"{folder} {problem}.")
    if file.exists() and not file.is_file():
        raise SettingsError(f"{file} is not an ordinary file: choose another place with --out, or redirect stdout.")


def _for_nobody() -> None:
    """Discard what is left in the buffer of stdout: Python writes it at exit, and would fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
