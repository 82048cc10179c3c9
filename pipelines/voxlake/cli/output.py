"""Write to stdout and stderr: data as it is into files and pipes, what can be seen on a terminal."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from voxlake.errors import SettingsError, StorageFull
from voxlake.files import target_of
from voxlake.reporting import ASCII_GLYPHS, GLYPHS
from voxlake.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


PRINTED = ("table", "csv", "json")
"""The formats that stdout can have."""
_DATA = ("csv", "json")
_USUAL = 80
_ERASED = "\r\033[K"
_drawing = threading.RLock()
_is_drawn = False
"""Whether the last line of the terminal is one that is drawn anew."""


def give(text: Any, *, nl: bool = True, form: str = "text") -> None:
    """Write to stdout; a reader that went away (`| head`) has all it wants, and the rest is for nobody.

    On a terminal, characters that would act on it are shown as escapes, unless the `form` is "painted". Elsewhere
    nothing is changed, and csv and JSON are UTF-8, the same bytes as in a file of --out.

    Raises:
        StorageFull: it cannot be written.

    """
    draw("")
    text = f"{text}\n" if nl else str(text)
    stdout = sys.stdout
    try:
        if stdout.isatty():
            stdout.write(text if form == "painted" else visible(text))
        elif form in _DATA and hasattr(stdout, "buffer") and not os.environ.get("PYTHONIOENCODING"):
            stdout.flush()
            stdout.buffer.write(text.encode(errors="backslashreplace"))
        else:
            stdout.write(text)
        stdout.flush()
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
    draw("")
    with suppress(OSError), _drawing:
        sys.stderr.write(f"{visible(text) if sys.stderr.isatty() else text}\n")
        sys.stderr.flush()


def draw(line: str) -> None:
    """Draw the last line of a terminal anew on stderr; what is written next takes its place."""
    global _is_drawn  # noqa: PLW0603 - there is one stderr
    with suppress(OSError), _drawing:
        if line or _is_drawn:
            _is_drawn = bool(line)
            sys.stderr.write(f"{_ERASED}{visible(line)}")
            sys.stderr.flush()


def terminal_width(stream: IO[str]) -> int | None:
    """Return the width of the terminal that a stream is; None where it is a file or a pipe."""
    return _columns(stream) if stream.isatty() else None


def screen() -> int | None:
    """Return the width of the terminal that stdout is; None where it is a file or a pipe."""
    return terminal_width(sys.stdout)


def _columns(stream: IO[str]) -> int:
    with suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or _USUAL
    return _USUAL


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
    file = target_of(file)
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
