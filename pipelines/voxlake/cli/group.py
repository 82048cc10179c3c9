"""Groups of commands: loaded when they are called, and answering an error with one sentence and its exit code."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxlake.cli import signals
from voxlake.cli.output import say
from voxlake.errors import SettingsError, VoxlakeError
from voxlake.places import explain
from voxlake.sql import statements
from voxlake.text import meant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Group(click.Group):
    """A group whose commands end with the exit code of their error, one sentence on stderr, and no traceback."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments of the group itself."""
        with _answered(ctx):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command; where there is none of this name, one that was nearly named is said."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            near = meant(args[0], self.list_commands(ctx))
            if ctx.parent is None and args[0] in statements("reports"):
                near = f": it is a report, 'voxlake {' '.join(['report', *args])}'"
            raise click.UsageError(f"No such command {args[0]!r}{near}", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was chosen."""
        with _answered(ctx):
            return super().invoke(ctx)


class LazyGroup(Group):
    """A group that imports a command when it is called, so that help and version need none of them.

    `table` has, for each name, where the command is ("module:attribute") and the first sentence of its help.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in order."""
        return sorted({*self.table, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now; None where there is none of this name."""
        if cmd_name not in self.table:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.table[cmd_name][0].partition(":")
        with signals.deferred():
            command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their short help, without an import."""
        limit = formatter.width - 6 - max(map(len, self.table))
        standing_in = {name: click.Command(name, help=sentence) for name, (_, sentence) in self.table.items()}
        rows = [(name, standing_in[name].get_short_help_str(limit)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@contextmanager
def _answered(ctx: click.Context) -> Iterator[None]:
    """Turn an error into its sentence and its exit code; a group that is called bare shows its help.

    Where a signal asked for the end, that is the answer, whatever error its exception has become.
    """
    try:
        yield
    except (click.exceptions.Exit, click.exceptions.NoArgsIsHelpError):
        raise
    except (Exception, signals.Stopped) as error:
        if (stopped := signals.requested()) is not None:
            signals.announce(stopped)
            ctx.exit(stopped.exit_code)
        _answer(ctx, error)
        raise


def _near(error: click.UsageError) -> str:
    """Return the choice that a value was meant to be, as `meant` does, or where an option belongs."""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None and error.ctx.parent is None:
        return " before a command: write options after it"
    if (
        not isinstance(error, click.BadParameter)
        or error.param is None
        or not isinstance(error.param.type, click.Choice)
    ):
        return ""
    return meant(error.message.split("'")[1], map(str, error.param.type.choices)) if "'" in error.message else ""


def _answer(ctx: click.Context, error: BaseException) -> None:
    """End with the sentence of an error that has one; return where it is a bug."""
    if isinstance(error, click.UsageError):
        command = (error.ctx or ctx).command_path
        said = error.format_message().rstrip(".").replace("a valid integer range", "a whole number")
        say(f"voxlake: {said}{_near(error)}; see '{command} --help'.")
        ctx.exit(error.exit_code)
    if isinstance(error, VoxlakeError):
        say(f"voxlake: {error}")
        ctx.exit(error.exit_code)
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        explained = explain(error, Path())
        if explained is None and error.filename is not None:
            explained = SettingsError(f"{error.filename} cannot be used ({error.strerror}): correct that first.")
        if explained is not None:
            say(f"voxlake: {explained}")
            ctx.exit(explained.exit_code)
    if isinstance(error, BrokenPipeError):
        # The reader has enough; Python would report what is left in the buffers as an error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        ctx.exit(0)
