"""`-v` and `--log-format`, before the command or behind it: how much of the log is shown, and in which form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from voxlake.cli.types import OneOf

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")
LOG_FORMATS: Final = ("text", "json")
LOG_FORMAT_HELP: Final = "Show events on stderr, as lines of text or of JSON."
_VERBOSE: Final = "voxlake.verbose"
_LOG_FORMAT: Final = "voxlake.log_format"
_QUIET: Final = "voxlake.quiet"


def verbose_option(command: F) -> F:
    """Add `-v`, which counts wherever it stands."""
    return click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_count,
        help="Show on stderr what is done, with times; -vv shows every request, too.",
    )(command)


def quiet_option(command: F) -> F:
    """Add `-q`, which counts wherever it stands."""
    return click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=lambda ctx, _param, value: ctx.meta.update({_QUIET: value or is_quiet(ctx)}),
        help="Show no progress, and nothing at all where all is well.",
    )(command)


def is_quiet(ctx: click.Context | None = None) -> bool:
    """Return whether `-q` was given to the running command."""
    return bool((ctx or click.get_current_context()).meta.get(_QUIET))


def log_format_option(command: F) -> F:
    """Add `--log-format` for the program, where a command has a setting of this name."""
    return click.option(
        "--log-format",
        type=OneOf(LOG_FORMATS),
        expose_value=False,
        callback=lambda ctx, _param, value: ctx.meta.update({_LOG_FORMAT: value}),
        help=LOG_FORMAT_HELP,
    )(command)


def _count(ctx: click.Context, _param: click.Parameter, value: int) -> None:
    ctx.meta[_VERBOSE] = verbosity(ctx) + value


def verbosity(ctx: click.Context) -> int:
    """Return how often `-v` was given."""
    return int(ctx.meta.get(_VERBOSE, 0))


def program_log_format(ctx: click.Context) -> str | None:
    """Return the `--log-format` that was given before the command."""
    found: str | None = ctx.meta.get(_LOG_FORMAT)
    return found
