"""Write an answer to stdout, whoever reads it and however long."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from voxlake.errors import StorageFull


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


def _for_nobody() -> None:
    """Let what is left in the buffer of stdout go nowhere: Python writes it at the end, and would fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
